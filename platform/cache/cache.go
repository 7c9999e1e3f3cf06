// Package cache is the chain L1 (memory) → L2 (Redis) → L3 (documents) → origin
// that every catalogue answer comes through. It answers fresh when it can, stale
// and saying so when it must, loads a key once, and drops what an event made old
// in every instance.
//
// # Freshness
//
// A value is fresh until its own FreshUntil, which lies the time to live of the
// deepest level (24 h) after the origin said it. The nearer levels hold copies,
// and trust each only until its CheckAt, their own time to live (5 min, 30 min)
// after they took it; then they look one level deeper. So the origin is asked
// only when the value itself is no longer fresh, and a change that never rang
// the bell is seen by a nearer level after its own time to live.
//
// An answer is stale when the value's own freshness has passed and the origin
// did not answer (upstream_down, timeout), or when a copy had to be compared
// with a level that is down (level_down).
//
// # Invalidation
//
// Invalidate acts on all levels, the deepest first so that nobody can promote an
// old copy behind it, and then rings the bell: an entry on the event log that makes
// every other process expire its L1. A load that runs meanwhile answers those who
// waited for it already, but is not kept, and nobody joins it any more. Loads of
// other processes are kept out of the shared levels by fences (Fenced). What a
// level missed because it was down is remembered and done again when it heals.
//
// A writer of the deepest level does not push what it has written into the nearer
// ones: an invalidation may have come in between, and nothing would tell. Supersede
// drops their copies, and the next reader takes the new one from below.
package cache

import (
	"context"
	"time"

	"anihub/platform/fault"
)

// What the chain can answer besides a value.
var (
	// ErrNotFound: the origin said that the key does not exist (cached for NegativeTTL).
	ErrNotFound = fault.New(fault.NotFound, "NOT_CACHED", "There is no such value.")
	// ErrUnavailable: no level has the key and the origin did not answer.
	ErrUnavailable = fault.New(fault.Unavailable, "SOURCE_UNAVAILABLE", "The source does not answer right now; try again later.")
)

// Entry is a value and what is known about it. Entries are shared between
// readers: nobody may change Body or Tags.
type Entry struct {
	Body       []byte // as its owner encoded it; nil when NotFound
	ETag       string // identity of Body: equal bodies have equal tags
	Generation int64  // grows with every change of the key; an older one never replaces a newer
	StoredAt   time.Time
	FreshUntil time.Time
	CheckAt    time.Time // the chain's own: from then on this copy is compared with the level below
	NotFound   bool
	Tags       []string // "title:9919", "schedule": what Invalidate can name besides the key
	Changed    bool     // only of what a Load returns: it has written the deepest level, and others must look again
}

// Fresh tells whether the entry may be served without a word at that time.
func (e Entry) Fresh(now time.Time) bool { return now.Before(e.FreshUntil) }

// Level is one store of entries. Get, Set, Delete, Expire and nothing else. An
// error means that the level could not be asked, never that a key is absent.
type Level interface {
	// Get returns the entry, fresh or not; ok = false when the level has none.
	Get(ctx context.Context, key string) (e Entry, ok bool, err error)
	// Set keeps the entry unless the level holds a newer generation of the key.
	Set(ctx context.Context, key string, e Entry) error
	// Delete removes the key.
	Delete(ctx context.Context, key string) error
	// Expire keeps the value but lets it count as stale from now on.
	Expire(ctx context.Context, key string) error
}

// Lister is a level that can name its keys, for clearing by pattern. Yield
// returns false to stop.
type Lister interface {
	Keys(ctx context.Context, yield func(key string) bool) error
}

// Fenced is a level that several processes write. The fence is what the level
// knew about the key when it was asked; a value that was fetched meanwhile is
// stored only if the key was neither deleted nor expired since.
type Fenced interface {
	// GetFenced is Get that also tells the fence, with or without an entry.
	GetFenced(ctx context.Context, key string) (e Entry, ok bool, fence uint64, err error)
	// SetFenced is Set under a fence; false when it has moved on.
	SetFenced(ctx context.Context, key string, e Entry, fence uint64) (bool, error)
}

// Fencer is a Fenced level that can move the fences of all keys on at once, for
// an invalidation that cannot name the keys that are just being loaded.
type Fencer interface {
	FenceAll(ctx context.Context) error
}

// Tagged is a level that can name the keys that carry any of some tags.
type Tagged interface {
	KeysTagged(ctx context.Context, tags []string, yield func(key string) bool) error
}

// Bulk is a Fenced level that is asked for many keys in one exchange.
type Bulk interface {
	Fenced
	// GetAllFenced is GetFenced for each key, in the order of the keys.
	GetAllFenced(ctx context.Context, keys []string) ([]Fetched, error)
}

// Fetched is what a level said about one of many keys.
type Fetched struct {
	Entry
	OK    bool
	Fence uint64
}

// Locker is a Fenced level that lets one process of a fleet load a key while the
// others wait for it. The lock saves loads and nothing else: that no old value is
// stored is the fences' work, and taking the lock moves the key's fence to the
// token, so that whoever held it before and has overslept its end is fenced off.
type Locker interface {
	Fenced
	// Lock takes the lock of a key for a while. Token names the holder, is not 0 and
	// fits 32 bits; seen is the fence that GetFenced told.
	Lock(ctx context.Context, key string, token uint32, seen uint64, ttl time.Duration) (Turn, error)
	// Renew lengthens a lock; false when it is another's or has ended.
	Renew(ctx context.Context, key string, token uint32, ttl time.Duration) (bool, error)
	// Unlock gives the lock back, if it is still the holder's, and moves the fence on:
	// who has looked while it was held may have looked too early. Awaited tells that
	// others have asked for it meanwhile.
	Unlock(ctx context.Context, key string, token uint32) (awaited bool, err error)
}

// Turn is the answer to who wants to load a key.
type Turn struct {
	Mine  bool
	Fence uint64        // Mine: what SetFenced takes for what is loaded now
	Moved bool          // Mine: somebody has stored or cleared the key since it was seen
	Left  time.Duration // not Mine: when the lock ends by itself
}

// Load asks the origin for a key. It returns ErrNotFound when the origin itself
// says so; any other error means that the origin could not answer. The returned
// entry needs Body, ETag, Tags and, where the owner counts them, a Generation (0:
// the chain derives one from the time the load began); optionally a StoredAt in
// the past and a FreshUntil that is shorter than the chain's. Ahead(ctx) tells
// that no viewer waits for it.
type Load func(ctx context.Context) (Entry, error)

// LoadAll asks the origin for several keys at once and tells about each of them.
// An error is one of all keys; a key that the answer leaves out has failed.
type LoadAll func(ctx context.Context, keys []string) (map[string]Loaded, error)

// Loaded is what the origin said about one key: Entry and Err are what a Load
// returns.
type Loaded struct {
	Entry
	Err error
}

// Hit is an answer of the chain.
type Hit struct {
	Entry
	Level  string // "l1", "l2", "l3", "local" or "origin"
	Stale  bool
	Reason string // why a stale value was served: upstream_down, level_down, timeout, expired
}
