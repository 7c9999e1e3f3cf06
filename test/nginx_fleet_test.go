package test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestAFleetBehindNginx: three instances behind nginx with the file that we ship are one
// site, whatever is asked and however it is heard, and stay one while they die and are
// replaced.
func TestAFleetBehindNginx(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	p := startNginx(t, f.addrs, asItIs)
	front := p.front()

	t.Run("who asks, and where", func(t *testing.T) { tellsWhoAsks(t, p) })
	t.Run("what is internal", func(t *testing.T) { keepsInside(t, p) })
	t.Run("two lengths", func(t *testing.T) { refusesTwoLengths(t, f, p) })
	t.Run("news", func(t *testing.T) { hearsNews(t, f, p) })
	t.Run("the other window", func(t *testing.T) {
		if status, _, _ := ask(t, "GET", p.grafana+"/health/live", "", ""); status != 200 {
			t.Errorf("what stands for Grafana: %d", status)
		}
	})
	t.Run("freeze", func(t *testing.T) {
		crowd := front.crowd(f.u.cold(40))
		f.instances[2].signal(syscall.SIGSTOP)
		crowd.goesOn(t)
		crowd.goesOn(t)
		f.instances[2].signal(syscall.SIGCONT)
		crowd.leave(t)
	})
	t.Run("kill", func(t *testing.T) {
		crowd := front.crowd(f.u.cold(40))
		crowd.goesOn(t)
		f.instances[1].kill()
		crowd.goesOn(t)
		f.run(1)
		crowd.goesOn(t)
		crowd.leave(t)
	})
	t.Run("rolling restart", func(t *testing.T) {
		socket := front.watch(everyEpisode)
		for i := range f.instances {
			crowd := front.crowd(f.u.cold(40))
			crowd.goesOn(t)
			f.instances[i].signal(syscall.SIGTERM)
			if code := f.instances[i].wait(); code != 0 {
				t.Errorf("exit %d", code)
			}
			crowd.goesOn(t)
			f.run(i)
			crowd.goesOn(t)
			crowd.leave(t)
		}
		var err error
		for err == nil {
			_, err = socket.next()
		}
		if code := websocket.CloseStatus(err); code != websocket.StatusServiceRestart {
			t.Errorf("the socket ended with %v, want 1012", err)
		}
	})
	t.Run("nobody is left", func(t *testing.T) {
		for _, i := range f.instances {
			i.kill()
		}
		status, header, body := front.get(titles)
		if status != 502 || header.Get("Retry-After") == "" || !strings.Contains(body, `"code":"UNAVAILABLE"`) {
			t.Errorf("%d %v %s", status, header, body)
		}
	})
}

// goesOn waits until the crowd has asked for a while more.
func (c *crowd) goesOn(t *testing.T) {
	t.Helper()
	from := c.asked.Load()
	eventually(t, "the crowd goes on", func() bool { return c.asked.Load() > from+100 })
}

// tellsWhoAsks: AniHub knows the viewer's address and the site's name from nginx, not from
// what the viewer says, and the request has one id on its whole way.
func tellsWhoAsks(t *testing.T, p *proxy) {
	viewer := viewerAt(t, "127.0.0.9")
	call := func(method, path, token, body string) (http.Header, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Content-Type": "application/json", "Authorization": "Bearer " + token, "X-Request-ID": "of-the-viewer-1",
			"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "for=203.0.113.7;host=evil.example",
		} {
			r.Header.Set(name, value)
		}
		resp, err := viewer.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Header, string(b)
	}
	_, made := call("POST", "/api/auth/register", "", `{"login":"mira","email":"mira@example.org","password":"a long password"}`)
	_, token, _ := strings.Cut(made, `"access_token":"`)
	token, _, _ = strings.Cut(token, `"`)
	if _, sessions := call("GET", "/api/users/sessions", token, ""); !strings.Contains(sessions, "127.0.0.9") || strings.Contains(sessions, "203.0.113.7") {
		t.Errorf("sessions: %s", sessions)
	}
	header, feed := call("GET", "/api/anilibria/v2/feed.json", "", "")
	if !strings.Contains(feed, p.url) || strings.Contains(feed, "evil.example") {
		t.Errorf("the feed calls the site: %.300s", feed)
	}
	if id := header.Get("X-Request-Id"); id != "of-the-viewer-1" {
		t.Errorf("request id %q", id)
	}
	_, header, _ = p.front().get(titles)
	id := header.Get("X-Request-Id")
	eventually(t, "nginx writes the id that AniHub answered with", func() bool { return strings.Contains(p.out.String(), `"request_id":"`+id+`"`) })
	secret := "/api/users/feed/0123456789abcdef.rss"
	p.front().get(secret + "?also=secret")
	eventually(t, "nginx writes of the feed", func() bool { return strings.Contains(p.out.String(), "/api/users/feed/***") })
	if log := p.out.String(); strings.Contains(log, "0123456789abcdef") || strings.Contains(log, "also=secret") {
		t.Error("nginx writes the token of a feed, or a query")
	}
}

// keepsInside: nginx itself says no; AniHub, which would put an id on its answer, is not asked.
func keepsInside(t *testing.T, p *proxy) {
	for _, path := range []string{
		"/internal", "/internal/stats", "/internal/rpc/users/login", "/metrics", "/metrics/", "/debug/pprof/", "/debug",
		"//metrics", "/%6detrics", "/api/../metrics", "/./internal/stats",
	} {
		line, header := rawGet(t, p.url, path)
		if !strings.Contains(line, " 404 ") || header.Get("X-Request-Id") != "" {
			t.Errorf("%s: %s %v", path, line, header)
		}
	}
	if line, header := rawGet(t, p.url, "/metricsandmore"); header.Get("X-Request-Id") == "" {
		t.Errorf("a page's own path: %s %v, want AniHub's answer", line, header)
	}
}

