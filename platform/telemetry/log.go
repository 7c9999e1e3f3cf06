package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/trace"
)

// componentKey names the part that logs; Levels are by its value.
const componentKey = "component"

// LogConfig is platform.log.
type LogConfig struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // text, json
}

// Validate names what is wrong.
func (c LogConfig) Validate() error {
	if _, err := parseLevel(c.Level); err != nil {
		return fmt.Errorf("level: %w", err)
	}
	if c.Format != "text" && c.Format != "json" {
		return fmt.Errorf("format: must be text or json, is %q", c.Format)
	}
	return nil
}

func parseLevel(text string) (slog.Level, error) {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, text) {
		return 0, fmt.Errorf("must be debug, info, warn or error, is %q", text)
	}
	var l slog.Level
	return l, l.UnmarshalText([]byte(text))
}

// Levels are the log levels: one for all, and others for components, changeable
// while the process runs.
type Levels struct {
	mu        sync.RWMutex
	all       slog.Level
	component map[string]slog.Level
}

func newLevels(text string) (*Levels, error) {
	l, err := parseLevel(text)
	if err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	return &Levels{all: l, component: map[string]slog.Level{}}, nil
}

// Set changes the level of a component, or of all with component "".
func (l *Levels) Set(component, level string) error {
	parsed, err := parseLevel(level)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if component == "" {
		l.all = parsed
		clear(l.component)
		return nil
	}
	l.component[component] = parsed
	return nil
}

func (l *Levels) enabled(component string, level slog.Level) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if own, ok := l.component[component]; ok {
		return level >= own
	}
	return level >= l.all
}

// handler adds the request and the trace to every line and asks Levels.
type handler struct {
	slog.Handler
	levels    *Levels
	component string
}

func newHandler(cfg LogConfig, levels *Levels, out io.Writer) slog.Handler {
	// The inner handler lets everything through: levels decide, and may change.
	opts := &slog.HandlerOptions{Level: slog.LevelDebug}
	if cfg.Format == "json" {
		return handler{Handler: slog.NewJSONHandler(out, opts), levels: levels}
	}
	return handler{Handler: slog.NewTextHandler(out, opts), levels: levels}
}

func (h handler) Enabled(_ context.Context, level slog.Level) bool {
	return h.levels.enabled(h.component, level)
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if id := RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		r.AddAttrs(slog.String("trace_id", sc.TraceID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		if a.Key == componentKey {
			h.component = a.Value.String()
		}
	}
	h.Handler = h.Handler.WithAttrs(attrs)
	return h
}

func (h handler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}
