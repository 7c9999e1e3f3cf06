package api

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	mu       sync.RWMutex
	series   map[outcome]series
}

// outcome is what requests are counted by; it has as many values as the labels.
type outcome struct {
	method, route string
	status        int
}

type series struct {
	requests prometheus.Counter
	duration prometheus.Observer
}

// newMetrics registers the HTTP metrics. They are by route template, never by
// path: paths are without end.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		series: map[outcome]series{},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests of the public listener.",
		}, []string{"method", "route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "How long requests of the public listener took.",
			Buckets: []float64{.0005, .001, .005, .01, .05, .1, .25, .5, 1, 5, 10},
		}, []string{"method", "route"}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.duration} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// observe counts one request.
func (m *metrics) observe(method, route string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	s := m.seriesOf(outcome{known(method), route, status})
	s.requests.Inc()
	s.duration.Observe(took.Seconds())
}

// seriesOf finds the series of an outcome. They are kept, because the registry
// takes longer to find them than to count.
func (m *metrics) seriesOf(o outcome) series {
	m.mu.RLock()
	s, ok := m.series[o]
	m.mu.RUnlock()
	if ok {
		return s
	}
	s = series{
		requests: m.requests.WithLabelValues(o.method, o.route, strconv.Itoa(o.status)),
		duration: m.duration.WithLabelValues(o.method, o.route),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.series[o] = s
	return s
}

// known keeps invented methods from becoming labels.
func known(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH":
		return method
	}
	return "other"
}
