package anilibria

import (
	"context"
	"errors"
	"time"

	"github.com/failsafe-go/failsafe-go"
)

// again is a failure that call.plan wants tried once more, after wait.
type again struct {
	error
	wait time.Duration
}

func (a *again) Unwrap() error { return a.error }

// call is one question on its way over the hosts.
type call struct {
	guard      *Guard
	request    Request
	background bool
	attempts   int
	tried      map[*host]int
	last       error
}

// step makes one attempt at the best host.
func (c *call) step(e failsafe.Execution[any]) error {
	ctx := e.Context()
	if c.background && c.attempts > 0 {
		if err := c.guard.pace(ctx); err != nil {
			return ErrUnavailable.With(errors.Join(err, c.last)).After(c.guard.retryAfter())
		}
	}
	h, p := c.pick()
	if h == nil {
		return c.nobody(ctx)
	}
	c.attempts++
	c.tried[h]++
	v := c.guard.attempt(ctx, h, c.request)
	c.guard.settle(h, p, v)
	if v.err == nil {
		return nil
	}
	c.last = v.err
	return c.plan(ctx, v)
}

// pick takes the first host that is up and was not asked yet, then one that may be
// probed, then one that failed before. A viewer is no guinea pig: only background
// work and Run probe a host while another one is up.
func (c *call) pick() (*host, permit) {
	fresh := func(h *host) bool { return c.tried[h] == 0 }
	for _, wanted := range []func(*host) bool{
		func(h *host) bool { return fresh(h) && (c.background || h.up()) },
		fresh,
		(*host).up,
		(*host).askable,
	} {
		for _, h := range c.guard.hosts {
			if !wanted(h) {
				continue
			}
			if p, ok := h.acquire(); ok {
				return h, p
			}
		}
	}
	return nil, permit{}
}

// nobody answers for hosts that are all down or told us to wait.
func (c *call) nobody(ctx context.Context) error {
	after := c.guard.retryAfter()
	cause := c.last
	if cause == nil {
		cause = errAll
	}
	err := ErrUnavailable.With(cause).After(after)
	for _, h := range c.guard.hosts {
		if h.onlyPaused() && c.canWait(ctx, h.wait()) {
			return &again{err, h.wait()}
		}
	}
	return err
}

// plan decides what follows a failed attempt: the next host at once, the same ones
// after a wait, or giving up.
func (c *call) plan(ctx context.Context, v verdict) error {
	if v.next == giveUp {
		return v.err
	}
	for _, h := range c.guard.hosts {
		if c.tried[h] == 0 && h.askable() {
			return &again{v.err, 0}
		}
	}
	if v.next == nextHost {
		return v.err
	}
	failed := ErrUnavailable.With(v.err).After(c.guard.retryAfter())
	wait := max(backoff(c.attempts), c.guard.soonest())
	if c.attempts >= c.guard.attemptsMax() || !c.canWait(ctx, wait) || !c.guard.budget.withdraw() {
		return failed
	}
	return &again{failed, wait}
}

func (c *call) canWait(ctx context.Context, wait time.Duration) bool {
	if !c.background && wait > viewerPatience {
		return false
	}
	deadline, ok := ctx.Deadline()
	return !ok || wait < time.Until(deadline)
}
