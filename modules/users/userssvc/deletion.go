package userssvc

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"anihub/modules/users"
	"anihub/platform/documents"
)

// An account is changed in one write, which decides; what follows from it (sessions
// that end, documents that go) is done at once where it can be and else by Run. An
// account with something left to do says so in sweep_at.

// DeleteAccount implements users.Custody.
func (s *Service) DeleteAccount(ctx context.Context, d users.Deletion) error {
	return s.done(ctx, "delete_account", func() error {
		a, err := s.store.account(ctx, d.UserID)
		if err != nil {
			return err
		}
		if err := s.prove(ctx, a, d.Password, d.Client.Address); err != nil {
			return err
		}
		if a, err = s.bury(ctx, a.id); err == nil {
			s.settleSoon(ctx, a)
		}
		return err
	})
}

// bury leaves of an account nothing but that it was one. With this write its login
// and e-mail are free and its sessions worth nothing.
func (s *Service) bury(ctx context.Context, id string) (account, error) {
	return s.store.change(ctx, id, func(a *account) error {
		t := now()
		key := "deleted:" + id // nobody's: a login has no colon, an e-mail an @
		*a = account{id: id, LoginKey: key, EmailKey: key, CreatedAt: t, UpdatedAt: t, DeletedAt: &t, SweepAt: &t}
		return nil
	})
}

// lingers is how long the grave of an account stays: longer than any request that
// began before the burial and may still write something for the user.
const lingers = time.Minute

// settleSoon settles when the caller may have gone already. Its failure is not the
// caller's: what was decided holds, and Run goes on.
func (s *Service) settleSoon(ctx context.Context, a account) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	if err := s.settle(ctx, a); err != nil {
		s.log.WarnContext(ctx, "an account has something left to end", "user", a.id, "err", err)
	}
}

// settle does what follows from a change of the account.
func (s *Service) settle(ctx context.Context, a account) error {
	all, err := s.store.sessionsOf(ctx, a.id)
	if err != nil {
		return err
	}
	for _, ses := range all {
		if a.admits(ses) {
			continue
		}
		if err := s.end(ctx, ses, a.refusal()); err != nil {
			return err
		}
	}
	if a.DeletedAt == nil {
		return s.settled(ctx, a, nil)
	}
	if err := s.purge(ctx, a.id); err != nil {
		return err
	}
	if until := a.DeletedAt.Add(lingers); now().Before(until) {
		return s.settled(ctx, a, &until)
	}
	return s.store.users.Delete(ctx, a.id)
}

// settled notes when there is something to do again; nil = never. A change that came
// meanwhile has set its own time.
func (s *Service) settled(ctx context.Context, a account, again *time.Time) error {
	_, err := s.store.amend(ctx, a.id, func(b *account) error {
		if b.SweepAt == nil || a.SweepAt == nil || !b.SweepAt.Equal(*a.SweepAt) {
			return errUnchanged
		}
		b.SweepAt = again
		return nil
	})
	if errors.Is(err, errUnchanged) || errors.Is(err, users.ErrNotFound) {
		return nil
	}
	return err
}

// sweepAccounts settles what a crash or a failing store left.
func (s *Service) sweepAccounts(ctx context.Context) error {
	for d, err := range s.store.users.Scan(ctx, documents.Scan{Order: "sweep_at", Max: now(), Limit: batch}) {
		if err != nil {
			return err
		}
		a := account{id: d.ID}
		if err := d.Decode(&a); err != nil {
			return err
		}
		if err := s.settle(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// purge deletes what is kept for a user in any collection of the room; what was read of
// the inbox is kept under the user's own id.
func (s *Service) purge(ctx context.Context, user string) error {
	for _, c := range s.belongings.all() {
		if err := emptyOf(ctx, c, user); err != nil {
			return err
		}
	}
	if err := s.store.reads.Delete(ctx, user); err != nil {
		return err
	}
	return s.forgetFirst(ctx, user)
}

// forgetFirst keeps that there was a first admin, and forgets who it was.
func (s *Service) forgetFirst(ctx context.Context, user string) error {
	var m mark
	version, err := s.store.marks.Get(ctx, firstAdmin, &m)
	if errors.Is(err, documents.ErrNotFound) || err == nil && m.User != user {
		return nil
	}
	if err != nil {
		return err
	}
	m.User = ""
	return s.store.marks.Replace(ctx, firstAdmin, version, m)
}

// ownerField names whose a document is. A collection that has an index on it is
// emptied of a user who leaves.
const ownerField = "user"

// belongings is a document store that remembers the collections with documents of
// users. Sessions are not among them: they end, which is told before they go.
type belongings struct {
	documents.Store

	mu    sync.Mutex
	names []string
	owned []documents.Collection
}

// Collection implements documents.Store.
func (b *belongings) Collection(spec documents.Spec) documents.Collection {
	c := b.Store.Collection(spec)
	b.mu.Lock()
	defer b.mu.Unlock()
	byUser := slices.ContainsFunc(spec.Indexes, func(ix documents.Index) bool { return ix.Field == ownerField })
	if byUser && spec.Name != sessionsName && !slices.Contains(b.names, spec.Name) {
		b.names, b.owned = append(b.names, spec.Name), append(b.owned, c)
	}
	return c
}

func (b *belongings) all() []documents.Collection {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.owned)
}
