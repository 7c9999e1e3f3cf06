package userssvc

import (
	"cmp"
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"anihub/modules/realtime"
	"anihub/modules/users"
	"anihub/platform/documents"
)

// push is a stored push subscription of a browser, under the hash of its endpoint: an
// endpoint is one person's at a time. It lives as long as the session it was made in,
// so that a device that is signed out elsewhere falls silent, too.
type push struct {
	Ledger `bson:",inline"`

	Session   string    `bson:"session"`
	Endpoint  string    `bson:"endpoint"`
	Key       []byte    `bson:"key"`  // the browser's public one
	Auth      []byte    `bson:"auth"` // what it and AniHub know
	AddedAt   time.Time `bson:"added_at"`
	ExpiresAt time.Time `bson:"expires_at"` // zero = not known
	Rest      rest      `bson:",inline"`
}

func pushID(endpoint string) string {
	sum := sha256.Sum256([]byte(endpoint))
	return hex.EncodeToString(sum[:])
}

func (p *push) door() users.PushEndpoint {
	return users.PushEndpoint{
		Endpoint: p.Endpoint, SessionID: p.Session, Failures: p.Failures, Delivered: p.Delivered,
		CreatedAt: p.CreatedAt, AddedAt: p.AddedAt,
	}
}

func pushOf(d documents.Document, err error) (push, error) {
	p := push{Ledger: Ledger{id: d.ID, version: d.Version}}
	if err == nil {
		err = d.Decode(&p)
	}
	return p, err
}

// pushesBy are those whose field is value, oldest first.
func (s *store) pushesBy(ctx context.Context, field, value string) ([]push, error) {
	all := []push{}
	for d, err := range s.pushes.Find(ctx, field, value) {
		p, err := pushOf(d, err)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b push) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.id, b.id)) })
	return all, nil
}

// PushKey implements users.Push.
func (s *Service) PushKey(ctx context.Context) (string, error) {
	return observed(ctx, s, "push_key", func() (string, error) {
		k, err := s.vapid.key(ctx)
		if err != nil {
			return "", err
		}
		return k.public, nil
	})
}

// PushEndpoints implements users.Push.
func (s *Service) PushEndpoints(ctx context.Context, userID string) ([]users.PushEndpoint, error) {
	return observed(ctx, s, "push_endpoints", func() ([]users.PushEndpoint, error) {
		out := []users.PushEndpoint{}
		if !validID(userID) {
			return out, nil
		}
		all, err := s.store.pushesBy(ctx, ownerField, userID)
		for _, p := range all {
			out = append(out, p.door())
		}
		return out, err
	})
}

// AddPush implements users.Push.
func (s *Service) AddPush(ctx context.Context, n users.NewPush) (users.PushEndpoint, error) {
	return observed(ctx, s, "add_push", func() (users.PushEndpoint, error) {
		p, err := s.checkPush(n)
		if err != nil {
			return users.PushEndpoint{}, err
		}
		a, err := s.store.account(ctx, n.UserID)
		if err == nil {
			err = s.owns(ctx, a, n.SessionID)
		}
		if err == nil {
			err = s.news.wait(ctx) // it is told of what happens from now on
		}
		if err != nil {
			return users.PushEndpoint{}, err
		}
		return s.addPush(ctx, p)
	})
}

// owns tells whether a session is one of the account. users.ErrNotFound.
func (s *Service) owns(ctx context.Context, a account, session string) error {
	ok, err := s.alive(ctx, a, session)
	if err == nil && !ok {
		return users.ErrNotFound
	}
	return err
}

func (s *Service) alive(ctx context.Context, a account, session string) (bool, error) {
	ses, err := s.store.session(ctx, session)
	if errors.Is(err, documents.ErrNotFound) {
		return false, nil
	}
	return err == nil && !ses.over(now()) && a.admits(ses), err
}

const (
	acceptedKey  = "the p256dh of a push subscription: an uncompressed point of P-256 in base64url"
	acceptedAuth = "the auth of a push subscription: 16 bytes in base64url"
)

// checkPush reads what a browser said of its subscription.
func (s *Service) checkPush(n users.NewPush) (push, error) {
	t := now()
	p := push{
		Ledger:  Ledger{User: n.UserID, CreatedAt: t, id: pushID(n.Endpoint)},
		Session: n.SessionID, Endpoint: n.Endpoint, AddedAt: t, ExpiresAt: n.ExpiresAt.UTC().Truncate(time.Millisecond),
	}
	if err := s.pushes.guard.checkURL("endpoint", n.Endpoint); err != nil {
		return p, err
	}
	var err error
	if p.Key, err = exactly(n.P256DH, 65); err != nil {
		return p, unacceptable("p256dh", acceptedKey)
	}
	if _, err := ecdh.P256().NewPublicKey(p.Key); err != nil {
		return p, unacceptable("p256dh", acceptedKey)
	}
	if p.Auth, err = exactly(n.Auth, 16); err != nil {
		return p, unacceptable("auth", acceptedAuth)
	}
	if !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(t) {
		return p, unacceptable("expirationTime", "a time to come, or null")
	}
	return p, nil
}

var errLength = errors.New("another length")

