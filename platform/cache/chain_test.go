package cache_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"anihub/platform/cache"
	"anihub/platform/fault"
)

func TestLifeOfAValue(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		r.want(t, "1 l1")
		time.Sleep(5 * time.Minute)
		r.want(t, "1 l2") // L1 trusts its copy for 5 minutes
		r.want(t, "1 l1")
		time.Sleep(26 * time.Minute)
		r.want(t, "1 l3") // L2 for 30
		r.want(t, "1 l1")
		if n := r.origin.count(); n != 1 {
			t.Errorf("the origin was asked %d times within the value's 24 hours", n)
		}
		time.Sleep(24 * time.Hour)
		r.origin.set(func(o *origin) { o.version = 2 })
		r.want(t, "2 origin")
		for name, l := range map[string]cache.Level{"l2": r.l2, "l3": r.l3} {
			if e, ok, err := l.Get(t.Context(), key); !ok || err != nil || string(e.Body) != "2" {
				t.Errorf("%s holds %q, %v, %v", name, e.Body, ok, err)
			}
		}
	})
}

func TestANewProcessFindsWhatTheLevelsHold(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		p := r.peer(t)
		defer p.end(t)
		p.want(t, "1 l2")
		p.want(t, "1 l1")
	})
}

// A key that is read is renewed before anybody has to wait for it.
func TestRefreshAhead(t *testing.T) {
	cfg := steady()
	cfg.RefreshAt = 0.8
	bubble(t, cfg, func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		r.origin.set(func(o *origin) { o.delay = 100 * time.Millisecond })
		for range 48 * 60 * 2 { // two days of a read every half minute
			time.Sleep(30 * time.Second)
			r.want(t, "1 l1")
		}
		if n := r.origin.count(); n < 3 || n > 4 {
			t.Errorf("the origin was asked %d times in 48 hours, want once per about 20", n)
		}
	})
}

func TestRefreshAheadSurvivesAnOutage(t *testing.T) {
	cfg := steady()
	cfg.RefreshAt = 0.8
	bubble(t, cfg, func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		time.Sleep(20 * time.Hour)
		r.origin.set(func(o *origin) { o.err = errDown })
		r.want(t, "1 l3") // past 80 % of its life, but fresh
		for range 3 * 120 {
			time.Sleep(30 * time.Second)
			r.want(t, "1 l1")
		}
		tries := r.origin.count() - 1
		if tries == 0 {
			t.Error("nobody tried to refresh it ahead")
		}
		for range 10 {
			r.want(t, "1 l1")
		}
		if n := r.origin.count() - 1 - tries; n > 1 {
			t.Errorf("%d tries within the retry delay", n)
		}
	})
}

// Also where nobody comes in the last fifth of L1's life: who finds a value near
// its end is answered, and it is renewed behind him.
func TestAValueNearItsEndIsRenewedBehindTheReader(t *testing.T) {
	cfg := steady()
	cfg.RefreshAt = 0.8
	bubble(t, cfg, func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		time.Sleep(20 * time.Hour)
		ahead := false
		r.origin.set(func(o *origin) { o.version, o.delay = 2, time.Second })
		h, err := r.Get(t.Context(), key, func(ctx context.Context) (cache.Entry, error) {
			ahead = cache.Ahead(ctx)
			return r.origin.load(ctx)
		})
		if got := describe(h, err); got != "1 l3" {
			t.Errorf("Get = %q", got)
		}
		time.Sleep(2 * time.Second)
		r.want(t, "2 l1")
		if !ahead || r.origin.count() != 2 {
			t.Errorf("ahead %v, %d loads", ahead, r.origin.count())
		}
	})
}

func TestOneLoadPerKey(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.origin.set(func(o *origin) { o.delay = time.Second })
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { r.among(t, "1 origin") })
		}
		wg.Wait()
		if n := r.origin.count(); n != 1 {
			t.Errorf("%d loads for 1000 callers", n)
		}
	})
}

func TestALeaderWhoGoesAwayFailsNobody(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.origin.set(func(o *origin) { o.delay = time.Second })
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := r.Get(ctx, key, r.origin.load)
			if !errors.Is(err, context.Canceled) || fault.Of(err).Kind != fault.Canceled {
				t.Errorf("the leader got %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() { r.among(t, "1 origin") })
		synctest.Wait()
		cancel()
		wg.Wait()
		if n := r.origin.count(); n != 1 {
			t.Errorf("%d loads", n)
		}
	})
}

