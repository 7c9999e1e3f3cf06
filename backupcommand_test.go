package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/config"
	"anihub/platform/documents"
	"anihub/platform/documents/archive"
	"anihub/platform/documents/mongowiretest"
	"anihub/test/loopbacktest"
)

// TestEveryCollectionIsKeptOrLeftOut: who adds a collection says whether a backup holds it.
func TestEveryCollectionIsKeptOrLeftOut(t *testing.T) {
	t.Parallel()
	s := testSettings(t, "http://"+loopbacktest.Addr(t))
	a := start(t, s, &logs{})
	opened := documents.Declared(a.platform.Store)
	known := slices.Concat(kept(), leftOut())
	slices.SortFunc(known, func(a, b documents.Spec) int { return cmp.Compare(a.Name, b.Name) })
	if d := diff.Diff(opened, known); d != "" {
		t.Errorf("collections of a process, and those that backup and restore know (modules.Collections, leftOut); -opened +known:\n%s", d)
	}
	if len(opened) < 20 {
		t.Errorf("only %d collections", len(opened))
	}
}

// stand is where a site keeps its things, for the server and for the command line.
type stand struct {
	s   settings
	env []string
}

// newStand is one with a directory of its own; uri is a MongoDB or "".
func newStand(t *testing.T, upstream, uri, database string) stand {
	t.Helper()
	s := testSettings(t, upstream)
	s.Web.Addr = "127.0.0.1:0"
	env := []string{
		"ANIHUB_PLATFORM_STORAGE_DATA_DIR=" + s.Platform.Storage.DataDir,
		"JWT_SECRET=" + userSecret.Reveal(), "INTERNAL_JWT_SECRET=" + internalSecret.Reveal(),
	}
	if uri != "" {
		m := &s.Platform.Storage.Mongo
		m.URI, m.Database = config.Secret(uri), database
		env = append(env, "MONGODB_URI="+uri, "ANIHUB_PLATFORM_STORAGE_MONGO_DATABASE="+database)
	}
	return stand{s, env}
}

// open serves until the returned function is called.
func (st stand) open(t *testing.T) (*site, func()) {
	t.Helper()
	out := &logs{}
	a, err := open(st.s, out)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop: %v", err)
		}
	}
	t.Cleanup(stop)
	return &site{url: a.web.URL(), logs: out}, stop
}

// runs is the exit code of a command and what it said.
func (st stand) runs(ctx context.Context, stdin []byte, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(ctx, terminal{out: &out, err: &err, environ: st.env, in: bytes.NewReader(stdin)}, args)
	return code, out.String(), err.String()
}

func (st stand) mustRun(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	code, stdout, stderr := st.runs(t.Context(), nil, args...)
	if code != 0 {
		t.Fatalf("%v: exit %d: %s", args, code, stderr)
	}
	return stdout
}

const miraPassword = "a long password"

// mira registers and leaves something everywhere.
func mira(t *testing.T, s *site) (token string) {
	t.Helper()
	_, a := s.call(t, "POST", s.url+"/api/auth/register", "", `{"login":"mira","email":"mira@example.org","password":"`+miraPassword+`"}`)
	var session struct {
		Token string `json:"access_token"`
	}
	a.into(t, &session)
	for path, body := range map[string]string{
		"lists/9901":         `{"status":"watching","score":8}`,
		"favorites/9904":     ``,
		"progress/9901":      `{"episodes":[{"episode":1,"seconds":61.5,"updated_at":"2026-09-26T21:00:00.250Z"}]}`,
		"subscriptions/9904": `{"quality":"1080p"}`,
	} {
		if status, a := s.call(t, "PUT", s.url+"/api/users/"+path, session.Token, body); status >= 300 {
			t.Fatalf("%s: %d %+v", path, status, a.Error)
		}
	}
	return session.Token
}

// answers is what the site says to mira.
func answers(t *testing.T, s *site, token string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, path := range []string{
		"/api/users/lists", "/api/users/favorites", "/api/users/progress", "/api/users/subscriptions", "/api/users/notifications",
		"/api/auth/me", "/api/anilibria/v2/titles?limit=50", "/api/anilibria/v2/titles/9901", "/api/anilibria/v2/titles/9904",
	} {
		status, a := s.call(t, "GET", s.url+path, token, "")
		if status != http.StatusOK {
			t.Fatalf("%s: %d %+v", path, status, a.Error)
		}
		all[path] = string(a.Data)
	}
	return all
}

