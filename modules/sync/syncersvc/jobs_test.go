package syncersvc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	"anihub/platform/anilibria"
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

// TestAStaleRunnerChangesNothing: another process has taken the job while this one
// slept. It may neither tell progress nor the end.
func TestAStaleRunnerChangesNothing(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T, s *syncersvc.Service) string{
		"of a title": func(t *testing.T, s *syncersvc.Service) string { return startTitle(t, s, 4).ID },
		"of a pass": func(t *testing.T, s *syncersvc.Service) string {
			j, err := s.Start(t.Context(), syncer.Request{Kind: syncer.KindFull})
			if err != nil {
				t.Fatal(err)
			}
			return j.ID
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := stepped{newWorld(40), make(chan struct{}, 1)}
			store := openStore(t)
			s, _ := room(t, w.world, store, lease.NewMemory(), quick(), func(d *syncersvc.Deps) { d.Catalog = w })
			w.step <- struct{}{}
			baseline(t, s)
			id := start(t, s)
			eventually(t, "it runs", func() bool { j, _ := s.Job(t.Context(), id); return j.State == syncer.Running })
			taken := time.Now().Add(time.Hour).UnixMilli()
			rewrite(t, store, id, func(d map[string]any) { d["fence"], d["done"] = taken, 33 })
			close(w.step) // this runner wakes
			done := startTitle(t, s, 5)
			finished(t, s, done.ID)
			time.Sleep(50 * time.Millisecond)
			var d struct {
				State string `bson:"state"`
				Done  int    `bson:"done"`
				Fence int64  `bson:"fence"`
			}
			if _, err := jobs(store).Get(t.Context(), id, &d); err != nil || d.State != syncer.Running || d.Done != 33 || d.Fence != taken {
				t.Errorf("after the stale runner: %+v, %v", d, err)
			}
		})
	}
}

// TestWhatADeadProcessLeftIsAdopted: its jobs say that they run, and nobody is there.
// A retry goes on where it stopped.
func TestWhatADeadProcessLeftIsAdopted(t *testing.T) {
	t.Parallel()
	w, store := newWorld(120), openStore(t)
	past := time.Now().Add(-time.Hour)
	titles := make([]int, 110)
	for i := range titles {
		titles[i] = i + 1
	}
	for id, d := range map[string]map[string]any{
		"title": {"kind": "title", "open": "title", "title_id": 9, "total": 1},
		"retry": {"kind": "retry", "open": "retry", "titles": titles, "done": 100, "total": 110},
		"pass":  {"kind": "full", "open": "full"},
	} {
		d["state"], d["priority"], d["fence"], d["created_at"], d["alive"] = "running", "low", int64(1), past, past
		insert(t, store, id, d)
	}
	s, _ := room(t, w, store, lease.NewMemory(), quick())
	for _, id := range []string{"title", "retry", "pass"} {
		if j := finished(t, s, id); j.State != syncer.Succeeded || j.Progress.Done != j.Progress.Total {
			t.Errorf("%+v", j)
		}
	}
	w.set(func(w *world) {
		if !slices.ContainsFunc(w.refresh, func(r catalog.Refresh) bool { return slices.Equal(r.IDs, titles[100:]) }) {
			t.Error("the retry did not go on with the ten titles that were left")
		}
	})
}

