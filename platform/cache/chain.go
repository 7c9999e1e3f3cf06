package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"anihub/platform/eventlog"
	"anihub/platform/fault"
)

// Why a stale value was served.
const (
	UpstreamDown = "upstream_down" // the origin did not answer
	LevelDown    = "level_down"    // the copy had to be compared with a level that is down
	Timeout      = "timeout"       // the answer would have taken longer than the caller should wait
	Expired      = "expired"       // nobody to ask: there is no load
)

// Deps is what a cache stands on.
type Deps struct {
	L1         Level        // this process's memory; required
	L2         Level        // shared by the fleet; nil = none
	L3         Level        // for the keys that no mount takes; nil = none
	PrivateL3  bool         // L3 and the mounts are this process's own: the bells of others expire them too
	Local      Level        // this process's own copy of L3, for when that is silent; nil = none
	Log        eventlog.Log // carries the bell; nil = this process is alone
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil = no metrics
}

// Cache is the chain of one process. All methods are safe for concurrent use,
// except Mount.
type Cache struct {
	cfg     Config
	l1      *tier
	routes  []route // longest prefix first; the last one takes every key
	flights *flights
	debts   *debts
	bell    *bell
	logger  *slog.Logger
	metrics *metrics
	private bool
	changes atomic.Uint64 // of L1

	life context.Context // ends with Close: flights end with it
	end  context.CancelFunc
}

// New makes a cache. It starts nothing: Run hears the bell, Close ends what
// requests have left running.
func New(cfg Config, d Deps) (*Cache, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if d.L1 == nil || d.Logger == nil {
		return nil, errors.New("cache: needs L1 and a logger")
	}
	c := &Cache{
		cfg: cfg, flights: newFlights(), debts: newDebts(), private: d.PrivateL3,
		logger: d.Logger.With("component", "cache"),
	}
	c.bell = &bell{log: d.Log, self: rand.Text(), breaker: c.breaker("log")}
	c.life, c.end = context.WithCancel(context.Background())
	c.l1 = c.tier("l1", "l1", d.L1)
	var below []*tier
	if d.L2 != nil {
		below = append(below, c.tier("l2", "l2", d.L2))
	}
	if d.L3 != nil {
		below = append(below, c.tier("l3", "l3", d.L3))
	}
	if d.Local != nil {
		below = append(below, c.tier("local", "local", d.Local))
	}
	c.routes = []route{newRoute("", below)}
	m, err := newMetrics(c, d.Registerer)
	c.metrics = m
	return c, err
}

func (c *Cache) tier(name, label string, l Level) *tier {
	t := &tier{name: name, label: label, level: l, breaker: c.breaker(label), patience: c.cfg.HardTimeout}
	t.locker, _ = l.(Locker)
	switch name {
	case "l1":
		t.ttl, t.timeout = c.cfg.L1.TTL, c.cfg.HardTimeout
	case "l2":
		t.ttl, t.timeout = c.cfg.L2.TTL, c.cfg.L2.Timeout
	default:
		t.ttl, t.timeout = c.cfg.L3.TTL, c.cfg.L3.Timeout
		t.copy = name == "local"
		t.own = t.copy || c.private
	}
	return t
}

func (c *Cache) breaker(label string) *breaker {
	return &breaker{cfg: c.cfg.Breaker, changed: func(open bool) {
		c.logger.Warn("cache level changed state", "level", label, "passed_over", open)
		if !open {
			c.debts.wake()
		}
	}}
}

// Get answers a key: from L1 without more ado while its copy is trusted, else
// from the nearest level that has it fresh, else from load, else stale. A nil
// load is an origin that never answers.
//
// ErrNotFound (with a Hit that tells since when), ErrUnavailable with RetryAfter,
// ErrInternal when load panicked, ErrCanceled, ErrTimeout when ctx ended first.
func (c *Cache) Get(ctx context.Context, key string, load Load) (Hit, error) {
	have := c.atHand(ctx, key)
	if !have.sound {
		r := c.lookAll(ctx, []string{key}, []finding{have}, one(load))[0]
		return r.Hit, r.Err
	}
	if c.l1.ending(have.Entry, time.Now(), c.cfg.RefreshAt) {
		c.refreshAhead(ctx, key, one(load), have)
	}
	return have.Hit, notFound(have.Entry)
}

