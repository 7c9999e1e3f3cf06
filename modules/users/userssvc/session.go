package userssvc

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"anihub/modules/users"
	"anihub/platform/auth"
	"anihub/platform/documents"
)

// grace is how long a rotated refresh token still gets its successor, if the same
// client asks: two tabs that refresh at once are no theft.
const grace = 10 * time.Second

// maxSessions of one user; the oldest ends when there are more.
const maxSessions = 100

// open begins a session.
func (s *Service) open(ctx context.Context, a account, c users.Client) (users.Session, error) {
	ses := session{id: newID(), User: a.id, Seed: make([]byte, 16), CreatedAt: now(), Credential: a.Credential}
	_, _ = rand.Read(ses.Seed) // never fails (crypto/rand)
	token := s.advance(&ses, c)
	if err := s.store.sessions.Insert(ctx, ses.id, ses); err != nil {
		return users.Session{}, err
	}
	return s.pair(a, ses, token)
}

// advance moves a session to its next refresh token, which lives anew.
func (s *Service) advance(ses *session, c users.Client) string {
	t := now()
	ses.Generation++
	ses.RotatedAt, ses.RotatedBy = t, fingerprint(c)
	ses.ExpiresAt = t.Add(users.RefreshTTL)
	ses.Address, ses.UserAgent = clip(c.Address, 64), clip(c.UserAgent, 256)
	token := s.refresh.make(*ses)
	ses.Hash = hashToken(token)
	return token
}

// clip keeps what a client says of itself short and storable.
func clip(s string, n int) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s[:min(len(s), n)], "\x00", ""), "")
}

// pair is what the viewer is handed.
func (s *Service) pair(a account, ses session, refresh string) (users.Session, error) {
	access, expires, err := s.deps.Tokens.IssueAccess(a.id, ses.id, a.Roles, time.Now())
	if err != nil {
		return users.Session{}, err
	}
	return users.Session{
		ID: ses.id, User: a.user(), AccessToken: access, AccessExpires: expires,
		RefreshToken: refresh, RefreshExpires: ses.ExpiresAt,
	}, nil
}

// Refresh implements users.Accounts.
func (s *Service) Refresh(ctx context.Context, r users.Refresh) (users.Session, error) {
	return observed(ctx, s, "refresh", func() (users.Session, error) {
		id, generation, ok := s.refresh.parse(r.Token)
		if !ok {
			return users.Session{}, users.ErrBadToken
		}
		for range maxTries {
			out, err := s.refreshOnce(ctx, id, generation, r)
			if !errors.Is(err, documents.ErrVersion) {
				return out, err
			}
		}
		return users.Session{}, documents.ErrVersion
	})
}

// refreshOnce returns documents.ErrVersion when somebody else was faster.
func (s *Service) refreshOnce(ctx context.Context, id string, generation int64, r users.Refresh) (users.Session, error) {
	ses, err := s.store.session(ctx, id)
	if errors.Is(err, documents.ErrNotFound) {
		return users.Session{}, users.ErrBadToken
	}
	if err != nil {
		return users.Session{}, err
	}
	current := ses.holds(r.Token)
	switch {
	case ses.over(now()) || !current && !s.refresh.made(r.Token, ses, generation):
		return users.Session{}, users.ErrBadToken
	case !current && !sameInstant(ses, generation, r.Client):
		return users.Session{}, s.endFor(ctx, ses, users.EndedReuse, users.ErrBadToken)
	}
	a, err := s.owner(ctx, ses)
	if err != nil {
		return users.Session{}, err
	}
	if !current {
		token, ok := s.refresh.current(ses)
		if !ok {
			return users.Session{}, users.ErrBadToken
		}
		return s.pair(a, ses, token)
	}
	token := s.advance(&ses, r.Client)
	if err := s.store.sessions.Replace(ctx, ses.id, ses.version, ses); err != nil {
		return users.Session{}, err
	}
	return s.pair(a, ses, token)
}

// sameInstant tells whether a rotated token comes from the client that rotated it,
// a moment ago.
func sameInstant(ses session, generation int64, c users.Client) bool {
	return generation == ses.Generation-1 && time.Since(ses.RotatedAt) <= grace &&
		slices.Equal(ses.RotatedBy, fingerprint(c))
}

// owner is the account of a session, if it may go on. ErrBadToken, ErrBanned.
func (s *Service) owner(ctx context.Context, ses session) (account, error) {
	a, err := s.store.account(ctx, ses.User)
	switch {
	case errors.Is(err, users.ErrNotFound):
		return a, users.ErrBadToken
	case err == nil && a.Banned:
		return a, s.endFor(ctx, ses, users.EndedBanned, users.ErrBanned)
	case err == nil && !a.admits(ses):
		return a, s.endFor(ctx, ses, users.EndedPassword, users.ErrBadToken)
	}
	return a, err
}

// Logout implements users.Accounts. Another user's session is as good as none.
func (s *Service) Logout(ctx context.Context, userID, sessionID string) error {
	_, err := observed(ctx, s, "logout", func() (struct{}, error) {
		ses, err := s.store.session(ctx, sessionID)
		if errors.Is(err, documents.ErrNotFound) || err == nil && ses.User != userID {
			return struct{}{}, nil
		}
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, s.end(ctx, ses, users.EndedLogout)
	})
	return err
}

// Validate implements users.Accounts.
func (s *Service) Validate(ctx context.Context, token string) (users.Validation, error) {
	return observed(ctx, s, "validate", func() (users.Validation, error) {
		c, err := s.deps.Tokens.VerifyAccess(token)
		if err != nil {
			return s.worthless(auth.Reason(err)), nil
		}
		st, err := s.standing(ctx, c)
		if err != nil {
			return users.Validation{}, err
		}
		if st.reason != "" {
			return s.worthless(st.reason), nil
		}
		return users.Validation{
			Valid: true, UserID: c.UserID, SessionID: c.SessionID,
			Roles: slices.Clone(st.roles), ExpiresAt: c.ExpiresAt,
		}, nil
	})
}

func (s *Service) worthless(reason string) users.Validation {
	s.metrics.worthless.WithLabelValues(reason).Inc()
	return users.Validation{Reason: reason}
}

// Why a good token may be worth nothing all the same.
const (
	sessionEnded = "session_ended"
	banned       = "banned"
)

// standing is what the store says about the session of a token, or said a moment
// ago. Roles come from the account: those in the token may have been taken since.
func (s *Service) standing(ctx context.Context, c auth.Claims) (standing, error) {
	t := time.Now()
	st, ok := s.memo.get(c.SessionID, t)
	if !ok {
		var err error
		if st, err = s.lookUp(ctx, c); err != nil {
			return st, err
		}
		s.memo.put(c.SessionID, st, t)
	}
	if st.user != c.UserID {
		st.reason = sessionEnded
	}
	return st, nil
}

func (s *Service) lookUp(ctx context.Context, c auth.Claims) (standing, error) {
	gone := standing{reason: sessionEnded, user: c.UserID}
	a, err := s.store.account(ctx, c.UserID)
	if errors.Is(err, users.ErrNotFound) {
		return gone, nil
	}
	if err != nil {
		return gone, err
	}
	if a.Banned {
		return standing{reason: banned, user: a.id}, nil
	}
	ses, err := s.store.session(ctx, c.SessionID)
	if errors.Is(err, documents.ErrNotFound) {
		return gone, nil
	}
	if err != nil {
		return gone, err
	}
	if ses.over(now()) || !a.admits(ses) {
		return gone, nil
	}
	return standing{user: a.id, roles: a.Roles}, nil
}
