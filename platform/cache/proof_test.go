package cache_test

import (
	"testing"
	"testing/synctest"
	"time"

	"anihub/platform/cache"
)

// proven asks for the key, which L1 must have, and returns the proof of the answer.
func (r *rig) proven(t *testing.T) cache.Proof {
	t.Helper()
	r.want(t, "1 l1")
	changes := r.Changes()
	h, err := r.Get(t.Context(), key, r.origin.load)
	if err != nil {
		t.Fatal(err)
	}
	p := r.Prove(changes, h)
	if !r.Holds(p) {
		t.Fatal("a proof does not hold when it is made")
	}
	return p
}

// TestProofEnds with anything that may change the answer, though L1 may have forgotten the
// key meanwhile; and with its time.
func TestProofEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, r *rig){
		"by key": func(t *testing.T, r *rig) { clearing(t, r, cache.Invalidation{Keys: []string{key}}) },
		"by tag": func(t *testing.T, r *rig) { clearing(t, r, cache.Invalidation{Tags: []string{"schedule"}}) },
		"by pattern": func(t *testing.T, r *rig) {
			clearing(t, r, cache.Invalidation{Pattern: "title:*", Mode: cache.Remove})
		},
		"by a bell": func(t *testing.T, r *rig) {
			p := r.peer(t)
			defer p.end(t)
			clearing(t, p, cache.Invalidation{Tags: []string{"schedule"}})
			synctest.Wait()
		},
		"by a bell, forgotten by L1": func(t *testing.T, r *rig) {
			if err := r.l1.Delete(t.Context(), key); err != nil { // as the store does for want of room
				t.Fatal(err)
			}
			p := r.peer(t)
			defer p.end(t)
			clearing(t, p, cache.Invalidation{Tags: []string{"schedule"}})
			synctest.Wait()
		},
		"by a newer value": func(t *testing.T, r *rig) {
			if err := r.Supersede(t.Context(), []string{key}); err != nil {
				t.Fatal(err)
			}
		},
		"by another key": func(t *testing.T, r *rig) {
			if _, err := r.Get(t.Context(), "title:1", r.origin.load); err != nil {
				t.Fatal(err)
			}
		},
		"by time": func(*testing.T, *rig) { time.Sleep(5*time.Minute - time.Second + time.Nanosecond) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, steady(), func(t *testing.T, r *rig) {
				r.origin.tags = []string{"schedule"}
				r.want(t, "1 origin")
				p := r.proven(t)
				time.Sleep(time.Second)
				if !r.Holds(p) {
					t.Error("it ends by itself")
				}
				end(t, r)
				if r.Holds(p) {
					t.Error("it holds")
				}
			})
		})
	}
}

func clearing(t *testing.T, r *rig, inv cache.Invalidation) {
	t.Helper()
	if _, err := r.Invalidate(t.Context(), inv); err != nil {
		t.Fatal(err)
	}
}

// TestNoProof of what memory cannot vouch for.
func TestNoProof(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		changes := r.Changes()
		h, err := r.Get(t.Context(), key, r.origin.load)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for what, p := range map[string]cache.Proof{
			"an answer of the origin": r.Prove(r.Changes(), h), "nothing": r.Prove(r.Changes()), "": {},
			"a failure": r.Prove(r.Changes(), cache.Hit{}),
		} {
			if r.Holds(p) {
				t.Errorf("of %s", what)
			}
		}
		r.want(t, "1 l1")
		if h, err = r.Get(t.Context(), key, r.origin.load); err != nil {
			t.Fatal(err)
		}
		if r.Holds(r.Prove(changes, h)) {
			t.Error("of what was asked after something changed")
		}
		h.Stale = true
		if r.Holds(r.Prove(r.Changes(), h)) {
			t.Error("of what is stale")
		}
	})
}

// TestProofCountsHits, and leaves the renewal of a hot key to those who ask.
func TestProofCountsHits(t *testing.T) {
	cfg := steady()
	cfg.RefreshAt = 0.8
	bubble(t, cfg, func(t *testing.T, r *rig) {
		r.want(t, "1 origin")
		p := r.proven(t)
		before := r.Stats().Levels[0].Hits
		for range 10 {
			r.Holds(p)
		}
		if n := r.Stats().Levels[0].Hits - before; n != 10 {
			t.Errorf("%d hits counted, want 10", n)
		}
		time.Sleep(4*time.Minute + time.Second)
		if r.Holds(p) {
			t.Error("it holds when the copy should be renewed")
		}
		r.want(t, "1 l1")
	})
}
