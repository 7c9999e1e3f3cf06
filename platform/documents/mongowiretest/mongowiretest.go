// Package mongowiretest gives a test a server that speaks MongoDB's wire protocol:
// the one at MONGODB_URI when that is set, else test/mongowire of this repository,
// built once and started as a child process that the test may kill, pause and
// restart. Only tests import it.
//
// When the server cannot be built the test is skipped, or fails when
// ANIHUB_TEST_REQUIRE is "all".
package mongowiretest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"anihub/platform/config"
	"anihub/platform/documents"
)

// startTime is how long a child may take to print its address. It opens its files
// and recovers what a kill left; on a busy machine that takes a while.
const startTime = 2 * time.Minute

// Server is a server for one test. Its methods fail the test when they cannot do
// what they say; they are for one goroutine at a time.
type Server struct {
	URI      string // mongodb://…
	Database string // a name that no other test uses

	t      testing.TB
	binary string // "" for a server that is not ours
	dir    string
	child  *child
}

type child struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr *bytes.Buffer
}

// Start gives a server that runs until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t}
	if s.URI = os.Getenv("MONGODB_URI"); s.URI != "" {
		s.Database = s.NewDatabase(t)
		return s
	}
	binary, err := build(t.Context())
	if err != nil {
		if os.Getenv("ANIHUB_TEST_REQUIRE") == "all" {
			t.Fatalf("mongowire is required: %v", err)
		}
		t.Skipf("SKIPPED, NOT TESTED: no MongoDB-wire server: %v", err)
	}
	s.binary, s.dir = binary, t.TempDir()
	t.Cleanup(s.kill)
	s.start("127.0.0.1:0")
	s.Database = s.NewDatabase(t)
	return s
}

// NewDatabase gives the name of one more database that nobody uses, which is
// dropped when t ends if the server stays.
func (s *Server) NewDatabase(t testing.TB) string {
	name := "anihub_test_" + strings.ToLower(rand.Text()[:16])
	if s.binary == "" {
		t.Cleanup(func() { drop(t, s.URI, name) })
	}
	return name
}

// Open opens a store on a database of its own until t ends. It waits longer than the
// product does: a slow machine is another test's.
func (s *Server) Open(t testing.TB) documents.Store {
	t.Helper()
	c := documents.DefaultMongoConfig()
	c.URI, c.Database, c.PoolMin = config.Secret(s.URI), s.NewDatabase(t), 0
	c.Wait, c.Timeout = time.Minute, time.Minute
	store, err := documents.OpenMongo(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// Kill ends the server as kill -9 does. Skips the test when it is not ours.
func (s *Server) Kill() {
	s.t.Helper()
	s.ours()
	s.kill()
}

// Restart starts the server on the same files and the same address, after killing
// it if it runs. Skips the test when it is not ours.
func (s *Server) Restart() {
	s.t.Helper()
	s.ours()
	s.kill()
	s.start(strings.Trim(strings.TrimPrefix(s.URI, "mongodb://"), "/"))
}

// Pause stops the server where it stands (SIGSTOP): connections stay, nothing is
// answered. Skips the test when it is not ours.
func (s *Server) Pause() {
	s.t.Helper()
	s.ours()
	s.signal(syscall.SIGSTOP)
	for s.t.Context().Err() == nil && runs(s.child.cmd.Process.Pid) {
		time.Sleep(time.Millisecond)
	}
}

// runs tells whether a thread of the process is not stopped yet: on a busy machine
// that takes a while after the signal. Where there is no /proc nobody can tell.
func runs(pid int) bool {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return false
	}
	for _, stat := range stats {
		b, err := os.ReadFile(stat)
		if err != nil {
			continue // the thread is gone
		}
		// The state stands behind the name, which is in parentheses and may hold some.
		if _, state, ok := bytes.Cut(b[bytes.LastIndexByte(b, ')')+1:], []byte(" ")); ok && state[0] != 'T' {
			return true
		}
	}
	return false
}

// Resume lets a paused server go on. Skips the test when it is not ours.
func (s *Server) Resume() {
	s.t.Helper()
	s.ours()
	s.signal(syscall.SIGCONT)
}

func (s *Server) ours() {
	s.t.Helper()
	if s.binary == "" {
		s.t.Skip("the server at MONGODB_URI is not ours to kill or pause")
	}
}

func (s *Server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.child.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("mongowire: %v", err)
	}
}

// start starts the child. The address is taken again after a restart; it may take
// a moment until it is free.
func (s *Server) start(listen string) {
	s.t.Helper()
	var err error
	for range 50 {
		if s.child, s.URI, err = launch(s.binary, s.dir, listen); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.t.Fatalf("mongowire: %v", err)
}

// launch starts a child and waits for its address.
func launch(binary, dir, listen string) (*child, string, error) {
	c := &child{cmd: exec.Command(binary, "-dir", dir, "-listen", listen, "-until-eof"), stderr: new(bytes.Buffer)}
	c.cmd.Stderr = c.stderr
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, "", err
	}
	c.stdin = stdin
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, "", err
	}
	late := time.AfterFunc(startTime, func() { _ = c.cmd.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	late.Stop()
	if err != nil {
		c.end()
		return nil, "", fmt.Errorf("it did not start: %w: %s", err, c.stderr)
	}
	return c, strings.TrimSpace(line), nil
}

// end kills the child and waits for it, paused or not.
func (c *child) end() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // "signal: killed"
	_ = c.stdin.Close()
}

func (s *Server) kill() {
	if s.child == nil {
		return
	}
	s.child.end()
	if s.t.Failed() && s.child.stderr.Len() > 0 {
		s.t.Logf("mongowire said: %s", s.child.stderr)
	}
	s.child = nil
}

// drop removes a test's database from a server that is not ours.
func drop(t testing.TB, uri, database string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err == nil {
		err = errors.Join(client.Database(database).Drop(ctx), client.Disconnect(ctx))
	}
	if err != nil {
		t.Errorf("dropping %s: %v", database, err)
	}
}
