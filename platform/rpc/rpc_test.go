package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"anihub/platform/auth"
	"anihub/platform/fault"
	"anihub/platform/rpc"
	"anihub/platform/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type question struct{ N int }

type reply struct {
	N       int
	ID      string
	User    string
	Trace   string
	Left    time.Duration
	Nothing []string
}

var (
	ask      = rpc.Method[question, reply]{Module: "m", Name: "ask", Safe: true}
	change   = rpc.Method[question, reply]{Module: "m", Name: "change"}
	count    = rpc.Stream[question, int]{Module: "m", Name: "count"}
	errOwn   = fault.New(fault.Conflict, "OWN", "A fault of the door.")
	errToken = errors.New("bad token")
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func verify(token, audience string) (auth.Principal, error) {
	if token != "token-for-"+audience {
		return auth.Principal{}, errToken
	}
	return auth.Principal{Service: "anihub"}, nil
}

func sign(audience string) (string, error) { return "token-for-" + audience, nil }

// wire serves the methods and returns a peer that calls them.
func wire(t *testing.T, answer func(ctx context.Context, q question) (reply, error)) (*rpc.Peer, *httptest.Server) {
	t.Helper()
	mux := http.NewServeMux()
	s := rpc.NewServer(mux, verify, quiet())
	ask.Handle(s, answer)
	change.Handle(s, answer)
	count.Handle(s, func(ctx context.Context, q question, send func(int) error) error {
		for i := range q.N {
			if err := send(i); err != nil {
				return err
			}
		}
		if q.N == 13 {
			return errOwn
		}
		if q.N == 99 {
			<-ctx.Done()
		}
		return nil
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return dial(t, server.URL, nil), server
}

func dial(t *testing.T, url string, rec *rpc.Recorder) *rpc.Peer {
	t.Helper()
	p, err := rpc.NewPeer(rpc.PeerConfig{Module: "m", URL: url, Timeout: 5 * time.Second}, sign, rec, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestTheContextCrossesTheWire(t *testing.T) {
	t.Parallel()
	peer, _ := wire(t, func(ctx context.Context, q question) (reply, error) {
		deadline, ok := ctx.Deadline()
		if !ok {
			return reply{}, errors.New("no deadline")
		}
		return reply{
			N: q.N + 1, ID: telemetry.RequestID(ctx), User: auth.From(ctx).UserID,
			Trace: trace.SpanContextFromContext(ctx).TraceID().String(), Left: time.Until(deadline),
		}, nil
	})
	traceID := trace.TraceID{1, 2, 3}
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: trace.SpanID{4}, TraceFlags: trace.FlagsSampled,
	}))
	ctx = telemetry.WithRequestID(ctx, "request-17")
	ctx = auth.WithPrincipal(ctx, auth.Principal{UserID: "user-1", Roles: []string{"admin"}})
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()

	got, err := ask.Call(ctx, peer, question{41})
	if err != nil {
		t.Fatal(err)
	}
	if got.N != 42 || got.ID != "request-17" || got.User != "user-1" || got.Trace != traceID.String() {
		t.Errorf("got %+v", got)
	}
	if got.Left <= 0 || got.Left > 2*time.Second {
		t.Errorf("the deadline must shrink, %s were left of 2s", got.Left)
	}
}

func TestFaultsKeepTheirIdentity(t *testing.T) {
	t.Parallel()
	peer, _ := wire(t, func(context.Context, question) (reply, error) {
		return reply{}, fmt.Errorf("room: %w", errOwn.With(errors.New("private")).Detail("k", "v").After(7*time.Second))
	})
	_, err := ask.Call(t.Context(), peer, question{})
	f := fault.Of(err)
	if !errors.Is(err, errOwn) || f.Kind != fault.Conflict || f.Details["k"] != "v" || f.RetryAfter != 7*time.Second {
		t.Errorf("got %#v", f)
	}
	if strings.Contains(err.Error(), "private") {
		t.Errorf("the private cause crossed the wire: %v", err)
	}
}

func TestWhatIsNoFaultArrivesWithoutItsText(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(context.Context, question) (reply, error){
		"error": func(context.Context, question) (reply, error) { return reply{}, errors.New("password is hunter2") },
		"panic": func(context.Context, question) (reply, error) { panic("hunter2") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer, _ := wire(t, answer)
			_, err := ask.Call(t.Context(), peer, question{})
			if !errors.Is(err, fault.ErrInternal) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	_, server := wire(t, func(context.Context, question) (reply, error) { return reply{}, nil })
	for name, header := range map[string]string{
		"none": "", "wrong audience": "Bearer token-for-other", "not bearer": "Basic token-for-m", "garbage": "Bearer ",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/internal/rpc/m/ask", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", header)
		resp, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401", name, resp.StatusCode)
		}
	}
}

func TestBadCalls(t *testing.T) {
	t.Parallel()
	_, server := wire(t, func(context.Context, question) (reply, error) { return reply{}, nil })
	for name, c := range map[string]struct {
		body, header, value string
		want                int
	}{
		"empty body":      {"", "", "", 400},
		"not JSON":        {"{", "", "", 400},
		"wrong type":      {`{"N":"x"}`, "", "", 400},
		"huge body":       {`{"N":1,"X":"` + strings.Repeat("x", 33<<20) + `"}`, "", "", 413},
		"bad timeout":     {"{}", "X-AniHub-Timeout", "soon", 400},
		"negative":        {"{}", "X-AniHub-Timeout", "-5", 400},
		"bad principal":   {"{}", "X-AniHub-Principal", "%%%", 400},
		"bad principal 2": {"{}", "X-AniHub-Principal", "e30x", 400},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/internal/rpc/m/ask", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer token-for-m")
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		resp, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: status %d, want %d", name, resp.StatusCode, c.want)
		}
	}
}

