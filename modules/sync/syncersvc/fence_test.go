package syncersvc_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"anihub/modules/catalog"
	syncer "anihub/modules/sync"
	"anihub/modules/sync/syncersvc"
	"anihub/modules/sync/syncertest"
	"anihub/platform/documents"
	"anihub/platform/lease"
)

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

// TestAStaleTokenTakesNothingOver: a process whose lease is older than what the states tell
// of does not become the runner, and leaves them as they are.
func TestAStaleTokenTakesNothingOver(t *testing.T) {
	t.Parallel()
	w, store := newWorld(20), openStore(t)
	s, stop := room(t, w, store, lease.NewMemory(), quick())
	baseline(t, s)
	stop()
	states := store.Collection(documents.Spec{Name: "sync_states"})
	fences := func(change func(int64) int64) (newest int64) {
		for _, id := range []string{"full", "poll"} {
			var d map[string]any
			version, err := states.Get(t.Context(), id, &d)
			if err != nil {
				t.Fatal(err)
			}
			old, _ := d["fence"].(int64)
			d["fence"], newest = change(old), old
			if err := states.Replace(t.Context(), id, version, d); err != nil && !errors.Is(err, documents.ErrVersion) {
				t.Fatal(err)
			}
		}
		return newest
	}
	later := time.Now().Add(time.Hour).UnixMilli()
	fences(func(int64) int64 { return later })
	w.set(func(w *world) { w.calls = map[string]int{} })
	room(t, w, store, lease.NewMemory(), quick())
	time.Sleep(300 * time.Millisecond) // for one that takes over all the same
	if n := w.count("latest"); n != 0 {
		t.Errorf("it polled %d times", n)
	}
	if got := fences(func(int64) int64 { return 0 }); got != later {
		t.Errorf("the states are those of %d, want %d", got, later)
	}
	eventually(t, "it polls as soon as nobody is ahead", func() bool { return w.count("latest") > 0 })
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

// TestWhatWaitedLongMayRunElsewhere: the runner has adopted it, and the process whose
// queue it waited in leaves it alone when its turn comes.
func TestWhatWaitedLongMayRunElsewhere(t *testing.T) {
	t.Parallel()
	w, store, leases := newWorld(10), openStore(t), lease.NewMemory()
	cfg := quick()
	cfg.Workers = 1
	runner, _ := room(t, w, store, leases, cfg)
	baseline(t, runner)
	other, _ := room(t, w, store, leases, cfg)
	blocker := startTitle(t, other, syncertest.Hanging)
	eventually(t, "the only worker there is busy", func() bool { j, _ := other.Job(t.Context(), blocker.ID); return j.State == syncer.Running })
	job := startTitle(t, other, syncertest.Hanging)
	eventually(t, "the runner has adopted it", func() bool { j, _ := other.Job(t.Context(), job.ID); return j.State == syncer.Running })
	if _, err := other.Cancel(t.Context(), blocker.ID); err != nil {
		t.Fatal(err)
	}
	finished(t, other, startTitle(t, other, 5).ID) // it stood behind the other in that queue
	var d struct {
		State string `bson:"state"`
		Fence int64  `bson:"fence"`
	}
	if _, err := jobs(store).Get(t.Context(), job.ID, &d); err != nil || d.State != syncer.Running || d.Fence != 1 {
		t.Errorf("%+v, %v: it was taken from the runner, which is at it", d, err)
	}
	if _, err := other.Cancel(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
}
