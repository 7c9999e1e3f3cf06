package test

import (
	"syscall"
	"testing"
)

// restarted is a process that has read the catalogue from the store into its index,
// and no title into its memory.
func (w *world) restarted(env []string) (*process, []string) {
	w.t.Helper()
	first := start(w.t, []string{"serve"}, env...)
	w.alive(first)
	first.kill()
	p := start(w.t, []string{"serve"}, env...)
	p.ready()
	routes := w.asked(p.title(w.ids[0]).title(w.t))
	if a := p.read("/api/anilibria/v2/schedule"); a.status != 200 {
		w.t.Fatalf("schedule: %d", a.status)
	}
	return p, routes
}

// local: what comes from the copy on this machine's disk, or from a memory that can
// be compared with nothing, is marked.
func local(path string, f freshness) bool {
	if !byItself(path) {
		return f.Level == "index"
	}
	return f.Level == "l1" || f.Level == "local" && f.Stale && f.Reason == "level_down"
}

// TestABlackoutSilencesNothingThatWasNeverRead: the process answers for titles that
// nobody has asked it for.
func TestABlackoutSilencesNothingThatWasNeverRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, routes := w.restarted(w.env("ANIHUB_PLATFORM_STORAGE_DATA_DIR=" + t.TempDir()))
	w.end()
	w.answersAll(p, routes, local)
	w.begin()
	w.heals(p, routes)
}

// TestAProcessThatStartsInABlackoutAnswersEverything: stopped, and started again when
// upstream, documents and Redis are dead.
func TestAProcessThatStartsInABlackoutAnswersEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	env := w.env("ANIHUB_PLATFORM_STORAGE_DATA_DIR=" + t.TempDir())
	first := start(t, []string{"serve"}, env...)
	routes := w.alive(first)
	first.signal(syscall.SIGTERM)
	if code := first.wait(); code != 0 {
		t.Fatalf("exit %d after SIGTERM", code)
	}
	w.end()
	p := start(t, []string{"serve"}, env...)
	eventually(t, "lists answer", func() bool { return p.read(titles+"?limit=1").status == 200 })
	w.answersAll(p, routes, func(path string, f freshness) bool {
		return f.Stale && (!byItself(path) || f.Level == "local" && f.Reason == "level_down" || f.Level == "l1")
	})
	w.begin()
	w.heals(p, routes)
}
