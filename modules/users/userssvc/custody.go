package userssvc

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"anihub/modules/users"
	"anihub/platform/documents"
)

// Sessions implements users.Custody.
func (s *Service) Sessions(ctx context.Context, userID string) ([]users.SessionInfo, error) {
	return observed(ctx, s, "sessions", func() ([]users.SessionInfo, error) {
		out := []users.SessionInfo{}
		a, err := s.store.account(ctx, userID)
		if errors.Is(err, users.ErrNotFound) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		all, err := s.store.sessionsOf(ctx, a.id)
		if err != nil {
			return nil, err
		}
		for _, ses := range all {
			if a.admits(ses) && !ses.over(now()) {
				out = append(out, ses.info())
			}
		}
		slices.SortFunc(out, func(a, b users.SessionInfo) int {
			return cmp.Or(b.UsedAt.Compare(a.UsedAt), cmp.Compare(a.ID, b.ID))
		})
		return out, nil
	})
}

func (s session) info() users.SessionInfo {
	return users.SessionInfo{
		ID: s.id, UserAgent: s.UserAgent, Address: s.Address,
		CreatedAt: s.CreatedAt, UsedAt: s.RotatedAt, ExpiresAt: s.ExpiresAt,
	}
}

// EndSessions implements users.Custody.
func (s *Service) EndSessions(ctx context.Context, userID, keep string) error {
	return s.done(ctx, "end_sessions", func() error {
		if !validID(userID) {
			return nil
		}
		all, err := s.store.sessionsOf(ctx, userID)
		if err != nil {
			return err
		}
		for _, ses := range all {
			if ses.id == keep {
				continue
			}
			if err := s.end(ctx, ses, users.EndedLogout); err != nil {
				return err
			}
		}
		return nil
	})
}

// done is observed for what answers nothing but an error.
func (s *Service) done(ctx context.Context, operation string, fn func() error) error {
	_, err := observed(ctx, s, operation, func() (struct{}, error) { return struct{}{}, fn() })
	return err
}

// ChangePassword implements users.Custody.
func (s *Service) ChangePassword(ctx context.Context, c users.PasswordChange) error {
	return s.done(ctx, "change_password", func() error {
		a, err := s.store.account(ctx, c.UserID)
		if err != nil {
			return err
		}
		if err := checkPassword(c.New, a.Login, a.Email); err != nil {
			return err
		}
		if err := s.prove(ctx, a, c.Current, c.Client.Address); err != nil {
			return err
		}
		return s.setPassword(ctx, a, c.New, c.SessionID)
	})
}

// prove is ErrBadPassword unless the password is the account's. Guesses are counted
// as those of a sign-in are: a stolen session must not become a stolen account.
func (s *Service) prove(ctx context.Context, a account, password, address string) error {
	try, err := s.limits.proof(ctx, a.id, address)
	if err != nil {
		return err
	}
	ok, _, err := s.deps.Passwords.Verify(ctx, a.Password, password)
	switch {
	case err != nil:
		return errors.Join(err, try.undecided(ctx))
	case !ok:
		return users.ErrBadPassword
	}
	return try.succeeded(ctx)
}

// setPassword replaces the password that a was read with. That one write ends all
// sessions but the kept one (account.admits); the rest is to tell of it.
func (s *Service) setPassword(ctx context.Context, a account, password, keep string) error {
	hash, err := s.deps.Passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	a, err = s.store.change(ctx, a.id, func(b *account) error {
		if b.Credential != a.Credential {
			return users.ErrBadPassword // another change was faster
		}
		t := now()
		b.Password, b.Credential, b.Kept = hash, b.Credential+1, keep
		b.UpdatedAt, b.SweepAt = t, &t
		return nil
	})
	if err != nil {
		return err
	}
	s.settleSoon(ctx, a)
	return nil
}

// ResetPassword implements users.Custody.
func (s *Service) ResetPassword(ctx context.Context, who, password string) (users.User, error) {
	return observed(ctx, s, "reset_password", func() (users.User, error) {
		a, err := s.store.find(ctx, identity(who))
		if err != nil {
			return users.User{}, err
		}
		if err := checkPassword(password, a.Login, a.Email); err != nil {
			return users.User{}, err
		}
		if err := s.setPassword(ctx, a, password, ""); err != nil {
			return users.User{}, err
		}
		a, err = s.store.account(ctx, a.id)
		return a.user(), err
	})
}

// Users implements users.Custody.
func (s *Service) Users(ctx context.Context, p users.UserPage) ([]users.User, error) {
	return observed(ctx, s, "users", func() ([]users.User, error) {
		if p.Limit < 1 || p.Limit > users.MaxUserPage {
			return nil, unacceptable("limit", "1 to 500")
		}
		if p.After != "" && !validID(p.After) {
			return nil, unacceptable("after", "the id of a user")
		}
		return s.usersAfter(ctx, p)
	})
}

func (s *Service) usersAfter(ctx context.Context, p users.UserPage) ([]users.User, error) {
	out := []users.User{}
	for d, err := range s.store.users.Scan(ctx, documents.Scan{AfterID: p.After}) {
		if err != nil {
			return nil, err
		}
		a := account{id: d.ID}
		if err := d.Decode(&a); err != nil {
			return nil, err
		}
		if a.DeletedAt == nil {
			out = append(out, a.user())
		}
		if len(out) == p.Limit {
			break
		}
	}
	return out, nil
}
