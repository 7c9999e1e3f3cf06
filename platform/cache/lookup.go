package cache

import (
	"context"
	"runtime/debug"
	"slices"
	"time"

	"anihub/platform/fault"
)

// search is what flights that are flown together do, usually one: the levels
// below L1 from near to far for all of them, then the origin for what is left.
type search struct {
	c     *Cache
	load  LoadAll // nil = there is no origin
	route *route
	all   []*lookup
	open  []*lookup // those that are not over
}

// lookup is one key of a search.
type lookup struct {
	f      *flight
	have   finding  // what L1 held
	best   finding  // the best so far
	fences []uint64 // what each tier said when it was asked
	owed   depth    // down to where the levels have missed a change
	down   error    // why the deepest level could not be asked
	token  uint32   // of the load lock while it is held, else 0

	changed bool    // the load has written the deepest level
	settled bool    // there is nothing more to find
	found   Entry   // what is left to copy…
	takers  []*tier // …to these
}

// newSearch is one for keys that share their levels.
func (c *Cache) newSearch(r *route, load LoadAll, all ...*lookup) *search {
	for _, l := range all {
		l.best, l.fences = l.have, make([]uint64, len(r.below))
	}
	return &search{c: c, load: load, route: r, all: all, open: slices.Clone(all)}
}

// fly runs a search to its end. The caller's cancellation does not reach it, the
// hard timeout and Close do.
func (c *Cache) fly(caller context.Context, s *search) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(caller), c.cfg.HardTimeout)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	defer context.AfterFunc(ctx, s.giveUp)()
	defer s.crash(ctx)
	s.run(ctx)
}

// crash ends what a level's panic has left open; load has a guard of its own.
func (s *search) crash(ctx context.Context) {
	if r := recover(); r != nil {
		s.c.logger.ErrorContext(ctx, "cache level panicked", "panic", r, "stack", string(debug.Stack()))
	}
	for _, l := range s.open {
		l.settled, l.takers = true, nil
		s.c.flights.finish(l.f, finding{}, fault.ErrInternal.Because("a cache level panicked"))
	}
	s.end(ctx)
}

// giveUp answers for a loader that does not come back in time.
func (s *search) giveUp() {
	c := s.c
	err := context.DeadlineExceeded
	if c.life.Err() != nil {
		err = context.Canceled
	}
	for _, l := range s.all {
		best := better(l.have, c.flights.offered(l.f))
		answer, failed := best.staleFor(Timeout), error(nil)
		if !best.ok {
			answer, failed = finding{}, c.unavailable(err)
		}
		if c.flights.giveUp(l.f, answer, failed) {
			c.metrics.loads.abandoned.Add(1)
			c.flights.fail(l.f.key, err, Timeout)
		}
	}
}

// run looks through the levels and then asks the origin, or waits while another
// process does, until every key has its answer.
func (s *search) run(ctx context.Context) {
	s.refill(ctx)
	s.end(ctx)
	for len(s.open) > 0 {
		s.walk(ctx)
		s.end(ctx)
		mine := s.turns(ctx)
		if ctx.Err() != nil {
			mine = s.open // their time is over
		}
		s.askOrigin(ctx, mine)
		s.end(ctx)
	}
}

// refill answers from L1 when a flight that ended after this one's reader had
// looked there has filled it: one load is enough for both.
func (s *search) refill(ctx context.Context) {
	for _, l := range s.open {
		e, ok, _ := s.c.l1.level.Get(ctx, l.f.key)
		if l.f.ahead || !ok || !time.Now().Before(e.CheckAt) {
			continue
		}
		s.c.flights.finish(l.f, finding{Hit: Hit{Entry: e, Level: s.c.l1.name}, ok: true, sound: true}, notFound(e))
		l.settled = true
	}
}

// end copies what was found to the levels that shall have it, tells the other processes,
// and is the last thing that happens to keys that are settled.
func (s *search) end(ctx context.Context) {
	var over []*lookup
	s.open = slices.DeleteFunc(s.open, func(l *lookup) bool {
		if l.settled {
			over = append(over, l)
		}
		return l.settled
	})
	var awaited, changed []string
	for _, l := range over {
		if len(l.takers) > 0 && s.c.flights.store(l.f) {
			s.fill(ctx, l)
		}
		switch awaits := s.unlock(ctx, l); {
		case l.changed:
			changed = append(changed, l.f.key)
		case awaits:
			awaited = append(awaited, l.f.key)
		}
	}
	s.c.wake(ctx, awaited)
	// The bell of a change wakes as well. What it cannot tell is owed.
	_ = s.c.ring(context.WithoutCancel(ctx), Invalidation{Keys: changed, Mode: Expire})
	for _, l := range over {
		s.c.flights.end(l.f)
	}
}

