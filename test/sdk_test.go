package test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/test/loopbacktest"
)

// listener is one client of web/sdk in a script that may hold several.
type listener struct {
	ready  bool
	events []string
	other  []string // what else it said
}

// script is a Node script whose lines are "NAME WHAT …".
type script struct {
	t     *testing.T
	out   *output
	cmd   *exec.Cmd
	stdin io.Closer
}

func run(t *testing.T, node, path string, env []string, args ...string) *script {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, out: &output{}, cmd: exec.CommandContext(context.Background(), node, append([]string{path}, args...)...)}
	s.cmd.Dir = filepath.Dir(path)
	s.cmd.Env = append(os.Environ(), env...)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(path), tail(s.out.String(), 6000))
		}
	})
	return s
}

// end lets it finish by itself.
func (s *script) end() {
	s.t.Helper()
	_ = s.stdin.Close()
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("it ended with %v", err)
	}
}

func (s *script) listeners() map[string]*listener {
	all := map[string]*listener{}
	for line := range strings.Lines(s.out.String()) {
		name, said, _ := strings.Cut(strings.TrimSpace(line), " ")
		l := all[name]
		if l == nil {
			l = &listener{}
			all[name] = l
		}
		what, more, _ := strings.Cut(said, " ")
		switch what {
		case "ready":
			l.ready = true
		case "event":
			l.events = append(l.events, more)
		default:
			l.other = append(l.other, said)
		}
	}
	return all
}

// hears waits until each of the names has heard at least n.
func (s *script) hears(names []string, n int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("each has heard %d", n), func() bool {
		all := s.listeners()
		return !slices.ContainsFunc(names, func(name string) bool { return all[name] == nil || len(all[name].events) < n })
	})
}

// TestTheClientHearsEachEpisodeOnce: in Chromium and Node, by WebSocket and by stream, on
// a page of ours and on somebody else's, signed in or not, while the server is killed and
// restarted at the same address.
func TestTheClientHearsEachEpisodeOnce(t *testing.T) {
	t.Parallel()
	chromium, node := need(t, "chromium"), need(t, "node")
	if _, err := os.Stat("../web/app/node_modules/playwright-core"); err != nil {
		missing(t, "the page's packages are not installed (npm ci in web/app)")
	}
	here, elsewhere := loopbacktest.Addr(t), loopbacktest.Addr(t)
	u := newUpstream(t, anilibriatest.Catalogue())
	env := together(u.env(), []string{
		"ANIHUB_PLATFORM_STORAGE_DATA_DIR=" + t.TempDir(), "ANIHUB_WEB_ADDR=" + here, "ANIHUB_WEB_ALLOWED_ORIGINS=http://" + elsewhere,
	})
	p := start(t, []string{"serve"}, env...)
	p.ready()
	token := p.follower(9901)
	_, port, _ := net.SplitHostPort(elsewhere)
	watch := run(t, node, "../web/app/e2e/sdk.mjs", []string{"ELSEWHERE=" + port}, p.url, chromium, token)
	names := []string{"node-socket", "node-stream", "node-plain", "own-socket", "own-stream", "chromium", "no-sockets", "elsewhere", "elsewhere-stream"}
	eventually(t, "all listen", func() bool {
		all := watch.listeners()
		return !slices.ContainsFunc(names, func(name string) bool { return all[name] == nil || !all[name].ready })
	})
	// Node 20 has no WebSocket of its own, later ones have.
	if sockets, streams := p.metric("websocket_open"), p.metric("eventstream_open"); sockets < 4 || streams < 4 || sockets+streams != float64(len(names)) {
		t.Errorf("%v sockets and %v streams", sockets, streams)
	}

	aired := 0
	air := func() {
		t.Helper()
		if _, err := u.AirEpisode(9901); err != nil {
			t.Fatal(err)
		}
		aired++
	}
	air()
	air()
	watch.hears(names, aired)
	p.kill()
	air()
	air()
	p = start(t, []string{"serve"}, env...)
	watch.hears(names, aired)
	air()
	watch.hears(names, aired)
	p.signal(syscall.SIGTERM) // they are asked to come back
	if code := p.wait(); code != 0 {
		t.Errorf("exit %d", code)
	}
	air()
	start(t, []string{"serve"}, env...)
	air()
	watch.hears(names, aired)
	watch.end()

	all := watch.listeners()
	first := all[names[0]].events
	for _, name := range names {
		l := all[name]
		if len(l.events) != aired || !slices.Equal(l.events, first) {
			t.Errorf("%s heard %q of %d, the first one %q", name, l.events, aired, first)
		}
		if slices.ContainsFunc(l.other, func(said string) bool { return !strings.HasPrefix(said, "state ") }) {
			t.Errorf("%s: %q", name, l.other)
		}
	}
}

