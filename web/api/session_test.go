package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"anihub/modules/users"
	"anihub/platform/telemetry"
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

// TestRequestsAreCounted by route, never by path, and by the methods that exist.
// TestWhatIsWorthALine: what goes well is written only when somebody looks for it.
// TestASlowAnswerIsWorthALine, unless it is slow by nature.
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