// rawGet asks for a path as it is written.
func rawGet(t *testing.T, site, path string) (line string, header http.Header) {
	t.Helper()
	return rawly(t, site, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}

func rawly(t *testing.T, site, request string) (line string, header http.Header) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(site, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		return err.Error(), nil
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	// Whatever was hidden behind the first request must get no answer.
	if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
		t.Errorf("behind the answer: %.200q %v", rest, err)
	}
	return "HTTP/1.1 " + resp.Status + " ", resp.Header
}

// refusesTwoLengths: T6. net/http would take both, and read a second request out of the
// body of the first.
func refusesTwoLengths(t *testing.T, f *fleet, p *proxy) {
	const hidden = "GET /api/anilibria/v2/genres HTTP/1.1\r\nHost: x\r\n\r\n"
	requests := func() float64 { return f.metric("http_requests_total", `method="POST"`) }
	before := requests()
	for name, head := range map[string]string{
		"length, then coding": fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n", 5+len(hidden)),
		"coding, then length": fmt.Sprintf("Transfer-Encoding: chunked\r\nContent-Length: %d\r\n", 5+len(hidden)),
		"two lengths":         "Content-Length: 5\r\nContent-Length: 6\r\n",
		"hidden coding":       "Content-Length: 5\r\nTransfer-Encoding : chunked\r\n",
	} {
		line, header := rawly(t, p.url, "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+head+"\r\n0\r\n\r\n"+hidden)
		if !strings.Contains(line, " 400 ") || header.Get("X-Request-Id") != "" {
			t.Errorf("%s: %s %v", name, line, header)
		}
	}
	if n := requests(); n != before {
		t.Errorf("AniHub saw %v of them", n-before)
	}
}

// hearsNews: every way to hear of an episode works through nginx, once and in order.
func hearsNews(t *testing.T, f *fleet, p *proxy) {
	front := *p.front()
	front.t = t
	socket := front.watch(everyEpisode)
	stream := &radio{t: t}
	stream.tune(&front)
	stream.expect("subscribed")
	var clients []*socketIO
	for _, options := range []map[string]any{{}, {"transports": []string{"websocket"}}, {"transports": []string{"polling"}}} {
		c := newSocketIO(t, front.url, options)
		c.until("event", "hello")
		c.ask("subscribe_updates", map[string]any{"types": []string{"new_episode"}})
		clients = append(clients, c)
	}
	for _, id := range []int{9901, 9904, 9901} {
		f.air(id)
		want := socket.expect("new_episode").EventID
		if got := stream.episode(); got != want {
			t.Errorf("the stream tells %s, the socket %s", got, want)
		}
		for _, c := range clients {
			if got := c.until("event", "new_episode").Meta.EventID; got != want {
				t.Errorf("Socket.IO tells %s, the socket %s", got, want)
			}
		}
	}
}

// TestSocketIOPollingIsBound: two clients that only poll, from two networks, live in two
// instances; each hears of everything, and the one whose instance dies goes on at the other.
func TestSocketIOPollingIsBound(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	p := startNginx(t, f.addrs, asItIs)
	options := map[string]any{"transports": []string{"polling"}, "reconnectionDelayMax": 500}
	served := func(i int) float64 { return f.instances[i].metric("socketio_open") }
	var clients [2]*socketIO
	for third := 1; clients[0] == nil || clients[1] == nil; third++ {
		if third > 60 {
			t.Fatal("ip_hash sends everybody to one instance")
		}
		before := served(0)
		c := newSocketIO(t, gateway(t, p.url, fmt.Sprintf("127.0.%d.1", third)), options)
		c.until("event", "hello")
		at := 1
		if served(0) > before {
			at = 0
		}
		if clients[at] != nil {
			continue
		}
		if a := c.ask("subscribe_updates", map[string]any{"types": []string{"new_episode"}}); a["recovered"] != true {
			t.Errorf("subscribed: %v", a)
		}
		clients[at] = c
	}
	for _, id := range []int{9901, 9904} {
		f.air(id)
		first, second := clients[0].until("event", "new_episode"), clients[1].until("event", "new_episode")
		if first.Meta.EventID == "" || first.Meta.EventID != second.Meta.EventID {
			t.Errorf("one heard %+v, the other %+v", first, second)
		}
	}
	f.instances[0].kill()
	f.instances = f.instances[1:]
	clients[0].until("disconnect", "")
	f.air(9901)
	want := clients[1].until("event", "new_episode").Meta.EventID
	clients[0].until("connect", "")
	if a := clients[0].ask("subscribe_updates", map[string]any{"types": []string{"new_episode"}, "since": clients[0].at}); a["recovered"] != true {
		t.Errorf("subscribed again: %v", a)
	}
	for len(clients[0].seen) < 3 {
		clients[0].next()
	}
	if got := clients[0].seen[2]; got != want {
		t.Errorf("after its instance died it heard %s, want %s", got, want)
	}
	if refused := regexp.MustCompile(`"path":"/socket.io/","status":5`).FindAllString(p.out.String(), -1); len(refused) > 1 {
		t.Errorf("nginx gave up %d polls, want at most the one that was open", len(refused))
	}
}

// gateway passes connections on from an address of its own, as a network would from which
// viewers come.
func gateway(t *testing.T, site, address string) string {
	t.Helper()
	u, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + newRelayFrom(t, u.Host, &net.TCPAddr{IP: net.ParseIP(address)}).addr()
}
