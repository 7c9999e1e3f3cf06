package cache_test

import (
	"testing"
	"testing/synctest"
	"time"

	"anihub/platform/cache"
	"anihub/platform/cache/cachetest"
)

// withLocal is a rig whose node keeps a copy of its own.
func withLocal(t *testing.T, test func(t *testing.T, r *rig, local *cachetest.Fake)) {
	t.Helper()
	cfg := steady()
	cfg.L3.TTL = time.Hour
	bubble(t, cfg, func(t *testing.T, r *rig) {
		r.end(t)
		r.local = cachetest.NewVersioned()
		r.start(t)
		test(t, r, r.local)
	})
}

func TestTheLocalCopyIsAskedOnlyWhenL3IsSilent(t *testing.T) {
	withLocal(t, func(t *testing.T, r *rig, local *cachetest.Fake) {
		r.want(t, "1 origin")
		r.again(t)
		r.want(t, "1 l2")
		if n := local.Calls("get"); n != 0 {
			t.Errorf("the copy was asked %d times in good times", n)
		}
		r.again(t)
		r.l2.Down(true)
		r.l3.Down(true)
		r.want(t, "1 local stale level_down")
		if n := r.origin.count(); n != 1 {
			t.Errorf("%d loads, want 1: the copy is not older than it may be", n)
		}
		time.Sleep(2 * time.Hour)
		r.origin.set(func(o *origin) { o.err = errDown })
		r.want(t, "1 l1 stale upstream_down")
		r.again(t)
		r.want(t, "1 local stale upstream_down")
		r.origin.set(func(o *origin) { o.err, o.version = nil, 2 })
		time.Sleep(2 * time.Second)
		r.want(t, "2 origin")
		if e, ok := local.Raw(key); !ok || string(e.Body) != "2" {
			t.Errorf("the copy holds %q, %v, want what was loaded meanwhile", e.Body, ok)
		}
	})
}

// TestTheLocalCopyNeverCostsMemoryItsOwn: nobody asks the copy before it is written, so its
// fence, which moves with every write of a document store, says nothing.
func TestTheLocalCopyNeverCostsMemoryItsOwn(t *testing.T) {
	withLocal(t, func(t *testing.T, r *rig, local *cachetest.Fake) {
		r.want(t, "1 origin")
		if err := local.Expire(t.Context(), key); err != nil { // moves the fence
			t.Fatal(err)
		}
		time.Sleep(6 * time.Minute) // L1 compares
		r.want(t, "1 l2")
		r.want(t, "1 l1")
		if e, _ := local.Raw(key); !e.Fresh(time.Now()) {
			t.Error("the copy was not renewed")
		}
	})
}

// TestTheLocalCopyIsNoReasonToAnswer: what L3 says does not exist is not looked for
// in an old copy.
func TestTheLocalCopyIsNoReasonToAnswer(t *testing.T) {
	withLocal(t, func(t *testing.T, r *rig, local *cachetest.Fake) {
		r.want(t, "1 origin")
		for _, l := range []*cachetest.Fake{r.l2, r.l3} {
			if err := l.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		r.again(t)
		r.origin.set(func(o *origin) { o.err = cache.ErrNotFound })
		r.want(t, "not found origin")
		if n := local.Calls("get"); n != 0 {
			t.Errorf("the copy was asked %d times", n)
		}
	})
}

// TestTheLocalCopyIsCleared by the process's own invalidations and by the bells of
// others, and is nobody's debt when it cannot be.
func TestTheLocalCopyIsCleared(t *testing.T) {
	withLocal(t, func(t *testing.T, r *rig, local *cachetest.Fake) {
		r.want(t, "1 origin")
		other := r.peer(t)
		for _, by := range []*rig{r, other} {
			if _, err := by.Invalidate(t.Context(), cache.Invalidation{Keys: []string{key}, Mode: cache.Remove}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if _, ok := local.Raw(key); ok {
				t.Error("the copy still holds what was removed")
			}
			r.want(t, "1 origin")
		}
		local.Down(true)
		if _, err := r.Invalidate(t.Context(), cache.Invalidation{Keys: []string{key}}); err != nil || r.Stats().Owed != 0 {
			t.Errorf("with the copy down: %v, owed %d", err, r.Stats().Owed)
		}
		other.end(t)
	})
}
