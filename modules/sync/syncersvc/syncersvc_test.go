package syncersvc_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	syncer "anihub/modules/sync"
	"anihub/modules/sync/syncerhttp"
	"anihub/modules/sync/syncersvc"
	"anihub/modules/sync/syncertest"
	"anihub/platform/anilibria"
	"anihub/platform/auth"
	"anihub/platform/documents/mongowiretest"
	"anihub/platform/lease"
	"anihub/platform/rpc"
)

func openRoom(t *testing.T) syncer.Service {
	t.Helper()
	s, _ := room(t, newWorld(syncertest.Titles), openStore(t), lease.NewMemory(), quick())
	return s
}

func TestRoomPassesTheContract(t *testing.T) {
	t.Parallel()
	syncertest.Contract(t, openRoom)
}

func TestRoomPassesTheContractOverMongo(t *testing.T) {
	t.Parallel()
	server := mongowiretest.Start(t)
	syncertest.Contract(t, func(t *testing.T) syncer.Service {
		s, _ := room(t, newWorld(syncertest.Titles), server.Open(t), lease.NewMemory(), quick())
		return s
	})
}

func TestCorridorPassesTheContract(t *testing.T) {
	t.Parallel()
	syncertest.Contract(t, func(t *testing.T) syncer.Service {
		t.Helper()
		return overHTTP(t, openRoom(t))
	})
}

func overHTTP(t *testing.T, door syncer.Service) syncer.Service {
	t.Helper()
	mux := http.NewServeMux()
	verify := func(string, string) (auth.Principal, error) { return auth.Principal{}, nil }
	syncerhttp.Mount(rpc.NewServer(mux, verify, slog.New(slog.DiscardHandler)), door)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return dial(t, server.URL)
}

func dial(t *testing.T, url string) syncer.Service {
	t.Helper()
	peer, err := rpc.NewPeer(rpc.PeerConfig{Module: "sync", URL: url}, func(string) (string, error) { return "t", nil }, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(peer.Close)
	return syncerhttp.NewClient(peer)
}

func TestCorridorWithFaults(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"error page": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) },
		"garbage":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{")) },
		"reset":      func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		server := httptest.NewServer(handler)
		defer server.Close()
		s := dial(t, server.URL)
		if _, err := s.Start(t.Context(), syncer.Request{Kind: syncer.KindTitle, TitleID: 1}); !errors.Is(err, syncer.ErrUnavailable) {
			t.Errorf("%s: Start: %v", name, err)
		}
		if _, err := s.Jobs(t.Context(), 1); !errors.Is(err, syncer.ErrUnavailable) {
			t.Errorf("%s: Jobs: %v", name, err)
		}
	}
}

func TestTheBaselineIsSilentAndWhatFollowsIsNews(t *testing.T) {
	t.Parallel()
	w := newWorld(130)
	s, _ := room(t, w, openStore(t), lease.NewMemory(), quick())
	eventually(t, "the first pass is complete", func() bool { st, _ := s.Status(t.Context()); return !st.LastFull.IsZero() })
	eventually(t, "a poll after it", func() bool { st, _ := s.Status(t.Context()); return !st.LastPoll.IsZero() })
	if got := w.news(); len(got) > 0 {
		t.Fatalf("the baseline made news: %v", got)
	}
	w.air(7)
	w.air(99)
	w.air(7)
	want := []string{"new_episode:7:2", "new_episode:7:3", "new_episode:99:2"}
	eventually(t, "three episodes are told", func() bool {
		got := w.news()
		slices.Sort(got)
		return slices.Equal(got, want)
	})
}

func TestAnOutageIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(60)
	w.upstreamDown = anilibria.ErrUnavailable
	s, _ := room(t, w, openStore(t), lease.NewMemory(), quick())
	eventually(t, "the upstream was asked in vain", func() bool { return w.count("latest")+w.count("page") > 0 })
	eventually(t, "the trouble is told", func() bool { st, _ := s.Status(t.Context()); return st.LastError != "" })
	w.set(func(w *world) { w.upstreamDown = nil })
	eventually(t, "the pass goes on", func() bool { st, _ := s.Status(t.Context()); return !st.LastFull.IsZero() })
	eventually(t, "its one job has succeeded", func() bool {
		jobs, err := s.Jobs(t.Context(), 10)
		return err == nil && len(jobs) == 1 && jobs[0].State == syncer.Succeeded
	})
}

