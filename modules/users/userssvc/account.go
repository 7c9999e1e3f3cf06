package userssvc

import (
	"context"
	"errors"

	"anihub/modules/users"
	"anihub/platform/documents"
)

// Register implements users.Accounts.
func (s *Service) Register(ctx context.Context, r users.Registration) (users.Session, error) {
	return observed(ctx, s, "register", func() (users.Session, error) {
		a, err := newAccount(r)
		if err != nil {
			return users.Session{}, err
		}
		taken, err := s.limits.registration(ctx, r.Client.Address)
		if err != nil {
			return users.Session{}, err
		}
		// The hash comes before the store is asked, so that a taken name costs the same.
		if a.Password, err = s.deps.Passwords.Hash(ctx, r.Password); err != nil {
			return users.Session{}, errors.Join(err, taken.takeBack(ctx, s.limits.limiter))
		}
		if err := s.insert(ctx, &a); err != nil {
			return users.Session{}, err
		}
		return s.open(ctx, a, r.Client)
	})
}

// newAccount checks what was asked for. Nothing but login, e-mail and password
// comes from outside.
func newAccount(r users.Registration) (account, error) {
	t := now()
	a := account{
		id: newID(), Login: r.Login, Email: r.Email,
		Roles: []string{users.RoleUser}, CreatedAt: t, UpdatedAt: t,
	}
	var err error
	if a.LoginKey, err = loginKey(r.Login); err != nil {
		return a, err
	}
	if a.EmailKey, err = emailKey(r.Email); err != nil {
		return a, err
	}
	return a, checkPassword(r.Password, r.Login, r.Email)
}

// insert stores a new account; its likeness and the unique indexes decide races. In development the
// first one becomes admin.
func (s *Service) insert(ctx context.Context, a *account) error {
	if err := s.reserve(ctx, a.Login, a.id); err != nil {
		return err
	}
	err := s.insertReserved(ctx, a)
	if errors.Is(err, users.ErrAccountExists) { // else it may have been stored all the same
		s.release(ctx, a.Login)
	}
	return err
}

func (s *Service) insertReserved(ctx context.Context, a *account) error {
	first, err := s.claimFirst(ctx, a.id)
	if err != nil {
		return err
	}
	if first {
		a.Roles = append(a.Roles, users.RoleAdmin)
	}
	err = s.store.users.Insert(ctx, a.id, a)
	if err != nil && first {
		return errors.Join(exists(err), s.store.marks.Delete(ctx, firstAdmin))
	}
	return exists(err)
}

func exists(err error) error {
	if errors.Is(err, documents.ErrExists) {
		return users.ErrAccountExists
	}
	return err
}

// claimFirst tells whether this registration makes the first user of a development
// installation. A mark decides between two at once; an installation that has users
// already, but no mark, has had its first.
func (s *Service) claimFirst(ctx context.Context, id string) (bool, error) {
	if !s.deps.Development {
		return false, nil
	}
	for _, err := range s.store.users.Scan(ctx, documents.Scan{Limit: 1}) {
		return false, err
	}
	err := s.store.marks.Insert(ctx, firstAdmin, mark{User: id, At: now()})
	if errors.Is(err, documents.ErrExists) {
		return false, nil
	}
	return err == nil, err
}

// Login implements users.Accounts.
func (s *Service) Login(ctx context.Context, c users.Credentials) (users.Session, error) {
	return observed(ctx, s, "login", func() (users.Session, error) {
		a, err := s.signIn(ctx, c)
		if err != nil {
			return users.Session{}, err
		}
		s.tidy(ctx, a.id)
		return s.open(ctx, a, c.Client)
	})
}

// signIn is authenticate within the limits.
func (s *Service) signIn(ctx context.Context, c users.Credentials) (account, error) {
	who := identity(c.Login)
	try, err := s.limits.login(ctx, who, c.Client.Address)
	if err != nil {
		return account{}, err
	}
	a, err := s.authenticate(ctx, who, c.Password)
	switch {
	case errors.Is(err, users.ErrBadCredentials):
		return a, err
	case err == nil || errors.Is(err, users.ErrBanned):
		return a, errors.Join(err, try.succeeded(ctx))
	}
	return a, errors.Join(err, try.undecided(ctx))
}

// authenticate is the account with this key and password. An unknown account costs
// as much as a known one: one look-up, one hash. That an account is banned is told
// only to who knows its password.
func (s *Service) authenticate(ctx context.Context, who, password string) (account, error) {
	a, err := s.store.find(ctx, who)
	if errors.Is(err, users.ErrNotFound) {
		if err := s.deps.Passwords.Decoy(ctx, password); err != nil {
			return a, err
		}
		return a, users.ErrBadCredentials
	}
	if err != nil {
		return a, err
	}
	ok, rehash, err := s.deps.Passwords.Verify(ctx, a.Password, password)
	if err != nil {
		return a, err
	}
	if !ok {
		return a, users.ErrBadCredentials
	}
	if a.Banned {
		return a, users.ErrBanned
	}
	if rehash {
		s.rehash(ctx, a, password)
	}
	return a, nil
}

// rehash stores the hash at today's cost, unless the password was changed
// meanwhile. Failing is no reason to turn the user away: the next sign-in tries again.
func (s *Service) rehash(ctx context.Context, a account, password string) {
	hash, err := s.deps.Passwords.Hash(ctx, password)
	if err == nil {
		_, err = s.store.change(ctx, a.id, func(b *account) error {
			if b.Password == a.Password {
				b.Password = hash
			}
			return nil
		})
	}
	if err != nil {
		s.log.WarnContext(ctx, "password was not hashed anew", "user", a.id, "err", err)
	}
}
