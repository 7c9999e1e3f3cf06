package realtimesvc

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	connections   prometheus.Gauge
	subscriptions prometheus.Gauge
	instances     prometheus.Gauge
	published     *prometheus.CounterVec
	deliveries    prometheus.Counter
	slow          prometheus.Counter
	replayed      prometheus.Counter
	fanout        prometheus.Histogram
	errors        *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "realtime_connections", Help: "Conversations that are open in this process.",
		}),
		subscriptions: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "realtime_subscriptions", Help: "Subscriptions of all conversations of this process.",
		}),
		instances: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "realtime_instances", Help: "Instances that serve realtime, this one included, as this one knows.",
		}),
		published: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "realtime_events_published_total", Help: "Events this process put on the log, duplicates not counted.",
		}, []string{"type"}),
		deliveries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "realtime_deliveries_total", Help: "Events handed to conversations as they happened.",
		}),
		slow: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "realtime_slow_consumers_total", Help: "Conversations that ended because their queue was full (4008).",
		}),
		replayed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "realtime_replayed_total", Help: "Events handed to conversations from the log, after they were missed.",
		}),
		fanout: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "realtime_fanout_seconds", Help: "How long it took to hand one event to all conversations of this process.",
			Buckets: []float64{.00001, .0001, .0005, .001, .005, .01, .05, .1, .5, 1},
		}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "realtime_errors_total", Help: "Error messages sent to viewers and faults of the loop, by code.",
		}, []string{"code"}),
	}
	for _, c := range []prometheus.Collector{
		m.connections, m.subscriptions, m.instances, m.published, m.deliveries, m.slow, m.replayed, m.fanout, m.errors,
	} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
