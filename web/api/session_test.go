package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"anihub/modules/users"
	"anihub/platform/telemetry"
	"anihub/web/api"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

// sink takes an answer and keeps nothing of it.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

type sessionData struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	User         struct{ ID, Login, Email, Name string }
}

func sessionOf(t *testing.T, r *http.Response) sessionData {
	t.Helper()
	e := answerOf(t, r)
	var d sessionData
	if err := json.Unmarshal(e.Data, &d); err != nil || !e.Success {
		t.Fatalf("%d %+v: %v", r.StatusCode, e.Error, err)
	}
	return d
}

func refreshCookie(t *testing.T, r *http.Response) *http.Cookie {
	t.Helper()
	for _, c := range r.Cookies() {
		if c.Name == "refresh_token" {
			return c
		}
	}
	t.Fatal("no refresh cookie")
	return nil
}

const registration = `{"login":"mira","email":"Mira@example.org","password":"a long password"}`

func TestAnAccountFromBirthToLogout(t *testing.T) {
	t.Parallel()
	s := open(t)
	r := s.do(t, "POST", "/api/auth/register", registration)
	got := sessionOf(t, r)
	if r.StatusCode != 201 || got.TokenType != "Bearer" || got.ExpiresIn < 890 || got.ExpiresIn > 900 || got.RefreshToken != "" || got.User.Login != "mira" {
		t.Errorf("%d %+v", r.StatusCode, got)
	}
	c := refreshCookie(t, r)
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/api/auth" || c.Secure || c.MaxAge < 29*24*3600 {
		t.Errorf("cookie %+v", c)
	}
	if r.Header.Get("Cache-Control") != "no-store" {
		t.Error("a session may be kept by caches")
	}

	r = s.do(t, "POST", "/api/auth/login", `{"login":"MIRA@example.org","password":"a long password","refresh_in_body":true}`)
	if got = sessionOf(t, r); r.StatusCode != 200 || got.RefreshToken == "" {
		t.Errorf("login: %d %+v", r.StatusCode, got)
	}
	for name, ask := range map[string]func() *http.Response{
		"cookie": func() *http.Response {
			return s.do(t, "POST", "/api/auth/refresh", "", "Cookie", "refresh_token="+c.Value)
		},
		"body": func() *http.Response {
			return s.do(t, "POST", "/api/auth/refresh", `{"refresh_token":"`+got.RefreshToken+`"}`)
		},
	} {
		if r := ask(); r.StatusCode != 200 || sessionOf(t, r).AccessToken == "" {
			t.Errorf("refresh by %s: %d", name, r.StatusCode)
		}
	}
	auth := "Bearer " + got.AccessToken
	if r := s.get(t, "/api/auth/me", "Authorization", auth); r.StatusCode != 200 {
		t.Errorf("me: %d", r.StatusCode)
	}
	r = s.do(t, "POST", "/api/auth/logout", "", "Authorization", auth)
	if r.StatusCode != 200 || refreshCookie(t, r).MaxAge >= 0 {
		t.Errorf("logout: %d", r.StatusCode)
	}
	if r := s.get(t, "/api/auth/me", "Authorization", auth); r.StatusCode != 401 || r.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("after logout: %d", r.StatusCode)
	}
}

func TestCrossSiteRefreshIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := refreshCookie(t, s.do(t, "POST", "/api/auth/register", registration))
	for _, h := range [][]string{{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
		r := s.do(t, "POST", "/api/auth/refresh", "", append(h, "Cookie", "refresh_token="+c.Value)...)
		if r.StatusCode != 403 {
			t.Errorf("%v: %d, want 403", h, r.StatusCode)
		}
	}
	if r := s.do(t, "POST", "/api/auth/refresh", "", "Origin", "https://friend.example", "Cookie", "refresh_token="+c.Value); r.StatusCode != 200 {
		t.Errorf("an allowed origin: %d", r.StatusCode)
	}
}

