package anilibria

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

const (
	// attemptsMax is how often one question is asked, unless there are more hosts.
	attemptsMax = 3
	// viewerPatience is the longest Retry-After a viewer's question waits for;
	// background work waits as long as its time allows.
	viewerPatience = 2 * time.Second
	// backgroundMax keeps half of a host's bulkhead for viewers.
	backgroundMax = bulkheadSize / 2
)

var (
	errTotal = errors.New("no answer within the time for one question")
	errAll   = errors.New("every host is known to be down")
)

// Guard stands between a driver and the hosts: an ordered list of them with
// failover, and for each a breaker, a bulkhead and a timeout; retries with a
// budget, a rate for background work, limits on what is read. It is a Fetcher.
//
// A question goes to the first host that is up; when that one fails, to the next,
// at once; only when none is left it waits and asks again. A host that went down
// is asked app/status by Run until it answers, and is then preferred again.
type Guard struct {
	config  Config
	client  *http.Client
	agent   string
	hosts   []*host
	retry   retrypolicy.RetryPolicy[any]
	share   bulkhead.Bulkhead[any]
	pacer   *rate.Limiter // nil: every host is on loopback
	budget  *budget
	metrics *metrics
	ledger  *ledger
	changed chan struct{} // wakes Run when a breaker has changed
}

var _ Fetcher = (*Guard)(nil)

// NewGuard checks the configuration and prepares the hosts; nothing is dialled.
func NewGuard(c Config, log *slog.Logger, registry prometheus.Registerer) (*Guard, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return newGuard(c, log, registry, NewTransport(c))
}

// Close lets go of idle connections.
func (g *Guard) Close() { g.client.CloseIdleConnections() }

func newGuard(c Config, log *slog.Logger, registry prometheus.Registerer, transport http.RoundTripper) (*Guard, error) {
	g := &Guard{
		config:  c,
		client:  &http.Client{Transport: transport, CheckRedirect: sameHostOnly},
		agent:   c.Agent(),
		hosts:   newHosts(c),
		share:   bulkhead.New[any](backgroundMax),
		budget:  newBudget(),
		changed: make(chan struct{}, 1),
	}
	for _, h := range g.hosts {
		if !h.loopback {
			g.pacer = rate.NewLimiter(rate.Limit(c.BackgroundRate), max(1, int(c.BackgroundRate)))
		}
	}
	var err error
	if g.metrics, err = newMetrics(registry, g.State); err != nil {
		return nil, err
	}
	g.ledger = newLedger(log.With("component", "anilibria"), g.metrics)
	g.retry = g.newRetry()
	return g, nil
}

// newRetry leaves the decisions to call.plan, which knows the hosts: what it wants
// asked again comes as *again, with the exact wait. failsafe-go's own reading of
// Retry-After knows no dates and no cap.
func (g *Guard) newRetry() retrypolicy.RetryPolicy[any] {
	return retrypolicy.NewBuilder[any]().
		WithMaxAttempts(g.attemptsMax()).
		ReturnLastFailure().
		HandleIf(func(_ any, err error) bool { return errors.As(err, new(*again)) }).
		WithDelayFunc(func(e failsafe.ExecutionAttempt[any]) time.Duration {
			var a *again
			if errors.As(e.LastError(), &a) {
				return a.wait
			}
			return 0
		}).
		OnRetry(func(failsafe.ExecutionEvent[any]) { g.metrics.retries.Inc() }).
		Build()
}

// Fetch implements Fetcher.
func (g *Guard) Fetch(ctx context.Context, r Request) error {
	background := IsBackground(ctx)
	if background {
		if err := g.queue(ctx); err != nil {
			return interrupted(r, err)
		}
		defer g.share.ReleasePermit()
	}
	total, cancel := context.WithTimeoutCause(ctx, g.config.Timeout, errTotal)
	defer cancel()
	g.budget.deposit()
	c := &call{guard: g, request: r, background: background, tried: make(map[*host]int, len(g.hosts))}
	err := failsafe.With(g.retry).WithContext(total).RunWithExecution(c.step)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return interrupted(r, ctx.Err())
	case total.Err() != nil:
		return ErrUnavailable.With(errors.Join(errTotal, c.last)).After(g.retryAfter())
	}
	var a *again
	if errors.As(err, &a) {
		return a.error
	}
	return err
}

