package cache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"anihub/platform/cache"
	"anihub/platform/cache/cachetest"
	"anihub/platform/eventlog"
	"anihub/platform/fault"
)

func (r *rig) invalidate(t *testing.T, inv cache.Invalidation, want cache.Cleared) {
	t.Helper()
	got, err := r.Invalidate(t.Context(), inv)
	if err != nil || got != want {
		t.Errorf("Invalidate(%+v) = %+v, %v, want %+v", inv, got, err, want)
	}
	synctest.Wait()
}

func TestInvalidateReachesEveryLevelAndProcess(t *testing.T) {
	for mode, then := range map[cache.Mode]string{
		cache.Expire: "1 l1 stale upstream_down",
		cache.Remove: "unavailable",
	} {
		t.Run(string(mode), func(t *testing.T) {
			bubble(t, steady(), func(t *testing.T, r *rig) {
				r.want(t, "1 origin")
				p := r.peer(t)
				defer p.end(t)
				p.want(t, "1 l2")
				r.invalidate(t, cache.Invalidation{Keys: []string{key}, Mode: mode}, cache.Cleared{Matched: 1, Cleared: 1})
				if _, ok := r.l2.Raw(key); ok {
					t.Error("L2 still has it")
				}
				r.origin.set(func(o *origin) { o.version, o.err = 2, errDown })
				r.want(t, then)
				p.want(t, then)
				r.origin.set(func(o *origin) { o.err = nil })
				time.Sleep(2 * r.cfg.RetryDelay)
				p.want(t, "2 origin")
				r.want(t, "2 l2")
			})
		})
	}
}

// A load that began before an invalidation never brings the old value back, and
// those who come after the invalidation do not join it (T10).
func TestALoadNeverResurrects(t *testing.T) {
	for name, inv := range map[string]cache.Invalidation{
		"by key":     {Keys: []string{key}},
		"by pattern": {Pattern: "anilibria:titles:*"},
		"by tag":     {Tags: []string{"franchise:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, steady(), func(t *testing.T, r *rig) {
				r.origin.set(func(o *origin) { o.delay, o.tags = time.Second, []string{"franchise:1"} })
				var wg sync.WaitGroup
				wg.Go(func() { r.among(t, "1 origin") }) // asked before
				synctest.Wait()
				time.Sleep(500 * time.Millisecond)
				r.origin.set(func(o *origin) { o.version = 2 })
				if _, err := r.Invalidate(t.Context(), inv); err != nil {
					t.Fatal(err)
				}
				if name != "by tag" { // what is not loaded yet has no tags
					wg.Go(func() { r.among(t, "2 origin") })
				}
				wg.Wait()
				synctest.Wait()
				h, err := r.Get(t.Context(), key, r.origin.load)
				if err != nil || string(h.Body) != "2" {
					t.Errorf("later: %s", describe(h, err))
				}
				for _, l := range []cache.Level{r.l1, r.l2, r.l3} {
					if e, ok, _ := l.Get(t.Context(), key); ok && string(e.Body) != "2" {
						t.Errorf("%T holds the old value", l)
					}
				}
			})
		})
	}
}

// The same when the load runs in another process, which has not heard the bell yet.
func TestAForeignLoadIsFencedOff(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		p := r.peer(t)
		defer p.end(t)
		p.stop() // deaf
		r.origin.set(func(o *origin) { o.delay = time.Second })
		var wg sync.WaitGroup
		wg.Go(func() { p.among(t, "1 origin") })
		synctest.Wait()
		r.origin.set(func(o *origin) { o.version, o.delay = 2, 0 })
		r.invalidate(t, cache.Invalidation{Keys: []string{key}}, cache.Cleared{Matched: 1, Cleared: 1})
		wg.Wait()
		synctest.Wait()
		for _, l := range []cache.Level{r.l2, r.l3} {
			if e, ok, _ := l.Get(t.Context(), key); ok {
				t.Errorf("%T holds %q of the deaf process", l, e.Body)
			}
		}
		r.want(t, "2 origin")
		p.want(t, "2 l2") // it took its own copy back when the fence refused
	})
}

// slow is a level without fences that takes its time to store.
type slow struct{ cache.Level }

func (s slow) Set(ctx context.Context, key string, e cache.Entry) error {
	time.Sleep(500 * time.Millisecond)
	return s.Level.Set(ctx, key, e)
}

