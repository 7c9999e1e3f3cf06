package userssvc

import (
	"errors"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"anihub/platform/fault"
)

// metrics of the module. Labels are names of ours, never anything a caller sent.
type metrics struct {
	operations *prometheus.CounterVec
	worthless  *prometheus.CounterVec
	ended      *prometheus.CounterVec
	alone      prometheus.Counter
	deliveries *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		operations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "users_operations_total",
			Help: "What was asked of the users module, by method and result (ok or the code of the error).",
		}, []string{"operation", "result"}),
		worthless: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "users_tokens_refused_total",
			Help: "Access tokens that were worth nothing, by reason.",
		}, []string{"reason"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "users_sessions_ended_total",
			Help: "Sessions that ended, by reason.",
		}, []string{"reason"}),
		alone: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "users_limiter_fallbacks_total",
			Help: "Questions about attempts that were answered by this process alone, because the shared limiter did not answer.",
		}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "users_channel_deliveries_total",
			Help: "Attempts to deliver an event over a channel (webhook, push), by what came of it (delivered, failed, gone, abandoned).",
		}, []string{"channel", "result"}),
	}
	for _, c := range []prometheus.Collector{m.operations, m.worthless, m.ended, m.alone, m.deliveries} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) count(operation string, err error) {
	m.operations.WithLabelValues(operation, result(err)).Inc()
}

func result(err error) string {
	var f *fault.Error
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &f):
		return strings.ToLower(f.Code)
	}
	return strings.ToLower(fault.Of(err).Code)
}
