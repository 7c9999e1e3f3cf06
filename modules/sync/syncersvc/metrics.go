package syncersvc

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	polls     *prometheus.CounterVec
	jobs      *prometheus.CounterVec
	published prometheus.Counter
	hints     prometheus.Counter
	lastPoll  prometheus.Gauge
	lastFull  prometheus.Gauge
	runner    prometheus.Gauge
	absent    prometheus.Gauge
	hidden    prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	m := &metrics{
		polls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sync_polls_total", Help: "Polls of the upstream by result.",
		}, []string{"result"}),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sync_jobs_total", Help: "Finished jobs by state.",
		}, []string{"state"}),
		published: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "sync_events_published_total", Help: "Events that this process published.",
		}),
		hints: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "sync_hints_total", Help: "Changes that the upstream told by itself.",
		}),
		hidden: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "sync_hidden_titles_total", Help: "Titles hidden because the upstream no longer knows them.",
		}),
		absent:   gauge("sync_absent_titles", "Titles that the last complete pass did not list."),
		lastPoll: gauge("sync_last_poll_timestamp_seconds", "When the last poll succeeded."),
		lastFull: gauge("sync_last_full_timestamp_seconds", "When the last full pass was complete."),
		runner:   gauge("sync_runner", "1 while this process runs the scheduled work."),
	}
	for _, c := range []prometheus.Collector{m.polls, m.jobs, m.published, m.hints, m.lastPoll, m.lastFull, m.runner, m.absent, m.hidden} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