// The loader hangs and does not even heed its context.
func TestALoaderThatHangs(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		release := make(chan struct{})
		began := time.Now()
		h, err := r.Get(t.Context(), key, func(context.Context) (cache.Entry, error) {
			<-release
			return cache.Entry{Body: []byte("too late"), Generation: 99}, nil
		})
		if got := describe(h, err); got != "unavailable" || fault.Of(err).RetryAfter <= 0 {
			t.Errorf("Get = %q, %+v", got, err)
		}
		if d := time.Since(began); d != r.cfg.HardTimeout {
			t.Errorf("answered after %v, want the hard timeout", d)
		}
		r.want(t, "1 origin")
		close(release)
		synctest.Wait()
		r.want(t, "1 l1")
		if s := r.Stats().Loads; s.Abandoned != 1 {
			t.Errorf("loads: %+v", s)
		}
	})
}

func TestALoaderThatPanics(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		bad := func(context.Context) (cache.Entry, error) { panic("boom") }
		if _, err := r.Get(t.Context(), key, bad); fault.Of(err).Kind != fault.Internal {
			t.Errorf("Get = %v, want an internal fault", err)
		}
		r.want(t, "1 origin")
		time.Sleep(25 * time.Hour)
		h, err := r.Get(t.Context(), key, bad)
		if got := describe(h, err); got != "1 l1 stale upstream_down" {
			t.Errorf("Get = %q", got)
		}
	})
}

func TestSoftTimeout(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		time.Sleep(25 * time.Hour)
		r.origin.set(func(o *origin) { o.version, o.delay = 2, 5*time.Second })
		began := time.Now()
		r.want(t, "1 l1 stale timeout")
		if d := time.Since(began); d != r.cfg.SoftTimeout {
			t.Errorf("answered after %v, want the soft timeout", d)
		}
		time.Sleep(5 * time.Second)
		r.want(t, "2 l1")
		if n := r.origin.count(); n != 2 {
			t.Errorf("%d loads", n)
		}
	})
}

func TestACallersDeadlineGetsWhatThereIs(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		time.Sleep(25 * time.Hour)
		r.origin.set(func(o *origin) { o.delay = 5 * time.Second })
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		h, err := r.Get(ctx, key, r.origin.load)
		if got := describe(h, err); got != "1 l1 stale timeout" {
			t.Errorf("Get = %q", got)
		}
		_, err = r.Get(ctx, "title:cold", r.origin.load)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a cold key got %v", err)
		}
	})
}

// Whatever is dead, what was ever known is answered, and how old it is.
func TestWhoIsDown(t *testing.T) {
	for _, tt := range []struct {
		name       string
		l2, l3, up bool // down?
		age        time.Duration
		want       string
	}{
		{"all well within L1's time", false, false, false, time.Minute, "1 l1"},
		{"all dead within L1's time", true, true, true, time.Minute, "1 l1"},
		{"L2 dead", true, false, false, time.Hour, "1 l3"},
		{"L3 dead, L2 trusted", false, true, false, 20 * time.Minute, "1 l2"},
		{"L3 dead, L2 not trusted any more", false, true, false, time.Hour, "1 l1 stale level_down"},
		{"L2 and L3 dead", true, true, false, time.Hour, "1 l1 stale level_down"},
		{"L2 and L3 dead, value over its life", true, true, false, 25 * time.Hour, "2 origin"},
		{"upstream dead", false, false, true, 25 * time.Hour, "1 l1 stale upstream_down"},
		{"upstream and L2 dead", true, false, true, 25 * time.Hour, "1 l1 stale upstream_down"},
		{"all dead for a month", true, true, true, 30 * 24 * time.Hour, "1 l1 stale upstream_down"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, steady(), func(t *testing.T, r *rig) {
				r.want(t, "1 origin")
				time.Sleep(tt.age)
				r.l2.Down(tt.l2)
				r.l3.Down(tt.l3)
				r.origin.set(func(o *origin) {
					o.version = 2
					if tt.up {
						o.err = errDown
					}
				})
				r.want(t, tt.want)
				r.l2.Down(false)
				r.l3.Down(false)
				r.origin.set(func(o *origin) { o.err = nil })
				time.Sleep(2 * r.cfg.Breaker.Delay)
				h, err := r.Get(t.Context(), key, r.origin.load)
				if err != nil || h.Stale {
					t.Errorf("after all healed: %s", describe(h, err))
				}
			})
		})
	}
}

func TestNothingKnownAndNobodyThere(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.origin.set(func(o *origin) { o.err = errDown })
		r.want(t, "unavailable")
		h, err := r.Get(t.Context(), key, nil)
		if got := describe(h, err); got != "unavailable" {
			t.Errorf("Get without load = %q", got)
		}
		r.origin.set(func(o *origin) { o.err = nil })
		r.want(t, "1 origin")
		time.Sleep(25 * time.Hour)
		h, err = r.Get(t.Context(), key, nil)
		if got := describe(h, err); got != "1 l1 stale expired" {
			t.Errorf("Get without load = %q", got)
		}
	})
}

