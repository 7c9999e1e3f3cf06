package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
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

	life context.Context // ends with Close: flights end with it
	end  context.CancelFunc
}

// route is the levels below L1 for the keys with a prefix.
type route struct {
	prefix string
	below  []*tier // nearest first
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
	c.routes = []route{{below: below}}
	m, err := newMetrics(c, d.Registerer)
	c.metrics = m
	return c, err
}

// Mount lets another level be the L3 of the keys that begin with a prefix
// ("title:"). Before Run and before the first Get.
func (c *Cache) Mount(prefix string, l3 Level) {
	base := c.routes[len(c.routes)-1].below
	var below []*tier
	for _, t := range base {
		if t.name == "l2" {
			below = append(below, t)
		}
	}
	label := "l3/" + strings.TrimSuffix(prefix, ":")
	below = append(below, c.tier("l3", label, l3))
	at := 0
	for at < len(c.routes)-1 && len(c.routes[at].prefix) >= len(prefix) {
		at++
	}
	routes := append([]route{}, c.routes[:at]...)
	c.routes = append(append(routes, route{prefix: prefix, below: below}), c.routes[at:]...)
}

func (c *Cache) tier(name, label string, l Level) *tier {
	t := &tier{name: name, label: label, level: l, breaker: c.breaker(label), patience: c.cfg.HardTimeout}
	switch name {
	case "l1":
		t.ttl, t.timeout = c.cfg.L1.TTL, c.cfg.HardTimeout
	case "l2":
		t.ttl, t.timeout = c.cfg.L2.TTL, c.cfg.L2.Timeout
	default:
		t.ttl, t.timeout = c.cfg.L3.TTL, c.cfg.L3.Timeout
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
	e, ok, _ := c.l1.level.Get(ctx, key)
	now := time.Now()
	if !ok || !now.Before(e.CheckAt) {
		c.l1.n.misses.Add(1)
		return c.look(ctx, key, load, finding{Hit: Hit{Entry: e, Level: c.l1.name}, ok: ok && !e.NotFound})
	}
	c.l1.n.hits.Add(1)
	if c.l1.ending(e, now, c.cfg.RefreshAt) {
		c.refreshAhead(ctx, key, load, e)
	}
	if e.NotFound {
		return Hit{Entry: e, Level: c.l1.name}, ErrNotFound
	}
	return Hit{Entry: e, Level: c.l1.name}, nil
}

// ending tells whether a copy that is still trusted has so little left that a
// reader should have it renewed.
func (t *tier) ending(e Entry, now time.Time, refreshAt float64) bool {
	if refreshAt >= 1 || e.NotFound {
		return false
	}
	life := min(t.ttl, e.FreshUntil.Sub(e.StoredAt))
	return e.CheckAt.Sub(now) < time.Duration(float64(life)*(1-refreshAt))
}

func (c *Cache) refreshAhead(ctx context.Context, key string, load Load, e Entry) {
	if load == nil || c.resting(key) {
		return
	}
	if f, leader := c.flights.join(key, true); leader {
		go c.fly(ctx, f, load, finding{Hit: Hit{Entry: e, Level: c.l1.name}, ok: true, sound: true})
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
func (c *Cache) resting(key string) bool {
	f, ok := c.flights.failure(key)
	return ok && time.Since(f.at) < c.cfg.RetryDelay
}

// look answers a key that L1 cannot answer by itself. have is what L1 holds.
func (c *Cache) look(ctx context.Context, key string, load Load, have finding) (Hit, error) {
	if last, ok := c.flights.failure(key); ok && have.ok && time.Since(last.at) < c.cfg.RetryDelay {
		return c.deliver(key, have.staleFor(last.reason), nil)
	}
	f, leader := c.flights.join(key, false)
	switch {
	case f == nil && have.ok:
		return c.deliver(key, have.staleFor(LevelDown), nil)
	case f == nil:
		return Hit{}, ErrUnavailable.Because("the cache is closed")
	case leader:
		go c.fly(ctx, f, load, have)
	}
	return c.await(ctx, f, have)
}

// await waits for a flight, but not longer than the soft timeout when there is a
// value to answer with.
func (c *Cache) await(ctx context.Context, f *flight, have finding) (Hit, error) {
	soft := time.NewTimer(c.cfg.SoftTimeout)
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
	if f.err != nil && have.ok && !errors.Is(f.err, ErrNotFound) {
		return c.deliver(f.key, have.staleFor(UpstreamDown), nil)
	}
	return c.deliver(f.key, f.answer, f.err)
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
	for _, t := range c.below(key) {
		if t.name == a.Level {
			t.n.stale.Add(1)
		}
	}
	return a.Hit, err
}

// staleFor marks a value that is not fresh by its level's rules.
func (x finding) staleFor(reason string) finding {
	if x.ok && !x.sound {
		x.Stale, x.Reason = true, reason
	}
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

// below is the levels under L1 for a key.
func (c *Cache) below(key string) []*tier {
	for i := range c.routes {
		if strings.HasPrefix(key, c.routes[i].prefix) {
			return c.routes[i].below
		}
	}
	return nil
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
