// Package telemetry is how AniHub is seen from outside: logs, metrics, health and
// traces. Everything is built here once and handed to the parts; nothing is global.
package telemetry

import (
	"context"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"
)

// Telemetry is what the parts are handed.
type Telemetry struct {
	Log      *slog.Logger
	Levels   *Levels
	Registry *prometheus.Registry
	Health   *Health
	Tracer   trace.Tracer
	close    func(context.Context) error
}

// New builds it. Logs go to out; version names this build in traces.
func New(log LogConfig, tracing TracingConfig, version string, out io.Writer) (*Telemetry, error) {
	levels, err := newLevels(log.Level)
	if err != nil {
		return nil, err
	}
	logger := slog.New(newHandler(log, levels, out))
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	tracer, stop, err := newTracer(tracing, version, logger)
	if err != nil {
		return nil, err
	}
	return &Telemetry{
		Log: logger, Levels: levels, Registry: reg,
		Health: NewHealth(), Tracer: tracer, close: stop,
	}, nil
}

// Component is the logger of a part.
func (t *Telemetry) Component(name string) *slog.Logger {
	return t.Log.With(componentKey, name)
}

// Close sends what traces are left, within ctx.
func (t *Telemetry) Close(ctx context.Context) error { return t.close(ctx) }
