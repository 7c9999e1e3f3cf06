package test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/documents/mongowiretest"
	"anihub/platform/redisdb/redistest"
)

const (
	everyEpisode = `{"type":"subscribe_updates","data":{"types":["new_episode"]}}`
	titles       = "/api/anilibria/v2/titles"
)

// TestDemo: the demo shows the product and leaves politely.
func TestDemo(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"demo", "-every", "1s"})
	p.ready()
	v := p.watch(everyEpisode)
	first, second := v.expect("new_episode"), v.expect("new_episode")
	if first.EventID == second.EventID || first.Data["title"] == "" || first.Data["poster"] == nil {
		t.Errorf("episodes %+v and %+v", first, second)
	}
	id := fmt.Sprint(int(first.Data["title_id"].(float64)))
	if status, h, _ := p.get(titles + "/" + id); status != 200 || h.Get("Etag") == "" {
		t.Errorf("its title: %d", status)
	}

	p.signal(syscall.SIGTERM)
	for {
		m, err := v.next()
		if err != nil {
			if websocket.CloseStatus(err) != websocket.StatusServiceRestart {
				t.Errorf("the socket ended with %v, want 1012", err)
			}
			break
		}
		if m.Type != "new_episode" && m.Type != "episode_update" && m.Type != "reconnect" && m.Type != "status_change" {
			t.Errorf("at the end: %+v", m)
		}
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit %d after SIGTERM, want 0", code)
	}
}

func TestTheSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"serve"}, newUpstream(t, anilibriatest.Catalogue()).env()...)
	p.ready()
	// A request that never ends keeps the graceful stop waiting.
	c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_, _ = io.WriteString(c, "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	time.Sleep(200 * time.Millisecond)
	p.signal(syscall.SIGTERM)
	eventually(t, "it is stopping", func() bool { return strings.Contains(p.out.String(), "msg=stopping") })
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code == 0 {
		t.Error("exit 0 after two signals")
	}
}

// TestKilledWhileSyncing: a first sync that was killed goes on where it stopped.
func TestKilledWhileSyncing(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, anilibriatest.Generate(1000, 7))
	u.Break(anilibriatest.RouteReleases, anilibriatest.Fault{Delay: 100 * time.Millisecond})
	dir := t.TempDir()
	env := append(u.env(), "ANIHUB_PLATFORM_STORAGE_DATA_DIR="+dir)
	p := start(t, []string{"serve"}, env...)
	eventually(t, "half of the pass", func() bool { return u.Calls(anilibriatest.RouteReleases) >= 10 })
	p.kill()
	u.ResetCalls()
	u.Heal(anilibriatest.RouteReleases)
	p = start(t, []string{"serve"}, env...)
	eventually(t, "all 1000 titles", func() bool {
		_, _, body := p.get(titles + "?limit=1")
		return strings.Contains(body, `"total":1000`)
	})
	if n := u.Calls(anilibriatest.RouteReleases); n > 12 {
		t.Errorf("the second process fetched %d batches of 20, want those that were left", n)
	}
}

// TestFleet: two instances on one Redis and one MongoDB-wire server; the runner is
// killed while episodes air; every viewer hears of every episode once.
func TestFleet(t *testing.T) {
	t.Parallel()
	redis, mongo := redistest.Start(t), mongowiretest.Start(t)
	u := newUpstream(t, anilibriatest.Catalogue())
	env := append(u.env(), "REDIS_URL="+redis.URL(), "MONGODB_URI="+mongo.URI, "ANIHUB_PLATFORM_STORAGE_MONGO_DATABASE="+mongo.Database)
	a := start(t, []string{"serve"}, env...)
	a.ready()
	b := start(t, []string{"serve"}, env...)
	b.ready()
	va, vb := a.watch(everyEpisode), b.watch(everyEpisode)
	var want []string
	air := func(id int) {
		t.Helper()
		if _, err := u.AirEpisode(id); err != nil {
			t.Fatal(err)
		}
	}
	air(9901)
	ma, mb := va.expect("new_episode"), vb.expect("new_episode")
	if ma.EventID != mb.EventID {
		t.Errorf("one heard %s, the other %s", ma.EventID, mb.EventID)
	}
	want = append(want, ma.EventID)

	a.kill() // the runner
	air(9901)
	air(9904)
	for range 2 {
		want = append(want, vb.expect("new_episode").EventID)
	}
	seen := map[string]bool{}
	for _, id := range want {
		if seen[id] {
			t.Errorf("%s was told twice", id)
		}
		seen[id] = true
	}
	if status, _, body := b.get(titles + "/9901"); status != 200 {
		t.Errorf("title: %d %s", status, body)
	}
}

