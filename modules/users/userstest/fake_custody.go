package userstest

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"anihub/modules/users"
)

// Sessions implements users.Custody.
func (f *Fake) Sessions(ctx context.Context, userID string) ([]users.SessionInfo, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	out := []users.SessionInfo{}
	for _, s := range f.sessions {
		if s.user == userID && !f.users[userID].Banned {
			out = append(out, users.SessionInfo{
				ID: s.id, UserAgent: s.client.UserAgent, Address: s.client.Address,
				CreatedAt: s.created, UsedAt: s.rotatedAt, ExpiresAt: s.expires,
			})
		}
	}
	slices.SortFunc(out, func(a, b users.SessionInfo) int {
		return cmp.Or(b.UsedAt.Compare(a.UsedAt), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// EndSessions implements users.Custody.
func (f *Fake) EndSessions(ctx context.Context, userID, keep string) error {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return err
	}
	f.endAll(userID, keep)
	return nil
}

func (f *Fake) endAll(userID, keep string) {
	for id, s := range f.sessions {
		if s.user == userID && id != keep {
			delete(f.sessions, id)
		}
	}
}

// prove is the user, if the password is theirs.
func (f *Fake) prove(userID, password string) (*fakeUser, error) {
	u, key := f.users[userID], "proof "+userID
	switch {
	case u == nil:
		return nil, users.ErrNotFound
	case f.failures[key] >= fakeFailures:
		return nil, users.ErrTooMany.After(time.Minute)
	case u.password != password:
		f.failures[key]++
		return nil, users.ErrBadPassword
	}
	delete(f.failures, key)
	return u, nil
}

// ChangePassword implements users.Custody.
func (f *Fake) ChangePassword(ctx context.Context, c users.PasswordChange) error {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return err
	}
	if u := f.users[c.UserID]; u == nil {
		return users.ErrNotFound
	} else if !f.fits(c.New, u) {
		return users.ErrUnacceptable.Detail("field", "password")
	}
	u, err := f.prove(c.UserID, c.Current)
	if err != nil {
		return err
	}
	u.password = c.New
	f.endAll(u.ID, c.SessionID)
	return nil
}

func (f *Fake) fits(password string, u *fakeUser) bool {
	r := users.Registration{Login: u.Login, Email: u.Email, Password: password}
	return acceptable(r) == nil && !strings.EqualFold(password, u.Login) && !strings.EqualFold(password, u.Email)
}

// DeleteAccount implements users.Custody.
func (f *Fake) DeleteAccount(ctx context.Context, d users.Deletion) error {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return err
	}
	u, err := f.prove(d.UserID, d.Password)
	if err != nil {
		return err
	}
	f.endAll(u.ID, "")
	delete(f.users, u.ID)
	return nil
}

// ResetPassword implements users.Custody.
func (f *Fake) ResetPassword(ctx context.Context, who, password string) (users.User, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return users.User{}, err
	}
	u := f.find(who)
	if u == nil {
		return users.User{}, users.ErrNotFound
	}
	if !f.fits(password, u) {
		return users.User{}, users.ErrUnacceptable.Detail("field", "password")
	}
	u.password = password
	f.endAll(u.ID, "")
	return f.copy(u.ID), nil
}

var fakeIDForm = regexp.MustCompile(`^[a-z2-7]{20}$`)

// Users implements users.Custody.
func (f *Fake) Users(ctx context.Context, p users.UserPage) ([]users.User, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	if p.Limit < 1 || p.Limit > users.MaxUserPage || p.After != "" && !fakeIDForm.MatchString(p.After) {
		return nil, users.ErrUnacceptable.Detail("field", "limit")
	}
	out := []users.User{}
	for id := range f.users {
		if id > p.After {
			out = append(out, f.copy(id))
		}
	}
	slices.SortFunc(out, func(a, b users.User) int { return cmp.Compare(a.ID, b.ID) })
	return out[:min(len(out), p.Limit)], nil
}
