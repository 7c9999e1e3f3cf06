package cache

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"anihub/platform/fault"
)

// search is what one flight does: the levels below L1 from near to far, then the
// origin.
type search struct {
	c      *Cache
	f      *flight
	load   Load
	below  []*tier
	fences []uint64 // what each tier said when it was asked
	best   finding
	down   error // why the deepest level could not be asked
}

// fly runs a flight to its end. The caller's cancellation does not reach it, the
// hard timeout and Close do.
func (c *Cache) fly(caller context.Context, f *flight, load Load, have finding) {
	defer c.flights.end(f)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(caller), c.cfg.HardTimeout)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	defer context.AfterFunc(ctx, func() { c.giveUp(f, have) })()
	defer func() {
		if r := recover(); r != nil { // a level's; load has its own
			c.logger.ErrorContext(caller, "cache level panicked", "key", f.key, "panic", r, "stack", string(debug.Stack()))
			c.flights.finish(f, finding{}, fault.ErrInternal.Because("panic: %v", r))
		}
	}()
	if !f.ahead && c.filled(ctx, f) {
		return
	}
	below := c.below(f.key)
	s := &search{c: c, f: f, load: load, below: below, fences: make([]uint64, len(below)), best: have}
	s.run(ctx)
}

// filled answers from L1 when a flight that ended after this one's reader had
// looked there has filled it: one load is enough for both.
func (c *Cache) filled(ctx context.Context, f *flight) bool {
	e, ok, _ := c.l1.level.Get(ctx, f.key)
	if !ok || !time.Now().Before(e.CheckAt) {
		return false
	}
	c.flights.finish(f, finding{Hit: Hit{Entry: e, Level: c.l1.name}, ok: true, sound: true}, notFound(e))
	return true
}

// giveUp answers for a loader that does not come back in time.
func (c *Cache) giveUp(f *flight, have finding) {
	best := better(have, c.flights.offered(f))
	err := context.DeadlineExceeded
	if c.life.Err() != nil {
		err = context.Canceled
	}
	answer, failed := best.staleFor(Timeout), error(nil)
	if !best.ok {
		answer, failed = finding{}, c.unavailable(err)
	}
	if c.flights.giveUp(f, answer, failed) {
		c.metrics.loads.abandoned.Add(1)
		c.flights.fail(f.key, err, Timeout)
	}
}

func (s *search) run(ctx context.Context) {
	owed := s.c.debts.owes(s.f.key)
	for i, t := range s.below {
		h, err := t.get(ctx, s.f.key)
		s.down = err
		if err != nil {
			continue
		}
		s.fences[i] = h.fence
		deepest := i == len(s.below)-1
		if deepest {
			h.CheckAt = h.FreshUntil // there is nothing to compare with
		}
		if s.weigh(t, h, owed) {
			s.promote(ctx, i, h.Entry)
			return
		}
	}
	if s.down != nil && s.best.ok && s.best.Fresh(time.Now()) {
		s.settleFor(LevelDown, s.down)
		return
	}
	s.askOrigin(ctx)
}

// weigh takes note of what a tier holds and tells whether it is the answer.
func (s *search) weigh(t *tier, h held, owed depth) bool {
	now := time.Now()
	missed := owed == owesAll || owed == owesL2 && t.name == "l2" // it has not heard of a change
	sound := h.ok && now.Before(h.CheckAt) && h.Fresh(now) && !missed
	if !sound {
		t.n.misses.Add(1)
	}
	if !h.ok || h.NotFound && !sound {
		return false
	}
	x := finding{Hit: Hit{Entry: h.Entry, Level: t.name}, ok: true, sound: sound}
	if s.best.ok && s.best.Generation > x.Generation { // a nearer level knows something newer
		return false
	}
	if !x.NotFound {
		s.best = pick(sound, x, better(s.best, x))
		s.c.flights.offer(s.f, s.best)
	}
	if !sound {
		return false
	}
	if t.ending(h.Entry, now, s.c.cfg.RefreshAt) && s.load != nil {
		s.goOn(t, x)
		return false
	}
	t.n.hits.Add(1)
	return true
}

// goOn answers those who wait, and looks on for those who will come: the value
// is near its end, and somebody reads it.
func (s *search) goOn(t *tier, x finding) {
	if s.f.ahead {
		return
	}
	s.f.ahead = true
	t.n.hits.Add(1)
	s.answer(x, nil)
}

// promote answers with what tier i holds and copies it to the nearer ones.
func (s *search) promote(ctx context.Context, i int, e Entry) {
	a := finding{Hit: Hit{Entry: e, Level: s.below[i].name}, ok: true, sound: true}
	s.answer(a, notFound(e))
	if s.c.flights.store(s.f) {
		s.fill(ctx, s.below[:i], e)
	}
}

func notFound(e Entry) error {
	if e.NotFound {
		return ErrNotFound
	}
	return nil
}

// answer keeps the value in L1, trusted for L1's time to live if it is sound,
// and then lets those who wait go.
func (s *search) answer(a finding, err error) {
	e := a.Entry
	e.CheckAt = time.Time{}
	if a.sound {
		e.CheckAt = s.c.checkAt(s.c.l1, e)
		s.c.flights.clear(s.f.key)
	}
	s.c.flights.keep(s.f, e.Tags, func() {
		_ = s.c.l1.level.Set(context.Background(), s.f.key, e) // memory: nothing to report
	})
	a.Entry = e
	s.c.flights.finish(s.f, a, err)
}

// fill copies an entry to tiers; as soon as one says that the key changed
// meanwhile, L1 takes its copy back and the rest is left alone.
func (s *search) fill(ctx context.Context, tiers []*tier, e Entry) {
	for i, t := range tiers {
		e.CheckAt = s.c.checkAt(t, e)
		kept, _ := t.set(ctx, s.f.key, e, s.fences[i]) // counted; the next reader tries again
		if !kept {
			_ = s.c.l1.level.Expire(context.Background(), s.f.key)
			return
		}
	}
}

