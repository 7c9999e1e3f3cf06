package lease_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"anihub/platform/lease"
)

const ttl = 10 * time.Second

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// untilDone is work that goes on until it is stopped.
func untilDone(ctx context.Context, _ int64) error {
	<-ctx.Done()
	return ctx.Err()
}

// start runs work in the background; stop ends it and waits.
func start(t *testing.T, k lease.Keeper, work lease.Work) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- lease.Run(ctx, k, "job", ttl, quiet(), work) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func TestRunHasOneWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := lease.NewMemory()
		var working, most, begun atomic.Int64
		work := func(ctx context.Context, token int64) error {
			begun.Add(1)
			most.Store(max(most.Load(), working.Add(1)))
			defer working.Add(-1)
			return untilDone(ctx, token)
		}
		var stops []func()
		for range 3 {
			stops = append(stops, start(t, m, work))
		}
		time.Sleep(time.Hour)
		if begun.Load() != 1 || working.Load() != 1 {
			t.Fatalf("begun %d times in an hour, %d at work", begun.Load(), working.Load())
		}
		for _, stop := range stops {
			stop()
			time.Sleep(5 * time.Second)
		}
		if most.Load() != 1 {
			t.Fatalf("%d at a time", most.Load())
		}
	})
}

func TestRunTakesOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := lease.NewMemory()
		dead, err := m.Acquire(t.Context(), "job", ttl)
		if err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		took := make(chan int64, 1)
		stop := start(t, m, func(ctx context.Context, token int64) error {
			took <- token
			return untilDone(ctx, token)
		})
		defer stop()
		if token := <-took; token <= dead.Token() {
			t.Fatalf("token %d after %d", token, dead.Token())
		}
		if d := time.Since(killed); d > 15*time.Second {
			t.Fatalf("took over after %s", d)
		}
	})
}

func TestRunReleasesAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := lease.NewMemory()
		stop := start(t, m, untilDone)
		synctest.Wait()
		if _, err := m.Acquire(t.Context(), "job", ttl); !errors.Is(err, lease.ErrHeld) {
			t.Fatal(err)
		}
		stop()
		if _, err := m.Acquire(t.Context(), "job", ttl); err != nil {
			t.Fatalf("not released: %v", err)
		}
	})
}

// What the work does last, after the shutdown began, is still under the lease.
func TestRunRenewsWhileWorkEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := lease.NewMemory()
		stop := start(t, m, func(ctx context.Context, _ int64) error {
			<-ctx.Done()
			time.Sleep(5 * ttl)
			if _, err := m.Acquire(t.Context(), "job", ttl); !errors.Is(err, lease.ErrHeld) {
				t.Errorf("the lease ran out under the ending work: %v", err)
			}
			return nil
		})
		synctest.Wait()
		stop()
	})
}

func TestRunEndsWhenWorkIsFinished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := lease.NewMemory()
		n := 0
		err := lease.Run(t.Context(), m, "job", ttl, quiet(), func(context.Context, int64) error { n++; return nil })
		if err != nil || n != 1 {
			t.Fatalf("%d times, %v", n, err)
		}
		if _, err := m.Acquire(t.Context(), "job", ttl); err != nil {
			t.Fatalf("not released: %v", err)
		}
	})
}

func TestRunRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		lease.Run(t.Context(), lease.NewMemory(), "Not A Name", ttl, quiet(), untilDone),
		lease.Run(t.Context(), lease.NewMemory(), "job", 0, quiet(), untilDone),
	} {
		if !errors.Is(err, lease.ErrInvalid) {
			t.Errorf("got %v", err)
		}
	}
}

func TestRunRestartsFailedWork(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"error":   func() error { return errors.New("no") },
		"panic":   func() error { panic("oh") },
		"nothing": func() error { panic(error(nil)) }, //nolint:govet // a panic with nil is what is tested
		"goexit":  func() error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := lease.NewMemory()
				var out bytes.Buffer
				var begun []time.Time
				var last int64
				err := lease.Run(t.Context(), m, "job", ttl, slog.New(slog.NewTextHandler(&out, nil)), func(_ context.Context, token int64) error {
					if token <= last {
						t.Errorf("token %d after %d", token, last)
					}
					last = token
					begun = append(begun, time.Now())
					if len(begun) == 12 {
						return nil
					}
					return fail()
				})
				if err != nil {
					t.Fatal(err)
				}
				for i := range 11 {
					pause := begun[i+1].Sub(begun[i])
					least, most := ttl/20, 6*ttl
					if i > 6 {
						least = 3 * ttl
					}
					if pause < least || pause > most {
						t.Errorf("pause %d is %s", i, pause)
					}
				}
				if n := strings.Count(out.String(), "the work failed"); n != 11 {
					t.Errorf("%d lines for 11 failures", n)
				}
			})
		})
	}
}

// While one pauses after a failure another may try.
func TestRunLeavesFailedWorkToOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := lease.NewMemory()
		stopA := start(t, m, func(context.Context, int64) error { return errors.New("not on this machine") })
		defer stopA()
		works := make(chan struct{})
		stopB := start(t, m, func(ctx context.Context, token int64) error {
			close(works)
			return untilDone(ctx, token)
		})
		defer stopB()
		<-works
	})
}
