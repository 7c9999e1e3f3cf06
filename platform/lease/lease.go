// Package lease says which of several processes does a thing: one holder at a
// time, a time to live, and a fencing token that grows with every new holder, so
// that a store can refuse a holder that slept through its own expiry
// (M. Kleppmann, "How to do distributed locking", 2016).
package lease

import (
	"context"
	"strings"
	"time"

	"anihub/platform/fault"
)

// What acquiring or keeping a lease can answer.
var (
	ErrHeld        = fault.New(fault.Conflict, "LEASE_HELD", "Somebody else holds the lease.")
	ErrLost        = fault.New(fault.Conflict, "LEASE_LOST", "The lease has passed to somebody else.")
	ErrUnavailable = fault.New(fault.Unavailable, "LEASE_UNAVAILABLE", "Leases cannot be granted right now.")
	ErrInvalid     = fault.New(fault.Invalid, "BAD_LEASE", "A lease has a name of 1 to 64 small letters, digits, _, -, . or : and lasts from 10ms to 24h.")
)

// DefaultTTL leaves a kill -9 of the holder unnoticed for at most 10 s; with the
// pause between two tries of Run another takes over within 15 s.
const DefaultTTL = 10 * time.Second

// Keeper grants leases by name. Memory and Redis implement it.
type Keeper interface {
	// Acquire takes the lease for ttl. ErrHeld, whose RetryAfter is what is left of
	// it, ErrUnavailable, ErrInvalid.
	Acquire(ctx context.Context, name string, ttl time.Duration) (Lease, error)
}

// Lease is a held lease.
type Lease interface {
	// Token is larger than that of every earlier holder of the same name.
	Token() int64
	// Renew extends the lease to ttl from now. ErrLost when it ran out or passed to
	// another: what was done since then may have been done twice. ErrUnavailable means
	// unknown: the lease may run out ttl after the last success. ErrInvalid.
	Renew(ctx context.Context, ttl time.Duration) error
	// Release gives it up, so that the next need not wait. Idempotent, also after the
	// lease was lost. ErrUnavailable.
	Release(ctx context.Context) error
}

func check(name string, ttl time.Duration) error {
	ok := name != "" && len(name) <= 64
	for _, c := range []byte(name) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("_-.:", c) >= 0)
	}
	if !ok || checkTTL(ttl) != nil {
		return ErrInvalid.Detail("name", name[:min(len(name), 64)]).Detail("ttl", ttl.String())
	}
	return nil
}

func checkTTL(ttl time.Duration) error {
	if ttl < 10*time.Millisecond || ttl > 24*time.Hour {
		return ErrInvalid.Detail("ttl", ttl.String())
	}
	return nil
}

// floor is the least token that may be granted when the newest known is last. The
// wall clock keeps tokens growing over a store that forgets: they are compared
// with those in documents that outlive it.
func floor(last int64) int64 { return max(last+1, time.Now().UnixMilli()) }