// exactly reads so many bytes of base64url as browsers write it.
func exactly(text string, n int) ([]byte, error) {
	if len(text) != base64.RawURLEncoding.EncodedLen(n) {
		return nil, errLength
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}

// addPush adds first and counts then, as subscribe does.
func (s *Service) addPush(ctx context.Context, p push) (users.PushEndpoint, error) {
	p.Cursor = s.news.last()
	for range maxTries {
		err := s.store.pushes.Insert(ctx, p.id, p)
		if errors.Is(err, documents.ErrExists) {
			p, err = s.renewPush(ctx, p)
		}
		if errors.Is(err, documents.ErrVersion) || errors.Is(err, documents.ErrNotFound) {
			continue // somebody else was faster
		}
		if err != nil {
			return users.PushEndpoint{}, err
		}
		s.worker.ring()
		return p.door(), s.crowdPush(ctx, p)
	}
	return users.PushEndpoint{}, documents.ErrVersion
}

// renewPush puts a subscription in the place of one with the same endpoint. Its user
// goes on where they were; of what another user was told nothing is left. Pages add
// theirs whenever they are opened: what changes nothing is not written, or it would
// overtake deliveries.
func (s *Service) renewPush(ctx context.Context, p push) (push, error) {
	old := push{Ledger: Ledger{id: p.id}}
	version, err := s.store.pushes.Get(ctx, p.id, &old)
	if err != nil {
		return p, err
	}
	if old.same(p) && p.AddedAt.Sub(old.AddedAt) < addedAgain {
		return old, nil
	}
	if old.User == p.User {
		p.Cursor, p.Delivered, p.CreatedAt, p.Rest = old.Cursor, old.Delivered, old.CreatedAt, old.Rest
	}
	return p, s.store.pushes.Replace(ctx, p.id, version, p)
}

// addedAgain is how exactly AddedAt is known.
const addedAgain = time.Hour

// same tells whether a subscription that works says nothing new.
func (p *push) same(q push) bool {
	return p.User == q.User && p.Session == q.Session && p.Failures == 0 && p.ExpiresAt.Equal(q.ExpiresAt) &&
		slices.Equal(p.Key, q.Key) && slices.Equal(p.Auth, q.Auth)
}

// crowdPush lets go of what is too much: a browser that was set up anew leaves an
// endpoint that nobody can remove any more.
func (s *Service) crowdPush(ctx context.Context, p push) error {
	all, err := s.store.pushesBy(ctx, ownerField, p.User)
	if err != nil || len(all) <= users.MaxPushEndpoints {
		return err
	}
	slices.SortStableFunc(all, func(a, b push) int { return b.AddedAt.Compare(a.AddedAt) })
	all = slices.DeleteFunc(all, func(q push) bool { return q.id == p.id }) // it came last, whatever the clocks say
	for _, old := range all[users.MaxPushEndpoints-1:] {
		if err := s.store.pushes.Delete(ctx, old.id); err != nil {
			return err
		}
	}
	return nil
}

// RemovePush implements users.Push. Another user's is as good as none.
func (s *Service) RemovePush(ctx context.Context, userID, endpoint string) error {
	return s.done(ctx, "remove_push", func() error {
		p, id := push{}, pushID(endpoint)
		_, err := s.store.pushes.Get(ctx, id, &p)
		if errors.Is(err, documents.ErrNotFound) || err == nil && p.User != userID {
			return nil
		}
		if err != nil {
			return err
		}
		return s.store.pushes.Delete(ctx, id)
	})
}

// endPush removes the push of the device of a session.
func (s *Service) endPush(ctx context.Context, session string) error {
	all, err := s.store.pushesBy(ctx, "session", session)
	for _, p := range all {
		if err := s.store.pushes.Delete(ctx, p.id); err != nil {
			return err
		}
	}
	return err
}

// hears implements outlet. That an episode got better is worth a notification only to
// who waits for a quality, and not worth the sound of a new one: the browser shows it
// in the place of the one before.
func (p *push) hears(typ string, sub users.Subscription) bool {
	switch typ {
	case realtime.NewEpisode, realtime.StatusChange, realtime.NewTitle:
		return true
	case realtime.EpisodeUpdate:
		return sub.Quality != ""
	}
	return false
}

// admitted implements outlet: a device is told while its session lasts. Sessions take
// their push along when they end (endPush); this holds from the moment they do.
func (p *push) admitted(ctx context.Context, s *Service, a account) (bool, error) {
	if !p.ExpiresAt.IsZero() && !now().Before(p.ExpiresAt) {
		return false, nil
	}
	return s.alive(ctx, a, p.Session)
}

// patience implements outlet. A push service that refuses a message for what it is
// would refuse it for ever; it has three quarters of an hour, in case the fault is ours
// and somebody mends it.
func (p *push) patience(status int) int {
	switch status {
	case http.StatusNotFound, http.StatusGone: // RFC 8030 §7.3
		return 0
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestEntityTooLarge:
		return 5
	}
	return len(retries())
}

// abandon implements outlet. Nobody is told: a browser that is used adds itself again.
func (p *push) abandon(ctx context.Context, s *Service, _ int) error {
	return s.store.pushes.Delete(ctx, p.id)
}

var errContact = errors.New("contact: must be a mailto: address or an https: URL")

func (c PushConfig) validate() error {
	u, err := url.Parse(c.Contact)
	switch {
	case c.Contact == "":
		return nil
	case err != nil, u.Scheme != "mailto" && u.Scheme != "https", u.Scheme == "mailto" && !strings.Contains(u.Opaque, "@"), u.Scheme == "https" && u.Host == "":
		return fmt.Errorf("push.%w", errContact)
	}
	return nil
}
