// Package redistest runs real Redis servers as children of a test, to kill, pause
// and restart. It never touches a server that somebody else runs.
package redistest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"anihub/platform/config"
	"anihub/platform/redisdb"
	"anihub/test/loopbacktest"
)

// Option changes how a server is started.
type Option func(*Server)

// AOF makes the server write every command to disk before it answers, so that
// Restart keeps the data.
func AOF() Option { return Args("--appendonly", "yes", "--appendfsync", "always") }

// Args adds command line arguments; later ones override earlier ones.
func Args(args ...string) Option {
	return func(s *Server) { s.args = append(s.args, args...) }
}

// Server is one redis-server on a loopback port. The port stays the same over
// restarts.
type Server struct {
	t    testing.TB
	bin  string
	dir  string
	args []string
	conf string // a sentinel's own configuration; empty for a server
	port int

	mu   sync.Mutex
	proc *os.Process   // nil when not running
	done chan struct{} // closed when proc has ended
}

// Start runs a server without persistence until the test ends. Without a
// redis-server on this machine the test is skipped, or fails when
// ANIHUB_TEST_REQUIRE=all.
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s := &Server{t: t, bin: binary(t), dir: t.TempDir()}
	for _, o := range opts {
		o(s)
	}
	t.Cleanup(s.Kill)
	// The port is free when it is chosen, but another test may be quicker.
	for range 5 {
		s.port = loopbacktest.Port(t)
		if s.launch() {
			return s
		}
		s.Kill()
	}
	t.Fatal("redistest: redis-server does not start")
	return nil
}

func binary(t testing.TB) string {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err == nil {
		return bin
	}
	if os.Getenv("ANIHUB_TEST_REQUIRE") == "all" {
		t.Fatal("redistest: redis-server is required (ANIHUB_TEST_REQUIRE=all) and not installed")
	}
	t.Skip("SKIPPED: redis-server is not installed; nothing that needs a real Redis was tested")
	return ""
}

// launch starts the child and waits until it answers.
func (s *Server) launch() bool {
	cmd := exec.Command(s.bin, s.arguments()...)
	cmd.SysProcAttr = dieWithParent()
	started, done := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		// The kernel ties "die with the parent" to the thread that started the child.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		s.t.Fatalf("redistest: %v", err)
	}
	s.mu.Lock()
	s.proc, s.done = cmd.Process, done
	s.mu.Unlock()
	return s.answers(done)
}

func (s *Server) arguments() []string {
	place := []string{
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1",
		"--dir", s.dir, "--loglevel", "warning",
	}
	if s.conf != "" {
		return append(append([]string{s.conf}, place...), "--sentinel")
	}
	return append(append(place, "--save", "", "--appendonly", "no"), s.args...)
}

func (s *Server) answers(done <-chan struct{}) bool {
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1, DialerRetries: 1})
	defer func() { _ = c.Close() }()
	for range 500 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err := c.Ping(ctx).Err()
		cancel()
		if err == nil {
			return true
		}
		select {
		case <-done:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false
}

// Kill ends the server with SIGKILL and waits until it is gone. Idempotent.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return
	}
	_ = s.proc.Kill()
	<-s.done
	s.proc = nil
}

// Restart kills the server and starts it again on the same port: empty, or with
// what AOF kept.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if !s.launch() {
		s.t.Fatal("redistest: redis-server does not start again")
	}
}

// Pause stops the server with SIGSTOP: it accepts connections and never answers.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets a paused server go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		s.t.Fatalf("redistest: %v to a server that is not running", sig)
	}
	if err := s.proc.Signal(sig); err != nil {
		s.t.Fatalf("redistest: %v: %v", sig, err)
	}
}

// Addr is host:port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// URL is what goes into platform.storage.redis.url.
func (s *Server) URL() string { return "redis://" + s.Addr() }

// Client is a client as production opens it, but with timeouts for a busy
// machine. It is closed when the test ends.
func (s *Server) Client() redis.UniversalClient {
	s.t.Helper()
	return Open(s.t, s.URL())
}

// Open is Client for any URL, for instance that of a proxy.
func Open(t testing.TB, url string) redis.UniversalClient {
	t.Helper()
	cfg := redisdb.DefaultConfig()
	cfg.URL = config.Secret(url)
	cfg.DialTimeout, cfg.ReadTimeout, cfg.WriteTimeout = 2*time.Second, 2*time.Second, 2*time.Second
	c, err := redisdb.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Do sends one command over a connection of its own and fails the test when it
// fails: for CONFIG SET, DEBUG, FLUSHALL and the like.
func (s *Server) Do(args ...any) any {
	s.t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), DialerRetries: 1})
	defer func() { _ = c.Close() }()
	v, err := c.Do(context.Background(), args...).Result()
	if err != nil {
		s.t.Fatalf("redistest: %s: %v", fmt.Sprint(args...), err)
	}
	return v
}
