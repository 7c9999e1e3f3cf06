package internalapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimetest"
	syncer "anihub/modules/sync"
	"anihub/modules/sync/syncertest"
	"anihub/modules/users"
	"anihub/modules/users/userstest"
	"anihub/platform/audit"
	"anihub/platform/auth"
	"anihub/platform/cache"
	"anihub/platform/fault"
	"anihub/platform/telemetry"
	"anihub/web/internalapi"
)

// fakeCache remembers what it was asked to clear; err refuses.
type fakeCache struct {
	asked []cache.Invalidation
	err   error
}

func (f *fakeCache) Invalidate(_ context.Context, i cache.Invalidation) (cache.Cleared, error) {
	f.asked = append(f.asked, i)
	if f.err != nil {
		return cache.Cleared{}, f.err
	}
	if i.DryRun {
		return cache.Cleared{Matched: 7}, nil
	}
	return cache.Cleared{Matched: 7, Cleared: 7}, nil
}

func (f *fakeCache) Explain(_ context.Context, key string) cache.Explanation {
	return cache.Explanation{Key: key}
}

func (f *fakeCache) Stats() cache.Stats { return cache.Stats{} }

// fakeAudit keeps records in memory; broken refuses them, err refuses to show them.
type fakeAudit struct {
	records []audit.Record
	broken  bool
	err     error
}

func (f *fakeAudit) Write(_ context.Context, r audit.Record) error {
	if f.broken {
		return errors.New("store is down")
	}
	f.records = append([]audit.Record{r}, f.records...)
	return nil
}

func (f *fakeAudit) Newest(_ context.Context, limit int) ([]audit.Record, error) {
	return f.records[:min(limit, len(f.records))], f.err
}

type surface struct {
	handler http.Handler
	cache   *fakeCache
	audit   *fakeAudit
	live    *realtimetest.Fake
	users   *userstest.Fake
	health  *telemetry.Health
	log     *bytes.Buffer

	stopping chan struct{}
}

// verify knows tokens that say what they may: "read,write".
func verify(token string) (auth.Principal, error) {
	switch token {
	case "", "garbage":
		return auth.Principal{}, auth.ErrToken
	case "stranger":
		return auth.Principal{}, auth.ErrService
	}
	return auth.Principal{Service: "admin", Permissions: strings.Split(token, ",")}, nil
}

func open(t *testing.T) *surface {
	t.Helper()
	return around(t, syncertest.NewFake())
}

// around is the surface with a synchronisation.
func around(t *testing.T, jobs syncer.Service) *surface {
	t.Helper()
	s := &surface{
		cache: &fakeCache{}, audit: &fakeAudit{}, live: realtimetest.NewFake(), users: userstest.NewFake(), health: telemetry.NewHealth(), log: &bytes.Buffer{},
		stopping: make(chan struct{}),
	}
	tel, err := telemetry.New(telemetry.LogConfig{Level: "info", Format: "text"}, telemetry.TracingConfig{}, "test", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	s.handler = internalapi.New(internalapi.Deps{
		Users: s.users, Sync: jobs, Realtime: s.live, Cache: s.cache, Audit: s.audit,
		Upstream: func() []internalapi.Host {
			return []internalapi.Host{{Host: "h", Breaker: "open", LastError: "refused"}}
		},
		Modules: []internalapi.Place{{Name: "catalog", Where: "here"}}, Verify: verify,
		Health: s.health, Levels: tel.Levels, Registry: prometheus.NewRegistry(),
		Log: slog.New(slog.NewTextHandler(s.log, nil)), Version: "test", Started: time.Now(),
		Stopping: s.stopping,
	})
	return s
}

func (s *surface) do(t *testing.T, method, path, token, body string, header ...string) (int, answer) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	documented(t, r, w)
	var a answer
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("%s %s: %v in %.200s", method, path, err, w.Body)
		}
	}
	return w.Code, a
}

type answer struct {
	Success bool
	Status  string
	Data    json.RawMessage
	Error   struct {
		Code    string
		Details map[string]any
	}
}

