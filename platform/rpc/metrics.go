package rpc

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"anihub/platform/fault"
	"anihub/platform/telemetry"
)

// Recorder counts calls between modules, whether they cross a wire or not.
type Recorder struct {
	source   string
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	series   *telemetry.Series[outcome, series]
}

// outcome is what calls are counted by; it has as many values as the labels.
type outcome struct {
	module, method string
	status         int
}

type series struct {
	requests prometheus.Counter
	duration prometheus.Observer
}

// NewRecorder registers inter_service_requests_total and
// inter_service_request_duration_seconds. Source names the calling process.
func NewRecorder(source string, reg prometheus.Registerer) (*Recorder, error) {
	r := &Recorder{
		source: source,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inter_service_requests_total",
			Help: "Calls between modules, in this process or over the wire, by HTTP status.",
		}, []string{"source_service", "target_service", "endpoint", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "inter_service_request_duration_seconds",
			Help:    "How long calls between modules took.",
			Buckets: []float64{.00005, .0005, .001, .005, .01, .05, .1, .5, 1, 5, 10},
		}, []string{"source_service", "target_service", "endpoint"}),
	}
	r.series = telemetry.NewSeries(func(o outcome) series {
		return series{
			requests: r.requests.WithLabelValues(r.source, o.module, o.method, strconv.Itoa(o.status)),
			duration: r.duration.WithLabelValues(r.source, o.module, o.method),
		}
	})
	for _, c := range []prometheus.Collector{r.requests, r.duration} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// record counts one call that began at start.
func (r *Recorder) record(module, method string, start time.Time, err error) {
	if r == nil {
		return
	}
	s := r.series.Of(outcome{module, method, fault.Status(err)})
	s.requests.Inc()
	s.duration.Observe(time.Since(start).Seconds())
}
