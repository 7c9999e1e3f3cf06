package telemetry

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// The states of a dependency and of the whole.
const (
	Ready    = "ready"
	Degraded = "degraded"  // answers, but not as well as it could
	NotReady = "not_ready" // cannot answer
)

// Check asks a dependency. An error is its trouble; degrading says whether the
// service answers without it.
type Check struct {
	Name      string
	Essential bool // without it the service is not ready; else only degraded
	Ask       func(context.Context) error
}

// Dependency is what is known of one dependency.
type Dependency struct {
	State     string    `json:"state"`
	Since     time.Time `json:"since"`
	LatencyMS int64     `json:"latency_ms"`
	LastError string    `json:"last_error,omitempty"`
}

// ErrDegraded is what the error of a Check wraps when even an essential dependency
// goes on working, with less than it should have.
var ErrDegraded = errors.New("degraded")

// Health asks the dependencies from time to time and answers from memory, so that
// a probe never waits for a dead server.
type Health struct {
	mu       sync.Mutex
	checks   []Check
	known    map[string]Dependency
	draining bool
}

// checkEvery and checkTime: a change of state shows within a few seconds, and a
// black hole costs one goroutine.
const (
	checkEvery = 2 * time.Second
	checkTime  = 2 * time.Second
)

// NewHealth knows no dependency yet.
func NewHealth() *Health { return &Health{known: map[string]Dependency{}} }

// Add registers a dependency; until it was asked it counts as not ready if it is
// essential, else as degraded.
func (h *Health) Add(c Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, c)
	h.known[c.Name] = Dependency{State: worst(c), Since: time.Now().UTC(), LastError: "not asked yet"}
}

func worst(c Check) string {
	if c.Essential {
		return NotReady
	}
	return Degraded
}

// Run asks all dependencies until ctx ends.
func (h *Health) Run(ctx context.Context) error {
	t := time.NewTicker(checkEvery)
	defer t.Stop()
	for {
		h.AskAll(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// AskAll asks every dependency once, all at the same time.
func (h *Health) AskAll(ctx context.Context) {
	h.mu.Lock()
	checks := slices.Clone(h.checks)
	h.mu.Unlock()
	var wg sync.WaitGroup
	for _, c := range checks {
		wg.Go(func() {
			within, cancel := context.WithTimeout(ctx, checkTime)
			defer cancel()
			start := time.Now()
			err := c.Ask(within)
			h.note(c, time.Since(start), err)
		})
	}
	wg.Wait()
}

func (h *Health) note(c Check, took time.Duration, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := Dependency{State: Ready, Since: time.Now().UTC(), LatencyMS: took.Milliseconds()}
	if err != nil {
		d.State, d.LastError = worst(c), err.Error()
	}
	if errors.Is(err, ErrDegraded) {
		d.State = Degraded
	}
	if before := h.known[c.Name]; before.State == d.State && before.LastError != "not asked yet" {
		d.Since = before.Since
	}
	h.known[c.Name] = d
}

// Drain turns readiness off for good: the process is about to stop.
func (h *Health) Drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draining = true
}

// State is the state of the whole and of every dependency.
func (h *Health) State() (string, map[string]Dependency) {
	h.mu.Lock()
	defer h.mu.Unlock()
	state := Ready
	for _, d := range h.known {
		if d.State == NotReady || (d.State == Degraded && state == Ready) {
			state = d.State
		}
	}
	if h.draining {
		state = NotReady
	}
	return state, maps.Clone(h.known)
}
