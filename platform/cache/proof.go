package cache

import (
	"context"
	"time"
)

// Proof is that answers which came from memory still are the answers. It costs two
// comparisons, where asking again costs a look into L1 for each: it holds while nothing in
// L1 has changed, whatever it was, and until a first of them has so little left that a
// reader should have it renewed. The zero Proof never holds.
type Proof struct {
	changes uint64
	until   int64 // Unix nanoseconds
	hits    int64
}

// Changes counts what has changed in L1 of this process. Who wants a Proof reads it before
// the Gets that it is about.
func (c *Cache) Changes() uint64 { return c.changes.Load() }

// Prove makes a proof of hits that were answered since changes was read. There is none when
// one of them did not come from memory or is stale.
func (c *Cache) Prove(changes uint64, hits ...Hit) Proof {
	p := Proof{changes: changes, hits: int64(len(hits))}
	for _, h := range hits {
		if h.Level != c.l1.name || h.Stale {
			return Proof{}
		}
		if ends := c.l1.endsAt(h.Entry, c.cfg.RefreshAt).UnixNano(); p.until == 0 || ends < p.until {
			p.until = ends
		}
	}
	return p
}

// Holds tells whether asking again would bring the same, and counts that as hits of L1.
func (c *Cache) Holds(p Proof) bool {
	if p.changes != c.changes.Load() || time.Now().UnixNano() >= p.until {
		return false
	}
	c.l1.n.hits.Add(p.hits)
	return true
}

// remember keeps an entry in L1.
func (c *Cache) remember(key string, e Entry) {
	_ = c.l1.level.Set(context.Background(), key, e) // memory: nothing to report
	c.changes.Add(1)
}
