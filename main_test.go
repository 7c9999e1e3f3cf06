package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules"
	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/auth"
	"anihub/platform/config"
	"anihub/platform/redisdb/redistest"
	"anihub/test/loopbacktest"
)

// Secrets of the tests, good enough for production's taste.
const (
	userSecret     = config.Secret("b1f0c7e2a95d4386b1f0c7e2a95d4386-users")
	internalSecret = config.Secret("7d3a96e1f4c8b2507d3a96e1f4c8b250-services")
)

// site is the product as one or several processes around one upstream, as a viewer
// and an admin find it.
type site struct {
	url, internal string
	upstream      *anilibriatest.Server
	registry      *prometheus.Registry // of the first process
	logs          *logs
}

// logs is a writer for several processes.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// newSite starts one process for each group of modules. The first one serves the
// page; they share a redis-server when there is more than one.
func newSite(t *testing.T, groups ...[]string) *site {
	t.Helper()
	upstream := anilibriatest.New(anilibriatest.Catalogue())
	l := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- upstream.Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); <-served })

	redis := ""
	if len(groups) > 1 {
		redis = redistest.Start(t).URL()
	}
	addrs := map[string]string{}
	internal := make([]string, len(groups))
	for i, group := range groups {
		internal[i] = loopbacktest.Addr(t)
		for _, m := range group {
			addrs[m] = "http://" + internal[i]
		}
	}
	out := &site{internal: "http://" + internal[0], upstream: upstream, logs: &logs{}}
	for i := len(groups) - 1; i >= 0; i-- {
		s := testSettings(t, "http://"+l.Addr().String()+anilibriatest.BasePath)
		s.Modules.Addr, s.Modules.Target = internal[i], groups[i]
		s.Platform.Storage.Redis.URL = config.Secret(redis)
		s.Modules.Catalog.URL, s.Modules.Users.URL = addrs[modules.Catalog], addrs[modules.Users]
		s.Modules.Sync.URL, s.Modules.Realtime.URL = addrs[modules.Sync], addrs[modules.Realtime]
		if i == 0 {
			s.Web.Addr = "127.0.0.1:0"
		}
		if a := start(t, s, out.logs); i == 0 {
			out.url, out.registry = a.web.URL(), a.platform.Telemetry.Registry
		}
	}
	return out
}

func testSettings(t *testing.T, upstream string) settings {
	t.Helper()
	s := defaults()
	s.Platform.Storage.DataDir = filepath.Join(t.TempDir(), "data")
	s.Platform.Anilibria.BaseURLs = []string{upstream}
	s.Platform.Auth.JWTSecret, s.Platform.Auth.InternalJWTSecret = userSecret, internalSecret
	s.Platform.Log.Level = "debug"
	s.Modules.Sync.PollInterval = time.Second
	s.Modules.Addr, s.Web.Addr, s.Web.RateLimit = "127.0.0.1:0", "", 0
	return s
}

// start runs a process until the test ends, and holds it to a clean stop.
func start(t *testing.T, s settings, out io.Writer) *app {
	t.Helper()
	if err := s.validate(); err != nil {
		t.Fatal(err)
	}
	a, err := open(s, out)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return a
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// call makes a request and reads the envelope of its answer.
func (s *site) call(t *testing.T, method, url, token, body string) (int, answer) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, answer{}
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{header: resp.Header}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		t.Fatalf("%s %s: %d, not JSON: %v", method, url, resp.StatusCode, err)
	}
	return resp.StatusCode, a
}

type answer struct {
	Success bool
	Status  string
	Data    json.RawMessage
	Error   struct{ Code, Message string }

	Dependencies map[string]struct {
		State     string
		LastError string `json:"last_error"`
	}
	Pagination struct{ Total int }
	header     http.Header
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.Data, v); err != nil {
		t.Fatalf("%v in %.200s", err, a.Data)
	}
}

