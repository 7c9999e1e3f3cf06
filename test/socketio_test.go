package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/redisdb/redistest"
	"anihub/test/loopbacktest"
)

// socketIO is the real client, in a process of its own (web/app/e2e/socketio.mjs).
type socketIO struct {
	t    *testing.T
	in   io.WriteCloser
	out  chan []byte
	seen []string // event ids of new episodes, in the order in which they came
	at   string   // the newest position

	upgraded bool
}

// told is what the library told the application.
type told struct {
	On, Name, Message string
	Data              map[string]any
	Meta              struct {
		EventID  string `json:"event_id"`
		Position string
	}
}

func newSocketIO(t *testing.T, url string, options map[string]any) *socketIO {
	t.Helper()
	node := need(t, "node")
	script, err := filepath.Abs("../web/app/e2e/socketio.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("../web/app/node_modules/socket.io-client"); err != nil {
		missing(t, "the page's packages are not installed (npm ci in web/app)")
	}
	opts, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, script, url, string(opts))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // after the context has ended it
	t.Cleanup(func() { _ = in.Close() }) // which lets it leave politely
	c := &socketIO{t: t, in: in, out: make(chan []byte, 1000)}
	go func() {
		defer close(c.out)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			c.out <- bytes.Clone(lines.Bytes())
		}
	}()
	return c
}

// next is what comes next; the episodes among it are kept.
func (c *socketIO) next() told {
	c.t.Helper()
	var m told
	select {
	case line := <-c.out:
		if err := json.Unmarshal(line, &m); err != nil {
			c.t.Fatalf("the client says %q: %v", line, err)
		}
	case <-time.After(patience):
		c.t.Fatal("the client says nothing more")
	}
	c.upgraded = c.upgraded || m.On == "upgrade"
	if m.On == "event" && m.Name == "new_episode" {
		c.seen = append(c.seen, m.Meta.EventID)
	}
	if m.Meta.Position != "" {
		c.at = m.Meta.Position
	}
	return m
}

// until passes over what is not wanted.
func (c *socketIO) until(on, name string) told {
	c.t.Helper()
	for {
		m := c.next()
		if m.On == on && (name == "" || m.Name == name) {
			return m
		}
		if m.On == "connect_error" && m.Name == "refused" {
			c.t.Fatalf("refused: %+v; want %s %s", m, on, name)
		}
	}
}

func (c *socketIO) write(line map[string]any) {
	c.t.Helper()
	if err := json.NewEncoder(c.in).Encode(line); err != nil {
		c.t.Fatal(err)
	}
}

// ask emits and returns the acknowledgement.
func (c *socketIO) ask(command string, data map[string]any) map[string]any {
	c.t.Helper()
	c.write(map[string]any{"emit": command, "data": data})
	return c.until("ack", command).Data
}

// TestSocketIOClient: the client from npm, as it is by default, over a WebSocket alone and
// by polling alone, hears of every episode once and in order, through a restart and a kill
// of the server.
func TestSocketIOClient(t *testing.T) {
	t.Parallel()
	for name, transports := range map[string][]string{"default": nil, "websocket": {"websocket"}, "polling": {"polling"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t, anilibriatest.Catalogue())
			env := append(u.env(), "ANIHUB_PLATFORM_STORAGE_DATA_DIR="+t.TempDir(), "ANIHUB_WEB_ADDR="+loopbacktest.Addr(t), "ANIHUB_MODULES_REALTIME_DRAIN_SECONDS=1")
			p := start(t, []string{"serve"}, env...)
			p.ready()
			eventually(t, "the baseline is settled", func() bool { return p.metric("sync_polls_total", `result="ok"`) > 0 })
			options := map[string]any{"reconnectionDelayMax": 500, "auth": map[string]any{"token": p.account("mira")}}
			if transports != nil {
				options["transports"] = transports
			}
			c := newSocketIO(t, p.url, options)
			c.until("connect", "")
			c.until("event", "hello")
			if m := c.until("event", "auth_ok"); m.Data["user_id"] == "" {
				t.Errorf("auth_ok %+v", m)
			}
			for name == "default" && !c.upgraded {
				c.next()
			}
			if a := c.ask("subscribe_updates", map[string]any{"types": []string{"new_episode"}}); a["recovered"] != true {
				t.Errorf("subscribed %v", a)
			}
			witness := p.watch(everyEpisode)
			var want []string
			air := func(id int) {
				t.Helper()
				if _, err := u.AirEpisode(id); err != nil {
					t.Fatal(err)
				}
			}
			heard := func(n int) {
				t.Helper()
				for len(c.seen) < n {
					c.next()
				}
			}
			for _, id := range []int{9901, 9904, 9901} {
				air(id)
				want = append(want, witness.expect("new_episode").EventID)
			}
			heard(3)

			p.signal(syscall.SIGTERM)
			if name != "polling" { // which may stand between two requests: then its next one is refused
				if m := c.until("event", "reconnect"); m.Data["retry_in_ms"] == nil {
					t.Errorf("reconnect %+v", m)
				}
			}
			if m := c.until("disconnect", ""); !strings.HasPrefix(m.Message, "transport ") {
				t.Errorf("disconnected by %q: the client does not come back by itself", m.Message)
			}
			if code := p.wait(); code != 0 {
				t.Errorf("exit %d", code)
			}
			air(9904)
			p = start(t, []string{"serve"}, env...)
			c.until("connect", "")
			if a := c.ask("subscribe_updates", map[string]any{"types": []string{"new_episode"}, "since": c.at}); a["recovered"] != true {
				t.Errorf("subscribed again: %v", a)
			}
			heard(4)
			p.kill()
			c.until("disconnect", "")
			air(9901)
			p = start(t, []string{"serve"}, env...)
			c.until("connect", "")
			c.ask("subscribe_updates", map[string]any{"types": []string{"new_episode"}, "since": c.at})
			heard(5)
			again := p.watch(`{"type":"subscribe_updates","data":{"types":["new_episode"],"since":"` + c.at + `"}}`)
			air(9901)
			want = append(want, c.seen[3], c.seen[4], again.expect("new_episode").EventID)
			heard(6)
			if !slices.Equal(c.seen, want) || len(slices.Compact(slices.Sorted(slices.Values(want)))) != 6 {
				t.Errorf("heard %v, want %v", c.seen, want)
			}
		})
	}
}

