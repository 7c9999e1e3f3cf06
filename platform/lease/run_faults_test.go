package lease_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"anihub/platform/lease"
	"anihub/platform/redisdb/redistest"
)

// faulty is a keeper whose answers can be switched off.
type faulty struct {
	lease.Keeper
	err  atomic.Pointer[error]
	hang atomic.Bool
}

func (f *faulty) fail(err error) { f.err.Store(&err) }

func (f *faulty) trouble(ctx context.Context) error {
	if f.hang.Load() {
		<-ctx.Done()
		return lease.ErrUnavailable.With(ctx.Err())
	}
	if err := f.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (f *faulty) Acquire(ctx context.Context, name string, ttl time.Duration) (lease.Lease, error) {
	if err := f.trouble(ctx); err != nil {
		return nil, err
	}
	l, err := f.Keeper.Acquire(ctx, name, ttl)
	return &faultyLease{l, f}, err
}

type faultyLease struct {
	lease.Lease
	f *faulty
}

func (l *faultyLease) Renew(ctx context.Context, ttl time.Duration) error {
	if err := l.f.trouble(ctx); err != nil {
		return err
	}
	return l.Lease.Renew(ctx, ttl)
}

func (l *faultyLease) Release(ctx context.Context) error {
	if err := l.f.trouble(ctx); err != nil {
		return err
	}
	return l.Lease.Release(ctx)
}

// Whatever the keeper does, the work is stopped before another could begin.
func TestRunStopsWorkInTime(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(f *faulty){
		"does not answer": func(f *faulty) { f.hang.Store(true) },
		"is away":         func(f *faulty) { f.fail(lease.ErrUnavailable) },
		"is broken":       func(f *faulty) { f.fail(errors.New("what")) },
		"took it away":    func(f *faulty) { f.fail(lease.ErrLost) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := lease.NewMemory()
				f := &faulty{Keeper: m}
				stopped := make(chan error, 1)
				var spoilt time.Time
				stop := start(t, f, func(ctx context.Context, _ int64) error {
					<-ctx.Done()
					select {
					case stopped <- context.Cause(ctx):
					default: // the second time it is the test that ends
					}
					return ctx.Err()
				})
				defer stop()
				time.Sleep(time.Hour + time.Second)
				spoil(f)
				spoilt = time.Now()
				// Another process, which reaches the keeper, tries as often as can be.
				other := make(chan struct{})
				go func() {
					defer close(other)
					for {
						if _, err := m.Acquire(t.Context(), "job", time.Minute); err == nil {
							return
						}
						time.Sleep(time.Millisecond)
					}
				}()
				select {
				case cause := <-stopped:
					if !errors.Is(cause, lease.ErrLost) {
						t.Errorf("stopped because of %v", cause)
					}
					if d := time.Since(spoilt); name == "took it away" && d > ttl/3 {
						t.Errorf("worked on for %s after the lease was known to be lost", d)
					}
				case <-other:
					t.Error("two at work")
				}
				<-other
				// It heals, and the work goes on here when the other is gone.
				f.hang.Store(false)
				f.err.Store(nil)
				time.Sleep(2 * time.Minute)
				if _, err := m.Acquire(t.Context(), "job", ttl); !errors.Is(err, lease.ErrHeld) {
					t.Errorf("did not heal: %v", err)
				}
			})
		})
	}
}

// A short absence of the keeper costs nothing.
func TestRunSurvivesABlip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{Keeper: lease.NewMemory()}
		var begun atomic.Int64
		stop := start(t, f, func(ctx context.Context, token int64) error {
			begun.Add(1)
			return untilDone(ctx, token)
		})
		defer stop()
		for range 20 {
			time.Sleep(time.Minute)
			f.fail(lease.ErrUnavailable)
			time.Sleep(ttl / 3)
			f.err.Store(nil)
		}
		if begun.Load() != 1 {
			t.Fatalf("begun %d times", begun.Load())
		}
	})
}

func TestRunLogsAnAbsenceOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{Keeper: lease.NewMemory()}
		f.fail(lease.ErrUnavailable)
		var out bytes.Buffer
		go func() {
			time.Sleep(time.Hour)
			f.err.Store(nil)
		}()
		err := lease.Run(t.Context(), f, "job", ttl, slog.New(slog.NewTextHandler(&out, nil)),
			func(context.Context, int64) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if away, back := strings.Count(out.String(), "not granted"), strings.Count(out.String(), "granted again"); away != 1 || back != 1 {
			t.Fatalf("%d lines of absence and %d of return in\n%s", away, back, out.String())
		}
	})
}

// The real thing: Redis is paused under the holder, whose work is stopped; when it
// is back, or back and empty, the work goes on with a larger token.
func TestRunOnRedis(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	k := lease.NewRedis(s.Client(), "x")
	ctx, cancel := context.WithCancel(t.Context())
	begun, ended := make(chan int64, 100), make(chan error, 100)
	done := make(chan error, 1)
	go func() {
		done <- lease.Run(ctx, k, "job", time.Second, quiet(), func(ctx context.Context, token int64) error {
			begun <- token
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return nil
		})
	}()
	first := <-begun
	s.Pause()
	if cause := <-ended; !errors.Is(cause, lease.ErrLost) {
		t.Fatalf("stopped because of %v", cause)
	}
	s.Resume()
	second := <-begun
	s.Restart()
	if cause := <-ended; !errors.Is(cause, lease.ErrLost) {
		t.Fatalf("stopped because of %v", cause)
	}
	third := <-begun
	if first >= second || second >= third {
		t.Fatalf("tokens %d, %d, %d", first, second, third)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	mustAcquire(t, lease.NewRedis(s.Client(), "x"))
}

func TestLeaseHeld(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	k := lease.Measured(lease.NewMemory(), reg)
	want := func(want float64) {
		t.Helper()
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				got[f.GetName()+" "+m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
		if diff := cmp.Diff(map[string]float64{"lease_held job": want}, got); diff != "" {
			t.Fatal(diff)
		}
	}
	_, _ = k.Acquire(t.Context(), "Not a label", time.Hour)
	l, err := k.Acquire(t.Context(), "job", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	want(1)
	_, _ = k.Acquire(t.Context(), "job", time.Hour)
	want(1)
	for range 2 {
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(0)
	}
	if _, err = k.Acquire(t.Context(), "job", 20*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	want(1)
}
