package cache

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the chain. The numbers are plain atomics, so that a hit costs one
// addition, and are read when somebody collects; Stats shows the same ones.
type metrics struct {
	c     *Cache
	loads struct{ ok, notFound, failed, timeout, panicked, abandoned atomic.Int64 }
	inval struct{ expire, remove, superseded, heard, gaps atomic.Int64 }

	requests, loaded, breaker, invalidated, entries, bytes, poisoned, owed *prometheus.Desc
}

// Sizer is a level that knows how much it holds.
type Sizer interface {
	Size() (entries int, bytes int64)
}

// poisonable is a level that found values it could not read.
type poisonable interface{ Poisoned() int64 }

func newMetrics(c *Cache, r prometheus.Registerer) (*metrics, error) {
	desc := prometheus.NewDesc
	m := &metrics{
		c:           c,
		requests:    desc("cache_requests_total", "What a level was good for when it was asked.", []string{"level", "result"}, nil),
		loaded:      desc("cache_loads_total", "Loads from the origin by result.", []string{"result"}, nil),
		breaker:     desc("cache_level_breaker_state", "0 closed, 1 half open, 2 open.", []string{"level"}, nil),
		invalidated: desc("cache_invalidations_total", "Invalidations by mode; heard = bells of other processes, gap = L1 distrusted.", []string{"mode"}, nil),
		entries:     desc("cache_entries", "Entries a level holds.", []string{"level"}, nil),
		bytes:       desc("cache_bytes", "Bytes a level holds.", []string{"level"}, nil),
		poisoned:    desc("cache_poisoned_total", "Stored values that could not be read and were removed.", []string{"level"}, nil),
		owed:        desc("cache_invalidations_owed", "Keys and patterns still to be cleared in a level that was down.", nil, nil),
	}
	if r == nil {
		return m, nil
	}
	return m, r.Register(m)
}

// Describe names every metric.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.requests, m.loaded, m.breaker, m.invalidated, m.entries, m.bytes, m.poisoned, m.owed} {
		ch <- d
	}
}

// Collect reads the counters.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, n *atomic.Int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n.Load()), labels...)
	}
	l := &m.loads
	count(m.loaded, &l.ok, "ok")
	count(m.loaded, &l.notFound, "not_found")
	count(m.loaded, &l.failed, "error")
	count(m.loaded, &l.timeout, "timeout")
	count(m.loaded, &l.panicked, "panic")
	count(m.loaded, &l.abandoned, "abandoned")
	count(m.invalidated, &m.inval.expire, "expire")
	count(m.invalidated, &m.inval.remove, "remove")
	count(m.invalidated, &m.inval.superseded, "superseded")
	count(m.invalidated, &m.inval.heard, "heard")
	count(m.invalidated, &m.inval.gaps, "gap")
	ch <- prometheus.MustNewConstMetric(m.owed, prometheus.GaugeValue, float64(m.c.debts.len()))
	for _, t := range m.c.tiers() {
		m.collectTier(ch, t)
	}
}

func (m *metrics) collectTier(ch chan<- prometheus.Metric, t *tier) {
	count := func(d *prometheus.Desc, n int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, t.label)
	}
	count(m.requests, t.n.hits.Load(), t.label, "hit")
	count(m.requests, t.n.stale.Load(), t.label, "stale")
	count(m.requests, t.n.misses.Load(), t.label, "miss")
	count(m.requests, t.n.errors.Load(), t.label, "error")
	count(m.requests, t.n.skipped.Load(), t.label, "skipped")
	gauge(m.breaker, map[string]float64{"closed": 0, "half_open": 1, "open": 2}[t.breaker.state(time.Now())])
	if s, ok := t.level.(Sizer); ok {
		n, b := s.Size()
		gauge(m.entries, float64(n))
		gauge(m.bytes, float64(b))
	}
	if p, ok := t.level.(poisonable); ok {
		count(m.poisoned, p.Poisoned(), t.label)
	}
}