// TestNothingIsLostOrDoubled: publishing fails and processes die between telling
// and confirming; in the end every episode was told once.
func TestNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	w, store, leases := newWorld(20), openStore(t), lease.NewMemory()
	s, stop := room(t, w, store, leases, quick())
	eventually(t, "the baseline", func() bool { st, _ := s.Status(t.Context()); return !st.LastPoll.IsZero() })

	var want []string
	air := func(id, episode int) {
		w.air(id)
		want = append(want, fmt.Sprintf("new_episode:%d:%d", id, episode))
	}
	w.set(func(w *world) { w.realtimeDown = errors.New("log is away") })
	air(1, 2)
	air(2, 2)
	time.Sleep(50 * time.Millisecond)
	stop() // with news pending
	w.set(func(w *world) { w.realtimeDown, w.crashAfter = nil, 2 })
	air(3, 2)
	s, _ = room(t, w, store, leases, quick())
	_, _ = s.Start(t.Context(), syncer.Request{Kind: syncer.KindTitle, TitleID: 3, Priority: "high"})
	eventually(t, "everything is told and confirmed", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.told) >= len(want) && len(w.pending) == 0
	})
	got := w.news()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

func TestMoreNewsThanTheListHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(200)
	s, _ := room(t, w, openStore(t), lease.NewMemory(), quick())
	eventually(t, "the baseline", func() bool { st, _ := s.Status(t.Context()); return !st.LastPoll.IsZero() })
	w.set(func(w *world) { w.upstreamDown = anilibria.ErrUnavailable })
	for id := 1; id <= 120; id++ {
		w.air(id)
	}
	w.set(func(w *world) { w.upstreamDown = nil })
	eventually(t, "all 120 are told", func() bool { return len(w.news()) == 120 })
}

func TestAKilledPassGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	w, store, leases := newWorld(400), openStore(t), lease.NewMemory()
	hold := make(chan struct{})
	gate := &gated{world: w, after: 4, hold: hold}
	first, err := syncersvc.New(quick(), depsOf(gate, store, leases))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextOf(t)
	done := make(chan error, 1)
	go func() { done <- first.Run(ctx) }()
	eventually(t, "half of the pass", func() bool { return w.count("page") >= 5 })
	cancel()
	close(hold)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.set(func(w *world) { w.refresh, w.calls["page"] = nil, 0 })

	s, _ := room(t, w, store, leases, quick())
	eventually(t, "the pass ends", func() bool { st, _ := s.Status(t.Context()); return !st.LastFull.IsZero() })
	eventually(t, "its one job has succeeded over all 400", func() bool {
		jobs, err := s.Jobs(t.Context(), 10)
		return err == nil && len(jobs) == 1 && jobs[0].State == syncer.Succeeded && jobs[0].Progress.Done >= 400
	})
	if n := w.count("page"); n > 5 {
		t.Errorf("the second process read %d pages, want only those that were left", n)
	}
}

func TestTwoProcessesOneRunner(t *testing.T) {
	t.Parallel()
	w, store, leases := newWorld(60), openStore(t), lease.NewMemory()
	a, stopA := room(t, w, store, leases, quick())
	eventually(t, "one runs", func() bool { st, _ := a.Status(t.Context()); return st.Runner })
	b, _ := room(t, w, store, leases, quick())
	eventually(t, "the pass", func() bool { st, _ := a.Status(t.Context()); return !st.LastFull.IsZero() })
	if st, _ := b.Status(t.Context()); st.Runner {
		t.Fatal("two runners")
	}
	// A pass that the other process is asked for is run by the runner.
	job, err := b.Start(t.Context(), syncer.Request{Kind: syncer.KindFull})
	if err != nil {
		t.Fatal(err)
	}
	if job, err = b.Wait(t.Context(), job.ID); err != nil || job.State != syncer.Succeeded {
		t.Errorf("job %+v, %v", job, err)
	}
	stopA()
	eventually(t, "the other takes over", func() bool { st, _ := b.Status(t.Context()); return st.Runner })
}

