package documents_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"anihub/platform/config"
	"anihub/platform/documents"
	"anihub/platform/documents/mongowiretest"
)

// crashChild names the variable that makes this test binary the child of a crash
// test: a program that writes and says so until it is killed.
const crashChild = "ANIHUB_TEST_CRASH_CHILD"

var crashRounds = flag.Int("crash.rounds", 20, "how often a writer is killed")

// crashed is what the child stores. Every field follows from id and version, so
// that a half-done write would show.
type crashed struct {
	Login string
	Group int64
	Step  int64
	Fill  string
}

var crashSpec = documents.Spec{Name: "crashed", Indexes: []documents.Index{
	{Field: "login", Unique: true},
	{Field: "group"},
}}

func crashDoc(id string, version int64) crashed {
	return crashed{
		Login: "login of " + id,
		Group: version,
		Step:  version,
		Fill:  strings.Repeat(fmt.Sprintf("%s/%d ", id, version), 300),
	}
}

// writeUntilKilled is the child. target is "sqlite PATH" or "mongo URI DATABASE".
func writeUntilKilled(target string) int {
	go func() { // the parent died
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	s, err := openTarget(target)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c := s.Collection(crashSpec)
	var said sync.Mutex
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%s-%d-%d", os.Getenv("ANIHUB_TEST_CRASH_ROUND"), w, n)
				if err := writeThrice(c, id, &said); err != nil {
					fmt.Fprintln(os.Stderr, err) // the server was killed first
					return
				}
			}
		})
	}
	writers.Wait()
	select {} // to be killed
}

func openTarget(target string) (documents.Store, error) {
	kind, rest, _ := strings.Cut(target, " ")
	if kind == "sqlite" {
		return documents.OpenSQLite(rest)
	}
	c := documents.DefaultMongoConfig()
	uri, database, _ := strings.Cut(rest, " ")
	c.URI, c.Database = config.Secret(uri), database
	c.PoolMin = 0
	return documents.OpenMongo(c)
}

// writeThrice writes three versions of a document, and each time it is acknowledged
// says so, in one write to the pipe.
func writeThrice(c documents.Collection, id string, said *sync.Mutex) error {
	for version := int64(1); version <= 3; version++ {
		var err error
		if doc := crashDoc(id, version); version == 1 {
			err = c.Insert(context.Background(), id, doc)
		} else {
			err = c.Replace(context.Background(), id, version-1, doc)
		}
		if err != nil {
			return fmt.Errorf("%s version %d: %w", id, version, err)
		}
		said.Lock()
		_, _ = fmt.Fprintf(os.Stdout, "%s %d\n", id, version)
		said.Unlock()
	}
	return nil
}

// runChild starts the child, lets it have so many writes acknowledged, calls kill,
// and gives all that was acknowledged until the child was dead.
func runChild(t *testing.T, target string, round, acks int, kill func(child *os.Process)) map[string]int64 {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashChild+"="+target, fmt.Sprintf("ANIHUB_TEST_CRASH_ROUND=%d", round))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := make(map[string]int64)
	lines := bufio.NewScanner(stdout)
	for n := 0; lines.Scan(); {
		var id string
		var version int64
		if _, err := fmt.Sscan(lines.Text(), &id, &version); err != nil {
			t.Fatalf("the child said %q: %v", lines.Text(), err)
		}
		acknowledged[id] = version
		if n++; n == acks {
			kill(cmd.Process)
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child ended by itself: %v\n%s", err, stderr.String())
	}
	return acknowledged
}

// checkCrashed holds what is stored against what was acknowledged: nothing is
// missing, and what is there is whole, in the document and in the indexes. Of each
// document one more version may be there: written, but the child died before it
// could say so.
func checkCrashed(t *testing.T, s documents.Store, acknowledged map[string]int64) {
	t.Helper()
	c := s.Collection(crashSpec)
	for id, version := range acknowledged {
		var doc crashed
		v, err := c.Get(t.Context(), id, &doc)
		if err != nil || v < version || v > version+1 {
			t.Errorf("%s: version %d, %v; version %d was acknowledged", id, v, err, version)
		}
	}
	whole := 0
	for d, err := range c.Scan(t.Context(), documents.Scan{Order: "group"}) {
		if err != nil {
			t.Fatal(err)
		}
		whole++
		var doc crashed
		if err := d.Decode(&doc); err != nil || doc != crashDoc(d.ID, d.Version) {
			t.Errorf("%s: version %d is half done: %v", d.ID, d.Version, err)
		}
	}
	all := 0
	for d, err := range c.Scan(t.Context(), documents.Scan{}) {
		if err != nil {
			t.Fatal(err)
		}
		all++
		for found, err := range c.Find(t.Context(), "login", "login of "+d.ID) {
			if err != nil || found.ID != d.ID {
				t.Errorf("the unique index gives %q for %q, %v", found.ID, d.ID, err)
			}
		}
	}
	if all != whole || all < len(acknowledged) {
		t.Errorf("%d documents, %d in the index, %d acknowledged", all, whole, len(acknowledged))
	}
}

func TestSQLiteSurvivesKill(t *testing.T) {
	t.Parallel()
	target := "sqlite " + filepath.Join(t.TempDir(), "anihub.db")
	total := 0
	for round := range *crashRounds {
		acknowledged := runChild(t, target, round, 1+rand.IntN(150), func(child *os.Process) { mustKill(t, child) })
		total += len(acknowledged)
		s, err := openTarget(target)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		checkCrashed(t, s, acknowledged)
		closeStore(t, s)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("%d documents were acknowledged in %d rounds", total, *crashRounds)
}

// In every other round the server is killed too, before the client.
func TestMongoSurvivesKill(t *testing.T) {
	t.Parallel()
	server := mongowiretest.Start(t)
	target := "mongo " + server.URI + " "
	total := 0
	for round := range *crashRounds {
		database := server.NewDatabase(t)
		acknowledged := runChild(t, target+database, round, 1+rand.IntN(60), func(child *os.Process) {
			if round%2 == 1 {
				server.Kill()
			}
			mustKill(t, child)
		})
		total += len(acknowledged)
		if round%2 == 1 {
			server.Restart()
		}
		s, err := openTarget(target + database)
		if err != nil {
			t.Fatal(err)
		}
		checkCrashed(t, s, acknowledged)
		closeStore(t, s)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("%d documents were acknowledged in %d rounds", total, *crashRounds)
}

func mustKill(t *testing.T, p *os.Process) {
	t.Helper()
	if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}
