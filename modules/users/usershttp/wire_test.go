package usershttp_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"anihub/modules/users"
	"anihub/modules/users/usershttp"
	"anihub/modules/users/userstest"
	"anihub/platform/auth"
	"anihub/platform/fault"
	"anihub/platform/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func services(t *testing.T) *auth.Services {
	t.Helper()
	keys, err := auth.NewKeys(auth.NewKey([]byte("Zr7TpLw2XnVb9QsKd4HyJfMc6GaEuRoI")))
	if err != nil {
		t.Fatal(err)
	}
	return auth.NewServices(keys, []string{"anihub", "users"})
}

// serve mounts the door on a server of its own.
func serve(t *testing.T, door users.Service, log *slog.Logger) string {
	t.Helper()
	mux := http.NewServeMux()
	usershttp.Mount(rpc.NewServer(mux, services(t).Verify, log), door)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func dial(t *testing.T, url string, timeout time.Duration) *usershttp.Client {
	t.Helper()
	rec, err := rpc.NewRecorder("anihub", prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := rpc.NewPeer(rpc.PeerConfig{Module: "users", URL: url, Timeout: timeout}, services(t).Signer("anihub"), rec, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(peer.Close)
	return usershttp.NewClient(peer)
}

func TestContractOverTheWire(t *testing.T) {
	t.Parallel()
	userstest.Contract(t, func(t *testing.T) users.Service {
		return dial(t, serve(t, userstest.NewFake(), quiet()), 0)
	})
}

func TestContractObserved(t *testing.T) {
	t.Parallel()
	userstest.Contract(t, func(t *testing.T) users.Service {
		rec, err := rpc.NewRecorder("anihub", prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		return usershttp.Observe(userstest.NewFake(), rec)
	})
}

// A server that loses every fifth answer of a method that is safe to ask twice is
// not noticed by the caller.
func TestContractWithLostAnswers(t *testing.T) {
	t.Parallel()
	userstest.Contract(t, func(t *testing.T) users.Service {
		mux := http.NewServeMux()
		usershttp.Mount(rpc.NewServer(mux, services(t).Verify, quiet()), userstest.NewFake())
		s := httptest.NewServer(lossy(mux))
		t.Cleanup(s.Close)
		return dial(t, s.URL, 0)
	})
}

func lossy(next http.Handler) http.Handler {
	turn := make(chan int, 1)
	turn <- 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		twice := []string{"/register", "/login", "/import", "/change_password", "/delete_account"} // are not safe to ask twice
		if slices.ContainsFunc(twice, func(end string) bool { return strings.HasSuffix(r.URL.Path, end) }) {
			next.ServeHTTP(w, r)
			return
		}
		n := <-turn
		turn <- n + 1
		if n%5 == 3 {
			next.ServeHTTP(httptest.NewRecorder(), r) // done, but nobody hears of it
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}

func TestBrokenPeers(t *testing.T) {
	t.Parallel()
	mine := users.Session{ID: "s", AccessToken: "a", RefreshToken: "r", User: users.User{ID: "u"}}
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"500":             answer(500, "oops"),
		"502 of a proxy":  answer(502, "<html><h1>Bad Gateway</h1></html>"),
		"404 of another":  answer(404, "404 page not found"),
		"garbage":         answer(200, "\x00\xff garbage"),
		"HTML":            answer(200, "<!doctype html>"),
		"cut JSON":        answer(200, `{"ID":"s","User":{"ID":`),
		"other JSON":      answer(200, `[[[]]]`),
		"empty":           answer(200, ""),
		"redirect":        answer(302, ""),
		"fault of no one": answer(401, `{"Kind":5,"Code":"ODD"}`),
		"drops":           func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"hangs":           func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() },
		"drips":           drip,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(h)
			t.Cleanup(s.Close)
			userstest.Unavailable(t, dial(t, s.URL, 100*time.Millisecond), mine)
		})
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		url := "http://" + l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		userstest.Unavailable(t, dial(t, url, time.Second), mine)
	})
}

// drip begins an answer and never ends it.
func drip(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // so that the end of the caller is noticed
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, " ")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(5 * time.Millisecond)
	}
}

// The door stays shut to whoever has no token for it.
func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	url := serve(t, userstest.NewFake(), quiet())
	other, err := services(t).Issue("anihub", nil, "catalog", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"none": "", "garbage": "Bearer x", "another module's": "Bearer " + other} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/internal/rpc/users/user", strings.NewReader(`"u"`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// What the far side says beside the code arrives too.
func TestFaultsArriveWhole(t *testing.T) {
	t.Parallel()
	f := userstest.NewFake()
	c := dial(t, serve(t, f, quiet()), 0)
	sent := users.ErrTooMany.After(90*time.Second).Detail("why", "test").Because("private")
	f.Fail(sent)
	_, err := c.Login(t.Context(), users.Credentials{})
	got := fault.Of(err)
	if !errors.Is(err, users.ErrTooMany) || got.RetryAfter != sent.RetryAfter || got.Message != sent.Message {
		t.Errorf("%#v", got)
	}
	if diff := cmp.Diff(sent.Details, got.Details); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(err.Error(), "private") {
		t.Errorf("the private cause crossed the wire: %v", err)
	}
}

func TestDeadlineIsKept(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := dial(t, s.URL, time.Hour).User(ctx, "u"); !errors.Is(err, fault.ErrTimeout) {
		t.Errorf("got %v", err)
	}
}

// Neither end logs what it carries.
func TestSecretsAreNotLogged(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f := userstest.NewFake()
	c := dial(t, serve(t, f, log), 0)
	f.Fail(errors.New("not a fault: logged by the server"))
	const secret = "hunter2-hunter2"
	_, err := c.Login(t.Context(), users.Credentials{Login: "wanderer", Password: secret})
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("error: %v", err)
	}
	if !strings.Contains(out.String(), "call failed") || strings.Contains(out.String(), secret) {
		t.Errorf("log: %s", out.String())
	}
}

func TestInboxOverTheWire(t *testing.T) {
	t.Parallel()
	userstest.InboxContract(t, func(t *testing.T) userstest.InboxSubject {
		f := userstest.NewFake()
		s := userstest.FakeInbox(f)
		s.Service = dial(t, serve(t, f, quiet()), 0)
		return s
	})
}

func TestInboxObserved(t *testing.T) {
	t.Parallel()
	userstest.InboxContract(t, func(t *testing.T) userstest.InboxSubject {
		rec, err := rpc.NewRecorder("anihub", prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		f := userstest.NewFake()
		s := userstest.FakeInbox(f)
		s.Service = usershttp.Observe(f, rec)
		return s
	})
}