// TestRoles: every route that needs somebody, without and with a worthless token.
func TestRoles(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, route := range []string{
		"POST /api/auth/logout", "GET /api/auth/me", "GET /api/users/profile", "PUT /api/users/profile",
		"GET /api/users/subscriptions", "PUT /api/users/subscriptions/1", "DELETE /api/users/subscriptions/1",
	} {
		method, path, _ := strings.Cut(route, " ")
		for auth, code := range map[string]string{
			"": "UNAUTHENTICATED", "Basic x": "UNAUTHENTICATED", "Bearer ": "BAD_TOKEN", "Bearer x.y.z": "BAD_TOKEN",
			"Bearer " + strings.Repeat("x", 20_000): "BAD_TOKEN",
		} {
			r := s.do(t, method, path, "", "Authorization", auth)
			if e := answerOf(t, r); r.StatusCode != 401 || e.Error.Code != code {
				t.Errorf("%s with %.20q: %d %s, want 401 %s", route, auth, r.StatusCode, e.Error.Code, code)
			}
		}
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	s := open(t)
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"empty object":  {`{}`, 400, "BAD_BODY"},
		"not JSON":      {`login=mira`, 400, "BAD_BODY"},
		"cut off":       {`{"login":"mi`, 400, "BAD_BODY"},
		"array":         {`[]`, 400, "BAD_BODY"},
		"null":          {`null`, 400, "BAD_BODY"},
		"number":        {`{"login":1,"password":"x"}`, 400, "BAD_BODY"},
		"operator":      {`{"login":{"$gt":""},"password":{"$gt":""}}`, 400, "BAD_BODY"},
		"prototype":     {`{"login":"a","password":"b","__proto__":{"role":"admin"}}`, 400, "BAD_BODY"},
		"unknown field": {`{"login":"a","password":"b","role":"admin"}`, 400, "BAD_BODY"},
		"two values":    {`{"login":"a","password":"b"}{}`, 400, "BAD_BODY"},
		"not UTF-8":     {"{\"login\":\"\xff\",\"password\":\"b\"}", 400, "BAD_BODY"},
		"deep":          {strings.Repeat(`{"a":`, 20_000) + "1", 413, "BODY_TOO_LARGE"},
		"huge":          {`{"login":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "BODY_TOO_LARGE"},
		"wrong":         {`{"login":"mira","password":"wrong password"}`, 401, "BAD_CREDENTIALS"},
	} {
		r := s.do(t, "POST", "/api/auth/login", c.body)
		if e := answerOf(t, r); r.StatusCode != c.status || e.Error.Code != c.code {
			t.Errorf("%s: %d %+v, want %d %s", name, r.StatusCode, e.Error, c.status, c.code)
		}
	}
	for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ";;"} {
		r := s.do(t, "POST", "/api/auth/login", `{"login":"a","password":"b"}`, "Content-Type", media)
		if r.StatusCode != 415 {
			t.Errorf("media type %q: %d, want 415", media, r.StatusCode)
		}
	}
}

func TestProfileAndSubscriptions(t *testing.T) {
	t.Parallel()
	s := open(t)
	auth := s.signIn(t)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"PUT", "/api/users/profile", `{"name":"Мира"}`, 200},
		{"PUT", "/api/users/profile", `{}`, 400},
		{"PUT", "/api/users/profile", `{"roles":["admin"]}`, 400},
		{"PUT", "/api/users/profile", `{"email":"nonsense"}`, 422},
		{"PUT", "/api/users/subscriptions/9901", "", 200},
		{"PUT", "/api/users/subscriptions/9901", "", 200},
		{"PUT", "/api/users/subscriptions/x", "", 400},
		{"PUT", "/api/users/subscriptions/0", "", 400},
		{"GET", "/api/users/subscriptions", "", 200},
		{"DELETE", "/api/users/subscriptions/9901", "", 200},
		{"DELETE", "/api/users/subscriptions/9901", "", 200},
	} {
		if r := s.do(t, c.method, c.path, c.body, "Authorization", auth); r.StatusCode != c.status {
			t.Errorf("%s %s %s: %d, want %d: %s", c.method, c.path, c.body, r.StatusCode, c.status, read(t, r))
		}
	}
}

func TestUsersDown(t *testing.T) {
	t.Parallel()
	s := open(t)
	auth := s.signIn(t)
	s.users.Fail(users.ErrUnavailable)
	for _, r := range []*http.Response{
		s.get(t, "/api/auth/me", "Authorization", auth), s.do(t, "POST", "/api/auth/login", `{"login":"a","password":"b"}`),
	} {
		if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
			t.Errorf("%d, Retry-After %q", r.StatusCode, r.Header.Get("Retry-After"))
		}
	}
	if r := s.get(t, v2+"/titles/9901", "Authorization", auth); r.StatusCode != 200 {
		t.Errorf("the catalogue must not care: %d", r.StatusCode)
	}
}

// TestSecurityHeaders: every answer says that it is data and nothing else; a page
// says what it needs.
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

func TestHealth(t *testing.T) {
	t.Parallel()
	s := open(t)
	if r := s.get(t, "/health/ready"); r.StatusCode != 200 || !strings.Contains(string(read(t, r)), `"ready"`) {
		t.Errorf("ready: %d", r.StatusCode)
	}
	s.health.Add(telemetry.Check{Name: "redis"})
	body := read(t, s.get(t, "/health/ready"))
	if !strings.Contains(string(body), `"degraded"`) || strings.Contains(string(body), "redis") {
		t.Errorf("degraded, without detail: %s", body)
	}
	s.health.Drain()
	if r := s.get(t, "/health/ready"); r.StatusCode != 503 {
		t.Errorf("draining: %d", r.StatusCode)
	}
	if r := s.get(t, "/health/live"); r.StatusCode != 200 {
		t.Errorf("live: %d", r.StatusCode)
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

// TestRequestsAreCounted by route, never by path, and by the methods that exist.
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

// TestWhatIsWorthALine: what goes well is written only when somebody looks for it.
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

// TestASlowAnswerIsWorthALine, unless it is slow by nature.
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

func TestPrivateCausesStayPrivate(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.users.Fail(errSecret)
	r := s.do(t, "POST", "/api/auth/login", `{"login":"a","password":"b"}`)
	body := string(read(t, r))
	if r.StatusCode != 500 || strings.Contains(body, "hunter2") {
		t.Errorf("%d %s", r.StatusCode, body)
	}
	if !strings.Contains(s.log.String(), "hunter2") {
		t.Error("the cause is not in the log")
	}
}

type secretError struct{}

func (secretError) Error() string { return "mongodb://root:hunter2@db" }

var errSecret = secretError{}
