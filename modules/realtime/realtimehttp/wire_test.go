package realtimehttp_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimehttp"
	"anihub/modules/realtime/realtimesvc"
	rt "anihub/modules/realtime/realtimetest"
	"anihub/modules/users"
	"anihub/platform/auth"
	"anihub/platform/documents"
	"anihub/platform/eventlog"
	"anihub/platform/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// far is a door in another process, as far as the client can tell.
type far struct {
	*realtimehttp.Client
	server *httptest.Server
	mu     sync.Mutex
	broken func(*http.Request) bool // tells of a request whether its connection breaks
}

func (f *far) fails(r *http.Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken != nil && f.broken(r)
}

func mount(t testing.TB, door realtime.Service) *far {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	mux := http.NewServeMux()
	verify := func(token, audience string) (auth.Principal, error) {
		if token != "for "+audience {
			return auth.Principal{}, errors.New("bad token")
		}
		return auth.Principal{Service: "anihub"}, nil
	}
	realtimehttp.Mount(rpc.NewServer(mux, verify, log), door)
	f := &far{}
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.fails(r) {
			panic(http.ErrAbortHandler)
		}
		mux.ServeHTTP(w, r)
	}))
	sign := func(audience string) (string, error) { return "for " + audience, nil }
	peer, err := rpc.NewPeer(rpc.PeerConfig{Module: "realtime", URL: f.server.URL}, sign, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	f.Client = realtimehttp.NewClient(peer)
	t.Cleanup(func() {
		f.server.CloseClientConnections()
		f.server.Close()
		peer.Close()
	})
	return f
}

