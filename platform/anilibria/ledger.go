package anilibria

import (
	"log/slog"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// skipped counts the items of one kind that one answer lost.
type skipped struct {
	count int
	first error
}

// ledger says things once: a host that changes sides, a route that became
// unreadable or readable again, a kind of item that is being left out. The metrics
// count every case.
type ledger struct {
	log     *slog.Logger
	metrics *metrics

	mu      sync.Mutex
	garbled map[string]int  // route → unreadable answers since the last good one
	lost    map[string]bool // route/kind: items were left out of the last answer that had any
}

func newLedger(log *slog.Logger, m *metrics) *ledger {
	return &ledger{log: log, metrics: m, garbled: make(map[string]int), lost: make(map[string]bool)}
}

// hostChanged logs closed ↔ open; a probe that failed is the same outage going on.
func (l *ledger) hostChanged(h *host, before, after circuitbreaker.State, v verdict, delay time.Duration) {
	switch {
	case after == circuitbreaker.ClosedState:
		l.log.Info("upstream host is back", "host", h.name)
	case before == circuitbreaker.ClosedState:
		l.log.Warn("upstream host is down", "host", h.name, "probe_in", delay, "error", v.err)
	}
}

// hostPaused logs a host that wants to be left alone; nobody asks it meanwhile, so
// there is one line for each such wait.
func (l *ledger) hostPaused(h *host, v verdict) {
	l.log.Info("upstream host asks to wait", "host", h.name, "wait", v.after, "error", v.err)
}

// answered watches a route for garbage.
func (l *ledger) answered(route string, h *host, v verdict) {
	if v.result != resultGarbage && v.result != resultOK && v.result != resultPanic {
		return
	}
	l.mu.Lock()
	count := l.garbled[route]
	if v.result == resultOK {
		delete(l.garbled, route)
	} else {
		l.garbled[route] = count + 1
	}
	l.mu.Unlock()
	switch {
	case v.result == resultOK && count > 0:
		l.log.Info("upstream is readable again", "route", route, "unreadable_answers", count)
	case v.result != resultOK && count == 0:
		l.log.Warn("upstream answer cannot be read; further ones are only counted", "route", route, "host", h.name, "error", v.err)
	}
}

// skipped counts the items left out of a good answer.
func (l *ledger) skipped(route string, skips map[string]skipped) {
	for kind, s := range skips {
		l.metrics.skipped.WithLabelValues(kind).Add(float64(s.count))
		key := route + "/" + kind
		l.mu.Lock()
		known := l.lost[key]
		l.lost[key] = true
		l.mu.Unlock()
		if !known {
			l.log.Warn("items of an upstream answer cannot be read and are left out; further ones are only counted",
				"route", route, "kind", kind, "items", s.count, "error", s.first)
		}
	}
}