// Result is what Get returns, about one of several keys.
type Result struct {
	Hit
	Err error
}

// GetAll is Get for several keys, in their order: each level is asked once for all
// that the nearer ones could not answer, and the origin once for the rest. A key
// that somebody is looking up already is waited for.
func (c *Cache) GetAll(ctx context.Context, keys []string, load LoadAll) []Result {
	out := make([]Result, len(keys))
	var at []int // of what L1 cannot answer
	var rest []string
	var haves []finding
	for i, k := range keys {
		have := c.atHand(ctx, k)
		if !have.sound {
			at, rest, haves = append(at, i), append(rest, k), append(haves, have)
			continue
		}
		if c.l1.ending(have.Entry, time.Now(), c.cfg.RefreshAt) {
			c.refreshAhead(ctx, k, load, have)
		}
		out[i] = Result{Hit: have.Hit, Err: notFound(have.Entry)}
	}
	for j, r := range c.lookAll(ctx, rest, haves, load) {
		out[at[j]] = r
	}
	return out
}

// atHand is what L1 holds, sound if that is the answer.
func (c *Cache) atHand(ctx context.Context, key string) finding {
	e, ok, _ := c.l1.level.Get(ctx, key)
	have := finding{Hit: Hit{Entry: e, Level: c.l1.name}}
	have.sound = ok && time.Now().Before(e.CheckAt)
	have.ok = ok && (have.sound || !e.NotFound)
	if have.sound {
		c.l1.n.hits.Add(1)
	} else {
		c.l1.n.misses.Add(1)
	}
	return have
}

// ending tells whether a copy that is still trusted has so little left that a
// reader should have it renewed.
func (t *tier) ending(e Entry, now time.Time, refreshAt float64) bool {
	return refreshAt < 1 && !e.NotFound && now.After(t.endsAt(e, refreshAt))
}

// endsAt is from when on a reader should have a copy renewed.
func (t *tier) endsAt(e Entry, refreshAt float64) time.Time {
	if refreshAt >= 1 || e.NotFound {
		return e.CheckAt
	}
	life := min(t.ttl, e.FreshUntil.Sub(e.StoredAt))
	return e.CheckAt.Add(-time.Duration(float64(life) * (1 - refreshAt)))
}

func (c *Cache) refreshAhead(ctx context.Context, key string, load LoadAll, have finding) {
	if _, resting := c.resting(key); load == nil || resting {
		return
	}
	if f, leader := c.flights.join(key, true); leader {
		go c.fly(ctx, c.newSearch(c.route(key), load, &lookup{f: f, have: have}))
	}
}

type aheadKey struct{}

// Ahead tells a Load that it refreshes ahead of time, so that no viewer waits
// for it and it should let those who wait go first.
func Ahead(ctx context.Context) bool {
	ahead, _ := ctx.Value(aheadKey{}).(bool)
	return ahead
}

// resting: a refresh has just failed; the next one waits for RetryDelay.
func (c *Cache) resting(key string) (last failure, yes bool) {
	last, ok := c.flights.failure(key)
	return last, ok && time.Since(last.at) < c.cfg.RetryDelay
}

// lookAll answers keys that L1 cannot answer by itself; haves is what it holds. Their
// flights begin together, in one search for those that share their levels.
func (c *Cache) lookAll(ctx context.Context, keys []string, haves []finding, load LoadAll) []Result {
	if len(keys) == 0 {
		return nil
	}
	var asked []string
	var about []int
	out := make([]Result, len(keys))
	for i, k := range keys {
		if last, ok := c.resting(k); ok && haves[i].ok {
			out[i].Hit, out[i].Err = c.deliver(k, haves[i].staleFor(last.reason), nil)
			continue
		}
		asked, about = append(asked, k), append(about, i)
	}
	flights, leads := c.flights.joinAll(asked)
	led := map[*route][]*lookup{}
	for j, f := range flights {
		if leads[j] {
			r := c.route(f.key)
			led[r] = append(led[r], &lookup{f: f, have: haves[about[j]]})
		}
	}
	for r, all := range led {
		go c.fly(ctx, c.newSearch(r, load, all...))
	}
	late := time.Now().Add(c.cfg.SoftTimeout)
	for j, i := range about {
		out[i].Hit, out[i].Err = c.await(ctx, keys[i], flights[j], haves[i], time.Until(late))
	}
	return out
}

