package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"anihub/platform/telemetry"
)

type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	series   *telemetry.Series[outcome, series]
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
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests of the public listener.",
		}, []string{"method", "route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "How long requests of the public listener took.",
			Buckets: []float64{.0005, .001, .005, .01, .05, .1, .25, .5, 1, 5, 10},
		}, []string{"method", "route"}),
	}
	m.series = telemetry.NewSeries(func(o outcome) series {
		return series{
			requests: m.requests.WithLabelValues(o.method, o.route, strconv.Itoa(o.status)),
			duration: m.duration.WithLabelValues(o.method, o.route),
		}
	})
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
	s := m.series.Of(outcome{known(method), route, status})
	s.requests.Inc()
	s.duration.Observe(took.Seconds())
}

// known keeps invented methods from becoming labels.
func known(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH":
		return method
	}
	return "other"
}
