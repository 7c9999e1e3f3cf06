package lease

import (
	"context"
	"sync"
	"time"
)

var _ Keeper = (*Memory)(nil)

// Memory grants leases within one process. It measures by the monotonic clock.
type Memory struct {
	mu   sync.Mutex
	held map[string]grant
}

// grant is the newest grant of a name; it stays when it has run out, for its token.
type grant struct {
	token int64
	until time.Time // zero: released
}

// NewMemory makes a keeper of which nobody holds anything.
func NewMemory() *Memory { return &Memory{held: make(map[string]grant)} }

// Acquire implements Keeper.
func (m *Memory) Acquire(ctx context.Context, name string, ttl time.Duration) (Lease, error) {
	if err := check(name, ttl); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	last := m.held[name]
	if left := time.Until(last.until); left > 0 {
		return nil, ErrHeld.After(left)
	}
	g := grant{token: floor(last.token), until: time.Now().Add(ttl)}
	m.held[name] = g
	return &memoryLease{keeper: m, name: name, token: g.token}, nil
}

// change replaces the grant if it is still this holder's and has not run out.
func (m *Memory) change(name string, token int64, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.held[name]
	if g.token != token || time.Until(g.until) <= 0 {
		return ErrLost
	}
	g.until = until
	m.held[name] = g
	return nil
}

type memoryLease struct {
	keeper *Memory
	name   string
	token  int64
}

// Token implements Lease.
func (l *memoryLease) Token() int64 { return l.token }

// Renew implements Lease.
func (l *memoryLease) Renew(ctx context.Context, ttl time.Duration) error {
	if err := checkTTL(ttl); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.keeper.change(l.name, l.token, time.Now().Add(ttl))
}

// Release implements Lease.
func (l *memoryLease) Release(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// Lost already: there is nothing to give up.
	_ = l.keeper.change(l.name, l.token, time.Time{})
	return nil
}
