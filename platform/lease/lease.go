// Package lease says which of several processes does a thing: one holder at a
// time, a time to live, and a fencing token that grows with every new holder, so
// that a store can refuse a holder that slept through its own expiry
// (M. Kleppmann, "How to do distributed locking", 2016).
package lease

import (
	"context"
	"time"

	"anihub/platform/fault"
)

// What acquiring or keeping a lease can answer.
var (
	ErrHeld        = fault.New(fault.Conflict, "LEASE_HELD", "Somebody else holds the lease.")
	ErrLost        = fault.New(fault.Conflict, "LEASE_LOST", "The lease has passed to somebody else.")
	ErrUnavailable = fault.New(fault.Unavailable, "LEASE_UNAVAILABLE", "Leases cannot be granted right now.")
)

// Keeper grants leases by name. Memory and Redis implement it.
type Keeper interface {
	// Acquire takes the lease for ttl. ErrHeld, ErrUnavailable.
	Acquire(ctx context.Context, name string, ttl time.Duration) (Lease, error)
}

// Lease is a held lease.
type Lease interface {
	// Token is larger than that of every earlier holder of the same name.
	Token() int64
	// Renew extends the lease to ttl from now. ErrLost when it passed to another.
	Renew(ctx context.Context, ttl time.Duration) error
	// Release gives it up, so that the next need not wait. Idempotent.
	Release(ctx context.Context) error
}
