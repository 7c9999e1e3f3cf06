package userssvc

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// How long the shared limiter is waited for, and how long it is left alone once it
// failed: a sign-in must not wait for a Redis that is gone.
const (
	limiterTime = 250 * time.Millisecond
	limiterRest = time.Second
)

// fallback asks a shared limiter, and one of this process while the shared one does
// not answer. The process's own counts everything, too, so that whoever was at the
// limit stays there when the shared one dies. It never fails.
type fallback struct {
	shared Limiter
	own    *MemoryLimiter
	missed prometheus.Counter
	log    *slog.Logger

	mu    sync.Mutex
	rests time.Time // the shared one is not asked before
	down  bool      // as it was told last
}

var _ Limiter = (*fallback)(nil)

func newFallback(shared Limiter, missed prometheus.Counter, log *slog.Logger) *fallback {
	return &fallback{shared: shared, own: NewMemoryLimiter(), missed: missed, log: log}
}

// Take implements Limiter.
func (f *fallback) Take(ctx context.Context, key string, l Limit) (wait time.Duration, err error) {
	here, _ := f.own.Take(ctx, key, l)
	if !f.ask(ctx, func(ctx context.Context) (err error) {
		wait, err = f.shared.Take(ctx, key, l)
		return err
	}) {
		wait = here
	}
	return wait, nil
}

// Return implements Limiter.
func (f *fallback) Return(ctx context.Context, key string, l Limit) error {
	_ = f.own.Return(ctx, key, l) // never fails
	f.ask(ctx, func(ctx context.Context) error { return f.shared.Return(ctx, key, l) })
	return nil
}

// Clear implements Limiter.
func (f *fallback) Clear(ctx context.Context, key string) error {
	_ = f.own.Clear(ctx, key) // never fails
	f.ask(ctx, func(ctx context.Context) error { return f.shared.Clear(ctx, key) })
	return nil
}

var errResting = errors.New("the shared limiter is left alone for a moment")

// ask tells whether the shared limiter answered. A caller who goes away meanwhile is
// no reason to leave it half asked.
func (f *fallback) ask(ctx context.Context, question func(context.Context) error) bool {
	err := errResting
	if f.mayAsk() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limiterTime)
		defer cancel()
		err = question(ctx)
		f.note(ctx, err)
	}
	if err != nil {
		f.missed.Inc()
	}
	return err == nil
}

func (f *fallback) mayAsk() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !time.Now().Before(f.rests)
}

// note tells of a change once, not of every question.
func (f *fallback) note(ctx context.Context, err error) {
	f.mu.Lock()
	changed := f.down != (err != nil)
	f.down = err != nil
	if f.down {
		f.rests = time.Now().Add(limiterRest)
	}
	f.mu.Unlock()
	switch {
	case changed && err != nil:
		f.log.WarnContext(ctx, "attempts to sign in are counted by this process alone: the shared limiter does not answer", "err", err)
	case changed:
		f.log.InfoContext(ctx, "attempts to sign in are counted by the fleet again")
	}
}