// await waits for a flight, but not longer than the soft timeout when there is a
// value to answer with. No flight means that the cache is closed.
func (c *Cache) await(ctx context.Context, key string, f *flight, have finding, patience time.Duration) (Hit, error) {
	switch {
	case f == nil && have.ok:
		return c.deliver(key, have.staleFor(LevelDown), nil)
	case f == nil:
		return Hit{}, ErrUnavailable.Because("the cache is closed")
	}
	soft := time.NewTimer(patience)
	defer soft.Stop()
	found, late := f.found, false
	for {
		select {
		case <-f.done:
			return c.landed(f, have)
		case <-found:
			found = nil
		case <-soft.C:
			late = true
		case <-ctx.Done():
			return c.left(ctx, f, have)
		}
		best := better(have, c.flights.offered(f))
		if best.ok && (best.sound || late) {
			return c.deliver(f.key, best.staleFor(Timeout), nil)
		}
	}
}

// landed is the answer of a flight. It may know less than L1 told the caller.
func (c *Cache) landed(f *flight, have finding) (Hit, error) {
	switch {
	case f.err == nil: // a refresh ahead of time has answered long ago, and may hang since
		return c.deliver(f.key, f.answer.staleFor(Timeout), nil)
	case have.ok && !errors.Is(f.err, ErrNotFound):
		return c.deliver(f.key, have.staleFor(UpstreamDown), nil)
	default:
		return c.deliver(f.key, f.answer, f.err)
	}
}

// left answers a caller whose own time is over: with what there is, since a
// deadline is no wish to hear nothing.
func (c *Cache) left(ctx context.Context, f *flight, have finding) (Hit, error) {
	best := better(have, c.flights.offered(f))
	if best.ok && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return c.deliver(f.key, best.staleFor(Timeout), nil)
	}
	return Hit{}, fault.Of(ctx.Err())
}

// deliver hands an answer out and counts the stale ones.
func (c *Cache) deliver(key string, a finding, err error) (Hit, error) {
	if !a.Stale {
		return a.Hit, err
	}
	if a.Level == c.l1.name {
		c.l1.n.stale.Add(1)
	}
	for _, t := range c.route(key).below {
		if t.name == a.Level {
			t.n.stale.Add(1)
		}
	}
	return a.Hit, err
}

// staleFor marks a value that is not fresh by its level's rules, or no longer. A
// finding may know a better reason.
func (x finding) staleFor(reason string) finding {
	if !x.ok || x.Stale || x.sound && x.Fresh(time.Now()) {
		return x
	}
	if x.Reason == "" {
		x.Reason = reason
	}
	x.Stale, x.sound = true, false
	return x
}

// better is the newer of two: by generation, then the one that is fresh where it
// was found, then by the longer freshness; else a, which is nearer.
func better(a, b finding) finding {
	switch {
	case !b.ok:
		return a
	case !a.ok:
		return b
	case a.Generation != b.Generation:
		return pick(b.Generation > a.Generation, b, a)
	case a.sound != b.sound:
		return pick(b.sound, b, a)
	default:
		return pick(b.FreshUntil.After(a.FreshUntil), b, a)
	}
}

func pick(first bool, a, b finding) finding {
	if first {
		return a
	}
	return b
}

// Settle waits until everything that requests have left running (refreshes,
// stores into lower levels) is done. A context error.
func (c *Cache) Settle(ctx context.Context) error { return c.flights.settle(ctx) }

// Close cancels the loads that are under way, waits for them, and lets no new
// one begin; L1 goes on answering. The levels belong to others.
func (c *Cache) Close() error {
	c.flights.close()
	c.end()
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.HardTimeout)
	defer cancel()
	return c.flights.settle(ctx)
}