// TestSocketIOClientIsRefused: a bad token is an error of the client's that tells why; one
// that ends is told, and the client stays away until it has another.
func TestSocketIOClientIsRefused(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"demo"})
	p.ready()
	c := newSocketIO(t, p.url, map[string]any{"auth": map[string]any{"token": "forged"}})
	if m := c.refused(); m.Name != "refused" || m.Data["code"] != "BAD_TOKEN" || m.Message == "" {
		t.Errorf("a forged token: %+v", m)
	}
	token := p.account("mira")
	c.write(map[string]any{"auth": map[string]any{"token": token}})
	c.until("connect", "")
	c.until("event", "auth_ok")
	if a := c.ask("subscribe_title", map[string]any{"title_id": "nine"}); fmt.Sprint(a["error"]) == "<nil>" {
		t.Errorf("a bad title: %v", a)
	}
	if a := c.ask("ping", nil); len(a) > 0 {
		t.Errorf("ping: %v", a)
	}
	ask(t, "POST", p.url+"/api/auth/logout", token, "")
	if m := c.until("event", "close"); m.Data["code"] != float64(4401) {
		t.Errorf("after the logout: %+v", m)
	}
	if m := c.until("disconnect", ""); m.Message != "io server disconnect" {
		t.Errorf("after the logout: %+v", m)
	}
	c.write(map[string]any{"auth": map[string]any{"token": token}})
	if m := c.refused(); m.Data["code"] != "BAD_TOKEN" {
		t.Errorf("with the token of an ended session: %+v", m)
	}
}

// refused waits for an error of connecting.
func (c *socketIO) refused() told {
	c.t.Helper()
	for {
		if m := c.next(); m.On == "connect_error" {
			return m
		}
	}
}

// TestSocketIOFromAnotherProcess: realtime lives elsewhere, and nobody can tell; when that
// process dies the client is asked to come back.
func TestSocketIOFromAnotherProcess(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	u := newUpstream(t, anilibriatest.Catalogue())
	env := append(u.env(), "REDIS_URL="+redis.URL())
	back := start(t, []string{"serve", "-target", "catalog,realtime"}, append(env, "ANIHUB_MODULES_USERS_URL=http://127.0.0.1:1")...)
	front := start(t, []string{"serve", "-target", "users,sync"},
		append(env, "ANIHUB_MODULES_CATALOG_URL="+back.internal, "ANIHUB_MODULES_REALTIME_URL="+back.internal)...)
	front.ready()
	eventually(t, "the baseline is settled", func() bool { return front.metric("sync_polls_total", `result="ok"`) > 0 })
	for _, transport := range []string{"polling", "websocket"} {
		c := newSocketIO(t, front.url, map[string]any{"transports": []string{transport}})
		c.until("event", "hello")
		if a := c.ask("subscribe_title", map[string]any{"title_id": 9901}); a["recovered"] != true {
			t.Errorf("over %s: %v", transport, a)
		}
		if a := c.ask("resume", map[string]any{"position": "nowhere"}); fmt.Sprint(a["error"]) == "<nil>" {
			t.Errorf("over %s, a bad position: %v", transport, a)
		}
		if _, err := u.AirEpisode(9901); err != nil {
			t.Fatal(err)
		}
		if m := c.until("event", "new_episode"); m.Meta.EventID == "" || m.Data["title_id"] != float64(9901) {
			t.Errorf("over %s: %+v", transport, m)
		}
		if transport == "websocket" {
			back.kill()
			c.until("event", "reconnect")
			c.until("disconnect", "")
		}
	}
}
