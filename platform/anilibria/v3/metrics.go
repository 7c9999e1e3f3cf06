package v3

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the socket; every label is a constant.
type metrics struct {
	connected   prometheus.Gauge
	connections *prometheus.CounterVec
	frames      *prometheus.CounterVec
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		connected: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "upstream_socket_connected",
			Help: "1 while the WebSocket of AniLibria is connected and greeted.",
		}),
		connections: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "upstream_socket_connections_total",
			Help: "Attempts to connect to the WebSocket of AniLibria by result.",
		}, []string{"result"}),
		frames: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "upstream_socket_frames_total",
			Help: "Frames of the WebSocket of AniLibria by type; garbage could not be read.",
		}, []string{"type"}),
	}
	return m, errors.Join(registry.Register(m.connected), registry.Register(m.connections), registry.Register(m.frames))
}
