// Package cache is the chain L1 (memory) → L2 (Redis) → L3 (documents) → origin
// that every catalogue answer comes through. It answers fresh when it can, stale
// and saying so when it must, loads a key once, and drops what an event made old
// in every instance.
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
	NotFound   bool
	Tags       []string // "title:9919", "schedule": what Invalidate can name besides the key
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

// Load asks the origin for a key. It returns ErrNotFound when the origin itself
// says so; any other error means that the origin could not answer. The returned
// entry needs Body, ETag, Generation, Tags and, if shorter than the chain's, a
// FreshUntil of its own.
type Load func(ctx context.Context) (Entry, error)

// Hit is an answer of the chain.
type Hit struct {
	Entry
	Level  string // "l1", "l2", "l3" or "origin"
	Stale  bool
	Reason string // why a stale value was served: upstream_down, level_down, timeout, expired
}