func TestPriorities(t *testing.T) {
	t.Parallel()
	w := newWorld(50)
	cfg := quick()
	cfg.Workers = 1
	s, _ := room(t, w, openStore(t), lease.NewMemory(), cfg)
	eventually(t, "the baseline", func() bool { st, _ := s.Status(t.Context()); return !st.LastPoll.IsZero() })
	blocker, err := s.Start(t.Context(), syncer.Request{Kind: syncer.KindTitle, TitleID: syncertest.Hanging})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the worker is busy", func() bool { j, _ := s.Job(t.Context(), blocker.ID); return j.State == syncer.Running })
	w.set(func(w *world) { w.refresh = nil })
	var last syncer.Job
	for i, p := range []string{"low", "normal", "high", "low", "high"} {
		if last, err = s.Start(t.Context(), syncer.Request{Kind: syncer.KindTitle, TitleID: i + 1, Priority: p}); err != nil {
			t.Fatal(err)
		}
	}
	if st, _ := s.Status(t.Context()); st.Queue != 5 {
		t.Errorf("queue = %d, want 5", st.Queue)
	}
	if _, err := s.Cancel(t.Context(), blocker.ID); err != nil {
		t.Fatal(err)
	}
	_ = last
	var order []int
	eventually(t, "all five are fetched", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		order = nil
		for _, r := range w.refresh {
			if len(r.IDs) == 1 {
				order = append(order, r.IDs[0])
			}
		}
		return len(order) == 5
	})
	if want := []int{3, 5, 2, 1, 4}; !slices.Equal(order, want) {
		t.Errorf("fetched in the order %v, want %v", order, want)
	}
}

// TestOrphansAreAdopted: a process stops with a title half fetched; the next one
// finishes it.
func TestOrphansAreAdopted(t *testing.T) {
	t.Parallel()
	w, store, leases := newWorld(10), openStore(t), lease.NewMemory()
	first, stop := room(t, w, store, leases, quick())
	w.set(func(w *world) { w.hang = true })
	job, err := first.Start(t.Context(), syncer.Request{Kind: syncer.KindTitle, TitleID: 4})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it runs", func() bool { j, _ := first.Job(t.Context(), job.ID); return j.State == syncer.Running })
	stop()
	w.set(func(w *world) { w.hang = false })
	second, _ := room(t, w, store, leases, quick())
	if job, err = second.Wait(t.Context(), job.ID); err != nil || job.State != syncer.Succeeded {
		t.Errorf("job %+v, %v", job, err)
	}
}

func TestTheQueueIsBounded(t *testing.T) {
	t.Parallel()
	cfg := quick()
	cfg.Workers, cfg.Queue = 1, 2
	s, _ := room(t, newWorld(5), openStore(t), lease.NewMemory(), cfg)
	hanging := func() (syncer.Job, error) {
		return s.Start(t.Context(), syncer.Request{Kind: syncer.KindTitle, TitleID: syncertest.Hanging})
	}
	first, err := hanging()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the worker is busy", func() bool { j, _ := s.Job(t.Context(), first.ID); return j.State == syncer.Running })
	for range cfg.Queue {
		if _, err := hanging(); err != nil {
			t.Errorf("there is room: %v", err)
		}
	}
	if _, err := hanging(); !errors.Is(err, syncer.ErrQueueFull) {
		t.Errorf("one more than a queue of two: %v", err)
	}
}

// TestWhatAPollCouldNotFetchIsFetchedByTheNext: its bump is not forgotten, although it does
// not change any more.
func TestWhatAPollCouldNotFetchIsFetchedByTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(20)
	s, _ := room(t, w, openStore(t), lease.NewMemory(), quick())
	eventually(t, "the baseline", func() bool { st, _ := s.Status(t.Context()); return !st.LastPoll.IsZero() })
	w.set(func(w *world) { w.failing, w.failure = map[int]int{1: 3}, anilibria.ErrUnavailable.Code })
	w.air(1)
	w.air(2)
	eventually(t, "both are told, the one that failed too", func() bool { return len(w.news()) == 2 })
}

func TestConfig(t *testing.T) {
	t.Parallel()
	if err := syncersvc.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	err := syncersvc.Config{}.Validate()
	for _, key := range []string{"poll_interval", "full_sync_interval", "lease_ttl", "workers", "queue"} {
		if err == nil || !strings.Contains(err.Error(), key+": must be") {
			t.Errorf("%v does not name %s", err, key)
		}
	}
}
