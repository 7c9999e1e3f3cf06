package anilibria

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the guard. Labels are bounded: hosts come from the configuration,
// routes, results and kinds from constants.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	retries  prometheus.Counter
	skipped  *prometheus.CounterVec
}

func newMetrics(registry prometheus.Registerer, state func() []HostState) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "upstream_requests_total",
			Help: "Attempts at a host of AniLibria by route and result.",
		}, []string{"host", "route", "result"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "upstream_request_duration_seconds",
			Help:    "Time of one attempt, body and decoding included.",
			Buckets: []float64{.005, .025, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route"}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "upstream_retries_total",
			Help: "Attempts after the first one for the same question, failover included.",
		}),
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "upstream_skipped_items_total",
			Help: "Items of an answer that could not be read and were left out.",
		}, []string{"kind"}),
	}
	return m, errors.Join(
		registry.Register(m.requests),
		registry.Register(m.duration),
		registry.Register(m.retries),
		registry.Register(m.skipped),
		registry.Register(newHostGauges(state)),
	)
}

func (m *metrics) attempt(host, route, result string, took time.Duration) {
	m.requests.WithLabelValues(host, route, result).Inc()
	m.duration.WithLabelValues(route).Observe(took.Seconds())
}

// hostGauges reads the hosts when it is scraped: an open breaker becomes half-open
// by the mere passing of time, which no event tells.
type hostGauges struct {
	state   func() []HostState
	breaker *prometheus.Desc
	active  *prometheus.Desc
}

func newHostGauges(state func() []HostState) *hostGauges {
	return &hostGauges{
		state: state,
		breaker: prometheus.NewDesc("upstream_breaker_state",
			"Breaker of a host: 0 closed, 1 half-open, 2 open.", []string{"host"}, nil),
		active: prometheus.NewDesc("upstream_active_host",
			"1 for the host that the next question goes to.", []string{"host"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (g *hostGauges) Describe(out chan<- *prometheus.Desc) {
	out <- g.breaker
	out <- g.active
}

// Collect implements prometheus.Collector.
func (g *hostGauges) Collect(out chan<- prometheus.Metric) {
	values := map[string]float64{"closed": 0, "half-open": 1, "open": 2}
	for _, s := range g.state() {
		active := 0.0
		if s.Active {
			active = 1
		}
		out <- prometheus.MustNewConstMetric(g.breaker, prometheus.GaugeValue, values[s.Breaker], s.Host)
		out <- prometheus.MustNewConstMetric(g.active, prometheus.GaugeValue, active, s.Host)
	}
}