// TestBackup: a site is backed up while it serves, and once more when it has stopped. What
// comes back from either, into either kind of store, is the site of that moment.
func TestBackup(t *testing.T) {
	t.Parallel()
	server := mongowiretest.Start(t)
	upstream := anilibriatest.New(anilibriatest.Catalogue())
	l := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- upstream.Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); <-served })

	home := newStand(t, "http://"+l.Addr().String()+anilibriatest.BasePath, "", "")
	s, stop := home.open(t)
	s.ready(t)
	token := mira(t, s)
	sock := s.dial(t)
	sock.send(`{"type":"subscribe_title","id":1,"data":{"title_id":9901}}`)
	before := sock.expect("subscribed").Data["position"].(string)
	s.upstream = upstream
	flowEpisode(t, s)

	dir := t.TempDir()
	live, cold := filepath.Join(dir, "live"), filepath.Join(dir, "cold")
	wasLive := answers(t, s, token)
	home.mustRun(t, "backup", live)
	if status, a := s.call(t, "PUT", s.url+"/api/users/favorites/9901", token, ""); status >= 300 {
		t.Fatalf("%d %+v", status, a.Error)
	}
	flowEpisode(t, s) // after the backup: its positions are given out again
	wasCold := answers(t, s, token)
	stop()
	home.mustRun(t, "backup", cold)

	for name, c := range map[string]struct {
		words     []string
		was       map[string]string
		recovered bool
	}{
		"live":           {[]string{live}, wasLive, false},
		"cold":           {[]string{cold}, wasCold, false},
		"cold and moved": {[]string{"-moved", cold}, wasCold, true},
	} {
		for kind, uri := range map[string]string{"sqlite": "", "mongo": server.URI} {
			t.Run(name+" to "+kind, func(t *testing.T) {
				t.Parallel()
				away := newStand(t, "http://"+loopbacktest.Addr(t), uri, server.NewDatabase(t))
				away.mustRun(t, append([]string{"restore"}, c.words...)...)
				comesBack(t, away, c.was, token, before, c.recovered)
			})
		}
	}
}

// comesBack serves what was restored, without an upstream to heal it.
func comesBack(t *testing.T, away stand, was map[string]string, token, position string, recovered bool) {
	t.Helper()
	s, _ := away.open(t)
	eventually(t, "the restored site has its catalogue", func() bool {
		status, a := s.call(t, "GET", s.url+"/api/anilibria/v2/titles?limit=1", "", "")
		return status == 200 && a.Pagination.Total == len(anilibriatest.Catalogue())
	})
	if d := diff.Diff(was, answers(t, s, token)); d != "" {
		t.Errorf("answers to the session of before (-was +is):\n%s", d)
	}
	status, a := s.call(t, "POST", s.url+"/api/auth/login", "", `{"login":"mira","password":"`+miraPassword+`"}`)
	if status != http.StatusOK {
		t.Errorf("the old password: %d %+v", status, a.Error)
	}
	sock := s.dial(t)
	sock.send(fmt.Sprintf(`{"type":"subscribe_title","id":1,"data":{"title_id":9901,"since":%q}}`, position))
	m := sock.expect("subscribed")
	if m.Data["recovered"] != recovered || recovered && m.Data["count"] != float64(2) {
		t.Errorf("since a position of before: %v, want recovered %v with both episodes", m.Data, recovered)
	}
}

