package anilibria

import (
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/timeout"
)

// HostState is what one host looks like from here, for stats and readiness.
type HostState struct {
	Host      string    // host:port of the base URL
	Breaker   string    // closed, half-open or open
	Active    bool      // the host the next viewer's question goes to
	LastError string    // of its last failed attempt; "" while it answers
	Since     time.Time // of the breaker's last change of state
	Paused    time.Time // told us to stay away until then (Retry-After); zero = not
}

// evidence is what an attempt says about the health of its host.
type evidence uint8

const (
	noEvidence evidence = iota // the caller went away, or we never asked
	goodEvidence
	badEvidence
)

// permit is the right to make one attempt. It remembers the state of the breaker
// it was given in: what arrives later than that state says nothing about it.
type permit struct{ generation uint64 }

// host is one base URL with its breaker, bulkhead and attempt timeout.
type host struct {
	name     string
	base     string
	loopback bool
	pipe     failsafe.Executor[verdict]

	mu         sync.Mutex
	breaker    circuitbreaker.CircuitBreaker[any]
	seen       circuitbreaker.State
	generation uint64 // grows with every change of the breaker's state
	spare      bool   // the one half-open permit came back unused
	paused     time.Time
	lastError  string
	since      time.Time
}

// bulkheadSize is the largest number of connections to one host (SPEC §2).
const bulkheadSize = 100

func newHost(base string, c Config) *host {
	u, _ := url.Parse(base) // Validate has parsed it
	limit := bulkhead.NewBuilder[verdict](bulkheadSize).WithMaxWaitTime(c.AttemptTimeout).Build()
	return &host{
		name:     u.Host,
		base:     strings.TrimRight(base, "/"),
		loopback: isLoopback(u.Hostname()),
		pipe:     failsafe.With[verdict](limit, timeout.New[verdict](c.AttemptTimeout)),
		// A success threshold of one is what makes half-open exactly one probe.
		breaker: circuitbreaker.NewBuilder[any]().
			WithFailureThreshold(uint(c.Breaker.Failures)).
			WithSuccessThreshold(1).
			WithDelay(c.Breaker.Delay).
			Build(),
		since: time.Now(),
	}
}

// newHosts names hosts by host:port, and by the whole base where that is not unique.
func newHosts(c Config) []*host {
	bases := c.Bases()
	hosts := make([]*host, len(bases))
	count := make(map[string]int, len(hosts))
	for i, base := range bases {
		hosts[i] = newHost(base, c)
		count[hosts[i].name]++
	}
	for _, h := range hosts {
		if count[h.name] > 1 {
			_, h.name, _ = strings.Cut(h.base, "://")
		}
	}
	return hosts
}

// acquire asks for a permit; every permit must be settled.
func (h *host) acquire() (permit, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().Before(h.paused) {
		return permit{}, false
	}
	if h.spare {
		h.spare = false
		return permit{h.generation}, true
	}
	ok := h.breaker.TryAcquirePermit()
	h.notice()
	return permit{h.generation}, ok
}

// settle gives a permit back with what the attempt says. A probe without evidence
// leaves its place to the next one: failsafe-go would count it as a failure, and
// not recording it would keep the breaker half-open for ever. It tells the state
// before and after.
func (h *host) settle(p permit, v verdict) (before, after circuitbreaker.State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remember(v)
	before = h.seen
	if p.generation != h.generation {
		return before, before
	}
	switch v.evidence {
	case goodEvidence:
		h.breaker.RecordSuccess()
	case badEvidence:
		h.breaker.RecordFailure()
	default:
		h.spare = h.seen == circuitbreaker.HalfOpenState
	}
	h.notice()
	return before, h.seen
}

// remember keeps the last error and the wait the host asked for; h.mu is held.
func (h *host) remember(v verdict) {
	if v.after > 0 {
		h.paused = time.Now().Add(v.after)
	}
	switch {
	case v.evidence == goodEvidence:
		h.lastError = ""
	case v.evidence == badEvidence || v.after > 0:
		h.lastError = v.err.Error()
	}
}

// notice starts a new generation when the breaker has changed; h.mu is held.
func (h *host) notice() {
	if state := h.breaker.State(); state != h.seen {
		h.seen = state
		h.generation++
		h.spare = false
		h.since = time.Now()
	}
}

// up tells whether the breaker is closed and the host does not want to be left alone.
func (h *host) up() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen == circuitbreaker.ClosedState && !time.Now().Before(h.paused)
}

// askable tells whether acquire would give a permit now.
func (h *host) askable() bool { return h.wait() == 0 }

// wait is how long acquire will refuse, as far as one can know: a half-open host
// whose probe is under way counts as one second.
func (h *host) wait() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	left := max(0, time.Until(h.paused))
	switch h.seen {
	case circuitbreaker.OpenState:
		return max(left, h.breaker.RemainingDelay())
	case circuitbreaker.HalfOpenState:
		if !h.spare {
			return max(left, time.Second)
		}
	}
	return left
}

// onlyPaused tells whether nothing but the host's own Retry-After keeps us away.
func (h *host) onlyPaused() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen == circuitbreaker.ClosedState && time.Now().Before(h.paused)
}

// probeDue tells whether a probe may go out now.
func (h *host) probeDue() bool {
	h.mu.Lock()
	open := h.seen != circuitbreaker.ClosedState
	h.mu.Unlock()
	return open && h.askable()
}

func (h *host) state() HostState {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := HostState{Host: h.name, Breaker: h.seen.String(), LastError: h.lastError, Since: h.since}
	if time.Now().Before(h.paused) {
		s.Paused = h.paused
	}
	return s
}
