package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/trace"

	"anihub/platform/telemetry"
)

func open(t *testing.T, format string) (*telemetry.Telemetry, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	tel, err := telemetry.New(telemetry.LogConfig{Level: "info", Format: format}, telemetry.TracingConfig{}, "test", &out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tel.Close(context.Background()) })
	return tel, &out
}

func TestEveryLineKnowsItsRequestAndTrace(t *testing.T) {
	t.Parallel()
	tel, out := open(t, "json")
	ctx := telemetry.WithRequestID(t.Context(), "request-1")
	ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}}))
	tel.Component("part").With("k", "v").WithGroup("g").InfoContext(ctx, "hello\nworld", "a", 1)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	g, _ := line["g"].(map[string]any)
	if line["component"] != "part" || line["k"] != "v" || g["request_id"] != "request-1" || g["trace_id"] == "" {
		t.Errorf("line %v", line)
	}
	if strings.Count(out.String(), "\n") != 1 {
		t.Errorf("one record is %q", out)
	}
}

func TestLevelsChangeWhileRunning(t *testing.T) {
	t.Parallel()
	tel, out := open(t, "text")
	a, b := tel.Component("a"), tel.Component("b")
	a.Debug("no")
	if err := tel.Levels.Set("a", "debug"); err != nil {
		t.Fatal(err)
	}
	a.Debug("yes-a")
	b.Debug("no")
	if err := tel.Levels.Set("", "error"); err != nil {
		t.Fatal(err)
	}
	a.Info("no")
	b.Warn("no")
	b.Error("yes-b")
	if s := out.String(); strings.Contains(s, "msg=no") || !strings.Contains(s, "yes-a") || !strings.Contains(s, "yes-b") {
		t.Errorf("log:\n%s", s)
	}
	if err := tel.Levels.Set("a", "loud"); err == nil {
		t.Error("an unknown level is taken")
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHealth()
		want := func(state string) map[string]telemetry.Dependency {
			t.Helper()
			got, deps := h.State()
			if got != state {
				t.Errorf("state %s, want %s: %v", got, state, deps)
			}
			return deps
		}
		want(telemetry.Ready)
		var broken error
		h.Add(telemetry.Check{Name: "cache", Ask: func(context.Context) error { return broken }})
		h.Add(telemetry.Check{Name: "heart", Essential: true, Ask: func(ctx context.Context) error {
			if errors.Is(broken, errHang) {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}})
		want(telemetry.NotReady) // nobody was asked yet
		h.AskAll(t.Context())
		since := want(telemetry.Ready)["cache"].Since

		broken = errors.New("refused")
		time.Sleep(time.Minute)
		h.AskAll(t.Context())
		deps := want(telemetry.Degraded)
		if deps["cache"].LastError != "refused" || !deps["cache"].Since.After(since) {
			t.Errorf("cache: %+v", deps["cache"])
		}
		since = deps["cache"].Since
		time.Sleep(time.Minute)
		h.AskAll(t.Context())
		if got := want(telemetry.Degraded)["cache"].Since; !got.Equal(since) {
			t.Errorf("since moved from %s to %s without a change", since, got)
		}
		broken = errHang // a black hole is given up on
		h.AskAll(t.Context())
		want(telemetry.NotReady)
		broken = nil
		h.AskAll(t.Context())
		want(telemetry.Ready)
		h.Drain()
		want(telemetry.NotReady)
	})
}

var errHang = errors.New("hang")

func TestConfigs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		says string
	}{
		{telemetry.LogConfig{Level: "info", Format: "text"}.Validate(), ""},
		{telemetry.LogConfig{Level: "loud", Format: "text"}.Validate(), "level: must be"},
		{telemetry.LogConfig{Level: "info", Format: "xml"}.Validate(), "format: must be"},
		{telemetry.TracingConfig{Endpoint: "http://jaeger:4318", Ratio: 0.5}.Validate(), ""},
		{telemetry.TracingConfig{Endpoint: "jaeger:4318"}.Validate(), "otlp_endpoint: must be"},
		{telemetry.TracingConfig{Ratio: 2}.Validate(), "ratio: must be"},
	} {
		if (c.err == nil) != (c.says == "") || c.err != nil && !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%v, want %q", c.err, c.says)
		}
	}
}

func TestTracingToADeadCollectorCostsNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tel, err := telemetry.New(telemetry.LogConfig{Level: "info", Format: "text"},
		telemetry.TracingConfig{Endpoint: "http://127.0.0.1:1", Ratio: 1}, "test", &out)
	if err != nil {
		t.Fatal(err)
	}
	_, span := tel.Tracer.Start(t.Context(), "x")
	if !span.SpanContext().IsValid() || !span.IsRecording() {
		t.Error("tracing is not on")
	}
	span.End()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_ = tel.Close(ctx) // it may fail, but must come back
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := telemetry.NewRequestID()
		if !telemetry.ValidRequestID(id) || seen[id] {
			t.Fatalf("%q is not usable or came twice", id)
		}
		seen[id] = true
	}
	ctx, cancel := context.WithCancel(telemetry.WithRequestID(t.Context(), "outer-id"))
	if got := telemetry.RequestID(ctx); got != "outer-id" {
		t.Errorf("got %q", got)
	}
	cancel()
	if inner := telemetry.WithRequestID(ctx, "inner-id"); telemetry.RequestID(inner) != "inner-id" || inner.Err() == nil {
		t.Errorf("%q, %v", telemetry.RequestID(inner), inner.Err())
	}
	if got := telemetry.RequestID(t.Context()); got != "" {
		t.Errorf("outside of a request: %q", got)
	}
}

// TestSeries: what is counted by one thing is one series, whoever asks first.
func TestSeries(t *testing.T) {
	t.Parallel()
	series := telemetry.NewSeries(func(k string) string { return "series of " + k })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, k := range []string{"a", "b", "a"} {
				if got := series.Of(k); got != "series of "+k {
					t.Errorf("of %q: %q", k, got)
				}
			}
		})
	}
	wg.Wait()
}