// TestBackupWords: what the commands refuse, with which words, and that they leave nothing.
func TestBackupWords(t *testing.T) {
	t.Parallel()
	home := newStand(t, "http://"+loopbacktest.Addr(t), "", "")
	dir := t.TempDir()
	file, text := filepath.Join(dir, "backup"), filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("not one"), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses := func(what string, want string, code int, args ...string) {
		t.Helper()
		got, _, stderr := home.runs(t.Context(), nil, args...)
		if got != code || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d, %q; want %d with %q", what, got, stderr, code, want)
		}
	}
	refuses("no store", "there is no store yet", 1, "backup", file)
	refuses("no file", "no such file", 1, "restore", file)
	refuses("a text", "this is not a backup of AniHub", 1, "restore", text)
	refuses("nothing on standard input", "this is not a backup of AniHub", 1, "restore", "-")
	if _, err := os.Stat(home.s.Platform.Storage.DataDir); err == nil {
		t.Error("a restore that was refused made a store")
	}
	_, stop := home.open(t)
	stop()
	home.mustRun(t, "backup", file)
	refuses("it is there", "is there already", 1, "backup", file)
	home.mustRun(t, "backup", file, "-force")
	refuses("no path", "anihub backup [", 2, "backup")
	refuses("two paths", "anihub restore [", 2, "restore", file, file)
	refuses("an unknown flag", "-merge", 2, "restore", "-merge", file)
	refuses("not empty", "the store is not empty", 1, "restore", file)

	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := home.runs(t.Context(), whole, "restore", "-dry-run", "-")
	if code != 0 || !strings.Contains(stdout, "made by AniHub dev at ") || !strings.Contains(stdout, "event_log_state  1 ") {
		t.Errorf("dry run: exit %d, %s%s", code, stdout, stderr)
	}
	if code, _, stderr := home.runs(t.Context(), whole[:len(whole)/2], "restore", "-force", "-"); code != 1 || !strings.Contains(stderr, "truncated") {
		t.Errorf("half of it: exit %d, %s", code, stderr)
	}
	passesOver(t, file)
	code, stdout, _ = home.runs(t.Context(), nil, "backup", "-")
	if c, _, stderr := home.runs(t.Context(), []byte(stdout), "restore", "-force", "-"); code != 0 || c != 0 {
		t.Errorf("through pipes: exit %d and %d, %s", code, c, stderr)
	}
}

// passesOver: where the event log is in Redis, that of a backup has no place.
func passesOver(t *testing.T, file string) {
	t.Helper()
	away := newStand(t, "http://"+loopbacktest.Addr(t), "", "")
	away.env = append(away.env, "REDIS_URL=redis://"+loopbacktest.Addr(t))
	code, _, stderr := away.runs(t.Context(), nil, "restore", file)
	if code != 0 || !strings.Contains(stderr, "passed over: event_log, event_log_state") {
		t.Errorf("exit %d, %s", code, stderr)
	}
	table := away.mustRun(t, "backup", filepath.Join(t.TempDir(), "backup"))
	if !strings.Contains(table, "news") || strings.Contains(table, "event_log") {
		t.Errorf("a log that is not there was backed up:\n%s", table)
	}
}

// TestBackupStops: a signal leaves no file, and its words say so.
func TestBackupStops(t *testing.T) {
	t.Parallel()
	home := newStand(t, "http://"+loopbacktest.Addr(t), "", "")
	_, stop := home.open(t)
	stop()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code, _, stderr := home.runs(ctx, nil, "backup", filepath.Join(dir, "backup"))
	if left, _ := os.ReadDir(dir); code != 1 || !strings.Contains(stderr, "stopped: no backup was made") || len(left) > 0 {
		t.Errorf("exit %d, %q, left %v", code, stderr, left)
	}
	if err := os.WriteFile("/dev/full", []byte("x"), 0); err == nil {
		return // no such device here
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		return
	}
	defer func() { _ = full.Close() }()
	var said bytes.Buffer
	code = run(t.Context(), terminal{out: onlyWriter{full}, err: &said, environ: home.env}, []string{"backup", "-"})
	if code != 1 || !strings.Contains(said.String(), "no space left on device; what standard output got is no backup") {
		t.Errorf("a full disk: exit %d, %s", code, said.String())
	}
}

// onlyWriter hides that a device is one.
type onlyWriter struct{ f *os.File }

func (w onlyWriter) Write(p []byte) (int, error) { return w.f.Write(p) }

// TestMeter: a line that moves on a terminal, and lines that stay elsewhere.
func TestMeter(t *testing.T) {
	t.Parallel()
	steps := []archive.Step{
		{Doing: "checked", Collection: "titles", Done: 1},
		{Doing: "checked", Collection: "titles", Done: 2},
		{Doing: "restored", Collection: "titles", Done: 1, Of: 2},
		{Doing: "restored", Collection: "titles", Done: 2, Of: 2},
	}
	plain, drawn := &logs{}, &logs{}
	lines, moving := newMeter(plain), &meter{out: drawn, bar: &bar{out: drawn}}
	for _, s := range steps {
		lines.tell(s)
		moving.next = time.Time{}
		moving.tell(s)
	}
	lines.end()
	moving.end()
	if got, want := plain.String(), "checked titles: 2 documents\nrestored titles: 2 documents\n"; got != want {
		t.Errorf("elsewhere: %q, want %q", got, want)
	}
	got := drawn.String()
	if !strings.Contains(got, "restored titles [============            ]  50 %  1/2") || !strings.HasSuffix(got, clearLine) {
		t.Errorf("on a terminal: %q", got)
	}
}