// room is the real one behind the wire.
func room(t testing.TB, change func(*realtimesvc.Config)) (s *realtimesvc.Service, stop func()) {
	t.Helper()
	cfg := realtimesvc.DefaultConfig()
	change(&cfg)
	store, err := documents.OpenSQLite(filepath.Join(t.TempDir(), "news.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s, err = realtimesvc.New(cfg, realtimesvc.Deps{
		Log: eventlog.NewMemory(10_000), Documents: store, Users: guest{}, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return s, stop
}

type guest struct{}

func (guest) Validate(_ context.Context, token string) (users.Validation, error) {
	if token != "good" {
		return users.Validation{Reason: "malformed"}, nil
	}
	return users.Validation{Valid: true, UserID: "u1", SessionID: "s1", ExpiresAt: time.Now().Add(time.Hour)}, nil
}

func (guest) Subscriptions(context.Context, string) ([]users.Subscription, error) {
	return []users.Subscription{{TitleID: 77}}, nil
}

func (guest) Notifications(context.Context, string, users.InboxQuery) (users.InboxPage, error) {
	return users.InboxPage{}, nil
}

func subject(s realtime.Service) rt.Subject {
	return rt.Subject{Service: s, Token: "good", UserID: "u1", Title: 77}
}

func TestContractRoom(t *testing.T) {
	t.Parallel()
	rt.Contract(t, func(t *testing.T) rt.Subject {
		s, _ := room(t, func(c *realtimesvc.Config) { c.Commands = 1000 })
		return subject(mount(t, s))
	})
}

func TestContractFake(t *testing.T) {
	t.Parallel()
	rt.Contract(t, func(t *testing.T) rt.Subject {
		f := rt.NewFake()
		f.Admit("good", "u1", 77)
		return subject(mount(t, f))
	})
}

// Every first attempt of a call that may be repeated meets a broken connection.
func TestContractWithFaults(t *testing.T) {
	t.Parallel()
	rt.Contract(t, func(t *testing.T) rt.Subject {
		s, _ := room(t, func(c *realtimesvc.Config) { c.Commands = 1000 })
		f := mount(t, s)
		var n int
		f.broken = func(r *http.Request) bool {
			for _, safe := range []string{"publish", "tail", "stats"} {
				if strings.HasSuffix(r.URL.Path, "/"+safe) {
					n++
					return n%2 == 1
				}
			}
			return false
		}
		return subject(f)
	})
}

func TestContractObserved(t *testing.T) {
	t.Parallel()
	rt.Contract(t, func(*testing.T) rt.Subject {
		f := rt.NewFake()
		f.Admit("good", "u1", 77)
		return subject(realtimehttp.Observe(f, nil))
	})
}

func TestPeerGone(t *testing.T) {
	t.Parallel()
	f := mount(t, rt.NewFake())
	f.broken = func(*http.Request) bool { return true }
	for name, call := range map[string]func() error{
		"Publish": func() error {
			_, err := f.Publish(t.Context(), []realtime.Event{rt.Episode(1, 1)})
			return err
		},
		"Open":  func() error { _, err := f.Open(t.Context(), realtime.Client{}); return err },
		"Tail":  func() error { _, err := f.Tail(t.Context()); return err },
		"Stats": func() error { _, err := f.Stats(t.Context()); return err },
	} {
		if err := call(); !errors.Is(err, realtime.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", name, err)
		}
	}
}

func TestDoorsErrorsCross(t *testing.T) {
	t.Parallel()
	fake := rt.NewFake()
	f := mount(t, fake)
	for _, want := range []error{realtime.ErrTooMany, realtime.ErrUnavailable} {
		fake.Fail(want)
		if _, err := f.Open(t.Context(), realtime.Client{}); !errors.Is(err, want) {
			t.Errorf("Open: %v, want %v", err, want)
		}
	}
	fake.Fail(nil)
	who := realtime.Client{Address: "192.0.2.7", UserAgent: "x", Transport: "sse"}
	conv, err := f.Open(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	conv.Close()
	if got := fake.Clients(); len(got) != 1 || got[0] != who {
		t.Errorf("the room saw %+v", got)
	}
}

// When the stream breaks, the viewer is asked to come back, and the serving side
// is rid of the conversation.
func TestStreamBreaks(t *testing.T) {
	t.Parallel()
	s, _ := room(t, func(*realtimesvc.Config) {})
	f := mount(t, s)
	v, _ := rt.Open(t, f)
	v.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	f.server.CloseClientConnections()
	c := v.Closed()
	var ms int
	if n, err := fmt.Sscanf(c.Reason, `{"retry_in_ms":%d}`, &ms); c.Code != realtime.CloseRestart || n != 1 || err != nil || ms < 1 {
		t.Errorf("closed with %v", c)
	}
	rt.WaitFor(t, func() (string, bool) {
		st, err := s.Stats(t.Context())
		return fmt.Sprintf("%+v, %v", st, err), err == nil && st.Connections == 0
	})
}

// A viewer's side that goes away without a word is noticed as well.
func TestViewerGoesAway(t *testing.T) {
	t.Parallel()
	s, _ := room(t, func(*realtimesvc.Config) {})
	f := mount(t, s)
	v, _ := rt.Open(t, f)
	v.Close()
	rt.WaitFor(t, func() (string, bool) {
		st, err := s.Stats(t.Context())
		return fmt.Sprintf("%+v, %v", st, err), err == nil && st.Connections == 0
	})
}

func TestDrainCrosses(t *testing.T) {
	t.Parallel()
	s, stop := room(t, func(*realtimesvc.Config) {})
	v, _ := rt.Open(t, mount(t, s))
	stop()
	v.Expect("reconnect")
	if c := v.Closed(); c.Code != realtime.CloseRestart || !strings.HasPrefix(c.Reason, `{"retry_in_ms":`) {
		t.Errorf("closed with %v", c)
	}
}

func TestForeignConversation(t *testing.T) {
	t.Parallel()
	f := mount(t, rt.NewFake())
	body := strings.NewReader(`{"Conversation":"GUESSED","Frame":"e30="}`)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.server.URL+"/internal/rpc/realtime/receive", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer for realtime")
	resp, err := f.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	buf := make([]byte, 256)
	n, _ := resp.Body.Read(buf)
	if !strings.Contains(string(buf[:n]), `"Code":1012`) {
		t.Errorf("answer %s", buf[:n])
	}
}

// A peer that takes the call and says nothing does not hold a viewer who leaves.
func TestSilentPeer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	peer, err := rpc.NewPeer(rpc.PeerConfig{Module: "realtime", URL: "http://" + l.Addr().String()},
		func(string) (string, error) { return "", nil }, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := realtimehttp.NewClient(peer).Open(ctx, realtime.Client{}); err == nil {
		t.Error("Open succeeded")
	}
}

func TestObserveCounts(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	rec, err := rpc.NewRecorder("test", reg)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := rt.Open(t, realtimehttp.Observe(rt.NewFake(), rec))
	v.Quiet()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "endpoint" {
					calls[l.GetValue()] += m.GetCounter().GetValue()
				}
			}
		}
	}
	if calls["open"] != 1 || calls["receive"] != 1 {
		t.Errorf("counted %v", calls)
	}
}
