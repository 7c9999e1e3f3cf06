package cache

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// depth is how far down something is still to be cleared. A debt includes the
// shallower ones: what was cleared below must be cleared above once more, since
// others may have copied from there meanwhile.
type depth uint8

const (
	owesNothing depth = iota
	owesBell          // the other processes have not been told
	owesL2            // and the shared level holds an old copy
	owesAll           // and so does the deepest level
)

// maxDebts bounds what is remembered; beyond it everything is owed.
const maxDebts = 100_000

// claim is how something is to be cleared.
type claim struct {
	mode  Mode
	depth depth
}

type debt struct {
	claim
	seq uint64 // when it was last incurred
}

// debts is what a level or the log missed because it was down.
type debts struct {
	n      atomic.Int64  // of all three, so that asking costs nothing when there are none
	healed chan struct{} // a level is back

	mu       sync.Mutex
	seq      uint64
	keys     map[string]debt
	patterns map[string]debt
	tags     map[string]debt
}

func newDebts() *debts {
	return &debts{
		healed: make(chan struct{}, 1),
		keys:   map[string]debt{}, patterns: map[string]debt{}, tags: map[string]debt{},
	}
}

func (d *debts) len() int { return int(d.n.Load()) }

// add remembers an invalidation.
func (d *debts) add(inv Invalidation, at depth) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seq++
	for _, k := range inv.Keys {
		d.owe(d.keys, k, inv.Mode, at)
	}
	for _, t := range inv.Tags {
		d.owe(d.tags, t, inv.Mode, at)
	}
	if inv.Pattern != "" {
		d.owe(d.patterns, inv.Pattern, inv.Mode, at)
	}
	if len(d.keys)+len(d.tags)+len(d.patterns) > maxDebts {
		clear(d.keys)
		clear(d.tags)
		clear(d.patterns)
		d.owe(d.patterns, "*", Expire, owesAll)
	}
	d.count()
}

func (d *debts) owe(m map[string]debt, name string, mode Mode, at depth) {
	was := m[name]
	if was.mode == Remove {
		mode = Remove
	}
	m[name] = debt{claim{mode, max(was.depth, at)}, d.seq}
}

func (d *debts) count() { d.n.Store(int64(len(d.keys) + len(d.tags) + len(d.patterns))) }

// owes tells how far down what the levels hold of a key is not to be believed.
func (d *debts) owes(key string) depth {
	if d.n.Load() == 0 {
		return owesNothing
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.keys[key].depth
	for p, debt := range d.patterns {
		if debt.depth > at && glob(p, key) {
			at = debt.depth
		}
	}
	return at
}

// debt is what is owed when the tier could not be cleared.
func (t *tier) debt() depth {
	switch {
	case t.copy:
		return owesNothing // it is trusted in nothing
	case t.name == "l3":
		return owesAll
	default:
		return owesL2
	}
}

// owe remembers what a tier missed; false when there is nothing to remember.
func (c *Cache) owe(t *tier, missed Invalidation) bool {
	if len(missed.Keys) == 0 || t.debt() == owesNothing {
		return false
	}
	c.debts.add(missed, t.debt())
	return true
}

// wake says that a level is back.
func (d *debts) wake() {
	select {
	case d.healed <- struct{}{}:
	default:
	}
}

// due is what is owed, as invalidations with one claim each, and as of when. It
// stays on the books until it is struck.
func (d *debts) due() (owed map[claim][]Invalidation, asOf uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	owed = map[claim][]Invalidation{}
	named := map[claim]Invalidation{}
	for k, x := range d.keys {
		inv := named[x.claim]
		inv.Keys = append(inv.Keys, k)
		named[x.claim] = inv
	}
	for t, x := range d.tags {
		inv := named[x.claim]
		inv.Tags = append(inv.Tags, t)
		named[x.claim] = inv
	}
	for x, inv := range named {
		inv.Mode = x.mode
		owed[x] = append(owed[x], inv)
	}
	for p, x := range d.patterns {
		owed[x.claim] = append(owed[x.claim], Invalidation{Pattern: p, Mode: x.mode})
	}
	return owed, d.seq
}

// strike takes an invalidation off the books, except for what has come to be
// owed again since.
func (d *debts) strike(inv Invalidation, asOf uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	drop := func(m map[string]debt, name string) {
		if x, ok := m[name]; ok && x.seq <= asOf {
			delete(m, name)
		}
	}
	for _, k := range inv.Keys {
		drop(d.keys, k)
	}
	for _, t := range inv.Tags {
		drop(d.tags, t)
	}
	drop(d.patterns, inv.Pattern)
	d.count()
}

// repay does again what a level or the log missed: when one heals, and every few
// seconds, since nobody else may be asking it.
func (c *Cache) repay(ctx context.Context) {
	tick := time.NewTicker(c.cfg.Breaker.Delay)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-c.debts.healed:
		}
		if c.debts.len() > 0 {
			c.repayAll(ctx)
		}
	}
}

func (c *Cache) repayAll(ctx context.Context) {
	before := c.debts.len()
	owed, asOf := c.debts.due()
	for x, invs := range owed {
		for _, inv := range invs {
			_, _ = c.clear(ctx, inv, x.depth) // what fails again is on the books again
			c.debts.strike(inv, asOf)
		}
	}
	if left := c.debts.len(); left < before {
		c.logger.InfoContext(ctx, "carried out invalidations that a level had missed", "done", before-left, "left", left)
	}
}
