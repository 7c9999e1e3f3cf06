package userssvc

import (
	"context"
	"errors"
	"slices"

	"anihub/modules/users"
)

// User implements users.Profiles.
func (s *Service) User(ctx context.Context, id string) (users.User, error) {
	return observed(ctx, s, "user", func() (users.User, error) {
		a, err := s.store.account(ctx, id)
		if err != nil {
			return users.User{}, err
		}
		return a.user(), nil
	})
}

// UpdateProfile implements users.Profiles.
func (s *Service) UpdateProfile(ctx context.Context, id string, p users.Profile) (users.User, error) {
	return observed(ctx, s, "update_profile", func() (users.User, error) {
		return s.edit(ctx, id, func(a *account) error { return applyProfile(a, p) })
	})
}

func applyProfile(a *account, p users.Profile) error {
	if p.Name != nil {
		name, err := checkName(*p.Name)
		if err != nil {
			return err
		}
		a.Name = name
	}
	if p.Email != nil {
		key, err := emailKey(*p.Email)
		if err != nil {
			return err
		}
		a.Email, a.EmailKey = *p.Email, key
	}
	return a.keepQuiet(p.Quiet)
}

// SetRole implements users.Profiles.
func (s *Service) SetRole(ctx context.Context, who, role string, on bool) (users.User, error) {
	return observed(ctx, s, "set_role", func() (users.User, error) {
		if role != users.RoleAdmin && (role != users.RoleUser || !on) {
			return users.User{}, unacceptable("role", "admin, given or taken; user, which cannot be taken")
		}
		a, err := s.store.find(ctx, identity(who))
		if err != nil {
			return users.User{}, err
		}
		return s.edit(ctx, a.id, func(a *account) error {
			a.Roles = slices.DeleteFunc(a.Roles, func(r string) bool { return r == role })
			if on {
				a.Roles = append(a.Roles, role)
			}
			return nil
		})
	})
}

// SetBanned implements users.Profiles.
func (s *Service) SetBanned(ctx context.Context, who string, on bool) (users.User, error) {
	return observed(ctx, s, "set_banned", func() (users.User, error) {
		a, err := s.store.find(ctx, identity(who))
		if err != nil {
			return users.User{}, err
		}
		a, err = s.revise(ctx, a.id, func(a *account) error {
			a.Banned = on
			if t := now(); on {
				a.SweepAt = &t
			}
			return nil
		})
		if err == nil && on {
			s.settleSoon(ctx, a)
		}
		return a.user(), err
	})
}

var errUnchanged = errors.New("unchanged")

// edit changes an account and answers with what it became. ErrNotFound,
// ErrAccountExists.
func (s *Service) edit(ctx context.Context, id string, change func(*account) error) (users.User, error) {
	a, err := s.revise(ctx, id, change)
	if err != nil {
		return users.User{}, err
	}
	return a.user(), nil
}

// revise is edit with the whole account.
func (s *Service) revise(ctx context.Context, id string, change func(*account) error) (account, error) {
	a, err := s.store.change(ctx, id, func(a *account) error {
		before := a.user()
		if err := change(a); err != nil {
			return err
		}
		if same(before, a.user()) {
			return errUnchanged
		}
		a.UpdatedAt = now()
		return nil
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return account{}, exists(err)
	}
	return a, nil
}

func same(a, b users.User) bool {
	return a.Name == b.Name && a.Email == b.Email && a.Banned == b.Banned && slices.Equal(a.Roles, b.Roles) && sameQuiet(a.Quiet, b.Quiet)
}