// follower is the access token of a new user who follows a title.
func (p *process) follower(title int) string {
	p.t.Helper()
	_, _, body := ask(p.t, "POST", p.url+"/api/auth/register", "", `{"login":"mira","email":"mira@example.org","password":"a long password"}`)
	var session struct {
		Data struct {
			Access string `json:"access_token"`
		}
	}
	if err := json.Unmarshal([]byte(body), &session); err != nil || session.Data.Access == "" {
		p.t.Fatalf("register: %.300s", body)
	}
	if status, _, body := ask(p.t, "PUT", fmt.Sprintf("%s/api/users/subscriptions/%d", p.url, title), session.Data.Access, "{}"); status/100 != 2 {
		p.t.Fatalf("subscribe: %d %.300s", status, body)
	}
	return session.Data.Access
}

// TestTheClientOfTheDocumentation: the example for Node, as it stands there, goes on where
// it stopped when it is started again.
func TestTheClientOfTheDocumentation(t *testing.T) {
	t.Parallel()
	node := need(t, "node")
	u := newUpstream(t, anilibriatest.Catalogue())
	p := start(t, []string{"serve"}, u.env()...)
	p.ready()
	place := filepath.Join(t.TempDir(), "position.txt")
	var heard []string
	for n := range 3 {
		watch := run(t, node, "../web/sdk/example.mjs", nil, p.url, place)
		if n == 0 {
			eventually(t, "it listens", func() bool {
				return strings.Contains(watch.out.String(), "open") && p.metric("realtime_subscriptions") > 0
			})
		}
		if _, err := u.AirEpisode(9901); err != nil {
			t.Fatal(err)
		}
		// The position is written after the line.
		eventually(t, "it hears and keeps its place", func() bool {
			position, err := os.ReadFile(place)
			// What aired while nobody listened is told as well.
			return err == nil && len(heard)+strings.Count(watch.out.String(), "new_episode:9901:") > 2*n && len(position) > 0
		})
		eventually(t, "its place is the newest", func() bool {
			position, _ := os.ReadFile(place)
			_, header, _ := p.get(titles + "?limit=1")
			return string(position) == header.Get("X-Stream-Position")
		})
		_ = watch.cmd.Process.Kill()
		_ = watch.cmd.Wait()
		heard = append(heard, regexp.MustCompile(`new_episode:9901:\S+`).FindAllString(watch.out.String(), -1)...)
		if _, err := u.AirEpisode(9901); err != nil { // while nobody listens
			t.Fatal(err)
		}
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(heard))); len(unique) != len(heard) || len(heard) != 5 {
		t.Errorf("heard %q, want five, each once", heard)
	}
}

var saidProtocol = regexp.MustCompile(`^// AniHub client, protocol (\d+)\.`)

// TestTheClientSpeaksOurProtocol: what it says of itself is what hello announces.
func TestTheClientSpeaksOurProtocol(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"demo"})
	status, header, body := p.get("/sdk/anihub.js")
	said := saidProtocol.FindStringSubmatch(body)
	hello := p.connect().expect("hello")
	if status != 200 || said == nil || said[1] != fmt.Sprint(hello.Data["protocol"]) || !strings.Contains(body, "const protocol = "+said[1]+";") {
		t.Errorf("%d, %q and %v", status, said, hello.Data["protocol"])
	}
	if header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers %v", header)
	}
}