// An invalidation waits for a store that is under way, to undo it.
func TestAStoreUnderWayIsUndone(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.Mount("title:", slow{r.l3}, nil)
		go r.among(t, "1 origin")
		time.Sleep(100 * time.Millisecond)
		r.origin.set(func(o *origin) { o.version = 2 })
		r.invalidate(t, cache.Invalidation{Keys: []string{key}}, cache.Cleared{Matched: 1, Cleared: 1})
		time.Sleep(time.Second)
		if e, ok := r.l3.Raw(key); !ok || e.Fresh(time.Now()) {
			t.Errorf("the level holds %q, %v, fresh until %v", e.Body, ok, e.FreshUntil)
		}
		r.want(t, "2 origin")
	})
}

func TestSupersededValuesAreTakenFromBelow(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		p := r.peer(t)
		defer p.end(t)
		p.want(t, "1 l2")
		r.origin.set(func(o *origin) { o.delay = time.Second })
		time.Sleep(25 * time.Hour)
		var wg sync.WaitGroup
		wg.Go(func() { // a load of the old value is under way
			h, err := r.Get(t.Context(), key, r.origin.load)
			if err != nil || string(h.Body) != "1" {
				t.Errorf("who asked before: %s", describe(h, err))
			}
		})
		synctest.Wait()
		r.write(t, "2")
		if err := r.Supersede(t.Context(), []string{cache.Prefix + key}); err != nil {
			t.Fatal(err)
		}
		r.want(t, "2 l3")
		p.want(t, "2 l2")
		wg.Wait()
		time.Sleep(2 * time.Second)
		r.want(t, "2 l1")
		if e, _ := r.l3.Raw(key); string(e.Body) != "2" || !e.Fresh(time.Now()) {
			t.Errorf("L3 holds %q, until %v", e.Body, e.FreshUntil)
		}
		r.write(t, "3") // while Redis has a copy that is trusted
		if err := r.Supersede(t.Context(), []string{key}); err != nil {
			t.Fatal(err)
		}
		r.want(t, "3 l3")
		p.want(t, "3 l2")
		if err := r.Supersede(t.Context(), []string{""}); !errors.Is(err, cache.ErrBadInvalidation) {
			t.Errorf("no key: %v", err)
		}
	})
}

