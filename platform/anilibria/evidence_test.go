package anilibria_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"anihub/platform/anilibria"
	"anihub/platform/fault"
)

func TestLeavingIsNoEvidence(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", hangs)
		for range 20 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			if err := r.ask(ctx); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := r.ask(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			cancel()
		}
		if r.breaker(0) != "closed" {
			t.Error("callers who left opened the breaker")
		}
		// A deadline as long as the attempt's does not shield a host that hangs.
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
			if err := r.ask(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			cancel()
		}
		if r.breaker(0) != "open" {
			t.Error("five hangs of nine seconds did not open the breaker")
		}
	})
}

// T8: a probe whose caller leaves must not keep the breaker half-open for ever.
func TestLeavingDuringTheProbe(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", says(500, "{}"))
		for range 2 {
			_ = r.ask(t.Context())
		}
		time.Sleep(30 * time.Second)
		r.world.is("a.test", hangs)
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := r.ask(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("not a probe that was left: %v", err)
			}
			cancel()
		}
		if r.breaker(0) != "half-open" {
			t.Errorf("breaker %s", r.breaker(0))
		}
		r.world.is("a.test", fine())
		if err := r.ask(t.Context()); err != nil || r.breaker(0) != "closed" {
			t.Errorf("the next probe: %v, breaker %s", err, r.breaker(0))
		}
	})
}

// T8: neither the bulkhead nor a half-open breaker loses a place to a panic.
func TestPanicInADecoder(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", fine())
		explodes := question()
		explodes.Decode = func([]byte, anilibria.Skip) error { panic("boom") }
		for range 150 {
			want(t, r.Fetch(t.Context(), explodes), fault.ErrInternal)
		}
		if err := r.ask(t.Context()); err != nil {
			t.Error(err)
		}
		if r.breaker(0) != "closed" {
			t.Error("our own defect opened the breaker")
		}
	})
}

// A late answer of the closed breaker says nothing about the half-open one.
func TestLateAnswersDoNotDecide(t *testing.T) {
	for name, late := range map[string]answer{"good": fine(), "bad": says(500, "{}")} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) { lateAnswer(t, late) })
		})
	}
}

func lateAnswer(t *testing.T, late answer) {
	t.Helper()
	c := anilibria.DefaultConfig()
	c.BaseURLs = []string{"http://a.test"}
	c.Breaker.Delay = time.Second
	r := newRigWith(t, c)
	r.world.is("a.test", after(5*time.Second, late))
	var group sync.WaitGroup
	group.Go(func() { _ = r.ask(t.Context()) })
	synctest.Wait()
	r.world.is("a.test", says(500, "{}"))
	for range 2 {
		_ = r.ask(t.Context())
	}
	time.Sleep(2 * time.Second)
	r.world.is("a.test", after(7*time.Second, fine()))
	probe := make(chan error, 1)
	group.Go(func() { probe <- r.ask(t.Context()) })
	time.Sleep(4 * time.Second) // the late answer is in, the probe is not
	if r.breaker(0) != "half-open" {
		t.Errorf("breaker %s after an answer from before it opened", r.breaker(0))
	}
	want(t, r.ask(t.Context()), anilibria.ErrUnavailable) // the probe's place is taken
	group.Wait()
	if err := <-probe; err != nil || r.breaker(0) != "closed" {
		t.Errorf("the probe: %v, breaker %s", err, r.breaker(0))
	}
}