// TestPermissions: every route × every kind of token.
func TestPermissions(t *testing.T) {
	t.Parallel()
	s := open(t)
	for route, needed := range map[string]string{
		"POST /internal/sync/title": "write", "POST /internal/sync/full": "write", "GET /internal/sync/jobs": "read",
		"GET /internal/sync/jobs/x": "read", "DELETE /internal/sync/jobs/x": "write",
		"POST /internal/sync/jobs/x/retry": "write", "GET /internal/stats": "read",
		"GET /internal/modules": "read", "GET /internal/realtime/presence": "read", "GET /internal/audit": "read", "PUT /internal/log": "write",
		"DELETE /internal/cache/clear": "write", "GET /internal/cache/explain": "read",
		"POST /internal/anilibria/notify": "notify", "POST /internal/auth/validate": "read", "GET /internal/users/x": "read",
		"GET /debug/pprof/": "read", "GET /debug/pprof/heap": "read",
	} {
		method, path, _ := strings.Cut(route, " ")
		for token, want := range map[string]int{"": 401, "garbage": 401, "stranger": 403, "nothing": 403} {
			if status, a := s.do(t, method, path, token, ""); status != want || a.Success {
				t.Errorf("%s with %q: %d, want %d", route, token, status, want)
			}
		}
		others := strings.Join(without([]string{"read", "write", "notify"}, needed), ",")
		if status, a := s.do(t, method, path, others, ""); status != 403 || a.Error.Details["permission"] != needed {
			t.Errorf("%s with %s: %d %+v, want 403 naming %s", route, others, status, a.Error, needed)
		}
		if status, _ := s.do(t, method, path, needed, ""); status == 401 || status == 403 {
			t.Errorf("%s with %s: %d", route, needed, status)
		}
	}
}

func without(all []string, one string) []string {
	var out []string
	for _, s := range all {
		if s != one {
			out = append(out, s)
		}
	}
	return out
}

func TestSync(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "/internal/sync/title", `{"title_id":7,"force":true,"priority":"high"}`, 202, `"job_id"`},
		{"POST", "/internal/sync/title?wait=true", `{"title_id":7}`, 200, `"succeeded"`},
		{"POST", "/internal/sync/title?wait=true", `{"title_id":404}`, 200, `"TITLE_NOT_FOUND"`},
		{"POST", "/internal/sync/title", `{"title_id":0}`, 422, ""},
		{"POST", "/internal/sync/title", `{"title_id":"7"}`, 400, ""},
		{"POST", "/internal/sync/title", `{"title_id":7,"priority":"urgent"}`, 422, ""},
		{"POST", "/internal/sync/title", `{"title_id":7,"extra":1}`, 400, ""},
		{"POST", "/internal/sync/title", `nonsense`, 400, ""},
		{"POST", "/internal/sync/title?wait=perhaps", `{"title_id":7}`, 422, ""},
		{"POST", "/internal/sync/full?wait=true", "", 200, `"full"`},
		{"GET", "/internal/sync/jobs", "", 200, `"job_id"`},
		{"GET", "/internal/sync/jobs?limit=0", "", 422, ""},
		{"GET", "/internal/sync/jobs/nope", "", 404, ""},
		{"DELETE", "/internal/sync/jobs/nope", "", 404, ""},
		{"POST", "/internal/sync/jobs/job_3/retry?wait=true", "", 200, `"retry_of":"job_3"`}, // the third was of a title that does not exist
		{"POST", "/internal/sync/jobs/job_3/retry", "", 202, `"progress":{"done":0,"total":1,"failed":0,"rate":0,"eta":null}`},
		{"POST", "/internal/sync/jobs/job_2/retry", "", 409, ""}, // it succeeded
		{"POST", "/internal/sync/jobs/nope/retry", "", 404, ""},
	} {
		status, a := s.do(t, c.method, c.path, "read,write", c.body)
		if status != c.status || !strings.Contains(string(a.Data), c.says) {
			t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.path, c.body, status, a.Data, c.status, c.says)
		}
	}
}

