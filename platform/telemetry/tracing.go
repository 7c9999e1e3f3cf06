package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// TracingConfig is platform.tracing.
type TracingConfig struct {
	Endpoint string  `yaml:"otlp_endpoint"` // http://host:4318; "" = off
	Ratio    float64 `yaml:"ratio"`         // share of requests that are traced, 0 to 1
}

// Validate names what is wrong.
func (c TracingConfig) Validate() error {
	if c.Ratio < 0 || c.Ratio > 1 {
		return fmt.Errorf("ratio: must be 0 to 1, is %v", c.Ratio)
	}
	if c.Endpoint == "" {
		return nil
	}
	if u, err := url.Parse(c.Endpoint); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("otlp_endpoint: must be http(s)://host:port, is %q", c.Endpoint)
	}
	return nil
}

// newTracer exports to the endpoint in the background; a collector that is down
// costs nothing but the spans.
func newTracer(cfg TracingConfig, version string, log *slog.Logger) (trace.Tracer, func(context.Context) error, error) {
	if cfg.Endpoint == "" {
		return noop.NewTracerProvider().Tracer("anihub"), func(context.Context) error { return nil }, nil
	}
	// The context bounds only the construction, which does not connect.
	exp, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(cfg.Endpoint+"/v1/traces"))
	if err != nil {
		return nil, nil, fmt.Errorf("tracing: %w", err)
	}
	p := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exp),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(cfg.Ratio))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "anihub"), attribute.String("service.version", version))),
	)
	log.Info("tracing is on", componentKey, "telemetry", "endpoint", cfg.Endpoint, "ratio", cfg.Ratio)
	return p.Tracer("anihub"), p.Shutdown, nil
}
