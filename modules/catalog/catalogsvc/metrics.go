package catalogsvc

import (
	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/catalog"
)

// metrics of the catalogue. Every label has a handful of values.
type metrics struct {
	titles     prometheus.Gauge
	loaded     prometheus.Gauge
	events     *prometheus.CounterVec
	refreshes  *prometheus.CounterVec
	suspicious *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		titles: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "catalog_titles", Help: "Titles in the index of this process.",
		}),
		loaded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "catalog_index_loaded", Help: "1 once the index was read from the store.",
		}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "catalog_events_total", Help: "News found by this process, by type.",
		}, []string{"type"}),
		refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "catalog_refresh_total", Help: "Titles refreshed, by result.",
		}, []string{"result"}),
		suspicious: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "catalog_suspicious_total", Help: "Releases that were not believed at once, by reason.",
		}, []string{"reason"}),
	}
	for _, c := range []prometheus.Collector{m.titles, m.loaded, m.events, m.refreshes, m.suspicious} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	for _, reason := range []string{shrunk, outdated, otherID} {
		m.suspicious.WithLabelValues(reason) // an alert needs the zero as well
	}
	return m, nil
}

func (m *metrics) indexed(titles int, loaded bool) {
	m.titles.Set(float64(titles))
	if loaded {
		m.loaded.Set(1)
	}
}

func (m *metrics) told(events []catalog.Event) {
	for _, e := range events {
		m.events.WithLabelValues(e.Type).Inc()
	}
}

func (m *metrics) refreshed(r catalog.Refreshed, applied int) {
	count := func(result string, n int) { m.refreshes.WithLabelValues(result).Add(float64(n)) }
	count("changed", len(r.Changed))
	count("unchanged", max(applied-len(r.Changed), 0))
	count("missing", len(r.Missing))
	count("failed", len(r.Failed))
}
