package documents

import (
	"context"
	"sync"
	"sync/atomic"
)

// life is the span between a store's opening and its Close. Work that outlives
// the call that began it belongs to a life, and ends with it.
type life struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
}

func newLife() *life {
	l := new(life)
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

var errClosed = ErrUnavailable.Because("the store is closed")

// over tells with ErrUnavailable that the store is closed.
func (l *life) over() error {
	if l.ctx.Err() != nil {
		return errClosed
	}
	return nil
}

// spawn runs f as work of this life, unless it is over.
func (l *life) spawn(f func(context.Context)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errClosed
	}
	l.work.Go(func() { f(l.ctx) })
	return nil
}

// end begins the end, waits for the work, and tells whether it was the first to.
func (l *life) end() bool {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	l.work.Wait()
	return first
}

// ready is work that must have succeeded once before anything else is done:
// making a collection's indexes, connecting. It is tried again by the next caller
// after it failed, by one at a time; it is not bound to the caller who happened to
// come first, so that a short deadline there does not keep it from ever being done.
type ready struct {
	done atomic.Bool
	mu   sync.Mutex
	run  *attempt // the one under way, or nil
}

type attempt struct {
	ended chan struct{}
	err   error
}

// await returns when the work is done, has failed, or ctx has ended.
func (r *ready) await(ctx context.Context, l *life, work func(context.Context) error) error {
	if r.done.Load() {
		return nil
	}
	a, err := r.join(l, work)
	if err != nil {
		return err
	}
	select {
	case <-a.ended:
		return a.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// join gives the attempt under way, or begins one.
func (r *ready) join(l *life, work func(context.Context) error) (*attempt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run != nil {
		return r.run, nil
	}
	a := &attempt{ended: make(chan struct{})}
	if r.done.Load() {
		close(a.ended)
		return a, nil
	}
	err := l.spawn(func(ctx context.Context) {
		a.err = work(ctx)
		r.mu.Lock()
		r.done.Store(a.err == nil)
		r.run = nil
		r.mu.Unlock()
		close(a.ended)
	})
	if err == nil {
		r.run = a
	}
	return a, err
}