// ready waits until the site has its whole catalogue. What airs before that belongs
// to the silent baseline of the first pass and is no news.
func (s *site) ready(t *testing.T) {
	t.Helper()
	all := len(anilibriatest.Catalogue())
	eventually(t, "the site has its catalogue", func() bool {
		status, a := s.call(t, "GET", s.url+"/api/anilibria/v2/titles?limit=1", "", "")
		return status == 200 && a.Pagination.Total == all
	})
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

func serviceToken(t *testing.T, permissions ...string) string {
	t.Helper()
	keys, err := auth.NewKeys(auth.NewKey([]byte(internalSecret.Reveal())))
	if err != nil {
		t.Fatal(err)
	}
	token, err := auth.NewServices(keys, []string{"admin"}).Issue("admin", permissions, auth.InternalAudience, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// socket is a viewer's WebSocket.
type socket struct {
	t *testing.T
	c *websocket.Conn
}

type message struct {
	Type     string
	EventID  string `json:"event_id"`
	Position string
	Data     map[string]any
}

func (s *site) dial(t *testing.T) *socket {
	t.Helper()
	c, resp, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/api/anilibria/v2/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	out := &socket{t, c}
	if m := out.next(); m.Type != "hello" {
		t.Fatalf("first message is %+v", m)
	}
	return out
}

func (s *socket) send(frame string) {
	s.t.Helper()
	if err := s.c.Write(s.t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) next() message {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 60*time.Second)
	defer cancel()
	_, b, err := s.c.Read(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	var m message
	if err := json.Unmarshal(b, &m); err != nil {
		s.t.Fatalf("%v in %s", err, b)
	}
	return m
}

func (s *socket) expect(kind string) message {
	s.t.Helper()
	m := s.next()
	if m.Type != kind {
		s.t.Fatalf("got %+v, want %s", m, kind)
	}
	return m
}

// partitions are all ways to put the four modules into processes: 15, the fourth
// Bell number.
func partitions(names []string) [][][]string {
	if len(names) == 0 {
		return [][][]string{nil}
	}
	var out [][][]string
	for _, rest := range partitions(names[1:]) {
		out = append(out, append([][]string{{names[0]}}, rest...))
		for i := range rest {
			joined := append([][]string{}, rest...)
			joined[i] = append([]string{names[0]}, rest[i]...)
			out = append(out, joined)
		}
	}
	return out
}

func TestPartitions(t *testing.T) {
	t.Parallel()
	if n := len(partitions(modules.Names())); n != 15 {
		t.Errorf("%d partitions of four modules, want 15", n)
	}
}

// TestNobodyCanTell runs the flows on every partition of the modules.
func TestNobodyCanTell(t *testing.T) {
	for _, groups := range partitions(modules.Names()) {
		t.Run(fmt.Sprint(groups), func(t *testing.T) {
			s := newSite(t, groups...)
			s.ready(t)
			flowTitle(t, s)
			flowEpisode(t, s)
			flowClear(t, s)
			flowAccount(t, s)
			flowInbox(t, s)
			flowInternal(t, s)
		})
	}
}

// flowTitle: a viewer opens a title.
func flowTitle(t *testing.T, s *site) {
	t.Helper()
	status, a := s.call(t, "GET", s.url+"/api/anilibria/v2/titles/9901", "", "")
	var got struct {
		ID     int
		Player struct{ Episodes map[string]any }
	}
	a.into(t, &got)
	if status != 200 || got.ID != 9901 || len(got.Player.Episodes) == 0 || a.header.Get("X-Stream-Position") == "" {
		t.Errorf("title: %d %.200s %v", status, a.Data, a.header)
	}
	if status, a := s.call(t, "GET", s.url+"/api/anilibria/v2/titles/424242", "", ""); status != 404 || a.Error.Code != "TITLE_NOT_FOUND" {
		t.Errorf("an unknown title: %d %+v", status, a.Error)
	}
}

// flowEpisode: an episode airs and reaches those who wait for it, once.
func flowEpisode(t *testing.T, s *site) {
	t.Helper()
	one, all := s.dial(t), s.dial(t)
	one.send(`{"type":"subscribe_title","id":"1","data":{"title_id":9901}}`)
	one.expect("subscribed")
	all.send(`{"type":"subscribe_updates","id":2,"data":{"types":["new_episode"]}}`)
	all.expect("subscribed")
	if _, err := s.upstream.AirEpisode(9901); err != nil {
		t.Fatal(err)
	}
	a, b := one.expect("new_episode"), all.expect("new_episode")
	if a.EventID == "" || a.EventID != b.EventID || a.Position != b.Position || a.Data["title_id"] != float64(9901) || a.Data["title"] == "" {
		t.Errorf("one %+v, all %+v", a, b)
	}
	number := fmt.Sprint(a.Data["episode"])
	eventually(t, "the title shows the episode", func() bool {
		_, a := s.call(t, "GET", s.url+"/api/anilibria/v2/titles/9901", "", "")
		return strings.Contains(string(a.Data), `"ordinal":`+number+`,`)
	})
}

// flowClear: an admin clears the cache and every process drops its copy.
func flowClear(t *testing.T, s *site) {
	t.Helper()
	token := serviceToken(t, "read", "write")
	s.call(t, "GET", s.url+"/api/anilibria/v2/titles/9903", "", "")
	var cleared struct {
		Matched, Cleared int
		DryRun           bool `json:"dry_run"`
	}
	status, a := s.call(t, "DELETE", s.internal+"/internal/cache/clear", token, `{"pattern":"titles:*"}`)
	a.into(t, &cleared)
	if status != 200 || !cleared.DryRun || cleared.Cleared != 0 {
		t.Errorf("dry run: %d %+v", status, cleared)
	}
	before := s.upstream.Calls("release") + s.upstream.Calls("releases")
	status, a = s.call(t, "DELETE", s.internal+"/internal/cache/clear", token, `{"pattern":"titles:*","confirm":true}`)
	a.into(t, &cleared)
	if status != 200 || cleared.DryRun {
		t.Errorf("clear: %d %+v", status, cleared)
	}
	eventually(t, "the title is asked of the upstream again", func() bool {
		if status, _ := s.call(t, "GET", s.url+"/api/anilibria/v2/titles/9903", "", ""); status != 200 {
			t.Fatalf("title after clear: %d", status)
		}
		return s.upstream.Calls("release")+s.upstream.Calls("releases") > before
	})
	if status, a := s.call(t, "GET", s.internal+"/internal/audit", token, ""); status != 200 || !strings.Contains(string(a.Data), "cache.clear") {
		t.Errorf("audit: %d %.200s", status, a.Data)
	}
}

// flowAccount: a viewer signs up, subscribes, is told about their titles, leaves.
func flowAccount(t *testing.T, s *site) {
	t.Helper()
	status, a := s.call(t, "POST", s.url+"/api/auth/register", "", `{"login":"mira","email":"mira@example.org","password":"a long password"}`)
	var session struct {
		Token string `json:"access_token"`
		User  struct{ ID string }
	}
	a.into(t, &session)
	if status != 201 {
		t.Fatalf("register: %d %+v", status, a.Error)
	}
	if status, a := s.call(t, "PUT", s.url+"/api/users/subscriptions/9904", session.Token, ""); status != 200 {
		t.Errorf("subscribe: %d %+v", status, a.Error)
	}
	sock := s.dial(t)
	sock.send(fmt.Sprintf(`{"type":"auth","data":{"token":%q}}`, session.Token))
	if m := sock.expect("auth_ok"); m.Data["user_id"] != session.User.ID {
		t.Errorf("auth_ok: %+v", m)
	}
	s.notify(t, `{"type":"new_episode","title_id":9904,"episode":77}`)
	if m := sock.expect("new_episode"); m.Data["episode"] != float64(77) {
		t.Errorf("own title: %+v", m)
	}
	if status, _ := s.call(t, "POST", s.url+"/api/auth/logout", session.Token, ""); status != 200 {
		t.Errorf("logout: %d", status)
	}
	eventually(t, "the token is dead", func() bool {
		status, _ := s.call(t, "GET", s.url+"/api/auth/me", session.Token, "")
		return status == 401
	})
	if _, _, err := sock.c.Read(t.Context()); websocket.CloseStatus(err) != 4401 {
		t.Errorf("the socket of a session that ended: %v, want close 4401", err)
	}
	flowDeletion(t, s)
}

// flowDeletion: the viewer leaves for good, with a socket open; the login is free.
func flowDeletion(t *testing.T, s *site) {
	t.Helper()
	var session struct {
		Token string `json:"access_token"`
	}
	_, a := s.call(t, "POST", s.url+"/api/auth/login", "", `{"login":"mira","password":"a long password"}`)
	a.into(t, &session)
	sock := s.dial(t)
	sock.send(fmt.Sprintf(`{"type":"auth","data":{"token":%q}}`, session.Token))
	sock.expect("auth_ok")
	if status, a := s.call(t, "PUT", s.url+"/api/users/change-password", session.Token, `{"current_password":"a long password","new_password":"a longer password"}`); status != 200 {
		t.Errorf("change password: %d %+v", status, a.Error)
	}
	if status, a := s.call(t, "DELETE", s.url+"/api/users/account", session.Token, `{"password":"a long password"}`); status != 403 {
		t.Errorf("delete by the old password: %d %+v", status, a.Error)
	}
	if status, a := s.call(t, "DELETE", s.url+"/api/users/account", session.Token, `{"password":"a longer password"}`); status != 200 {
		t.Errorf("delete: %d %+v", status, a.Error)
	}
	eventually(t, "the token is dead", func() bool {
		status, _ := s.call(t, "GET", s.url+"/api/auth/me", session.Token, "")
		return status == 401
	})
	if _, _, err := sock.c.Read(t.Context()); websocket.CloseStatus(err) != 4401 {
		t.Errorf("the socket of an account that is gone: %v, want close 4401", err)
	}
	if status, a := s.call(t, "POST", s.url+"/api/auth/register", "", `{"login":"mira","email":"mira@example.org","password":"a long password"}`); status != 201 {
		t.Errorf("register anew: %d %+v", status, a.Error)
	}
}

func (s *site) notify(t *testing.T, body string) {
	t.Helper()
	if status, a := s.call(t, "POST", s.internal+"/internal/anilibria/notify", serviceToken(t, "notify"), body); status != 200 {
		t.Fatalf("notify: %d %+v", status, a.Error)
	}
}

// flowInternal: an admin asks for a title and looks at the statistics.
func flowInternal(t *testing.T, s *site) {
	t.Helper()
	token := serviceToken(t, "read", "write")
	status, a := s.call(t, "POST", s.internal+"/internal/sync/title?wait=true", token, `{"title_id":9905,"force":true,"priority":"high"}`)
	if status != 200 || !strings.Contains(string(a.Data), `"succeeded"`) {
		t.Errorf("sync: %d %s %+v", status, a.Data, a.Error)
	}
	for _, path := range []string{"/internal/stats", "/internal/sync/jobs", "/internal/modules", "/internal/cache/explain?key=title:9901"} {
		if status, a := s.call(t, "GET", s.internal+path, token, ""); status != 200 || !a.Success {
			t.Errorf("%s: %d %+v", path, status, a.Error)
		}
	}
	if status, _ := s.call(t, "GET", s.internal+"/internal/stats", "", ""); status != 401 {
		t.Errorf("stats without a token: %d", status)
	}
	if status, _ := s.call(t, "GET", s.internal+"/internal/stats", serviceToken(t, "notify"), ""); status != 403 {
		t.Errorf("stats without permission: %d", status)
	}
	if status, _ := s.call(t, "GET", s.url+"/internal/stats", token, ""); status != 404 {
		t.Errorf("internal route on the public listener: %d", status)
	}
}

// TestStartsWithoutTheUpstream: it serves at once, says what is missing, and heals.
func TestStartsWithoutTheUpstream(t *testing.T) {
	t.Parallel()
	addr := loopbacktest.Addr(t)
	s := testSettings(t, "http://"+addr+anilibriatest.BasePath)
	s.Web.Addr = "127.0.0.1:0"
	s.Platform.Anilibria.Breaker.Delay = time.Second
	a := start(t, s, io.Discard)
	out := &site{url: a.web.URL(), internal: "http://" + a.listener.Addr().String()}
	eventually(t, "readiness says why", func() bool {
		status, got := out.call(t, "GET", out.internal+"/health/ready", "", "")
		host := got.Dependencies["anilibria"]
		return status == 200 && got.Status == "degraded" && host.State == "degraded" && strings.Contains(host.LastError, "refused")
	})
	if status, got := out.call(t, "GET", out.url+"/api/anilibria/v2/titles/9901", "", ""); status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("an unknown title without the upstream: %d", status)
	}
	if status, _ := out.call(t, "GET", out.url+"/health/live", "", ""); status != 200 {
		t.Errorf("liveness: %d", status)
	}
	upstream := anilibriatest.New(anilibriatest.Catalogue())
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- upstream.Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); <-served })
	eventually(t, "it heals", func() bool {
		_, got := out.call(t, "GET", out.url+"/health/ready", "", "")
		return got.Status == "ready"
	})
	out.ready(t)
}

func TestCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("platform:\n  cahe: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"ANIHUB_PLATFORM_STORAGE_DATA_DIR=" + dir, "JWT_SECRET=" + userSecret.Reveal(), "INTERNAL_JWT_SECRET=" + internalSecret.Reveal()}
	for _, c := range []struct {
		name string
		args []string
		env  []string
		code int
		says string
	}{
		{"help", []string{"help"}, nil, 0, "healthcheck"},
		{"-h", []string{"-h"}, nil, 0, "Usage"},
		{"unknown", []string{"fly"}, nil, 2, `no command "fly"`},
		{"version", []string{"version"}, nil, 0, "anihub dev"},
		{"config check", []string{"config", "check"}, nil, 0, "valid"},
		{"config of nothing", []string{"config"}, nil, 1, "config check"},
		{"config print masks", []string{"config", "print"}, nil, 0, "***"},
		{"bad file", []string{"config", "check", "-config", bad}, nil, 1, "did you mean platform.cache?"},
		{"missing file", []string{"serve", "-config", filepath.Join(dir, "none.yaml")}, nil, 1, "no such file"},
		{"bad environment", []string{"config", "check"}, []string{"ANIHUB_WEB_ADR=:1"}, 1, "did you mean ANIHUB_WEB_ADDR?"},
		{"unreachable module", []string{"config", "check"}, []string{"ANIHUB_MODULES_TARGET=sync"}, 1, "modules.catalog.url"},
		{"split without redis", []string{"config", "check"}, []string{"ANIHUB_MODULES_TARGET=catalog", "ANIHUB_WEB_ADDR="}, 1, "platform.storage.redis.url"},
		{"unknown module", []string{"serve", "-target", "catalogue"}, nil, 1, "modules.target"},
		{"weak secret in production", []string{"config", "check"}, []string{"ANIHUB_PLATFORM_ENVIRONMENT=production", "JWT_SECRET=secret"}, 1, "platform.auth.jwt_secret"},
		{"flag that is none", []string{"serve", "-prot", "1"}, nil, 2, "-prot"},
		{"leftover word", []string{"serve", "now"}, nil, 1, `"now"`},
		{"token", []string{"token", "-service", "admin", "-permissions", "read,write", "-ttl", "1m"}, nil, 0, "."},
		{"token of nobody", []string{"token"}, nil, 1, "-service"},
		{"token of a stranger", []string{"token", "-service", "stranger"}, nil, 1, "allowed"},
		{"token for ever", []string{"token", "-service", "admin", "-ttl", "48h"}, nil, 1, "24h"},
		{"token with a wish", []string{"token", "-service", "admin", "-permissions", "everything"}, nil, 1, "permission"},
		{"healthcheck of nothing", []string{"healthcheck", "-url", "http://127.0.0.1:1/health/ready"}, nil, 2, "refused"},
		{"user admin of nobody", []string{"user", "admin", "nobody@example.org"}, nil, 1, "no such user"},
		{"user of nothing", []string{"user"}, nil, 2, "reset-password"},
		{"user help", []string{"user", "-h"}, nil, 0, "reset-password"},
		{"user does not fly", []string{"user", "fly"}, nil, 2, "no anihub user fly"},
		{"help of user ban", []string{"user", "ban", "-h"}, nil, 0, "sockets"},
		{"ban of two", []string{"user", "ban", "a", "b"}, nil, 2, "EMAIL-OR-LOGIN"},
		{"list of somebody", []string{"user", "list", "mira"}, nil, 2, "user list"},
		{"ban of nobody", []string{"user", "ban", "nobody"}, nil, 1, "no such user"},
		{"reset of nobody", []string{"user", "reset-password", "nobody"}, nil, 1, "no such user"},
		{"reset from nothing", []string{"user", "reset-password", "-stdin", "nobody"}, nil, 1, "standard input"},
		{"token for e-mails", []string{"token", "-service", "admin", "-permissions", "read,read:pii"}, nil, 0, "."},
		{"demo too fast", []string{"demo", "-every", "1ms"}, nil, 1, "1s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			got := run(t.Context(), terminal{out: &out, err: &out, environ: append(append([]string{}, env...), c.env...)}, c.args)
			if got != c.code || !strings.Contains(out.String(), c.says) {
				t.Errorf("exit %d, want %d; said %q, want %q", got, c.code, out.String(), c.says)
			}
			if strings.Contains(out.String(), userSecret.Reveal()) {
				t.Error("a secret is shown")
			}
		})
	}
}

func TestDefaultsAreValid(t *testing.T) {
	t.Parallel()
	if err := defaults().validate(); err != nil {
		t.Error(err)
	}
}
