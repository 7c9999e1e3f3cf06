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

// one lets a Load be asked as a LoadAll of one key.
func one(load Load) LoadAll {
	if load == nil {
		return nil
	}
	return func(ctx context.Context, keys []string) (map[string]Loaded, error) {
		e, err := load(ctx)
		return map[string]Loaded{keys[0]: {Entry: e, Err: err}}, nil
	}
}

// Why the origin said nothing.
var (
	errNoLoad  = errors.New("there is nobody to ask")
	errLeftOut = errors.New("the origin left the key out of its answer")
)

// askOrigin asks for keys and settles them all.
func (s *search) askOrigin(ctx context.Context, mine []*lookup) {
	if len(mine) == 0 {
		return
	}
	if s.load == nil {
		for _, l := range mine {
			s.settleFor(l, Expired, errNoLoad)
		}
		return
	}
	if ahead(mine) {
		ctx = context.WithValue(ctx, aheadKey{}, true)
	}
	began := time.Now()
	release := s.holdLocks(ctx, mine)
	got, err := s.call(ctx, keysOf(mine))
	release()
	for _, l := range mine {
		x, ok := got[l.f.key]
		switch {
		case err != nil:
			x.Err = err
		case !ok:
			x.Err = errLeftOut
		}
		s.settleBy(ctx, l, x, began)
	}
}

// ahead: none of them has a reader who waits.
func ahead(all []*lookup) bool {
	for _, l := range all {
		if !l.f.ahead {
			return false
		}
	}
	return true
}

func keysOf(all []*lookup) []string {
	keys := make([]string, len(all))
	for i, l := range all {
		keys[i] = l.f.key
	}
	return keys
}

// call asks the origin; a panic of the loader is an error, and so is time that is
// over already.
func (s *search) call(ctx context.Context, keys []string) (got map[string]Loaded, err error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	defer func() {
		if r := recover(); r != nil {
			s.c.logger.ErrorContext(ctx, "cache loader panicked", "keys", keys, "panic", r, "stack", string(debug.Stack()))
			s.c.metrics.loads.panicked.Add(1)
			err = fault.ErrInternal.Because("panic in loader: %v", r)
		}
	}()
	return s.load(ctx, keys)
}

func (s *search) settleBy(ctx context.Context, l *lookup, x Loaded, began time.Time) {
	switch {
	case x.Err == nil:
		s.loaded(l, x.Entry, began)
	case errors.Is(x.Err, ErrNotFound):
		s.denied(l, began)
	default:
		s.failed(ctx, l, x.Err)
	}
}

func (s *search) loaded(l *lookup, e Entry, began time.Time) {
	s.c.metrics.loads.ok.Add(1)
	l.changed = e.Changed
	e = s.complete(l, e, began)
	if l.best.ok && l.best.Generation > e.Generation {
		s.settleFor(l, Expired, fmt.Errorf("the origin answered generation %d, %d is known", e.Generation, l.best.Generation))
		return
	}
	s.answer(l, finding{Hit: Hit{Entry: e, Level: "origin"}, ok: true, sound: true}, nil)
	l.settle(e, s.route.below)
}

// complete adds to a loaded entry what its owner left to the chain.
func (s *search) complete(l *lookup, e Entry, began time.Time) Entry {
	if e.StoredAt.IsZero() || e.StoredAt.After(began) {
		e.StoredAt = began
	}
	life := s.c.vary(s.c.lifetime(s.route))
	if until := began.Add(life); e.FreshUntil.IsZero() || e.FreshUntil.After(until) {
		e.FreshUntil = until
	}
	if e.Generation == 0 {
		e.Generation = l.derive(e, began)
	}
	e.NotFound, e.Changed = false, false
	return e
}

// derive counts for owners who do not: the same body keeps its generation, a new
// one is later than all before.
func (l *lookup) derive(e Entry, began time.Time) int64 {
	if l.best.ok && e.ETag != "" && l.best.ETag == e.ETag {
		return l.best.Generation
	}
	g := began.UnixMicro()
	if l.best.ok {
		g = max(g, l.best.Generation+1)
	}
	return g
}

// denied remembers for a while that the origin knows no such key. The levels that
// keep things for ever do not take part: what they hold may be all there is when
// the origin is down.
func (s *search) denied(l *lookup, began time.Time) {
	s.c.metrics.loads.notFound.Add(1)
	e := Entry{NotFound: true, StoredAt: began, FreshUntil: began.Add(s.c.vary(s.c.cfg.NegativeTTL))}
	if l.best.ok {
		e.Generation, e.Tags = l.best.Generation, l.best.Tags
	}
	s.answer(l, finding{Hit: Hit{Entry: e, Level: "origin"}, ok: true, sound: true}, ErrNotFound)
	l.settle(e, s.route.shared())
}

func (s *search) failed(ctx context.Context, l *lookup, err error) {
	reason := UpstreamDown
	if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		reason = Timeout
		s.c.metrics.loads.timeout.Add(1)
	} else {
		s.c.metrics.loads.failed.Add(1)
	}
	s.settleFor(l, reason, err)
}

// settleFor ends the looking for a key with nothing better than what there is.
// What a refresh ahead of time has found sound is sound, whatever the origin did.
func (s *search) settleFor(l *lookup, reason string, cause error) {
	switch {
	case !l.best.ok:
		s.c.flights.finish(l.f, finding{}, s.c.unavailable(cause))
	case l.best.Level == s.c.l1.name: // L1 has it as it is
		s.c.flights.finish(l.f, l.best.staleFor(reason), nil)
	default:
		s.answer(l, l.best.staleFor(reason), nil)
	}
	s.c.flights.fail(l.f.key, cause, reason)
	l.settle(Entry{}, nil)
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
func (c *Cache) lifetime(r *route) time.Duration {
	if r.deepest < 0 {
		return c.l1.ttl
	}
	return r.below[r.deepest].ttl
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