func TestNotFoundIsBelievedForAMinute(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.origin.set(func(o *origin) { o.err = cache.ErrNotFound })
		r.want(t, "not found origin")
		r.want(t, "not found l1")
		p := r.peer(t)
		defer p.end(t)
		p.want(t, "not found l2")
		if _, ok := r.l3.Raw(key); ok {
			t.Error("L3 keeps it for ever")
		}
		time.Sleep(time.Minute)
		r.origin.set(func(o *origin) { o.err = errDown })
		r.want(t, "unavailable") // 404 only from the origin's own
		r.origin.set(func(o *origin) { o.err = nil })
		r.want(t, "1 origin")
	})
}

func TestANewTitleDissolvesNotFound(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.origin.set(func(o *origin) { o.err = cache.ErrNotFound })
		r.want(t, "not found origin")
		p := r.peer(t)
		defer p.end(t)
		p.want(t, "not found l2")
		r.write(t, "new")
		if err := r.Supersede(t.Context(), []string{key}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		r.want(t, "new l3")
		p.want(t, "new l2")
	})
}

func TestAGoneTitleIsServedOnlyWhileTheOriginIsDown(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		time.Sleep(25 * time.Hour)
		r.origin.set(func(o *origin) { o.err = cache.ErrNotFound })
		r.want(t, "not found origin")
		r.want(t, "not found l1")
	})
}

// A level that swallows everything costs its timeout a few times, then nothing.
func TestABlackHoleIsPassedOver(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.l2.Hole(true)
		began := time.Now()
		for i := range 100 {
			k := "title:" + string(rune('a'+i))
			if _, err := r.Get(t.Context(), k, r.origin.load); err != nil {
				t.Fatal(err)
			}
			if err := r.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		most := time.Duration(r.cfg.Breaker.Failures) * r.cfg.L2.Timeout
		if d := time.Since(began); d > most {
			t.Errorf("100 reads took %v, want at most %v", d, most)
		}
		if s := level(r, "l2"); s.Breaker != "open" || s.Errors != int64(r.cfg.Breaker.Failures) || s.Skipped == 0 {
			t.Errorf("L2: %+v", s)
		}
		asked := r.l2.Calls("get")
		r.l2.Hole(false)
		time.Sleep(r.cfg.Breaker.Delay)
		r.want(t, "1 origin")
		r.want(t, "1 l1")
		if s := level(r, "l2"); s.Breaker != "closed" || r.l2.Calls("get") == asked {
			t.Errorf("L2 after it healed: %+v", s)
		}
	})
}

func level(r *rig, name string) cache.LevelStats {
	for _, l := range r.Stats().Levels {
		if l.Level == name {
			return l
		}
	}
	return cache.LevelStats{}
}

// After a failed refresh a stale value is answered at once, not after another try.
func TestAFailedRefreshRests(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		time.Sleep(25 * time.Hour)
		r.origin.set(func(o *origin) { o.err = errDown })
		for range 50 {
			h, err := r.Get(t.Context(), key, r.origin.load)
			if err != nil || !h.Stale || h.Reason != cache.UpstreamDown {
				t.Errorf("Get = %s", describe(h, err))
			}
		}
		if n := r.origin.count(); n != 2 {
			t.Errorf("the origin was asked %d times", n)
		}
	})
}

func TestOwnersMayShortenALife(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		load := func(ctx context.Context) (cache.Entry, error) {
			e, err := r.origin.load(ctx)
			e.FreshUntil = time.Now().Add(time.Minute)
			return e, err
		}
		for i, want := range []string{"1 origin", "1 l1", "1 origin"} {
			h, err := r.Get(t.Context(), key, load)
			if got := describe(h, err); got != want {
				t.Errorf("Get %d = %q, want %q", i, got, want)
			}
			time.Sleep(30 * time.Second)
		}
	})
}

func TestGenerationsAreDerivedWhereTheOwnerCountsNone(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		get := func(body string) cache.Hit {
			t.Helper()
			h, err := r.Get(t.Context(), key, func(context.Context) (cache.Entry, error) {
				return cache.Entry{Body: []byte(body), ETag: body}, nil
			})
			if err != nil || h.Level != "origin" {
				t.Errorf("Get = %s", describe(h, err))
			}
			time.Sleep(25 * time.Hour)
			return h
		}
		a, again, b := get("a"), get("a"), get("b")
		if a.Generation == 0 || a.Generation != again.Generation || b.Generation <= a.Generation {
			t.Errorf("generations %d, %d, %d", a.Generation, again.Generation, b.Generation)
		}
	})
}

func TestMount(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		titles := newMemory(t, 1<<20)
		defer titles.Close()
		r.Mount("title:", titles, nil)
		r.want(t, "1 origin")
		if _, err := r.Get(t.Context(), "schedule", r.origin.load); err != nil {
			t.Fatal(err)
		}
		if err := r.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, mounted, _ := titles.Get(t.Context(), key)
		_, other := r.l3.Raw(key)
		_, schedule := r.l3.Raw("schedule")
		if !mounted || other || !schedule {
			t.Errorf("mounted %v, in the other level %v, schedule %v", mounted, other, schedule)
		}
	})
}