// settleFor ends a search that found nothing better than what it has. What a
// refresh ahead of time has found sound is sound, whatever the origin did.
func (s *search) settleFor(reason string, cause error) {
	switch {
	case !s.best.ok:
		s.c.flights.finish(s.f, finding{}, s.c.unavailable(cause))
	case s.best.Level == s.c.l1.name: // L1 has it as it is
		s.c.flights.finish(s.f, s.best.staleFor(reason), nil)
	default:
		s.answer(s.best.staleFor(reason), nil)
	}
	s.c.flights.fail(s.f.key, cause, reason)
}

func (s *search) askOrigin(ctx context.Context) {
	if s.load == nil {
		s.settleFor(Expired, errNoLoad)
		return
	}
	if s.f.ahead {
		ctx = context.WithValue(ctx, aheadKey{}, true)
	}
	began := time.Now()
	e, err := s.call(ctx)
	switch {
	case err == nil:
		s.loaded(ctx, e, began)
	case errors.Is(err, ErrNotFound):
		s.denied(ctx, began)
	default:
		s.failed(ctx, err)
	}
}

// errNoLoad: there is no origin to ask.
var errNoLoad = errors.New("there is nobody to ask")

// call asks the origin; a panic of the loader is an error.
func (s *search) call(ctx context.Context) (e Entry, err error) {
	defer func() {
		if r := recover(); r != nil {
			s.c.logger.ErrorContext(ctx, "cache loader panicked", "key", s.f.key, "panic", r, "stack", string(debug.Stack()))
			s.c.metrics.loads.panicked.Add(1)
			err = fault.ErrInternal.Because("panic in loader: %v", r)
		}
	}()
	return s.load(ctx)
}

func (s *search) loaded(ctx context.Context, e Entry, began time.Time) {
	s.c.metrics.loads.ok.Add(1)
	e = s.complete(e, began)
	if s.best.ok && s.best.Generation > e.Generation {
		s.settleFor(Expired, fmt.Errorf("the origin answered generation %d, %d is known", e.Generation, s.best.Generation))
		return
	}
	s.answer(finding{Hit: Hit{Entry: e, Level: "origin"}, ok: true, sound: true}, nil)
	if s.c.flights.store(s.f) {
		s.fill(ctx, s.below, e)
	}
}

// complete adds to a loaded entry what its owner left to the chain.
func (s *search) complete(e Entry, began time.Time) Entry {
	if e.StoredAt.IsZero() || e.StoredAt.After(began) {
		e.StoredAt = began
	}
	life := s.c.vary(s.c.lifetime(s.below))
	if until := began.Add(life); e.FreshUntil.IsZero() || e.FreshUntil.After(until) {
		e.FreshUntil = until
	}
	if e.Generation == 0 {
		e.Generation = s.derive(e, began)
	}
	e.NotFound = false
	return e
}

// derive counts for owners who do not: the same body keeps its generation, a new
// one is later than all before.
func (s *search) derive(e Entry, began time.Time) int64 {
	if s.best.ok && e.ETag != "" && s.best.ETag == e.ETag {
		return s.best.Generation
	}
	g := began.UnixMicro()
	if s.best.ok {
		g = max(g, s.best.Generation+1)
	}
	return g
}

// denied remembers for a while that the origin knows no such key. The levels that
// keep things for ever do not take part: what they hold may be all there is when
// the origin is down.
func (s *search) denied(ctx context.Context, began time.Time) {
	s.c.metrics.loads.notFound.Add(1)
	e := Entry{NotFound: true, StoredAt: began, FreshUntil: began.Add(s.c.vary(s.c.cfg.NegativeTTL))}
	if s.best.ok {
		e.Generation, e.Tags = s.best.Generation, s.best.Tags
	}
	s.answer(finding{Hit: Hit{Entry: e, Level: "origin"}, ok: true, sound: true}, ErrNotFound)
	shared := s.below
	for len(shared) > 0 && shared[len(shared)-1].name == "l3" {
		shared = shared[:len(shared)-1]
	}
	if s.c.flights.store(s.f) {
		s.fill(ctx, shared, e)
	}
}

func (s *search) failed(ctx context.Context, err error) {
	reason := UpstreamDown
	if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		reason = Timeout
		s.c.metrics.loads.timeout.Add(1)
	} else {
		s.c.metrics.loads.failed.Add(1)
	}
	s.settleFor(reason, err)
}

// unavailable is the answer when there is neither value nor origin.
func (c *Cache) unavailable(cause error) error {
	var f *fault.Error
	if errors.As(cause, &f) && f.Kind == fault.Internal {
		return cause
	}
	wait := max(c.cfg.RetryDelay, time.Second)
	if f != nil && f.RetryAfter > wait {
		wait = f.RetryAfter
	}
	return ErrUnavailable.With(cause).After(wait)
}

// lifetime is how long a value is fresh: the time to live of its deepest level.
func (c *Cache) lifetime(below []*tier) time.Duration {
	if len(below) == 0 {
		return c.l1.ttl
	}
	return below[len(below)-1].ttl
}

// checkAt is until when a tier trusts a copy that it takes now.
func (c *Cache) checkAt(t *tier, e Entry) time.Time {
	at := time.Now().Add(c.vary(t.ttl))
	if at.After(e.FreshUntil) {
		return e.FreshUntil
	}
	return at
}

// vary spreads a time to live, so that what came together does not end together.
func (c *Cache) vary(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (1 + c.cfg.Jitter*(2*rand.Float64()-1)))
}
