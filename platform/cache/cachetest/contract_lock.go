package cachetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"anihub/platform/cache"
)

func many(t *testing.T, l cache.Level) {
	b, ok := l.(cache.Bulk)
	if !ok {
		t.Skip("this level is asked for one key at a time")
	}
	set(t, l, "title:1", sample("one", 1))
	set(t, l, "title:3", sample("three", 3))
	if err := l.Delete(t.Context(), "title:4"); err != nil {
		t.Fatal(err)
	}
	keys := []string{"title:3", "title:2", "title:1", "title:4", ""}
	got, err := b.GetAllFenced(t.Context(), keys)
	if err != nil || len(got) != len(keys) {
		t.Fatalf("%d answers, %v", len(got), err)
	}
	for i, want := range []string{"three", "", "one", "", ""} {
		if string(got[i].Body) != want || got[i].OK != (want != "") {
			t.Errorf("%q: %q, %v, want %q", keys[i], got[i].Body, got[i].OK, want)
		}
		_, _, fence, err := b.GetFenced(t.Context(), keys[i])
		if err != nil || fence != got[i].Fence {
			t.Errorf("%q: fence %d among many, %d alone, %v", keys[i], got[i].Fence, fence, err)
		}
	}
	if got, err := b.GetAllFenced(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("of no keys: %v, %v", got, err)
	}
}

// holder is one who wants the lock of "k".
type holder struct {
	t     *testing.T
	l     cache.Locker
	token uint32
}

func (h holder) seen() uint64 {
	h.t.Helper()
	_, _, fence, err := h.l.GetFenced(h.t.Context(), "k")
	if err != nil {
		h.t.Fatal(err)
	}
	return fence
}

func (h holder) lock(seen uint64) cache.Turn {
	h.t.Helper()
	turn, err := h.l.Lock(h.t.Context(), "k", h.token, seen, time.Minute)
	if err != nil {
		h.t.Fatal(err)
	}
	return turn
}

func (h holder) store(body string, fence uint64, want bool) {
	h.t.Helper()
	ok, err := h.l.SetFenced(h.t.Context(), "k", sample(body, 1), fence)
	if err != nil || ok != want {
		h.t.Errorf("SetFenced(%q) by %d = %v, %v, want %v", body, h.token, ok, err, want)
	}
}

func (h holder) unlock() bool {
	h.t.Helper()
	awaited, err := h.l.Unlock(h.t.Context(), "k", h.token)
	if err != nil {
		h.t.Fatal(err)
	}
	return awaited
}

func (h holder) renew() bool {
	h.t.Helper()
	ok, err := h.l.Renew(h.t.Context(), "k", h.token, time.Minute)
	if err != nil {
		h.t.Fatal(err)
	}
	return ok
}

func locks(t *testing.T, l cache.Level) {
	locker, ok := l.(cache.Locker)
	if !ok {
		t.Skip("this level gives no locks")
	}
	a, b := holder{t, locker, 11}, holder{t, locker, 4_000_000_012}
	before := b.seen()
	mine := a.lock(a.seen())
	if !mine.Mine || mine.Moved {
		t.Fatalf("the lock of nobody: %+v", mine)
	}
	if turn := b.lock(before); turn.Mine || turn.Left <= 0 || turn.Left > time.Minute {
		t.Errorf("another's lock: %+v", turn)
	}
	if !a.renew() || b.renew() {
		t.Error("renewing is the holder's")
	}
	if b.unlock() {
		t.Error("gave back what another holds")
	}
	b.store("from before the lock", before, false)
	during := b.seen()
	a.store("loaded", mine.Fence, true)
	if !a.unlock() {
		t.Error("b asked meanwhile")
	}
	if a.renew() {
		t.Error("renewed what was given back")
	}
	turn := b.lock(during)
	if !turn.Mine || !turn.Moved {
		t.Errorf("after it was loaded: %+v, want mine, and moved: b may have looked before it was stored", turn)
	}
	if a.store("late", mine.Fence, false); b.unlock() {
		t.Error("nobody asked")
	}
	if turn := a.lock(a.seen()); !turn.Mine || turn.Moved {
		t.Errorf("with all seen: %+v", turn)
	}
	if err := l.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if turn := b.lock(b.seen()); !turn.Mine || turn.Moved {
		t.Errorf("after the key was cleared: %+v, want mine: what the other loads is old", turn)
	}
	if err := l.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	locksRace(t, locker)
}

// locksRace: of many who want a lock at once, one gets it.
func locksRace(t *testing.T, l cache.Locker) {
	t.Helper()
	var wg sync.WaitGroup
	var got atomic.Int32
	for i := range 16 {
		wg.Go(func() {
			h := holder{t, l, uint32(100 + i)}
			if turn, err := h.l.Lock(t.Context(), "k", h.token, 0, time.Minute); err == nil && turn.Mine {
				got.Add(1)
			}
		})
	}
	wg.Wait()
	if got.Load() != 1 {
		t.Errorf("%d of 16 have the lock", got.Load())
	}
}