func TestClearingTheCache(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"pattern":"titles:*"}`, 200, `"dry_run":true`},
		{`{"pattern":"titles:*","confirm":true}`, 200, `"cleared":7`},
		{`{"pattern":"titles:*","confirm":true,"mode":"remove"}`, 200, `"mode":"remove"`},
		{`{"pattern":""}`, 400, ""},
		{`{}`, 400, ""},
		{`{"pattern":"x","mode":"burn"}`, 422, ""},
		{`{"pattern":"` + strings.Repeat("x", 300) + `"}`, 422, ""},
	} {
		status, a := s.do(t, "DELETE", "/internal/cache/clear", "write", c.body)
		if status != c.status || !strings.Contains(string(a.Data), c.want) {
			t.Errorf("%s: %d %s", c.body, status, a.Data)
		}
	}
	if n := len(s.cache.asked); n != 3 || !s.cache.asked[0].DryRun || s.cache.asked[1].DryRun || s.cache.asked[2].Mode != cache.Remove {
		t.Errorf("the cache was asked %+v", s.cache.asked)
	}
	if len(s.audit.records) != 3 || s.audit.records[0].Service != "admin" || s.audit.records[0].RequestID == "" {
		t.Errorf("audit: %+v", s.audit.records)
	}
	s.audit.broken = true
	if status, _ := s.do(t, "DELETE", "/internal/cache/clear", "write", `{"pattern":"x","confirm":true}`); status != 200 || !strings.Contains(s.log.String(), "audit record not written") {
		t.Errorf("with a broken audit trail: %d, log %s", status, s.log)
	}
}

func TestNotify(t *testing.T) {
	t.Parallel()
	s := open(t)
	seed := `{"type":"new_episode","title_id":9919,"episode":18,"data":{"title":"Девочки-бабочки","episode_name":"Финальная битва"},"timestamp":"2025-08-01T15:30:00Z"}`
	status, a := s.do(t, "POST", "/internal/anilibria/notify", "notify", seed)
	if status != 200 || !strings.Contains(string(a.Data), `"duplicate":false`) || !strings.Contains(string(a.Data), `"event_id"`) {
		t.Errorf("%d %s %+v", status, a.Data, a.Error)
	}
	if status, a = s.do(t, "POST", "/internal/anilibria/notify", "notify", seed); status != 200 || !strings.Contains(string(a.Data), `"duplicate":true`) {
		t.Errorf("again: %d %s", status, a.Data)
	}
	for _, body := range []string{
		`{"type":"nothing","title_id":1}`, `{"type":"new_episode","title_id":0}`, `{"type":"new_episode","title_id":1,"episode":-1}`,
		`{"type":"new_episode","title_id":1,"timestamp":"yesterday"}`, `{"type":"new_episode","title_id":1,"event_id":"` + strings.Repeat("x", 300) + `"}`,
	} {
		if status, _ := s.do(t, "POST", "/internal/anilibria/notify", "notify", body); status != 422 {
			t.Errorf("%.60s: %d, want 422", body, status)
		}
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	s := open(t)
	session, err := s.users.Register(t.Context(), users.Registration{Login: "mira", Email: "mira@example.org", Password: "a long password"})
	if err != nil {
		t.Fatal(err)
	}
	status, a := s.do(t, "POST", "/internal/auth/validate", "read", `{"token":"`+session.AccessToken+`"}`)
	if status != 200 || !strings.Contains(string(a.Data), session.User.ID) || !strings.Contains(string(a.Data), `"valid":true`) {
		t.Errorf("validate: %d %s", status, a.Data)
	}
	if status, a := s.do(t, "POST", "/internal/auth/validate", "read", `{"token":"worthless"}`); status != 200 || !strings.Contains(string(a.Data), `"valid":false`) {
		t.Errorf("a worthless token: %d %s", status, a.Data)
	}
	status, a = s.do(t, "GET", "/internal/users/"+session.User.ID, "read", "")
	if status != 200 || !strings.Contains(string(a.Data), `"mira"`) || strings.Contains(string(a.Data), "example.org") || strings.Contains(string(a.Data), "argon2") {
		t.Errorf("user: %d %s", status, a.Data)
	}
	if status, _ := s.do(t, "GET", "/internal/users/nobody", "read", ""); status != 404 {
		t.Errorf("nobody: %d", status)
	}
}

func TestStatsAndProbes(t *testing.T) {
	t.Parallel()
	s := open(t)
	status, a := s.do(t, "GET", "/internal/stats", "read", "")
	for _, part := range []string{`"uptime_seconds"`, `"modules"`, `"cache"`, `"upstream"`, `"breaker":"open"`, `"last_error":"refused"`, `"sync"`, `"realtime"`} {
		if status != 200 || !strings.Contains(string(a.Data), part) {
			t.Errorf("stats: %d without %s: %s", status, part, a.Data)
		}
	}
	s.health.Add(telemetry.Check{Name: "redis", Ask: func(context.Context) error { return fault.ErrUnavailable }})
	s.health.AskAll(t.Context())
	if status, a := s.do(t, "GET", "/health/ready", "", ""); status != 200 || a.Status != "degraded" {
		t.Errorf("degraded: %d %s", status, a.Status)
	}
	s.health.Add(telemetry.Check{Name: "catalog", Essential: true})
	if status, a := s.do(t, "GET", "/health/ready", "", ""); status != 503 || a.Status != "not_ready" {
		t.Errorf("not ready: %d %s", status, a.Status)
	}
	for _, path := range []string{"/health/live", "/metrics"} {
		if status, _ := s.do(t, "GET", path, "", ""); status != 200 {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, a := s.do(t, "GET", "/internal/nothing", "read", ""); status != 404 || a.Error.Code != "NOT_FOUND" {
		t.Errorf("unknown route: %d %+v", status, a.Error)
	}
	if status, _ := s.do(t, "GET", "/internal/cache/explain", "read", ""); status != 400 {
		t.Errorf("explain of nothing: %d", status)
	}
	if status, _ := s.do(t, "GET", "/internal/cache/explain?key=anilibria:title:1", "read", ""); status != 200 {
		t.Errorf("explain: %d", status)
	}
}

func TestPresence(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, titles := range []string{"[5,7]", "[5]", "[9]"} {
		v, _ := realtimetest.Open(t, s.live)
		v.Do(`{"type":"subscribe_updates","data":{"titles":`+titles+`}}`, "subscribed")
	}
	status, a := s.do(t, "GET", "/internal/realtime/presence?limit=2", "read", "")
	want := `{"instances":1,"subscriptions":4,"titles":[{"title_id":5,"subscribers":2},{"title_id":7,"subscribers":1}]}`
	if status != 200 || string(a.Data) != want {
		t.Errorf("%d %s, want %s", status, a.Data, want)
	}
	if status, a := s.do(t, "GET", "/internal/realtime/presence?limit=0", "read", ""); status != 422 {
		t.Errorf("limit 0: %d %+v", status, a.Error)
	}
	s.live.Fail(realtime.ErrUnavailable)
	if status, a := s.do(t, "GET", "/internal/realtime/presence", "read", ""); status != 503 || a.Error.Code != "REALTIME_UNAVAILABLE" {
		t.Errorf("while realtime is away: %d %+v", status, a.Error)
	}
}

func TestLogLevels(t *testing.T) {
	t.Parallel()
	s := open(t)
	for body, want := range map[string]int{
		`{"component":"sync","level":"debug"}`: 200, `{"level":"warn"}`: 200, `{"level":"loud"}`: 422, `{}`: 400,
	} {
		if status, _ := s.do(t, "PUT", "/internal/log", "write", body); status != want {
			t.Errorf("%s: %d, want %d", body, status, want)
		}
	}
}