// TestStoresDie: Redis and the MongoDB-wire server are killed under a running
// instance; the catalogue answers, accounts say 503, and all heals.
func TestStoresDie(t *testing.T) {
	t.Parallel()
	redis, mongo := redistest.Start(t), mongowiretest.Start(t)
	u := newUpstream(t, anilibriatest.Catalogue())
	p := start(t, []string{"serve"}, append(u.env(),
		"REDIS_URL="+redis.URL(), "MONGODB_URI="+mongo.URI, "ANIHUB_PLATFORM_STORAGE_MONGO_DATABASE="+mongo.Database)...)
	p.ready()
	if status, _, _ := p.get(titles + "/9901"); status != 200 {
		t.Fatalf("title: %d", status)
	}
	redis.Kill()
	mongo.Kill()
	for _, path := range []string{titles + "?limit=5", titles + "/9901", "/api/anilibria/v2/schedule", "/api/anilibria/v2/genres", "/api/anilibria/v2/popular"} {
		if status, _, body := p.get(path); status != 200 {
			t.Errorf("%s with dead stores: %d %.200s", path, status, body)
		}
	}
	login := func() int {
		status, _, _ := ask(t, "POST", p.url+"/api/auth/login", "", `{"login":"nobody","password":"a long password"}`)
		return status
	}
	if status := login(); status != 503 {
		t.Errorf("login with dead stores: %d, want 503", status)
	}
	eventually(t, "readiness tells", func() bool {
		_, _, body := ask(t, "GET", p.internal+"/health/ready", "", "")
		return strings.Contains(body, `"degraded"`)
	})
	redis.Restart()
	mongo.Restart()
	eventually(t, "it heals", func() bool { return login() == 401 })
	eventually(t, "readiness heals", func() bool {
		_, _, body := ask(t, "GET", p.internal+"/health/ready", "", "")
		return strings.Contains(body, `"status":"ready"`)
	})
	v := p.watch(everyEpisode)
	if _, err := u.AirEpisode(9901); err != nil {
		t.Fatal(err)
	}
	// A reset comes first when the hub learns only now that the log is a new one.
	m, err := v.next()
	if err == nil && m.Type == "reset" {
		m, err = v.next()
	}
	if err != nil || m.Type != "new_episode" {
		t.Errorf("after healing: %+v, %v", m, err)
	}
}

// TestSplit: the catalogue and realtime in processes of their own, by environment.
func TestSplit(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	u := newUpstream(t, anilibriatest.Catalogue())
	env := append(u.env(), "REDIS_URL="+redis.URL())
	back := start(t, []string{"serve", "-target", "catalog,realtime"},
		append(env, "ANIHUB_MODULES_USERS_URL=http://127.0.0.1:1")...)
	front := start(t, []string{"serve", "-target", "users,sync"},
		append(env, "ANIHUB_MODULES_CATALOG_URL="+back.internal, "ANIHUB_MODULES_REALTIME_URL="+back.internal)...)
	front.ready()
	v := front.watch(`{"type":"subscribe_title","data":{"title_id":9901}}`)
	if _, err := u.AirEpisode(9901); err != nil {
		t.Fatal(err)
	}
	v.expect("new_episode")
	back.kill()
	if status, h, body := front.get(titles + "/9901"); status != 503 || h.Get("Retry-After") == "" {
		t.Errorf("with the catalogue's process dead: %d %.200s", status, body)
	}
	if status, _, _ := front.get("/health/live"); status != 200 {
		t.Errorf("liveness: %d", status)
	}
}

// TestRawHTTP: requests no client library would send get a 4xx or a closed
// connection, and the server goes on.
func TestRawHTTP(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"demo"})
	p.ready()
	for name, raw := range map[string]string{
		"garbage":           "\x00\x01\x02\r\n\r\n",
		"no host":           "GET / HTTP/1.1\r\n\r\n",
		"header flood":      "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-A: b\r\n", 20_000) + "\r\n",
		"one huge header":   "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 1<<20) + "\r\n\r\n",
		"huge path":         "GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"bad length":        "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"smuggling":         "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
		"traversal":         "GET /../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"encoded traversal": "GET /assets/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"null in path":      "GET /index%00.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(c, raw)
		line, _ := bufio.NewReader(c).ReadString('\n')
		_ = c.Close()
		// 501 is net/http's word for a transfer coding it does not know (RFC 9112 §6.1).
		if line != "" && !strings.HasPrefix(line, "HTTP/1.1 4") && !strings.HasPrefix(line, "HTTP/1.1 501") {
			t.Errorf("%s: %q", name, line)
		}
	}
	if status, _, _ := p.get("/health/live"); status != 200 {
		t.Errorf("afterwards: %d", status)
	}
}

// TestHealthcheck: exit codes of the command against a running server.
func TestHealthcheck(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"demo"})
	p.ready()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is ready: exit 0", func() bool { // degraded until the probe has seen the catalogue: exit 1
		out, err := exec.CommandContext(t.Context(), path, "healthcheck", "-url", p.internal+"/health/ready").CombinedOutput()
		return err == nil && strings.TrimSpace(string(out)) == "ready"
	})
}
