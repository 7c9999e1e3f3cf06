package syncersvc_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"anihub/modules/catalog"
	syncer "anihub/modules/sync"
	"anihub/modules/sync/syncersvc"
	"anihub/modules/sync/syncertest"
	"anihub/platform/documents"
	"anihub/platform/lease"
)

// jobs is the collection behind the room, for tests that play another process.
func jobs(store documents.Store) documents.Collection {
	return store.Collection(documents.Spec{Name: "sync_jobs", Indexes: []documents.Index{{Field: "created_at"}, {Field: "open"}}})
}

// rewrite changes a stored job as another process would.
func rewrite(t *testing.T, store documents.Store, id string, change func(map[string]any)) {
	t.Helper()
	eventually(t, "the job is written", func() bool {
		var d map[string]any
		version, err := jobs(store).Get(t.Context(), id, &d)
		if err != nil {
			t.Fatal(err)
		}
		change(d)
		err = jobs(store).Replace(t.Context(), id, version, d)
		if err != nil && !errors.Is(err, documents.ErrVersion) {
			t.Fatal(err)
		}
		return err == nil
	})
}

func insert(t *testing.T, store documents.Store, id string, d map[string]any) {
	t.Helper()
	if err := jobs(store).Insert(t.Context(), id, d); err != nil {
		t.Fatal(err)
	}
}

func startTitle(t *testing.T, s *syncersvc.Service, id int) syncer.Job {
	t.Helper()
	j, err := s.Start(t.Context(), syncer.Request{Kind: syncer.KindTitle, TitleID: id})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func finished(t *testing.T, s *syncersvc.Service, id string) syncer.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	j, err := s.Wait(ctx, id)
	if err != nil || !j.Finished() {
		t.Fatalf("job %+v, %v", j, err)
	}
	return j
}

func baseline(t *testing.T, s *syncersvc.Service) {
	t.Helper()
	eventually(t, "the baseline", func() bool { st, _ := s.Status(t.Context()); return !st.LastPoll.IsZero() })
}

// stepped (of at most 400 titles: the 500th hangs) lets one batch of a pass through for each token.
type stepped struct {
	*world
	step chan struct{}
}

// Refresh implements syncersvc.Catalog.
func (g stepped) Refresh(ctx context.Context, r catalog.Refresh) (catalog.Refreshed, error) {
	select {
	case <-g.step:
	case <-ctx.Done():
		return catalog.Refreshed{}, ctx.Err()
	}
	return g.world.Refresh(ctx, r)
}

func TestAPassTellsHowFarItIsAndHowFast(t *testing.T) {
	t.Parallel()
	w := stepped{newWorld(400), make(chan struct{})}
	s, _ := room(t, w.world, openStore(t), lease.NewMemory(), quick(), func(d *syncersvc.Deps) { d.Catalog = w })
	w.step <- struct{}{}
	w.step <- struct{}{}
	var job syncer.Job
	eventually(t, "two pages are done", func() bool {
		all, err := s.Jobs(t.Context(), 1)
		if err != nil || len(all) == 0 {
			return false
		}
		job = all[0]
		return job.Progress.Done == 100
	})
	p := job.Progress
	if p.Total != 400 || p.Rate <= 0 {
		t.Errorf("progress %+v", p)
	}
	close(w.step)
	if job = finished(t, s, job.ID); job.State != syncer.Succeeded || job.Progress.Done != 400 || !job.Progress.ETA.IsZero() {
		t.Errorf("ended: %+v", job)
	}
}

// TestAnEstimateThatWasWrongIsNotTold: the upstream hangs, and the time is over.
func TestAnEstimateThatWasWrongIsNotTold(t *testing.T) {
	t.Parallel()
	w, store := newWorld(5), openStore(t)
	s, _ := room(t, w, store, lease.NewMemory(), quick())
	baseline(t, s)
	job := startTitle(t, s, syncertest.Hanging)
	for _, tt := range []struct {
		eta  time.Time
		told bool
	}{{time.Now().Add(time.Hour), true}, {time.Now().Add(-time.Second), false}} {
		rewrite(t, store, job.ID, func(d map[string]any) { d["eta"] = tt.eta })
		got, err := s.Job(t.Context(), job.ID)
		if err != nil || got.Progress.ETA.IsZero() == tt.told {
			t.Errorf("eta %v is told as %v, %v", tt.eta, got.Progress.ETA, err)
		}
	}
}

