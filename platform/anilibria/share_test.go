package anilibria_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"anihub/platform/anilibria"
)

func TestBulkhead(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", after(3*time.Second, fine()))
		var group sync.WaitGroup
		for range 250 {
			group.Go(func() {
				if err := r.ask(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if r.world.most() != 100 {
			t.Errorf("%d at once", r.world.most())
		}
	})
}

// Who waits for a place in the bulkhead has not asked: leaving then is no evidence,
// however long it took.
func TestWaitingForAPlaceIsNoEvidence(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", after(9500*time.Millisecond, fine()))
		var group sync.WaitGroup
		for i := range 150 {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				if i >= 100 {
					time.Sleep(time.Second) // behind the hundred
					ctx, cancel = context.WithTimeout(t.Context(), 6*time.Second)
				}
				defer cancel()
				if err := r.ask(ctx); (err == nil) != (i < 100) {
					t.Error(i, err)
				}
			})
		}
		group.Wait()
		if r.breaker(0) != "closed" || r.world.calls("a.test") != 100 {
			t.Errorf("%d calls, breaker %s", r.world.calls("a.test"), r.breaker(0))
		}
	})
}

// Work that cannot have its turn before its deadline is told so at once.
func TestQueueRefusesWhatWouldBeLate(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", fine())
		for range 2 {
			if err := r.ask(anilibria.Background(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(anilibria.Background(t.Context()), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		if err := r.ask(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		took(t, start, 0)
		gone, leave := context.WithCancel(anilibria.Background(t.Context()))
		leave()
		if err := r.ask(gone); !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestBackgroundGivesWay(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", fine())
		start := time.Now()
		var group sync.WaitGroup
		for range 12 {
			group.Go(func() {
				if err := r.ask(anilibria.Background(t.Context())); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		for range 50 {
			if err := r.ask(t.Context()); err != nil {
				t.Error(err)
			}
		}
		took(t, start, 0)
		group.Wait()
		took(t, start, 5*time.Second) // two at once, then two a second
	})
}

func TestBackgroundIsUnlimitedOnLoopback(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "127.0.0.1:1", "localhost:2", "[::1]:3")
		r.world.is("127.0.0.1:1", fine())
		start := time.Now()
		for range 500 {
			if err := r.ask(anilibria.Background(t.Context())); err != nil {
				t.Error(err)
			}
		}
		took(t, start, 0)
	})
}

func TestBackgroundLeavesHalfOfTheConnections(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "127.0.0.1:1")
		r.world.is("127.0.0.1:1", after(time.Second, fine()))
		var group sync.WaitGroup
		for range 200 {
			group.Go(func() { _ = r.ask(anilibria.Background(t.Context())) })
		}
		synctest.Wait()
		if r.world.most() != 50 {
			t.Errorf("background work holds %d connections", r.world.most())
		}
		group.Wait()
	})
}
