package cache

import (
	"context"
	"time"
)

// Stats is what the chain has done since the start, for people.
type Stats struct {
	Levels        []LevelStats
	Loads         LoadStats
	Loading       int // keys that are being looked up below L1 right now
	Invalidations int64
	Owed          int // keys and patterns still to be cleared in a level that was down
}

// LevelStats is one level: what it was good for when it was asked.
type LevelStats struct {
	Level   string // l1, l2, l3, local, or l3/title for a mounted one
	Hits    int64
	Stale   int64
	Misses  int64
	Errors  int64
	Skipped int64 // not asked because its breaker was open
	Breaker string
	Entries int // -1 = the level does not know
	Bytes   int64
}

// LoadStats counts loads from the origin by result.
type LoadStats struct{ OK, NotFound, Failed, Timeout, Panicked, Abandoned int64 }

// Stats reads the counters.
func (c *Cache) Stats() Stats {
	l, in := &c.metrics.loads, &c.metrics.inval
	s := Stats{
		Loads: LoadStats{
			OK: l.ok.Load(), NotFound: l.notFound.Load(), Failed: l.failed.Load(),
			Timeout: l.timeout.Load(), Panicked: l.panicked.Load(), Abandoned: l.abandoned.Load(),
		},
		Loading:       c.flights.count(),
		Invalidations: in.expire.Load() + in.remove.Load() + in.superseded.Load() + in.heard.Load(),
		Owed:          c.debts.len(),
	}
	for _, t := range c.tiers() {
		s.Levels = append(s.Levels, t.stats())
	}
	return s
}

func (t *tier) stats() LevelStats {
	s := LevelStats{
		Level: t.label, Hits: t.n.hits.Load(), Stale: t.n.stale.Load(), Misses: t.n.misses.Load(),
		Errors: t.n.errors.Load(), Skipped: t.n.skipped.Load(),
		Breaker: t.breaker.state(time.Now()), Entries: -1,
	}
	if z, ok := t.level.(Sizer); ok {
		s.Entries, s.Bytes = z.Size()
	}
	return s
}

// Explanation is everything the chain knows about one key.
type Explanation struct {
	Key       string
	Levels    []LevelState
	Loading   bool      // a look below L1 is under way
	Since     time.Time // since when
	Waiters   int       // how many have asked for it
	Owed      bool      // an invalidation of it waits for a level that is down
	LastError string
	LastFail  time.Time
	Reason    string // what a stale answer would say after that failure
}

// LevelState is one key in one level.
type LevelState struct {
	Level      string
	Present    bool
	Error      string // the level could not be asked
	Breaker    string
	Generation int64
	ETag       string
	Size       int // bytes of the body
	NotFound   bool
	StoredAt   time.Time
	FreshUntil time.Time
	CheckAt    time.Time
	Trusted    bool // this level would answer by itself
	Tags       []string
}

// Explain looks a key up in every level, changing nothing. A key that nobody has
// ever heard of has an explanation too.
func (c *Cache) Explain(ctx context.Context, key string) Explanation {
	key = CanonicalKey(key)
	x := Explanation{Key: key, Owed: c.debts.owes(key) > owesNothing}
	r := c.route(key)
	for i, t := range append([]*tier{c.l1}, r.below...) {
		x.Levels = append(x.Levels, t.explain(ctx, key, func(e Entry) Entry { return r.placed(i-1, e) }))
	}
	c.flights.explain(&x)
	return x
}

func (t *tier) explain(ctx context.Context, key string, placed func(Entry) Entry) LevelState {
	now := time.Now()
	s := LevelState{Level: t.label, Breaker: t.breaker.state(now)}
	h, err := t.get(ctx, key)
	if err != nil {
		s.Error = err.Error()
		return s
	}
	s.Present = h.ok
	if !h.ok {
		return s
	}
	h.Entry = placed(h.Entry)
	s.Generation, s.ETag, s.Size, s.NotFound = h.Generation, h.ETag, len(h.Body), h.NotFound
	s.StoredAt, s.FreshUntil, s.CheckAt, s.Tags = h.StoredAt, h.FreshUntil, h.CheckAt, h.Tags
	s.Trusted = now.Before(h.CheckAt) && h.Fresh(now)
	return s
}

func (fs *flights) explain(x *Explanation) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f := fs.running[x.Key]; f != nil {
		x.Loading, x.Since, x.Waiters = true, f.began, f.waiters
	}
	if last, ok := fs.failed[x.Key]; ok {
		x.LastError, x.LastFail, x.Reason = last.err.Error(), last.at, last.reason
	}
}

func (fs *flights) count() int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return len(fs.running)
}

// Peek is what the levels hold of a key, the origin left alone and nothing
// copied: the nearest trusted value, else the best stale one.
func (c *Cache) Peek(ctx context.Context, key string) (Hit, bool) {
	now, best := time.Now(), finding{}
	r := c.route(key)
	for i, t := range append([]*tier{c.l1}, r.below...) {
		h, err := t.get(ctx, key)
		if err != nil || !h.ok {
			continue
		}
		e := r.placed(i-1, h.Entry)
		best = better(best, finding{
			Hit: Hit{Entry: e, Level: t.name}, ok: true,
			sound: now.Before(e.CheckAt) && e.Fresh(now),
		})
		if best.sound {
			break
		}
	}
	return best.staleFor(Expired).Hit, best.ok
}