func TestExplain(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		if x := r.Explain(t.Context(), "anilibria:nobody"); x.Key != "nobody" || len(x.Levels) != 3 || x.Levels[0].Present {
			t.Errorf("an unknown key: %+v", x)
		}
		r.want(t, "1 origin")
		time.Sleep(25 * time.Hour)
		r.origin.set(func(o *origin) { o.err = errDown })
		r.l2.Down(true)
		r.want(t, "1 l1 stale upstream_down")
		x := r.Explain(t.Context(), cache.Prefix+key)
		if x.LastError == "" || x.Reason != cache.UpstreamDown || x.Levels[1].Error == "" {
			t.Errorf("%+v", x)
		}
		if l3 := x.Levels[2]; !l3.Present || l3.Trusted || l3.Generation != 1 || l3.ETag != "v1" || l3.Size != 1 {
			t.Errorf("L3: %+v", l3)
		}
	})
}

func TestPeekAsksNobodyElse(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		if _, ok := r.Peek(t.Context(), key); ok {
			t.Error("there is nothing yet")
		}
		r.want(t, "1 origin")
		time.Sleep(10 * time.Minute)
		h, ok := r.Peek(t.Context(), key)
		if got := describe(h, nil); !ok || got != "1 l2" {
			t.Errorf("Peek = %q, %v", got, ok)
		}
		time.Sleep(25 * time.Hour)
		h, ok = r.Peek(t.Context(), key)
		if !ok || !h.Stale || r.origin.count() != 1 {
			t.Errorf("Peek = %q, %v, %d loads", describe(h, nil), ok, r.origin.count())
		}
	})
}

func TestClosedStillAnswersFromMemory(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		r.origin.set(func(o *origin) { o.delay = time.Hour })
		done := make(chan string)
		go func() {
			h, err := r.Get(t.Context(), "title:cold", r.origin.load)
			done <- describe(h, err)
		}()
		synctest.Wait()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if got := <-done; got != "unavailable" {
			t.Errorf("a load under way ended as %q", got)
		}
		r.want(t, "1 l1")
		if _, err := r.Get(t.Context(), "title:other", r.origin.load); !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("a cold key got %v", err)
		}
		time.Sleep(time.Hour)
		r.want(t, "1 l1 stale level_down")
	})
}

// farsighted is a memory in which another reader is faster: between a look at it
// and the answer, something happens.
type farsighted struct {
	*cache.Memory
	meanwhile func()
}

func (m *farsighted) Get(ctx context.Context, key string) (cache.Entry, bool, error) {
	e, ok, err := m.Memory.Get(ctx, key)
	if f := m.meanwhile; f != nil {
		m.meanwhile = nil
		f()
	}
	return e, ok, err
}

// Who misses L1 just before a load fills it finds that load over, and must not
// begin another one.
func TestALoadThatHasJustEndedIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]error{"a value": nil, "not found": cache.ErrNotFound} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				memory, err := cache.NewMemory(1 << 20)
				if err != nil {
					t.Fatal(err)
				}
				l1 := &farsighted{Memory: memory}
				c, err := cache.New(steady(), cache.Deps{L1: l1, Logger: quiet()})
				if err != nil {
					t.Fatal(err)
				}
				r := &rig{Cache: c, l1: memory, origin: &origin{version: 1, err: gone}, stop: func() {}}
				l1.meanwhile = func() {
					_, _ = r.Get(t.Context(), key, r.origin.load)
					synctest.Wait()
				}
				if _, err := r.Get(t.Context(), key, r.origin.load); !errors.Is(err, gone) {
					t.Errorf("Get: %v", err)
				}
				if n := r.origin.count(); n != 1 {
					t.Errorf("%d loads, want 1", n)
				}
				r.end(t)
			})
		})
	}
}

// TestARefreshAheadThatHangsMakesNothingYoung: who joins it after the value's life is
// over gets what it answered long ago, but not as if it were fresh.
func TestARefreshAheadThatHangsMakesNothingYoung(t *testing.T) {
	cfg := steady()
	cfg.RefreshAt, cfg.L3.TTL = 0.8, time.Minute
	bubble(t, cfg, func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		time.Sleep(55 * time.Second)
		r.again(t)
		r.origin.set(func(o *origin) { o.delay = time.Hour })
		for _, stale := range []bool{false, true} {
			h, err := r.Get(t.Context(), key, r.origin.load)
			if err != nil || h.Stale != stale || string(h.Body) != "1" {
				t.Errorf("%s, want stale %v", describe(h, err), stale)
			}
			time.Sleep(6 * time.Second)
		}
	})
}
