package api_test

import (
	"encoding/json"
	"flag"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
	"anihub/platform/telemetry"
)

var sweepRequests = flag.Int("sweep.n", 20_000, "how many requests TestHostileRequestsOverAllRoutes makes")

// hostileWords are what no honest client would say.
func hostileWords() []string {
	return []string{
		"", "0", "-1", "9901", "1e9", "99999999999999999999", "NaN", "null", "true", "[]", "{}", `{"$gt":""}`, `'; DROP TABLE users;--`,
		"../../etc/passwd", "%00", "\x00", "\xff\xfe", "\u202e", "a\r\nX-Evil: 1", "<script>alert(1)</script>", "javascript:alert(1)",
		"${jndi:ldap://x}", "{{7*7}}", "(a+)+$", strings.Repeat("*", 200), strings.Repeat("я", 3000), strings.Repeat("[", 5000),
		"__proto__", "roles", "admin", "*", "anilibria:*", "a b", "é", "1,2,3,,", strings.Repeat("1,", 500), "2026-02-30", "Bearer x",
	}
}

// TestHostileRequestsOverAllRoutes: whatever is sent to whichever route, signed in or not,
// the answer is in the envelope and no 5xx. The same seed makes the same requests.
func TestHostileRequestsOverAllRoutes(t *testing.T) {
	t.Parallel()
	g := openGate(t)
	token := g.viewer(t).AccessToken
	// A long poll, a stream and a socket wait for news by design; they have tests of their own.
	// The inbox needs the room of realtime, which is not here.
	routes := slices.DeleteFunc(g.router.Routes(), func(r *echo.Route) bool {
		return strings.Contains(r.Path, "socket.io") || strings.HasSuffix(r.Path, "/ws") || strings.HasSuffix(r.Path, "/events") || r.Path == "/api/users/notifications" || r.Method == echo.RouteNotFound
	})
	slices.SortFunc(routes, func(a, b *echo.Route) int { return strings.Compare(a.Method+a.Path, b.Method+b.Path) })
	random := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // the same every time
	answered := map[int]int{}
	for range *sweepRequests {
		r := hostile(random, routes, token)
		w := httptest.NewRecorder()
		g.router.ServeHTTP(w, r)
		answered[w.Code/100]++
		if w.Code >= 500 {
			t.Errorf("%s %.200s: %d %.200s", r.Method, r.URL.String(), w.Code, w.Body)
		}
		if w.Code >= 400 && r.Method != http.MethodHead {
			var e envelope
			if err := json.Unmarshal(read(t, w.Result()), &e); err != nil || e.Success || e.Error.Code == "" {
				t.Errorf("%s %.200s: %d without an envelope: %v %.200s", r.Method, r.URL.String(), w.Code, err, w.Body)
			}
		}
		for name, values := range w.Result().Header {
			if name == "X-Evil" || strings.ContainsAny(strings.Join(values, ""), "\r\n") {
				t.Errorf("%s %.200s: header %s: %q", r.Method, r.URL.String(), name, values)
			}
		}
	}
	t.Logf("answers by hundreds: %v over %d routes", answered, len(routes))
	if answered[2] == 0 || answered[4] == 0 {
		t.Errorf("answers by hundreds: %v; the requests are not what they should be", answered)
	}
}

func hostile(random *rand.Rand, routes []*echo.Route, token string) *http.Request {
	pick := func(of []string) string { return of[random.IntN(len(of))] }
	words := hostileWords()
	route := routes[random.IntN(len(routes))]
	parts := strings.Split(route.Path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, ":") || p == "*" || random.IntN(40) == 0 {
			parts[i] = url.PathEscape(pick(words))
		}
	}
	query := url.Values{}
	for range random.IntN(4) {
		query.Add(pick([]string{"page", "limit", "sort", "order", "ids", "q", "search", "genres", "year", "status", "facets", "wait", "x", pick(words)}), pick(words))
	}
	method := route.Method
	if random.IntN(20) == 0 {
		method = pick([]string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "BREW"})
	}
	body := pick([]string{"", "{}", "[]", "null", `{"login":`, `"` + pick([]string{"x", "y"}) + `"`, object(random, words), object(random, words)})
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	r.URL = &url.URL{RawPath: strings.Join(parts, "/"), RawQuery: query.Encode()}
	r.URL.Path, _ = url.PathUnescape(r.URL.RawPath)
	r.RequestURI = r.URL.RequestURI()
	r.Header.Set("Content-Type", pick([]string{"application/json", "application/json", "text/plain", "application/xml", "", pick(words)}))
	for range random.IntN(3) {
		r.Header.Set(pick([]string{"Accept-Encoding", "Accept-Language", "If-None-Match", "X-Request-ID", "X-Forwarded-For", "Origin", "Content-Encoding", "Range", "Traceparent", "Cookie"}), pick(words))
	}
	switch random.IntN(4) {
	case 0:
		r.Header.Set("Authorization", "Bearer "+pick(words))
	case 1, 2:
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// object is JSON with fields of the routes and nonsense in them.
func object(random *rand.Rand, words []string) string {
	fields := []string{
		"login", "email", "password", "name", "title_id", "titles", "episodes", "episode", "seconds", "status", "score", "types", "url",
		"quality", "channels", "roles", "id", "_id", "__proto__", "refresh_token", "endpoint", "keys", "ids", "quiet_hours",
	}
	o := map[string]any{}
	for range 1 + random.IntN(5) {
		var v any = words[random.IntN(len(words))]
		switch random.IntN(6) {
		case 0:
			v = random.NormFloat64() * 1e12
		case 1:
			v = []any{v, nil, map[string]any{"$ne": nil}}
		case 2:
			v = map[string]any{"$gt": "", "episode": v}
		case 3:
			v = nil
		}
		o[fields[random.IntN(len(fields))]] = v
	}
	b, _ := json.Marshal(o) // strings, floats, lists and maps only
	return string(b)
}

// TestADefectIsAnAnswer: a handler that panics answers 500 with the request's id and none of
// the cause, says so in the log, and the next request is served.
func TestADefectIsAnAnswer(t *testing.T) {
	t.Parallel()
	s := build(t, func(echo.Context) error { return echo.ErrNotFound }, func(c catalog.Service) catalog.Service { return panicking{c} })
	r := s.get(t, v2+"/titles/77")
	id := r.Header.Get("X-Request-ID")
	body := string(read(t, r))
	if r.StatusCode != 500 || !telemetry.ValidRequestID(id) || !strings.Contains(body, id) || strings.Contains(body, "a defect") {
		t.Errorf("%d, id %q, %s", r.StatusCode, id, body)
	}
	if log := s.log.String(); !strings.Contains(log, "a defect") {
		t.Errorf("the log does not tell of it: %s", log)
	}
	if r := s.get(t, v2+"/titles/9901"); r.StatusCode != 200 {
		t.Errorf("the next one: %d", r.StatusCode)
	}
}