// TestPeerInTrouble: whatever the other process does, the answer is ErrPeer or a
// timeout, in bounded time; only safe methods are tried again.
func TestPeerInTrouble(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]http.HandlerFunc{
		"500 of a proxy": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway)
		},
		"garbage":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"truncated": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"N":1`) },
		// What would be believed if it came from a door.
		"null":         func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `null`) },
		"another JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"status":"ok"}`) },
		"another door": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-AniHub-Door", "users")
			_, _ = io.WriteString(w, `{"N":1}`)
		},
		"false fault": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
			_, _ = io.WriteString(w, `{"Code":"OWN","Kind":6}`)
		},
		"reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { calls.Add(1); serve(w, r) }))
			defer server.Close()
			peer := dial(t, server.URL, nil)
			if _, err := ask.Call(t.Context(), peer, question{}); !errors.Is(err, rpc.ErrPeer) {
				t.Errorf("safe: %v, want ErrPeer", err)
			}
			if n := calls.Swap(0); n != 2 {
				t.Errorf("a safe call was tried %d times, want 2", n)
			}
			if _, err := change.Call(t.Context(), peer, question{}); !errors.Is(err, rpc.ErrPeer) {
				t.Errorf("unsafe: %v, want ErrPeer", err)
			}
			if n := calls.Load(); n != 1 {
				t.Errorf("an unsafe call was tried %d times", n)
			}
		})
	}
}

func TestHangingPeerIsBounded(t *testing.T) {
	t.Parallel()
	peer, _ := wire(t, func(ctx context.Context, _ question) (reply, error) {
		<-ctx.Done()
		return reply{}, ctx.Err()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := ask.Call(ctx, peer, question{}); !errors.Is(err, fault.ErrTimeout) {
		t.Errorf("got %v, want TIMEOUT", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := ask.Call(ctx, peer, question{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestBreakerSparesADeadPeer(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer server.Close()
	peer := dial(t, server.URL, nil)
	for range 20 {
		if _, err := change.Call(t.Context(), peer, question{}); !errors.Is(err, rpc.ErrPeer) {
			t.Fatal(err)
		}
	}
	if n := calls.Load(); n != 5 {
		t.Errorf("%d calls reached a dead peer, want 5 before the breaker opens", n)
	}
}

func TestBadURLs(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "catalog:8081", "ftp://x", "http://", "http://h/path", "://"} {
		if _, err := rpc.NewPeer(rpc.PeerConfig{Module: "catalog", URL: url}, sign, nil, quiet()); err == nil || !strings.Contains(err.Error(), "modules.catalog.url") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	peer, _ := wire(t, nil)
	for _, c := range []struct {
		n   int
		end error
	}{{0, io.EOF}, {1000, io.EOF}, {13, errOwn}} {
		r, err := count.Call(t.Context(), peer, question{c.n})
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.n {
			if got, err := r.Next(); got != i || err != nil {
				t.Fatalf("item %d: %d, %v", i, got, err)
			}
		}
		if _, err := r.Next(); !errors.Is(err, c.end) {
			t.Errorf("end of %d: %v, want %v", c.n, err, c.end)
		}
		r.Close()
	}
}

func TestStreamOutlivesTheContextThatOpenedIt(t *testing.T) {
	t.Parallel()
	peer, _ := wire(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := count.Call(ctx, peer, question{99})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for i := range 99 {
		if got, err := r.Next(); got != i || err != nil {
			t.Fatalf("item %d: %d, %v", i, got, err)
		}
	}
	ended := make(chan error, 1)
	go func() { _, err := r.Next(); ended <- err }()
	r.Close()
	if err := <-ended; !errors.Is(err, rpc.ErrPeer) {
		t.Errorf("Next after Close: %v", err)
	}
}

func TestStreamOfADeadPeer(t *testing.T) {
	t.Parallel()
	peer, server := wire(t, nil)
	r, err := count.Call(t.Context(), peer, question{99})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	server.CloseClientConnections()
	for err == nil {
		_, err = r.Next()
	}
	if !errors.Is(err, rpc.ErrPeer) {
		t.Errorf("got %v, want ErrPeer", err)
	}
	server.Close()
	if _, err := count.Call(t.Context(), peer, question{1}); !errors.Is(err, rpc.ErrPeer) {
		t.Errorf("got %v, want ErrPeer", err)
	}
}

func TestCallsAreCountedHereAndThere(t *testing.T) {
	t.Parallel()
	_, server := wire(t, func(context.Context, question) (reply, error) { return reply{}, errOwn })
	reg := prometheus.NewRegistry()
	rec, err := rpc.NewRecorder("web", reg)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = ask.Call(t.Context(), dial(t, server.URL, rec), question{})
	_, _ = ask.Here(rec, func() (reply, error) { return reply{}, nil })
	want := `
# HELP inter_service_requests_total Calls between modules, in this process or over the wire, by HTTP status.
# TYPE inter_service_requests_total counter
inter_service_requests_total{endpoint="ask",source_service="web",status="200",target_service="m"} 1
inter_service_requests_total{endpoint="ask",source_service="web",status="409",target_service="m"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "inter_service_requests_total"); err != nil {
		t.Error(err)
	}
}
