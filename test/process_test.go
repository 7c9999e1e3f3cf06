package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"anihub/platform/anilibria/anilibriatest"
)

// Secrets of the tests; nothing that a process writes may hold them.
const (
	userSecret     = "4f1d9c0ab37e4f1d9c0ab37e-system-users"
	internalSecret = "e07b5a3c91d2e07b5a3c91d2-system-services"
)

// patience bounds waiting for what must happen; it measures nothing.
const patience = 90 * time.Second

// binary builds the program once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "anihub-system-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "anihub")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", path, "anihub")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// process is the running program.
type process struct {
	t             testing.TB
	cmd           *exec.Cmd
	url, internal string
	out           *output
	exited        chan struct{}
}

// output is what a process wrote.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// start runs anihub with the arguments and environment until the test ends. It
// returns when the listeners are up.
func start(t testing.TB, args []string, env ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.CommandContext(context.Background(), path, args...), out: &output{}, exited: make(chan struct{})}
	p.cmd.Dir = t.TempDir() // no config.yaml of the project
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + p.cmd.Dir, "TMPDIR=" + p.cmd.Dir,
		"JWT_SECRET=" + userSecret, "INTERNAL_JWT_SECRET=" + internalSecret,
		"ANIHUB_WEB_ADDR=127.0.0.1:0", "ANIHUB_MODULES_ADDR=127.0.0.1:0", "ANIHUB_WEB_RATE_LIMIT=0",
		"ANIHUB_PLATFORM_STORAGE_DATA_DIR=" + filepath.Join(p.cmd.Dir, "data"),
	}, env...)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.exited) }()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("anihub %s wrote:\n%s", strings.Join(args, " "), tail(p.out.String(), 6000))
		}
		if s := p.out.String(); strings.Contains(s, userSecret) || strings.Contains(s, internalSecret) {
			t.Error("a secret stands in the log")
		}
	})
	p.find()
	return p
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

var serving = regexp.MustCompile(`msg=serving .*internal=(\S+) site=(\S+)`)

// find reads the addresses from the line that says where it serves.
func (p *process) find() {
	p.t.Helper()
	eventually(p.t, "it serves", func() bool {
		select {
		case <-p.exited:
			p.t.Fatalf("it ended: %s", p.out)
		default:
		}
		m := serving.FindStringSubmatch(p.out.String())
		if m != nil {
			p.internal, p.url = "http://"+m[1], m[2]
		}
		return m != nil
	})
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// wait waits for the end of the process and returns its exit code.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatal("it does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

// get asks the site; status 0 when it cannot be reached.
func (p *process) get(path string) (int, http.Header, string) {
	p.t.Helper()
	return ask(p.t, http.MethodGet, p.url+path, "", "")
}

func ask(t testing.TB, method, url, token, body string) (int, http.Header, string) {
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
	resp, err := browser().Do(r)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, err.Error()
	}
	return resp.StatusCode, resp.Header, string(b)
}

// browser keeps its connections, so that many readers do not use up the ports, and
// waits for no answer for ever.
var browser = sync.OnceValue(func() *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 100, IdleConnTimeout: time.Minute}}
})

// account registers a user and returns their token.
func (p *process) account(login string) string {
	p.t.Helper()
	_, _, body := ask(p.t, "POST", p.url+"/api/auth/register", "", fmt.Sprintf(`{"login":%q,"email":"%s@example.org","password":"a long password"}`, login, login))
	var made struct {
		Data struct {
			Token string `json:"access_token"`
		}
	}
	if err := json.Unmarshal([]byte(body), &made); err != nil || made.Data.Token == "" {
		p.t.Fatalf("register: %s", body)
	}
	return made.Data.Token
}

// ready waits for the whole catalogue of the fake. What airs before that belongs to
// the silent baseline of the first pass and is no news.
func (p *process) ready() {
	p.t.Helper()
	all := fmt.Sprintf(`"total":%d,`, len(anilibriatest.Catalogue()))
	eventually(p.t, "the catalogue is there", func() bool {
		status, _, _ := p.get("/health/ready")
		_, _, body := p.get("/api/anilibria/v2/titles?limit=1")
		return status == 200 && strings.Contains(body, all)
	})
}

// upstream is a fake upstream in this test process. It can be shut and opened again
// at the same address.
type upstream struct {
	*anilibriatest.Server
	base, addr string
	end        func()
}

func newUpstream(t testing.TB, titles []anilibriatest.Title) *upstream {
	t.Helper()
	u := &upstream{Server: anilibriatest.New(titles), addr: "127.0.0.1:0"}
	u.open(t)
	t.Cleanup(func() { u.shut() })
	return u
}

// open begins to listen. Somebody else may hold the port for a moment.
func (u *upstream) open(t testing.TB) {
	t.Helper()
	var l net.Listener
	eventually(t, "the upstream listens", func() (listens bool) {
		var err error
		l, err = net.Listen("tcp", u.addr)
		return err == nil
	})
	u.addr = l.Addr().String()
	u.base = "http://" + u.addr + anilibriatest.BasePath
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- u.Serve(ctx, l) }()
	u.end = func() { cancel(); <-done }
}

// shut cuts all connections and refuses new ones. Idempotent.
func (u *upstream) shut() {
	u.end()
	u.end = func() {}
}

func (u *upstream) env() []string {
	return []string{"ANIHUB_PLATFORM_ANILIBRIA_BASE_URLS=" + u.base, "ANIHUB_MODULES_SYNC_POLL_INTERVAL=1s"}
}

// viewer is a WebSocket with what came over it.
type viewer struct {
	t testing.TB
	c *websocket.Conn
}

type message struct {
	Type    string
	EventID string `json:"event_id"`
	Data    map[string]any
}

// connect opens a socket.
func (p *process) connect() *viewer {
	p.t.Helper()
	c, resp, err := websocket.Dial(p.t.Context(), "ws"+strings.TrimPrefix(p.url, "http")+"/api/anilibria/v2/ws", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	p.t.Cleanup(func() { _ = c.CloseNow() })
	return &viewer{p.t, c}
}

// watch opens a socket and subscribes.
func (p *process) watch(subscribe string) *viewer {
	p.t.Helper()
	v := p.connect()
	v.expect("hello")
	if err := v.c.Write(p.t.Context(), websocket.MessageText, []byte(subscribe)); err != nil {
		p.t.Fatal(err)
	}
	v.expect("subscribed")
	return v
}

func (v *viewer) next() (message, error) {
	ctx, cancel := context.WithTimeout(v.t.Context(), patience)
	defer cancel()
	var m message
	_, b, err := v.c.Read(ctx)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(b, &m)
}

func (v *viewer) expect(kind string) message {
	v.t.Helper()
	m, err := v.next()
	if err != nil || m.Type != kind {
		v.t.Fatalf("got %+v, %v; want %s", m, err, kind)
	}
	return m
}
