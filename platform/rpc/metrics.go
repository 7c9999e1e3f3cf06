package rpc

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"anihub/platform/fault"
)

// Recorder counts calls between modules, whether they cross a wire or not.
type Recorder struct {
	source   string
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
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
	for _, c := range []prometheus.Collector{r.requests, r.duration} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// begin starts the clock of one call; the returned function stops it.
func (r *Recorder) begin(module, method string) func(error) {
	if r == nil {
		return func(error) {}
	}
	start := time.Now()
	return func(err error) {
		r.requests.WithLabelValues(r.source, module, method, strconv.Itoa(fault.Status(err))).Inc()
		r.duration.WithLabelValues(r.source, module, method).Observe(time.Since(start).Seconds())
	}
}