// write is what the owner of the deepest level does.
func (r *rig) write(t *testing.T, body string) {
	t.Helper()
	now := time.Now()
	err := r.l3.Set(t.Context(), key, cache.Entry{Body: []byte(body), ETag: "v" + body, Generation: now.UnixMicro(), StoredAt: now, FreshUntil: now.Add(24 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
}

// TestALoadThatChangedTheStoreTellsOthers: its value goes up the levels as that of any
// load, and then the bell rings, also when Redis has missed everything.
func TestALoadThatChangedTheStoreTellsOthers(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		p := r.peer(t)
		defer p.end(t)
		p.want(t, "1 l2")
		change := func(ctx context.Context) (cache.Entry, error) {
			return cache.Entry{Body: []byte("2"), Generation: 2, Changed: true}, ctx.Err()
		}
		for _, l := range []*cachetest.Fake{r.l2, r.l3} { // old, but nobody was told
			e, _ := l.Raw(key)
			e.FreshUntil = time.Now()
			if err := l.Set(t.Context(), key, e); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.l1.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		p.want(t, "1 l1")
		h, err := r.Get(t.Context(), key, change)
		if got := describe(h, err); got != "2 origin" {
			t.Errorf("Get = %q", got)
		}
		synctest.Wait()
		p.want(t, "2 l2")
		r.want(t, "2 l1")
		if n := r.origin.count(); n != 1 {
			t.Errorf("%d loads of others", n)
		}
		if e, _ := r.l2.Raw(key); e.Changed {
			t.Error("the mark is kept with the value")
		}
	})
}

func TestPatternsTagsAndDryRuns(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		for i := range 10 {
			for _, kind := range []string{"title", "franchise"} {
				e := cache.Entry{Body: []byte("x"), Generation: 1, Tags: []string{fmt.Sprint("t:", i%2)}}
				for _, l := range []cache.Level{r.l1, r.l2, r.l3} {
					if err := l.Set(t.Context(), fmt.Sprint(kind, ":", i), e); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		all := cache.Cleared{Matched: 10}
		r.invalidate(t, cache.Invalidation{Pattern: "titles:*", DryRun: true}, all)
		r.invalidate(t, cache.Invalidation{Pattern: "anilibria:title:*", DryRun: true}, all)
		r.invalidate(t, cache.Invalidation{Pattern: "*:7", DryRun: true}, cache.Cleared{Matched: 2})
		r.invalidate(t, cache.Invalidation{Pattern: "title:3", DryRun: true}, cache.Cleared{Matched: 1})
		r.invalidate(t, cache.Invalidation{Pattern: "title:333"}, cache.Cleared{})
		r.invalidate(t, cache.Invalidation{Tags: []string{"t:1"}, DryRun: true}, cache.Cleared{Matched: 10})
		r.invalidate(t, cache.Invalidation{Keys: []string{"title:3", "nobody"}, DryRun: true}, cache.Cleared{Matched: 1})
		if n := r.l2.Calls("delete") + r.l3.Calls("expire"); n != 2 { // title:333
			t.Errorf("dry runs cleared: %d calls", n)
		}
		r.invalidate(t, cache.Invalidation{Tags: []string{"t:1"}, Mode: cache.Remove}, cache.Cleared{Matched: 10, Cleared: 10})
		r.invalidate(t, cache.Invalidation{Pattern: "*", Mode: cache.Remove}, cache.Cleared{Matched: 10, Cleared: 10})
		if n, _ := r.l1.Size(); n != 0 {
			t.Errorf("L1 still holds %d", n)
		}
	})
}

func TestInvalidationsThatMakeNoSense(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		for name, inv := range map[string]cache.Invalidation{
			"nothing":  {},
			"mode":     {Pattern: "*", Mode: "burn"},
			"no key":   {Keys: []string{"anilibria:"}},
			"long key": {Keys: []string{string(make([]byte, 513))}},
			"bomb":     {Pattern: string(make([]byte, 513))},
			"too many": {Keys: make([]string, 100_001)},
		} {
			if _, err := r.Invalidate(t.Context(), inv); !errors.Is(err, cache.ErrBadInvalidation) || fault.Status(err) != 422 {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// What a level missed while it was down is not believed, and done when it heals.
func TestDebtsArePaid(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		p := r.peer(t)
		defer p.end(t)
		r.l2.Down(true)
		r.l3.Down(true)
		r.origin.set(func(o *origin) { o.version = 2 })
		c, err := r.Invalidate(t.Context(), cache.Invalidation{Keys: []string{key}})
		if !errors.Is(err, cache.ErrPending) || c != (cache.Cleared{Matched: 1}) {
			t.Errorf("Invalidate = %+v, %v", c, err)
		}
		if s := r.Stats(); s.Owed != 1 || !r.Explain(t.Context(), key).Owed {
			t.Errorf("owed: %+v", s)
		}
		r.l2.Down(false)
		r.l3.Down(false)
		r.want(t, "2 origin") // though both levels hold the old value as fresh
		time.Sleep(2 * r.cfg.Breaker.Delay)
		if s := r.Stats(); s.Owed != 0 {
			t.Errorf("still owed: %d", s.Owed)
		}
		p.want(t, "2 origin")
	})
}

func TestAPatternIsOwedToo(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		r.l2.Down(true)
		_, err := r.Invalidate(t.Context(), cache.Invalidation{Pattern: "title:*", Mode: cache.Remove})
		if !errors.Is(err, cache.ErrPending) {
			t.Errorf("Invalidate = %v", err)
		}
		r.l2.Down(false)
		time.Sleep(2 * r.cfg.Breaker.Delay)
		if _, ok := r.l2.Raw(key); ok || r.Stats().Owed != 0 {
			t.Errorf("L2 still has it: %v, owed %d", ok, r.Stats().Owed)
		}
	})
}

// silent is a log that cannot be written.
type silent struct {
	eventlog.Log
	mu   sync.Mutex
	down bool
}

func (s *silent) Append(ctx context.Context, e eventlog.Entry) (eventlog.Position, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return eventlog.Position{}, false, eventlog.ErrUnavailable
	}
	return s.Log.Append(ctx, e)
}

func TestABellThatCouldNotRingIsOwed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := eventlog.NewMemory(100)
		mute := &silent{Log: log, down: true}
		r := lone(t, mute)
		defer r.end(t)
		p := lone(t, log)
		defer p.end(t)
		p.origin = r.origin
		p.want(t, "1 origin")
		r.origin.set(func(o *origin) { o.version = 2 })
		if _, err := r.Invalidate(t.Context(), cache.Invalidation{Keys: []string{key}}); !errors.Is(err, cache.ErrPending) {
			t.Errorf("Invalidate = %v", err)
		}
		p.want(t, "1 l1")
		mute.mu.Lock()
		mute.down = false
		mute.mu.Unlock()
		time.Sleep(2 * r.cfg.Breaker.Delay)
		p.want(t, "2 origin")
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
}

