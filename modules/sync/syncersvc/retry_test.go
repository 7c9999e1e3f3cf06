package syncersvc_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	syncer "anihub/modules/sync"
	"anihub/modules/sync/syncersvc"
	"anihub/modules/sync/syncertest"
	"anihub/platform/anilibria"
	"anihub/platform/lease"
)

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