// queue makes background work wait for its turn; the time for the question starts
// only after it.
func (g *Guard) queue(ctx context.Context) error {
	if err := g.pace(ctx); err != nil {
		return err
	}
	return g.share.AcquirePermit(ctx)
}

func (g *Guard) pace(ctx context.Context) error {
	if g.pacer == nil {
		return nil
	}
	err := g.pacer.Wait(ctx)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	// The limiter refuses at once what could not be served before the deadline.
	return errors.Join(context.DeadlineExceeded, err)
}

func interrupted(r Request, err error) error {
	return fmt.Errorf("anilibria %s: %w", r.Route, err)
}

// soonest is when the first host may be asked.
func (g *Guard) soonest() time.Duration {
	first := g.hosts[0].wait()
	for _, h := range g.hosts[1:] {
		first = min(first, h.wait())
	}
	return first
}

// retryAfter is when trying again may help, for people.
func (g *Guard) retryAfter() time.Duration { return max(g.soonest(), time.Second) }

// attemptsMax is how often one question is asked: each host may have its turn.
func (g *Guard) attemptsMax() int { return max(attemptsMax, len(g.hosts)) }

// State tells the hosts in the order of preference.
func (g *Guard) State() []HostState {
	states := make([]HostState, len(g.hosts))
	active := false
	for i, h := range g.hosts {
		states[i] = h.state()
		if !active && h.up() {
			states[i].Active, active = true, true
		}
	}
	return states
}

// settle gives the permit back, counts, and says so when the host changed sides.
func (g *Guard) settle(h *host, p permit, v verdict) {
	before, after := h.settle(p, v)
	if v.after > 0 {
		g.ledger.hostPaused(h, v)
	}
	if before == after {
		return
	}
	g.ledger.hostChanged(h, before, after, v, g.config.Breaker.Delay)
	if after != circuitbreaker.HalfOpenState {
		select {
		case g.changed <- struct{}{}:
		default:
		}
	}
}

// attempt asks one host once, within its bulkhead and timeout.
func (g *Guard) attempt(ctx context.Context, h *host, r Request) verdict {
	start := time.Now()
	var sent time.Time // zero while it waits for a place in the bulkhead
	v, err := h.pipe.WithContext(ctx).GetWithExecution(func(e failsafe.Execution[verdict]) (verdict, error) {
		sent = time.Now()
		return g.exchange(e.Context(), h, r), nil
	})
	switch {
	case ctx.Err() != nil && (err != nil || v.result == resultTransport):
		v = g.givenUp(ctx, sent)
	case errors.Is(err, timeout.ErrExceeded):
		v = verdict{
			result: resultTimeout, evidence: badEvidence, next: tryAgain,
			err: ErrUnavailable.Because("no answer within %s", g.config.AttemptTimeout),
		}
	case errors.Is(err, bulkhead.ErrFull):
		v = verdict{result: resultFull, next: tryAgain, err: ErrUnavailable.With(err)}
	case err != nil:
		v = verdict{result: resultTransport, evidence: badEvidence, next: tryAgain, err: ErrUnavailable.With(err)}
	}
	g.metrics.attempt(h.name, r.Route, v.result, time.Since(start))
	g.ledger.answered(r.Route, h, v)
	return v
}

// givenUp judges an attempt that the caller ended. Leaving is no evidence against
// the host; but a caller whose deadline is no longer than the attempt's would
// shield a hanging host for ever, so half an attempt without an answer counts.
func (g *Guard) givenUp(ctx context.Context, sent time.Time) verdict {
	v := verdict{result: resultCanceled, next: giveUp, err: context.Cause(ctx)}
	slow := !sent.IsZero() && time.Since(sent) >= g.config.AttemptTimeout/2
	if slow && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		v.result, v.evidence = resultTimeout, badEvidence
	}
	return v
}
