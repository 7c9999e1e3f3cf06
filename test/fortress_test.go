package test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"anihub/platform/documents/mongowiretest"
	"anihub/platform/redisdb/redistest"
)

// TestNothingInternalIsOnTheSite: what the internal listener serves is not to be had from
// the public one, whatever token one shows.
func TestNothingInternalIsOnTheSite(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, slim(4))
	p := start(t, []string{"serve"}, u.quiet()...)
	service, err := adminToken()
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{"nobody": "", "a user": p.account("mira"), "a service": service}
	for _, path := range []string{
		"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/internal/stats", "/internal/openapi.json", "/internal/docs",
		"/internal/sync/jobs", "/internal/cache/explain?key=title:1", "/internal/modules",
	} {
		if status, _, _ := ask(t, "GET", p.internal+path, service, ""); status != 200 {
			t.Errorf("GET %s of the internal listener: %d; what is not there cannot be hidden", path, status)
		}
		for who, token := range tokens {
			for _, spelt := range []string{path, "/" + path, "/." + path, strings.Replace(path, "/", "/%2e%2e/", 1), strings.ToUpper(path)} {
				if status, h, body := ask(t, "GET", p.url+spelt, token, ""); status == 200 && !strings.HasPrefix(h.Get("Content-Type"), "text/html") || status >= 500 && status != 503 {
					t.Errorf("GET %s for %s: %d %.100s", spelt, who, status, body)
				}
			}
		}
	}
	for _, path := range []string{"/internal/sync/full", "/internal/cache/clear", "/internal/anilibria/notify", "/internal/rpc/catalog/title", "/internal/rpc/users/validate"} {
		for who, token := range tokens {
			if status, _, body := ask(t, "POST", p.url+path, token, "{}"); status != 404 && status != 405 {
				t.Errorf("POST %s for %s: %d %.100s", path, who, status, body)
			}
		}
	}
}

// TestWhatAProcessWritesHoldsNoSecret: log at its most talkative, metrics, statistics, pprof,
// errors and the printed configuration are searched for everything that is secret.
func TestWhatAProcessWritesHoldsNoSecret(t *testing.T) {
	t.Parallel()
	const password, guess, stores = "correct horse battery 1", "wrong horse battery 2", "hunter2-of-the-stores"
	u := newUpstream(t, slim(4))
	env := append(u.quiet(), "ANIHUB_PLATFORM_LOG_LEVEL=debug")
	p := start(t, []string{"serve"}, env...)
	secret := map[string]string{"password": password, "a guess": guess, "secret of users": userSecret, "secret of services": internalSecret, "password of stores": stores}
	var said bytes.Buffer
	hear := func(method, url, token, body string) string {
		_, _, answer := ask(t, method, url, token, body)
		return answer
	}
	account := hear("POST", p.url+"/api/auth/register", "", fmt.Sprintf(`{"login":"mira","email":"mira@example.org","password":%q}`, password))
	secret["access token"] = between(account, `"access_token":"`, `"`)
	secret["refresh token"] = between(account, `"refresh_token":"`, `"`)
	for name, s := range secret {
		if name != "refresh token" && s == "" { // which may be in a cookie alone
			t.Fatalf("no %s in %s", name, account)
		}
	}
	for _, body := range []string{
		fmt.Sprintf(`{"login":"mira","password":%q}`, guess), fmt.Sprintf(`{"login":"mira","password":%q,"x":1}`, guess),
		fmt.Sprintf(`{"login":%q,"password":["x"]}`, guess), fmt.Sprintf(`{"login":"mira","password":%q`, guess),
	} {
		said.WriteString(hear("POST", p.url+"/api/auth/login", "", body))
	}
	token := secret["access token"]
	said.WriteString(hear("GET", p.url+"/api/auth/me", token+"x", ""))
	said.WriteString(hear("GET", p.url+"/api/auth/me?token="+token, "", ""))
	said.WriteString(hear("GET", p.internal+"/internal/stats", token, ""))
	service, err := adminToken()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/metrics", "/internal/stats", "/debug/pprof/goroutine?debug=2", "/debug/pprof/cmdline", "/health/ready"} {
		said.WriteString(hear("GET", p.internal+path, service, ""))
	}
	secret["service token"] = service

	// Stores with passwords in their addresses, that are not there.
	dead := start(t, []string{"serve"}, append(env, "REDIS_URL=redis://anihub:"+stores+"@127.0.0.1:1/0", "MONGODB_URI=mongodb://anihub:"+stores+"@127.0.0.1:1/")...)
	said.WriteString(hear("POST", dead.url+"/api/auth/login", "", `{"login":"mira","password":"x"}`))
	for _, path := range []string{"/metrics", "/internal/stats", "/health/ready"} {
		said.WriteString(hear("GET", dead.internal+path, service, ""))
	}
	eventually(t, "it has complained of its stores", func() bool { return strings.Contains(dead.out.String(), "127.0.0.1:1") })
	print := exec.CommandContext(t.Context(), dead.cmd.Path, "config", "print")
	print.Env, print.Dir = dead.cmd.Env, dead.cmd.Dir
	config, err := print.CombinedOutput()
	if err != nil || !bytes.Contains(config, []byte("***")) {
		t.Fatalf("config print: %v\n%s", err, config)
	}
	for where, text := range map[string]string{"log": p.out.String(), "log without stores": dead.out.String(), "answers": said.String(), "config print": string(config)} {
		for name, s := range secret {
			if s != "" && strings.Contains(text, s) {
				t.Errorf("%s: the %s stands there", where, name)
			}
		}
	}
}

