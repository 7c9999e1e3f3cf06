package userstest

import (
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"anihub/modules/users"
)

// fakePushKey is a point of P-256: the generator.
const fakePushKey = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"

// fakePush is an endpoint with whose it is.
type fakePush struct {
	users.PushEndpoint
	user string
}

// PushKey implements users.Push.
func (f *Fake) PushKey(ctx context.Context) (string, error) {
	defer f.mu.Unlock()
	return fakePushKey, f.enter(ctx)
}

// PushEndpoints implements users.Push.
func (f *Fake) PushEndpoints(ctx context.Context, userID string) ([]users.PushEndpoint, error) {
	defer f.mu.Unlock()
	out := []users.PushEndpoint{}
	if err := f.enter(ctx); err != nil {
		return out, err
	}
	for _, p := range f.pushes {
		if p.user == userID && f.sessions[p.SessionID] != nil {
			out = append(out, p.PushEndpoint)
		}
	}
	return out, nil
}

// AddPush implements users.Push. The fake sends nothing.
func (f *Fake) AddPush(ctx context.Context, n users.NewPush) (users.PushEndpoint, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return users.PushEndpoint{}, err
	}
	if field := badPush(n); field != "" {
		return users.PushEndpoint{}, users.ErrUnacceptable.Detail("field", field)
	}
	if s := f.sessions[n.SessionID]; s == nil || s.user != n.UserID {
		return users.PushEndpoint{}, users.ErrNotFound
	}
	t := time.Now().UTC().Truncate(time.Millisecond)
	p := fakePush{users.PushEndpoint{Endpoint: n.Endpoint, SessionID: n.SessionID, CreatedAt: t, AddedAt: t}, n.UserID}
	i := slices.IndexFunc(f.pushes, func(p fakePush) bool { return p.Endpoint == n.Endpoint })
	if i >= 0 && f.pushes[i].user == n.UserID {
		p.CreatedAt = f.pushes[i].CreatedAt
		f.pushes[i] = p
		return p.PushEndpoint, nil
	}
	f.pushes = slices.DeleteFunc(f.pushes, func(p fakePush) bool { return p.Endpoint == n.Endpoint })
	f.pushes = append(f.pushes, p)
	f.crowdPush(n.UserID)
	return p.PushEndpoint, nil
}

// crowdPush drops the one that was not added again for longest.
func (f *Fake) crowdPush(user string) {
	oldest, n := -1, 0
	for i, p := range f.pushes {
		if p.user != user {
			continue
		}
		n++
		if oldest < 0 || p.AddedAt.Before(f.pushes[oldest].AddedAt) {
			oldest = i
		}
	}
	if n > users.MaxPushEndpoints {
		f.pushes = slices.Delete(f.pushes, oldest, oldest+1)
	}
}

// badPush names the field that is not acceptable.
func badPush(n users.NewPush) string {
	host, ok := strings.CutPrefix(n.Endpoint, "https://")
	if !ok || len(n.Endpoint) > users.MaxWebhookURL || strings.ContainsAny(host, "@# ") || strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "[::1]") || host == "" {
		return "endpoint"
	}
	key, err := base64.RawURLEncoding.Strict().DecodeString(n.P256DH)
	if err == nil {
		_, err = ecdh.P256().NewPublicKey(key)
	}
	if err != nil {
		return "p256dh"
	}
	if auth, err := base64.RawURLEncoding.Strict().DecodeString(n.Auth); err != nil || len(auth) != 16 {
		return "auth"
	}
	if !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(time.Now()) {
		return "expirationTime"
	}
	return ""
}

// RemovePush implements users.Push.
func (f *Fake) RemovePush(ctx context.Context, userID, endpoint string) error {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return err
	}
	f.pushes = slices.DeleteFunc(f.pushes, func(p fakePush) bool { return p.user == userID && p.Endpoint == endpoint })
	return nil
}
