package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"anihub/platform/telemetry"
	"anihub/web/api"
)

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	s := open(t)
	for path, want := range map[string]map[string]string{
		v2 + "/titles": {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"},
		"/health/live": {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"},
		"/api/nothing": {"Content-Security-Policy": "frame-ancestors 'none'"},
		"/titles/9901": {"Content-Security-Policy": "script-src 'self'", "Referrer-Policy": "strict-origin", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin"},
		"/api/auth/me": {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"},
	} {
		h := s.get(t, path).Header
		want["X-Content-Type-Options"] = "nosniff"
		for name, part := range want {
			if !strings.Contains(h.Get(name), part) {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
		if strings.Contains(h.Get("Content-Security-Policy"), "unsafe-eval") || h.Get("Server") != "" || h.Get("X-Powered-By") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestStrictTransportSecurityOverTLSOnly(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, c := range []struct {
		peer, forwarded string
		want            bool
	}{
		{"10.0.0.1:1234", "", false},
		{"10.0.0.1:1234", "https", true},
		{"10.0.0.1:1234", "http", false},
		{"203.0.113.7:1234", "https", false}, // a stranger who says so
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/health/live", nil)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-Proto", c.forwarded)
		}
		w := newRecorder()
		s.handler.ServeHTTP(w, r)
		if got := w.Header().Get("Strict-Transport-Security") != ""; got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	s := open(t)
	preflight := []string{"Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "authorization"}
	r := s.do(t, "OPTIONS", "/api/users/profile", "", append(preflight, "Origin", "https://friend.example")...)
	if r.StatusCode != 204 || r.Header.Get("Access-Control-Allow-Origin") != "https://friend.example" || r.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("a friend: %d %v", r.StatusCode, r.Header)
	}
	for _, origin := range []string{"https://evil.example", "null", "https://friend.example.evil.example", "http://friend.example"} {
		r := s.do(t, "OPTIONS", "/api/users/profile", "", append(preflight, "Origin", origin)...)
		if r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s is let in", origin)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	s := open(t)
	if id := s.get(t, v2+"/titles", "X-Request-ID", "my-request-1").Header.Get("X-Request-ID"); id != "my-request-1" {
		t.Errorf("a good id became %q", id)
	}
	for _, bad := range []string{"", "short", "with space and\ttab", strings.Repeat("x", 65), "inject\\nline=1"} {
		if id := s.get(t, v2+"/titles", "X-Request-ID", bad).Header.Get("X-Request-ID"); id == bad || !telemetry.ValidRequestID(id) {
			t.Errorf("%q was taken over as %q", bad, id)
		}
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *api.Config) { c.RateLimit = 60 })
	var limited *http.Response
	n := 0
	for ; n < 30 && limited == nil; n++ {
		if r := s.get(t, v2+"/titles"); r.StatusCode == 429 {
			limited = r
		}
	}
	if limited == nil || n < 12 {
		t.Fatalf("limited at request %d: %v", n, limited)
	}
	for _, name := range []string{"Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"} {
		if limited.Header.Get(name) == "" {
			t.Errorf("no %s", name)
		}
	}
	if e := answerOf(t, limited); e.Error.Code != "RATE_LIMITED" {
		t.Errorf("%+v", e.Error)
	}
	if r := s.get(t, "/assets/index.js"); r.StatusCode == http.StatusTooManyRequests {
		t.Error("the page's files count")
	}
	if r := s.get(t, "/health/live"); r.StatusCode != 200 {
		t.Errorf("a probe is limited: %d", r.StatusCode)
	}
	if r := s.get(t, v2+"/titles", "X-Forwarded-For", "203.0.113.9"); r.StatusCode != 429 {
		t.Errorf("X-Forwarded-For of a stranger is believed: %d", r.StatusCode)
	}
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *api.Config) { c.RateLimit = 60; c.TrustedProxies = []string{"192.0.2.0/24"} }) // httptest's client
	for i := range 30 {
		if r := s.get(t, v2+"/titles", "X-Forwarded-For", "203.0.113."+string(rune('1'+i%9))); r.StatusCode != 200 {
			t.Fatalf("request %d: %d", i, r.StatusCode)
		}
	}
}

func TestThePathIsLoggedAndTheQueryIsNot(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.get(t, v2+"/search?q=private-words")
	s.get(t, v2+"/ws?token=secret-token")
	line := s.log.String()
	if !strings.Contains(line, "/api/anilibria/v2/search") || strings.Contains(line, "private-words") || strings.Contains(line, "secret-token") {
		t.Errorf("log: %s", line)
	}
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, path := range []string{"/titles/9901", "/titles/9902", "/titles/1"} {
		s.get(t, v2+path)
	}
	s.get(t, "/api/nothing")
	s.do(t, "BREW", v2+"/titles", "")
	want := `
# HELP http_requests_total Requests of the public listener.
# TYPE http_requests_total counter
http_requests_total{method="GET",route="/*",status="404"} 1
http_requests_total{method="GET",route="/api/anilibria/v2/titles/:id",status="200"} 2
http_requests_total{method="GET",route="/api/anilibria/v2/titles/:id",status="404"} 1
http_requests_total{method="other",route="/api/anilibria/v2/titles",status="405"} 1
`
	if err := testutil.GatherAndCompare(s.metrics, strings.NewReader(want), "http_requests_total"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(s.metrics, "http_request_duration_seconds"); err != nil || n != 3 {
		t.Errorf("%d durations: %v", n, err)
	}
}

func TestWhatIsWorthALine(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.users.Fail(errSecret)
	for _, c := range []struct{ method, path, level string }{
		{"GET", v2 + "/titles", "DEBUG"},
		{"GET", v2 + "/titles/1", "INFO"},
		{"POST", "/api/auth/login", "WARN"},
	} {
		s.log.Reset()
		body := ""
		if c.method == "POST" {
			body = `{"login":"a","password":"b"}`
		}
		s.do(t, c.method, c.path, body)
		if want := "level=" + c.level + " msg=request method=" + c.method + " path=" + c.path; !strings.Contains(s.log.String(), want) {
			t.Errorf("no %q in %s", want, s.log)
		}
	}
}

func TestASlowAnswerIsWorthALine(t *testing.T) {
	t.Parallel()
	for kind, level := range map[string]string{"text/html": "WARN", "text/event-stream": "DEBUG"} {
		synctest.Test(t, func(t *testing.T) {
			s := openWith(t, func(c echo.Context) error {
				time.Sleep(2 * time.Second)
				return c.Blob(http.StatusOK, kind, nil)
			})
			s.get(t, "/")
			if !strings.Contains(s.log.String(), "level="+level+" msg=request") {
				t.Errorf("%s: %s", kind, s.log)
			}
		})
	}
}

// timed is a connection that tells until when it may be read.
type timed struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (t *timed) SetReadDeadline(until time.Time) error { t.until = until; return nil }

// TestABodyHasItsTime: also one that nobody reads.
func TestABodyHasItsTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path, body string
		want               time.Duration
	}{
		{"GET", v2 + "/titles", "", 0},
		{"GET", v2 + "/titles", "{}", 30 * time.Second},
		{"POST", "/api/auth/login", "{}", 30 * time.Second},
		{"POST", "/api/nothing", "{}", 30 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := open(t)
			r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body))
			if c.body == "" {
				r.Body = http.NoBody // as the server makes it
			}
			w := &timed{ResponseRecorder: newRecorder()}
			s.handler.ServeHTTP(w, r)
			got := time.Duration(0)
			if !w.until.IsZero() {
				got = time.Until(w.until)
			}
			if got != c.want {
				t.Errorf("%s %s %q: %v to read it, want %v", c.method, c.path, c.body, got, c.want)
			}
		})
	}
}