// TestWhoLivesKeepsItsJob: a title that takes long is not taken from its process.
func TestWhoLivesKeepsItsJob(t *testing.T) {
	t.Parallel()
	w, store, leases := newWorld(10), openStore(t), lease.NewMemory()
	runner, _ := room(t, w, store, leases, quick())
	baseline(t, runner)
	other, _ := room(t, w, store, leases, quick())
	w.set(func(w *world) { w.hang = true })
	job := startTitle(t, other, 4)
	var first, alive time.Time
	eventually(t, "it has given three signs of life", func() bool {
		var d struct {
			Fence int64     `bson:"fence"`
			Alive time.Time `bson:"alive"`
		}
		if _, err := jobs(store).Get(t.Context(), job.ID, &d); err != nil || d.Fence > 1 {
			t.Fatalf("%+v, %v: somebody else has taken it", d, err)
		}
		if first.IsZero() {
			first = d.Alive
		}
		alive = d.Alive
		return !first.IsZero() && alive.Sub(first) > 3*time.Second
	})
	if _, err := other.Cancel(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
}

func TestFailedTitlesOfAPassAreRetried(t *testing.T) {
	t.Parallel()
	w := newWorld(120)
	w.failing, w.failure = map[int]int{7: -1, 60: -1, 119: -1}, anilibria.ErrGarbage.Code
	s, _ := room(t, w, openStore(t), lease.NewMemory(), quick())
	var pass syncer.Job
	eventually(t, "the pass is over", func() bool {
		all, err := s.Jobs(t.Context(), 1)
		if err != nil || len(all) == 0 || !all[0].Finished() {
			return false
		}
		if pass = all[0]; pass.FailedTitles != nil {
			t.Errorf("a list names the failed titles: %v", pass.FailedTitles)
		}
		return true
	})
	pass = finished(t, s, pass.ID)
	slices.Sort(pass.FailedTitles)
	if pass.State != syncer.Succeeded || pass.Progress.Failed != 3 || !slices.Equal(pass.FailedTitles, []int{7, 60, 119}) {
		t.Fatalf("the pass: %+v", pass)
	}

	w.set(func(w *world) { w.failing = map[int]int{60: -1}; w.refresh = nil })
	retry := func(id string) syncer.Job {
		j, err := s.Start(t.Context(), syncer.Request{Kind: syncer.KindRetry, JobID: id})
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	again := finished(t, s, retry(pass.ID).ID)
	if again.Kind != syncer.KindRetry || again.RetryOf != pass.ID || again.State != syncer.Succeeded ||
		again.Progress.Done != 3 || again.Progress.Total != 3 || !slices.Equal(again.FailedTitles, []int{60}) {
		t.Errorf("the retry: %+v", again)
	}
	w.set(func(w *world) {
		if len(w.refresh) == 0 || !slices.Equal(w.refresh[0].IDs, []int{7, 60, 119}) || !w.refresh[0].Silent {
			t.Errorf("asked for %+v, want the three, without news: they belong to the baseline", w.refresh)
		}
	})
	third := finished(t, s, retry(again.ID).ID)
	if third.State != syncer.Failed || third.ErrorCode != anilibria.ErrGarbage.Code || third.Progress.Failed != 1 {
		t.Errorf("the retry of the retry, of which nothing came: %+v", third)
	}
	w.set(func(w *world) { w.failing = nil })
	if last := finished(t, s, retry(third.ID).ID); last.State != syncer.Succeeded || last.FailedTitles != nil {
		t.Errorf("the last retry: %+v", last)
	} else if _, err := s.Start(t.Context(), syncer.Request{Kind: syncer.KindRetry, JobID: last.ID}); !errors.Is(err, syncer.ErrNoRetry) {
		t.Errorf("a retry of what left nothing behind: %v", err)
	}
	if got := w.news(); len(got) > 0 {
		t.Errorf("the baseline made news: %v", got)
	}
}

func TestWhileARetryIsOpenThereIsNoOther(t *testing.T) {
	t.Parallel()
	w, store, leases := newWorld(5), openStore(t), lease.NewMemory()
	a, _ := room(t, w, store, leases, quick())
	b, _ := room(t, w, store, leases, quick())
	old := startTitle(t, a, syncertest.Unknown)
	finished(t, a, old.ID)
	w.set(func(w *world) { w.hang = true })
	ids := make([]string, 20)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			s := []*syncersvc.Service{a, b}[i%2]
			j, err := s.Start(context.Background(), syncer.Request{Kind: syncer.KindRetry, JobID: old.ID})
			if err != nil {
				t.Error(err)
			}
			ids[i] = j.ID
		})
	}
	wg.Wait()
	if slices.Sort(ids); ids[0] != ids[len(ids)-1] {
		t.Errorf("twenty who asked at once got %v", slices.Compact(ids))
	}
	w.set(func(w *world) { w.hang = false })
	if _, err := a.Cancel(t.Context(), ids[0]); err != nil {
		t.Fatal(err)
	}
	j, err := b.Start(t.Context(), syncer.Request{Kind: syncer.KindRetry, JobID: old.ID})
	if err != nil || j.ID == ids[0] {
		t.Errorf("after its end: %+v, %v", j, err)
	}
}

func TestAThousandJobsAreKept(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	begin := time.Now().Add(-72 * time.Hour).Truncate(time.Millisecond)
	for i := range 1050 { // the oldest is 0
		insert(t, store, fmt.Sprintf("job_%04d", i), map[string]any{
			"kind": "title", "state": "succeeded", "priority": "low", "title_id": 1, "created_at": begin.Add(time.Duration(i) * time.Second),
		})
	}
	rewrite(t, store, "job_0003", func(d map[string]any) {
		d["state"], d["open"], d["alive"] = "queued", "title", time.Now().Add(time.Hour)
	})
	insert(t, store, "job_kold", map[string]any{"kind": "title", "state": "failed", "created_at": begin})
	insert(t, store, "job_kyoung", map[string]any{"kind": "title", "state": "failed", "created_at": time.Now().Add(-23 * time.Hour)})
	for i := range 1000 { // newer than the young one with a key
		insert(t, store, fmt.Sprintf("job_n%04d", i), map[string]any{"kind": "title", "state": "succeeded", "created_at": time.Now()})
	}
	s, _ := room(t, newWorld(3), store, lease.NewMemory(), quick())
	exists := func(id string) bool {
		_, err := s.Job(t.Context(), id)
		return !errors.Is(err, syncer.ErrJobNotFound)
	}
	eventually(t, "the oldest is gone", func() bool { return !exists("job_0000") })
	eventually(t, "so are all finished ones behind the newest thousand", func() bool { return !exists("job_1049") && !exists("job_kold") })
	left := 0
	for _, err := range jobs(store).Scan(t.Context(), documents.Scan{}) {
		if err != nil {
			t.Fatal(err)
		}
		left++
	}
	// The pass of the room itself may have come before or after the cut.
	if left < 1002 || left > 1003 || !exists("job_0003") || !exists("job_kyoung") {
		t.Errorf("%d are left; the open one is there: %v, the one with a young key: %v", left, exists("job_0003"), exists("job_kyoung"))
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