// lone is a node with nothing but memory and a log.
func lone(t *testing.T, log eventlog.Log) *rig {
	t.Helper()
	l1, err := cache.NewMemory(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.New(steady(), cache.Deps{L1: l1, Log: log, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() { _ = c.Run(ctx) }()
	synctest.Wait()
	return &rig{Cache: c, l1: l1, origin: &origin{version: 1}, cfg: steady(), stop: stop}
}

// Applied is behind nothing that was answered before.
func TestAppliedFollowsTheLog(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		p := r.peer(t)
		defer p.end(t)
		start := r.Applied()
		if start.Epoch == "" {
			t.Fatalf("Applied = %v", start)
		}
		r.invalidate(t, cache.Invalidation{Keys: []string{"a"}}, cache.Cleared{Matched: 1, Cleared: 1})
		if _, _, err := r.log.Append(t.Context(), eventlog.Entry{ID: "1", Topic: "event"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want := start
		want.Offset += 2
		if r.Applied() != want || p.Applied() != want {
			t.Errorf("Applied = %v and %v, want %v", r.Applied(), p.Applied(), want)
		}
	})
}

// A process that was away replays what it missed; when the log does not reach
// back, or a bell cannot be read, it trusts nothing in L1.
func TestMissedBells(t *testing.T) {
	for name, tt := range map[string]struct {
		missed func(t *testing.T, r *rig)
		want   string
	}{
		"nothing": {func(*testing.T, *rig) {}, "1 l1"},
		"replayed": {func(t *testing.T, r *rig) {
			r.invalidate(t, cache.Invalidation{Pattern: "title:*"}, cache.Cleared{Matched: 1, Cleared: 1})
		}, "2 origin"},
		"another key": {func(t *testing.T, r *rig) {
			r.invalidate(t, cache.Invalidation{Keys: []string{"title:1"}}, cache.Cleared{Matched: 1, Cleared: 1})
		}, "1 l1"},
		"trimmed away": {func(t *testing.T, r *rig) {
			r.invalidate(t, cache.Invalidation{Keys: []string{key}}, cache.Cleared{Matched: 1, Cleared: 1})
			for i := range 2000 {
				if _, _, err := r.log.Append(t.Context(), eventlog.Entry{ID: fmt.Sprint(i), Topic: "event"}); err != nil {
					t.Fatal(err)
				}
			}
		}, "2 origin"},
		"garbage":                     {func(t *testing.T, r *rig) { ring(t, r, `{"v":`) }, "1 l2"},
		"a newer version of the bell": {func(t *testing.T, r *rig) { ring(t, r, `{"v":2,"magic":true}`) }, "1 l2"},
		"nonsense":                    {func(t *testing.T, r *rig) { ring(t, r, `{"v":1,"mode":"burn","keys":["a"]}`) }, "1 l2"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, steady(), func(t *testing.T, r *rig) {
				r.want(t, "1 origin")
				p := r.peer(t)
				defer p.end(t)
				p.want(t, "1 l2")
				p.stop()
				synctest.Wait()
				r.origin.set(func(o *origin) { o.version = 2 })
				tt.missed(t, r)
				p.want(t, "1 l1") // it cannot know yet
				ctx, stop := context.WithCancel(context.Background())
				p.stop = stop
				go func() { _ = p.Run(ctx) }()
				synctest.Wait()
				p.want(t, tt.want)
			})
		})
	}
}

func ring(t *testing.T, r *rig, data string) {
	t.Helper()
	if _, _, err := r.log.Append(t.Context(), eventlog.Entry{ID: "x", Topic: cache.Topic, Data: []byte(data)}); err != nil {
		t.Fatal(err)
	}
}

// Processes that share the log but no store expire what they keep for themselves.
func TestBellsReachAPrivateL3(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := eventlog.NewMemory(100)
		o := &origin{version: 1}
		nodes := []*rig{private(t, log, o), private(t, log, o)}
		nodes[0].want(t, "1 origin")
		nodes[1].want(t, "1 origin")
		o.set(func(o *origin) { o.version = 2 })
		nodes[0].invalidate(t, cache.Invalidation{Pattern: "title:*"}, cache.Cleared{Matched: 1, Cleared: 1})
		for _, n := range nodes {
			n.want(t, "2 origin")
			n.end(t)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
}

func private(t *testing.T, log eventlog.Log, o *origin) *rig {
	t.Helper()
	l1, err := cache.NewMemory(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	l3, err := cache.NewMemory(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.New(steady(), cache.Deps{L1: l1, L3: l3, PrivateL3: true, Log: log, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() { _ = c.Run(ctx) }()
	synctest.Wait()
	return &rig{Cache: c, l1: l1, origin: o, cfg: steady(), stop: func() { stop(); l3.Close() }}
}
