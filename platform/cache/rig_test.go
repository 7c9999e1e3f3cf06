package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"anihub/platform/cache"
	"anihub/platform/cache/cachetest"
	"anihub/platform/eventlog"
)

// errDown is what an origin that is down answers.
var errDown = errors.New("the origin is down")

// origin counts versions: whoever gets "n" from it knows how old that is.
type origin struct {
	mu      sync.Mutex
	version int64
	calls   int
	delay   time.Duration
	err     error
	tags    []string
}

func (o *origin) set(f func(*origin)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f(o)
}

func (o *origin) count() (n int) {
	o.set(func(o *origin) { n = o.calls })
	return n
}

// load answers with the version there was when it was called.
func (o *origin) load(ctx context.Context) (cache.Entry, error) {
	o.mu.Lock()
	o.calls++
	e := cache.Entry{
		Body: []byte(fmt.Sprint(o.version)), ETag: fmt.Sprint("v", o.version),
		Generation: o.version, Tags: o.tags,
	}
	delay, err := o.delay, o.err
	o.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return cache.Entry{}, ctx.Err()
		}
	}
	return e, err
}

// rig is a node with two fake levels below its memory.
type rig struct {
	*cache.Cache
	l1     *cache.Memory
	l2, l3 *cachetest.Fake
	local  *cachetest.Fake // nil = none
	log    *eventlog.Memory
	origin *origin
	cfg    cache.Config
	stop   context.CancelFunc
}

// steady is the default configuration without chance.
func steady() cache.Config {
	cfg := cache.DefaultConfig()
	cfg.Jitter, cfg.RefreshAt = 0, 1
	return cfg
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// bubble runs a test in virtual time with a rig.
func bubble(t *testing.T, cfg cache.Config, test func(t *testing.T, r *rig)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{
			l2: cachetest.NewFake(), l3: cachetest.NewVersioned(), log: eventlog.NewMemory(1000),
			origin: &origin{version: 1}, cfg: cfg,
		}
		r.start(t)
		test(t, r)
		r.end(t)
		if err := r.log.Close(); err != nil {
			t.Error(err)
		}
	})
}

// start makes the node's own parts: memory and chain.
func (r *rig) start(t *testing.T) {
	t.Helper()
	l1, err := cache.NewMemory(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	deps := cache.Deps{L1: l1, L2: r.l2, L3: r.l3, Log: r.log, Logger: quiet()}
	if r.local != nil {
		deps.Local = r.local
	}
	c, err := cache.New(r.cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	r.l1, r.Cache = l1, c
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() {
		if err := c.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	synctest.Wait()
}

func (r *rig) end(t *testing.T) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	r.stop()
	r.l1.Close()
	synctest.Wait()
}

// again is a new process in the same place: its memory is empty.
func (r *rig) again(t *testing.T) {
	t.Helper()
	r.end(t)
	r.start(t)
}

// peer is another node on the same levels, log and origin.
func (r *rig) peer(t *testing.T) *rig {
	t.Helper()
	p := &rig{l2: r.l2, l3: r.l3, log: r.log, origin: r.origin, cfg: r.cfg}
	p.start(t)
	return p
}

const key = "title:9919"

// want asks for the key and checks answer and provenance ("2 l1", "1 l3 stale
// upstream_down").
func (r *rig) want(t *testing.T, want string) {
	t.Helper()
	r.among(t, want)
	synctest.Wait() // stores into lower levels
}

// among is want for one of several goroutines.
func (r *rig) among(t *testing.T, want string) {
	t.Helper()
	h, err := r.Get(t.Context(), key, r.origin.load)
	if got := describe(h, err); got != want {
		t.Errorf("Get = %q, want %q", got, want)
	}
}

func describe(h cache.Hit, err error) string {
	switch {
	case errors.Is(err, cache.ErrNotFound):
		return "not found " + h.Level
	case errors.Is(err, cache.ErrUnavailable):
		return "unavailable"
	case err != nil:
		return err.Error()
	case h.Stale:
		return fmt.Sprintf("%s %s stale %s", h.Body, h.Level, h.Reason)
	}
	return fmt.Sprintf("%s %s", h.Body, h.Level)
}
