package syncersvc

import (
	"context"
	"errors"
	"math"
	"runtime/debug"
	"sync"
	"time"

	syncer "anihub/modules/sync"
	"anihub/platform/fault"
)

// errCancelled is the cause of a context whose job was cancelled.
var errCancelled = errors.New("job cancelled")

// run is a job in the hands of this process.
type run struct {
	id    string
	fence int64
	meter *meter
	stop  context.CancelCauseFunc
}

// guardEvery is how often a run asks whether its job was cancelled or taken over in
// another process.
const guardEvery = time.Second

// hold does the work of a job, from taking it to storing its end. Token is that of
// the lease, or 0 for a job that any process may take. A job whose process stops, or
// that has passed to another, is left open; the error says why it was left or failed.
func (s *Service) hold(ctx context.Context, id string, token int64, work func(context.Context) error) error {
	within, cancel := context.WithCancelCause(ctx)
	r := &run{id: id, meter: newMeter(time.Now(), 0), stop: cancel}
	if !s.queue.running(r) { // before it is taken, so that no cancel falls between
		cancel(nil)
		return errStale
	}
	defer s.queue.stopped(id)
	if err := s.take(within, r, token); err != nil {
		cancel(nil)
		return err
	}
	var guard sync.WaitGroup
	guard.Go(func() { s.guard(within, r) })
	err := s.caught(within, work)
	if cause := context.Cause(within); errors.Is(cause, errCancelled) || errors.Is(cause, errStale) {
		err = cause
	}
	cancel(nil)
	guard.Wait()
	if errors.Is(err, errStale) {
		s.log.WarnContext(ctx, "job left to another process", "job", id)
		return err
	}
	if err != nil && ctx.Err() != nil && !errors.Is(err, errCancelled) {
		return err
	}
	s.finish(context.WithoutCancel(ctx), id, r.fence, err)
	return err
}

func (s *Service) caught(ctx context.Context, work func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.ErrorContext(ctx, "a job panicked", "panic", p, "stack", string(debug.Stack()))
			err = fault.ErrInternal.Because("panic: %v", p)
		}
	}()
	return work(ctx)
}

// take marks a job as running here. It stays with a runner that has a newer token, or
// that needs none and is alive.
func (s *Service) take(ctx context.Context, r *run, token int64) error {
	return s.store.change(ctx, r.id, func(d *jobDoc) error {
		if err := d.heldBy(d.Fence); err != nil {
			return err // it has ended
		}
		if token > 0 && d.Fence > token || token == 0 && d.State == syncer.Running && !d.orphaned(s.patience()) {
			return errStale
		}
		if r.fence = token; token == 0 {
			r.fence = d.Fence + 1
		}
		d.State, d.Alive, d.Fence = syncer.Running, now(), r.fence
		if d.StartedAt.IsZero() {
			d.StartedAt = d.Alive
		}
		return nil
	})
}

// guard stops a run whose job was ended or taken over elsewhere, and gives the sign
// of life that keeps others from taking it. While the store is away nothing is known,
// and the run goes on.
func (s *Service) guard(ctx context.Context, r *run) {
	told := time.Now()
	for sleep(ctx, guardEvery) {
		d, _, err := s.store.job(ctx, r.id)
		if err != nil {
			continue
		}
		if gone := d.heldBy(r.fence); gone != nil {
			r.stop(gone)
			return
		}
		if time.Since(told) >= s.cfg.LeaseTTL && s.write(ctx, r, func(d *jobDoc) { d.Alive = now() }) == nil {
			told = time.Now()
		}
	}
}

// write changes the job of a run, unless it is no longer ours.
func (s *Service) write(ctx context.Context, r *run, apply func(*jobDoc)) error {
	return s.store.change(ctx, r.id, func(d *jobDoc) error {
		if err := d.heldBy(r.fence); err != nil {
			return err
		}
		apply(d)
		return nil
	})
}

// measureFrom tells a run how many titles were done before it began.
func (s *Service) measureFrom(id string, done int) {
	if r := s.queue.run(id); r != nil {
		r.meter = newMeter(time.Now(), done)
	}
}

// progress stores how far a job is. One that was cancelled ends here, and so does one
// that has passed to another process.
func (s *Service) progress(ctx context.Context, id string, p syncer.Progress) error {
	r := s.queue.run(id)
	if r == nil {
		return errStale
	}
	at := time.Now()
	rate, eta := r.meter.add(at, p.Done, p.Total)
	err := s.write(ctx, r, func(d *jobDoc) {
		d.Done, d.Total, d.Failed, d.Rate, d.ETA, d.Alive = p.Done, p.Total, p.Failed, rate, eta, now()
	})
	if err == nil && r.meter.due(at, p.Done, p.Total) {
		s.log.InfoContext(ctx, "sync gets on", "job", id, "done", p.Done, "total", p.Total, "failed", p.Failed,
			"rate", math.Round(rate*10)/10, "eta", eta)
	}
	return err
}

// leaveOut remembers which titles a job could not fetch, and whether they belong to
// the baseline. It is called before the page counts as done, so that a crash between
// the two loses none of them.
func (s *Service) leaveOut(ctx context.Context, id string, ids []int, silent bool) error {
	r := s.queue.run(id)
	if r == nil {
		return errStale
	}
	if len(ids) == 0 {
		return nil
	}
	return s.write(ctx, r, func(d *jobDoc) {
		d.leaveOut(ids)
		d.Silent = silent
	})
}

// whoever is the fence of one who may end a job that others run: an admin.
const whoever = 0

// finish gives a job its end; the first end stays. What cannot be stored is
// logged: nobody is left to be told.
func (s *Service) finish(ctx context.Context, id string, fence int64, failure error) {
	state := stateOf(failure)
	err := s.store.change(ctx, id, func(d *jobDoc) error {
		holder := fence
		if fence == whoever {
			holder = d.Fence
		}
		if err := d.heldBy(holder); err != nil {
			return err
		}
		d.State, d.FinishedAt, d.ETA = state, now(), time.Time{}
		if state == syncer.Failed {
			f := fault.Of(failure)
			d.ErrorCode, d.Error = f.Code, f.Message
		}
		return nil
	})
	switch {
	case err == nil:
		s.metrics.jobs.WithLabelValues(state).Inc()
	case !errors.Is(err, errCancelled) && !errors.Is(err, errStale):
		s.log.ErrorContext(ctx, "end of a job not stored", "job", id, "state", state, "err", err)
	}
	s.waiters.wake(id)
}

func stateOf(failure error) string {
	switch {
	case failure == nil:
		return syncer.Succeeded
	case errors.Is(failure, errCancelled):
		return syncer.Cancelled
	default:
		return syncer.Failed
	}
}