// walk asks the levels for what is open.
func (s *search) walk(ctx context.Context) {
	for _, l := range s.open {
		l.owed = s.c.debts.owes(l.f.key)
	}
	for i, t := range s.route.below {
		asked := s.asking(t)
		for j, h := range t.getAll(ctx, asked) {
			s.hear(i, asked[j], h)
		}
	}
	for _, l := range s.open {
		if !l.settled && l.down != nil && l.best.ok && l.best.Fresh(time.Now()) {
			s.settleFor(l, LevelDown, l.down)
		}
	}
}

// asking is the keys that a tier is asked for. The local copy speaks only where
// the deepest level is silent.
func (s *search) asking(t *tier) []*lookup {
	var asked []*lookup
	for _, l := range s.open {
		if !l.settled && (!t.copy || l.down != nil) {
			asked = append(asked, l)
		}
	}
	return asked
}

// hear takes note of what tier i holds of a key, and answers if that is enough.
func (s *search) hear(i int, l *lookup, h held) {
	t := s.route.below[i]
	if i == s.route.deepest {
		l.down = h.err
	}
	if h.err != nil {
		return
	}
	h.Entry = s.route.placed(i, h.Entry)
	l.fences[i] = h.fence
	if !s.weigh(t, l, h) {
		return
	}
	s.answer(l, finding{Hit: Hit{Entry: h.Entry, Level: t.name}, ok: true, sound: true}, notFound(h.Entry))
	l.settle(h.Entry, s.route.nearer(i))
}

// settle ends the looking for a key; tiers take a copy of what was found.
func (l *lookup) settle(e Entry, tiers []*tier) { l.settled, l.found, l.takers = true, e, tiers }

// weigh takes note of what a tier holds and tells whether it is the answer.
func (s *search) weigh(t *tier, l *lookup, h held) bool {
	now := time.Now()
	missed := l.owed == owesAll || l.owed == owesL2 && t.name == "l2" // it has not heard of a change
	sound := h.ok && now.Before(h.CheckAt) && h.Fresh(now) && !missed
	if !sound {
		t.n.misses.Add(1)
	}
	if !h.ok || h.NotFound && !sound {
		return false
	}
	x := finding{Hit: Hit{Entry: h.Entry, Level: t.name}, ok: true, sound: sound}
	if t.copy && h.Fresh(now) {
		x.Reason = LevelDown
	}
	if l.best.ok && l.best.Generation > x.Generation { // a nearer level knows something newer
		return false
	}
	if !x.NotFound {
		l.best = pick(sound, x, better(l.best, x))
		s.c.flights.offer(l.f, l.best)
	}
	if !sound {
		return false
	}
	if t.ending(h.Entry, now, s.c.cfg.RefreshAt) && s.load != nil {
		s.goOn(t, l, x)
		return false
	}
	t.n.hits.Add(1)
	return true
}

// goOn answers those who wait, and looks on for those who will come: the value
// is near its end, and somebody reads it.
func (s *search) goOn(t *tier, l *lookup, x finding) {
	if l.f.ahead {
		return
	}
	l.f.ahead = true
	t.n.hits.Add(1)
	s.answer(l, x, nil)
}

func notFound(e Entry) error {
	if e.NotFound {
		return ErrNotFound
	}
	return nil
}

// answer keeps the value in L1, trusted for L1's time to live if it is sound,
// and then lets those who wait go.
func (s *search) answer(l *lookup, a finding, err error) {
	e := a.Entry
	e.CheckAt = time.Time{}
	if a.sound {
		e.CheckAt = s.c.checkAt(s.c.l1, e)
		s.c.flights.clear(l.f.key)
	}
	s.c.flights.keep(l.f, e.Tags, func() { s.c.remember(l.f.key, e) })
	a.Entry = e
	s.c.flights.finish(l.f, a, err)
}

// fill copies an entry to tiers; as soon as one says that the key changed
// meanwhile, L1 takes its copy back and the rest is left alone.
func (s *search) fill(ctx context.Context, l *lookup) {
	for i, t := range s.route.below {
		if !slices.Contains(l.takers, t) {
			continue
		}
		e := l.found
		e.CheckAt = s.c.checkAt(t, e)
		kept, _ := t.set(ctx, l.f.key, e, l.fences[i]) // counted; the next reader tries again
		if !kept {
			s.c.clearMemory(ctx, []string{l.f.key}, Expire)
			return
		}
	}
}
