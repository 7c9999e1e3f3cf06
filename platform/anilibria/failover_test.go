package anilibria_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"anihub/platform/anilibria"
)

func TestFailoverAndReturn(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test", "b.test", "c.test")
		r.world.is("a.test", fails(errors.New("no route to host")))
		r.world.is("b.test", fine())
		r.world.is("c.test", fine())
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			if err := r.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		for range 20 {
			if err := r.ask(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if a, b, c := r.world.calls("a.test"), r.world.calls("b.test"), r.world.calls("c.test"); a != 5 || b != 20 || c != 0 {
			t.Errorf("asked a %d, b %d, c %d times", a, b, c)
		}
		state := r.State()
		if !state[1].Active || state[0].Active || state[0].Breaker != "open" || state[0].LastError == "" || r.metric(t, "upstream_active_host", "host", "b.test") != 1 {
			t.Errorf("state %+v", state)
		}
		time.Sleep(95 * time.Second)
		if n := r.world.calls("a.test") - 5; n != 3 {
			t.Errorf("%d probes in 95 s", n)
		}
		r.world.is("a.test", fine())
		time.Sleep(30 * time.Second)
		before := r.world.calls("a.test")
		if err := r.ask(t.Context()); err != nil || r.world.calls("a.test") != before+1 {
			t.Error("the preferred host has healed and is not preferred")
		}
		if s := r.State()[0]; !s.Active || s.LastError != "" || r.logs.count("host is back") != 1 || r.logs.count("host is down") != 1 {
			t.Errorf("state %+v", s)
		}
		cancel()
		group.Wait()
	})
}

// A host that answers app/status with a page, a refusal or is_alive false is not back.
func TestProbeWantsTheTruth(t *testing.T) {
	for name, probe := range map[string]answer{
		"page": page(), "403": says(403, "{}"), "edge": says(403, "<html>", "Content-Type", "text/html"), "404": says(404, "{}"),
		"not alive": says(200, `{"is_alive":false}`), "something": says(200, `{}`), "429": says(429, "{}", "Retry-After", "5"),
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				r := newRig(t, "a.test", "b.test")
				r.world.is("a.test", says(500, "{}"))
				r.world.is("b.test", fine())
				ctx, cancel := context.WithCancel(t.Context())
				var group sync.WaitGroup
				group.Go(func() { _ = r.Run(ctx) })
				for range 5 {
					_ = r.ask(t.Context())
				}
				r.world.is("a.test", probe)
				time.Sleep(10 * time.Minute)
				if n := r.world.calls("a.test") - 5; r.State()[0].Active || n < 10 || n > 25 {
					t.Errorf("%d probes, %+v", n, r.State()[0])
				}
				cancel()
				group.Wait()
			})
		})
	}
}

// Background work probes; a viewer is served by the host that is up.
func TestViewerIsNoGuineaPig(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test", "b.test")
		r.world.is("a.test", hangs)
		r.world.is("b.test", fine())
		for range 5 {
			_ = r.ask(t.Context())
		}
		time.Sleep(31 * time.Second)
		start := time.Now()
		if err := r.ask(t.Context()); err != nil {
			t.Error(err)
		}
		took(t, start, 0)
		r.world.is("a.test", fine())
		if err := r.ask(anilibria.Background(t.Context())); err != nil || !r.State()[0].Active {
			t.Errorf("background work did not heal the host: %v", err)
		}
	})
}
