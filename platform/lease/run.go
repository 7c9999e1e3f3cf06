package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"anihub/platform/fault"
)

// Work is done by the holder of a lease. Its ctx ends when the lease is lost, with
// ErrLost as the cause, or when the process is to stop; what the work writes
// carries the token, so that a store can refuse it should this process have slept
// through both.
type Work func(ctx context.Context, token int64) error

// Run does work in one process of the fleet at a time, until ctx ends (it returns
// nil) or the work is finished (it returned nil while the lease was held; so does
// Run). An invalid name or ttl is ErrInvalid.
//
// It tries to get the lease every quarter to third of ttl, or as soon as the
// holder's runs out, and renews it as often. The ctx of the work ends before the
// lease could have run out by this process's clock, even when the keeper does not
// answer. Work that does not return then delays only this process: others take
// over. After a loss the work begins anew as soon as the lease is ours again; after
// an error or a panic the lease is released and this process pauses, from ttl/10
// up to 6 ttl, so that another may try.
func Run(ctx context.Context, keeper Keeper, name string, ttl time.Duration, logger *slog.Logger, work Work) error {
	if err := check(name, ttl); err != nil {
		return err
	}
	r := runner{keeper: keeper, name: name, ttl: ttl, logger: logger.With("lease", name), work: work}
	for ctx.Err() == nil {
		lease, asked := r.acquire(ctx)
		if lease == nil {
			break
		}
		if finished := r.hold(ctx, lease, asked); finished {
			break
		}
	}
	return nil
}

type runner struct {
	keeper Keeper
	name   string
	ttl    time.Duration
	logger *slog.Logger
	work   Work

	away   bool // the keeper did not answer last time
	failed int  // failures of the work in a row
}

// acquire tries until it succeeds or ctx ends (nil). The lease runs from the
// moment the successful try began.
func (r *runner) acquire(ctx context.Context) (Lease, time.Time) {
	for ctx.Err() == nil {
		asked := time.Now()
		lease, err := r.try(ctx)
		if err == nil {
			r.note(ctx, nil)
			return lease, asked
		}
		pause := r.ttl/4 + rand.N(r.ttl/12)
		if errors.Is(err, ErrHeld) {
			r.note(ctx, nil)
			if left := fault.Of(err).RetryAfter; left > 0 && left < pause {
				pause = left + rand.N(r.ttl/20)
			}
		} else if ctx.Err() == nil {
			r.note(ctx, err)
		}
		sleep(ctx, pause)
	}
	return nil, time.Time{}
}

// try asks once, and not for longer than is worth it.
func (r *runner) try(ctx context.Context) (Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, r.ttl/4)
	defer cancel()
	return r.keeper.Acquire(ctx, r.name, r.ttl)
}

// hold does the work once and gives the lease back. finished: there is nothing
// more to do for this process.
func (r *runner) hold(ctx context.Context, lease Lease, asked time.Time) (finished bool) {
	held, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	r.logger.InfoContext(ctx, "lease acquired", "token", lease.Token())
	begun := time.Now()
	err := r.keep(held, lease, asked, lose)
	gone := isLost(held)
	r.giveBack(ctx, lease)
	switch {
	case ctx.Err() != nil:
		return true
	case gone:
		r.logger.WarnContext(ctx, "lease lost; the work was stopped", "token", lease.Token())
		return false
	case err == nil:
		return true
	}
	if time.Since(begun) > r.ttl {
		r.failed = 0
	}
	pause := r.backoff()
	r.logger.ErrorContext(ctx, "the work failed; trying again", "token", lease.Token(), "error", err, "pause", pause)
	sleep(ctx, pause)
	return false
}

// keep runs the work and renews its lease until it returns, during a shutdown too:
// what the work does last still needs the lease. A lost one is not renewed.
func (r *runner) keep(held context.Context, lease Lease, asked time.Time, lose context.CancelCauseFunc) error {
	result := make(chan error, 1)
	go r.do(held, lease.Token(), result)
	// A tenth of ttl is for the work to notice.
	expiry := func(asked time.Time) time.Duration { return time.Until(asked.Add(r.ttl - r.ttl/10)) }
	expire := time.AfterFunc(expiry(asked), func() { lose(ErrLost.Because("not renewed in time")) })
	defer expire.Stop()
	next := time.NewTimer(r.ttl / 3)
	defer next.Stop()
	for {
		select {
		case err := <-result:
			return err
		case <-next.C:
		}
		if isLost(held) {
			return <-result
		}
		asked := time.Now()
		switch err := r.renew(held, lease); {
		case err == nil:
			expire.Reset(expiry(asked))
			next.Reset(r.ttl / 3)
		case errors.Is(err, ErrLost):
			lose(err)
			return <-result
		default: // unknown: soon again, until expire says that it is too late
			next.Reset(r.ttl / 10)
		}
	}
}

func (r *runner) renew(ctx context.Context, lease Lease) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.ttl/4)
	defer cancel()
	return lease.Renew(ctx, r.ttl)
}

func (r *runner) giveBack(ctx context.Context, lease Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.ttl/4)
	defer cancel()
	if err := lease.Release(ctx); err != nil {
		r.logger.DebugContext(ctx, "lease not released; it will run out", "token", lease.Token(), "error", err)
	}
}

// do calls the work and always sends one result, whatever the work does.
func (r *runner) do(ctx context.Context, token int64, result chan<- error) {
	err := errors.New("the work ended its goroutine")
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		result <- err
	}()
	err = r.work(ctx, token)
}

// backoff is between half and all of a time that doubles from ttl/10 to 6 ttl.
func (r *runner) backoff() time.Duration {
	d := 6 * r.ttl
	if r.failed < 6 {
		d = min(r.ttl/10<<r.failed, d)
	}
	r.failed++
	return d/2 + rand.N(d/2)
}

// note logs when the keeper goes away and when it is back.
func (r *runner) note(ctx context.Context, err error) {
	if away := err != nil; away != r.away {
		r.away = away
		if away {
			r.logger.WarnContext(ctx, "leases are not granted; trying again", "error", err)
		} else {
			r.logger.InfoContext(ctx, "leases are granted again")
		}
	}
}

func isLost(ctx context.Context) bool { return errors.Is(context.Cause(ctx), ErrLost) }

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