func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	s, _, _ := strings.Cut(rest, after)
	return s
}

// TestOneOfFiftyGetsTheName: fifty at two instances register the same login, and fifty more
// the same address of e-mail.
func TestOneOfFiftyGetsTheName(t *testing.T) {
	t.Parallel()
	redis, mongo := redistest.Start(t), mongowiretest.Start(t)
	u := newUpstream(t, slim(4))
	env := together(u.quiet(), shared(redis, mongo), []string{
		"ANIHUB_MODULES_USERS_REGISTRATIONS_PER_HOUR=1000", "ANIHUB_PLATFORM_AUTH_PASSWORD_QUEUE=200",
	})
	homes := []*process{start(t, []string{"serve"}, env...), start(t, []string{"serve"}, env...)}
	for name, form := range map[string]string{
		"login":  `{"login":"Mira","email":"mira%d@example.org","password":"a long password"}`,
		"e-mail": `{"login":"mira%d","email":"one@example.org","password":"a long password"}`,
	} {
		made := 0
		for _, status := range atOnce(50, func(i int) int {
			status, _, _ := ask(t, "POST", homes[i%2].url+"/api/auth/register", "", fmt.Sprintf(form, i))
			return status
		}) {
			switch status {
			case 200, 201:
				made++
			case 409:
			default:
				t.Errorf("%s: %d, want one 201 and the rest 409", name, status)
			}
		}
		if made != 1 {
			t.Errorf("%s: %d accounts", name, made)
		}
	}
}

// TestTenThousandConnectionsLeaveNothing: they come, half of them say something, and go
// without a word.
func TestTenThousandConnectionsLeaveNothing(t *testing.T) {
	t.Parallel()
	const lanes, each = 8, 1250
	u := newUpstream(t, slim(4))
	p := start(t, []string{"serve"}, u.quiet()...)
	p.holds(4)
	comeAndGo(t, p, lanes, 5) // what is made once is there
	eventually(t, "nobody is here", func() bool { return p.metric("websocket_open") == 0 })
	browser().CloseIdleConnections()
	goroutines, files := p.metric("go_goroutines"), p.metric("process_open_fds")
	comeAndGo(t, p, lanes, each)
	eventually(t, fmt.Sprintf("about %v goroutines and %v files as before", goroutines, files), func() bool {
		browser().CloseIdleConnections()
		return p.metric("websocket_open") == 0 && p.metric("go_goroutines") <= goroutines+10 && p.metric("process_open_fds") <= files+10
	})
}

func comeAndGo(t *testing.T, p *process, lanes, each int) {
	t.Helper()
	var work sync.WaitGroup
	for range lanes {
		work.Go(func() {
			for i := range each {
				// Asking for compression is what browsers do, and hung a handshake behind a compressing layer.
				s, err := dialRaw(t.Context(), p.url, "Accept-Encoding: gzip, br")
				if err != nil {
					t.Error(err)
					return
				}
				if i%2 == 0 {
					_ = s.say(`{"type":"subscribe_title","data":{"title_id":1000}}`)
				}
				if tcp, ok := s.conn.(*net.TCPConn); ok {
					_ = tcp.SetLinger(0) // a reset: no close frame, and no port of ours is kept
				}
				_ = s.conn.Close()
			}
		})
	}
	work.Wait()
}

// TestHeadersThatNeverEndAreCut: two hundred begin a request and never finish its head, a
// hundred send a body a byte at a time; others are served meanwhile, and the slow are cut.
func TestHeadersThatNeverEndAreCut(t *testing.T) {
	t.Parallel()
	const many = 200
	u := newUpstream(t, slim(4))
	p := start(t, []string{"serve"}, u.quiet()...)
	p.holds(4)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var slow []net.Conn
	for range many {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_, _ = io.WriteString(c, "GET /api/anilibria/v2/titles HTTP/1.1\r\nHost: x\r\nX-A: ")
		slow = append(slow, c)
	}
	for range 20 {
		if a := p.read(titles + "?limit=2"); a.status != http.StatusOK {
			t.Errorf("meanwhile: %d %.100s", a.status, a.body)
		}
	}
	for i, c := range slow {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		b, err := io.ReadAll(c)
		if line, _, _ := strings.Cut(string(b), "\r\n"); err != nil || line != "" && !strings.HasPrefix(line, "HTTP/1.1 4") {
			t.Fatalf("connection %d: %q, %v; want it cut", i, b, err)
		}
	}
}

// TestRequestsUnderWayAreAnswered: the process is told to stop while twenty readers wait for
// titles that AniLibria takes its time over. All get them, and then it ends in good order.
func TestRequestsUnderWayAreAnswered(t *testing.T) {
	t.Parallel()
	const many = 20
	u := newUpstream(t, slim(4))
	p := start(t, []string{"serve"}, append(u.quiet(), patient()...)...)
	p.holds(4)
	ids := u.cold(many)
	open := u.gate(releaseRoute)
	answers := make(chan []answer, 1)
	go func() { answers <- atOnce(many, func(i int) answer { return p.title(ids[i]) }) }()
	eventually(t, "all of them wait", func() bool { return u.Pending(releaseRoute) == many })
	p.signal(syscall.SIGTERM)
	eventually(t, "it is stopping", func() bool { return strings.Contains(p.out.String(), "msg=stopping") })
	open()
	for _, a := range <-answers {
		if a.status != http.StatusOK {
			t.Errorf("%s: %d %.200s", a.path, a.status, a.body)
		}
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit %d", code)
	}
}
