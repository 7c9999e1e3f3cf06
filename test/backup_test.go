package test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/modules/users/userssvc"
	"anihub/platform/config"
	"anihub/platform/documents"
	"anihub/platform/documents/mongowiretest"
)

// shelves are so many entries of lists that a restore of them takes a while.
const shelves = 4000

// library makes a data directory with them in it.
func library(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := documents.OpenSQLite(filepath.Join(dir, "anihub.db"))
	if err != nil {
		t.Fatal(err)
	}
	c := s.Collection(librarySpec())
	for n := range shelves {
		doc := bson.D{{Key: "user", Value: fmt.Sprint("u", n%50)}, {Key: "title", Value: int64(n)}, {Key: "status", Value: "watching"}}
		if err := c.Insert(t.Context(), fmt.Sprintf("u%d:%d", n%50, n), doc); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func librarySpec() documents.Spec {
	all := userssvc.Collections()
	return all[slices.IndexFunc(all, func(s documents.Spec) bool { return s.Name == "library" })]
}

// tool is a command of the program on a store.
func tool(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), path, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "TMPDIR=" + cmd.Dir, "JWT_SECRET=" + userSecret, "INTERNAL_JWT_SECRET=" + internalSecret,
	}, env...)
	return cmd
}

// done runs a tool to its end and returns its standard output.
func done(t *testing.T, env []string, args ...string) string {
	t.Helper()
	out, err := tool(t, env, args...).Output()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return string(out)
}

// sums are the lines of the collections, without the state of the log, which is new
// after each restore.
func sums(table string) []string {
	return slices.DeleteFunc(strings.Split(table, "\n"), func(l string) bool {
		return strings.HasPrefix(l, "event_log_state") || strings.HasPrefix(l, "all ") || strings.HasPrefix(l, "format ")
	})
}

// TestRestoreIsKilled in the middle, several times; the one that is let through ends as
// if it had been the first.
func TestRestoreIsKilled(t *testing.T) {
	t.Parallel()
	source := []string{"ANIHUB_PLATFORM_STORAGE_DATA_DIR=" + library(t)}
	file := filepath.Join(t.TempDir(), "backup")
	want := sums(done(t, source, "backup", file))
	server := mongowiretest.Start(t)
	dir := t.TempDir()
	for name, env := range map[string][]string{
		"sqlite": {"ANIHUB_PLATFORM_STORAGE_DATA_DIR=" + dir},
		"mongo":  {"ANIHUB_PLATFORM_STORAGE_DATA_DIR=" + t.TempDir(), "MONGODB_URI=" + server.URI, "ANIHUB_PLATFORM_STORAGE_MONGO_DATABASE=" + server.Database},
	} {
		t.Run(name, func(t *testing.T) {
			c := look(t, name, filepath.Join(dir, "anihub.db"), server)
			for n, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGKILL, syscall.SIGTERM} {
				interrupted(t, tool(t, env, "restore", "-force", file), sig, func() bool { return holds(t, c, 300+1000*n) })
			}
			done(t, env, "restore", "-force", file)
			again := filepath.Join(t.TempDir(), "again")
			if got := sums(done(t, env, "backup", again)); !slices.Equal(got, want) {
				t.Errorf("restored:\n%s\nbacked up:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// look is the library as another process sees it.
func look(t *testing.T, kind, path string, server *mongowiretest.Server) documents.Collection {
	t.Helper()
	c := documents.DefaultMongoConfig()
	c.URI, c.Database = config.Secret(server.URI), server.Database
	s, err := documents.OpenMongo(c)
	if kind == "sqlite" {
		s, err = documents.OpenSQLite(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.Collection(librarySpec())
}

// holds tells whether there are n documents or more.
func holds(t *testing.T, c documents.Collection, n int) bool {
	t.Helper()
	for _, err := range c.Scan(t.Context(), documents.Scan{Limit: n}) {
		if err != nil {
			t.Fatal(err)
		}
		n--
	}
	return n <= 0
}

// interrupted sends a signal when there is something to see, unless the command was faster.
func interrupted(t *testing.T, cmd *exec.Cmd, sig syscall.Signal, seen func() bool) {
	t.Helper()
	var said output
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	for over := false; !over && !seen(); {
		select {
		case <-ended:
			over = true
		case <-time.After(5 * time.Millisecond): // the store has other things to do
		}
	}
	_ = cmd.Process.Signal(sig)
	<-ended
	t.Logf("%v: %v: %s", sig, cmd.ProcessState, said.String())
	if sig == syscall.SIGTERM && cmd.ProcessState.ExitCode() != 0 && !strings.Contains(said.String(), "stopped: the store now holds a part of the backup: run it again with -force") {
		t.Errorf("it was stopped and says:\n%s", said.String())
	}
}

// TestRestoreWaitsForASilentPipe, and ends when it is told to.
func TestRestoreWaitsForASilentPipe(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	cmd := tool(t, []string{"ANIHUB_PLATFORM_STORAGE_DATA_DIR=" + dir}, "restore", "-")
	silent, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said output
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := silent.Write([]byte("the beginning of something")); err != nil {
		t.Fatal(err)
	}
	// It reads: what it has read lies in a file without a name.
	eventually(t, "it reads", func() bool {
		open, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", cmd.Process.Pid))
		return slices.ContainsFunc(open, func(fd string) bool {
			to, _ := os.Readlink(fd)
			return strings.Contains(to, "anihub-restore-")
		})
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(said.String(), "stopped: nothing was written") {
		t.Errorf("exit %d: %s", cmd.ProcessState.ExitCode(), said.String())
	}
	left, err := os.ReadDir(cmd.Dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("it made a store")
	}
}