// TestCancelInAnotherProcess: a job that waits there is never begun, one that runs
// there is stopped.
func TestCancelInAnotherProcess(t *testing.T) {
	t.Parallel()
	w, store, leases := newWorld(60), openStore(t), lease.NewMemory()
	cfg := quick()
	cfg.Workers = 1
	here, _ := room(t, w, store, leases, cfg)
	baseline(t, here)
	there, _ := room(t, w, store, leases, cfg)

	running := startTitle(t, there, syncertest.Hanging)
	eventually(t, "it runs", func() bool { j, _ := there.Job(t.Context(), running.ID); return j.State == syncer.Running })
	waiting := startTitle(t, there, 7)
	w.set(func(w *world) { w.refresh = nil })
	for _, id := range []string{waiting.ID, running.ID} {
		if j, err := here.Cancel(t.Context(), id); err != nil || j.State != syncer.Cancelled {
			t.Errorf("cancelled: %+v, %v", j, err)
		}
	}
	// The only worker there is free again: it takes what comes next, and has left out
	// the one that was cancelled.
	last := startTitle(t, there, 8)
	if j := finished(t, there, last.ID); j.State != syncer.Succeeded {
		t.Errorf("the next job: %+v", j)
	}
	w.set(func(w *world) {
		if slices.ContainsFunc(w.refresh, func(r catalog.Refresh) bool { return slices.Contains(r.IDs, 7) }) {
			t.Error("the job that was cancelled while it waited was run")
		}
	})
	for _, id := range []string{waiting.ID, running.ID} {
		if j, err := there.Job(t.Context(), id); err != nil || j.State != syncer.Cancelled {
			t.Errorf("in the end: %+v, %v", j, err)
		}
	}
}

// TestACancelledPassIsNotBegunAgain by itself, but when it is asked for.
func TestACancelledPassIsNotBegunAgain(t *testing.T) {
	t.Parallel()
	w := stepped{newWorld(100), make(chan struct{})}
	store, leases := openStore(t), lease.NewMemory()
	s, _ := room(t, w.world, store, leases, quick(), func(d *syncersvc.Deps) { d.Catalog = w })
	other, _ := room(t, w.world, store, leases, quick(), func(d *syncersvc.Deps) { d.Catalog = w })
	w.step <- struct{}{}
	first, err := other.Jobs(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*syncersvc.Service{s, other} { // the one that runs it and the one that does not
		if _, err := p.Cancel(t.Context(), first[0].ID); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(2500 * time.Millisecond) // the runner hears of it within a second and looks twice a second what is due
	if all, err := s.Jobs(t.Context(), 10); err != nil || len(all) != 1 {
		t.Errorf("%d jobs, %v; want the cancelled one", len(all), err)
	}
	asked, err := other.Start(t.Context(), syncer.Request{Kind: syncer.KindFull})
	if err != nil || asked.ID == first[0].ID {
		t.Fatalf("asked for: %+v, %v", asked, err)
	}
	close(w.step)
	if j := finished(t, other, asked.ID); j.State != syncer.Succeeded || j.Progress.Done != 100 {
		t.Errorf("the pass that was asked for: %+v", j)
	}
	if all, err := s.Jobs(t.Context(), 10); err != nil || len(all) != 2 {
		t.Errorf("%d jobs, %v; want the cancelled one and the one that was asked for", len(all), err)
	}
}

// lines is a log that tests may read.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.buf.String(), text)
}

// TestAPanicEndsItsJob and nothing else.
func TestAPanicEndsItsJob(t *testing.T) {
	t.Parallel()
	w, log := newWorld(5), &lines{}
	s, _ := room(t, w, openStore(t), lease.NewMemory(), quick(), func(d *syncersvc.Deps) {
		d.Catalog, d.Logger = mined{w}, slog.New(slog.NewTextHandler(log, nil))
	})
	baseline(t, s)
	bad := startTitle(t, s, 13)
	if j := finished(t, s, bad.ID); j.State != syncer.Failed || j.ErrorCode != "INTERNAL" {
		t.Errorf("ended: %+v", j)
	}
	if j := finished(t, s, startTitle(t, s, 3).ID); j.State != syncer.Succeeded {
		t.Errorf("the next one: %+v", j)
	}
	if !log.has("panic") {
		t.Error("the log does not tell of it")
	}
}

// mined blows up at title 13.
type mined struct{ *world }

// Refresh implements syncersvc.Catalog.
func (m mined) Refresh(ctx context.Context, r catalog.Refresh) (catalog.Refreshed, error) {
	if slices.Contains(r.IDs, 13) {
		panic("thirteen")
	}
	return m.world.Refresh(ctx, r)
}
