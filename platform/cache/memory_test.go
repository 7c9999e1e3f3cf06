package cache_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"anihub/platform/cache"
)

func body(b string, generation int64) cache.Entry {
	return cache.Entry{Body: []byte(b), Generation: generation}
}

// Ristretto by itself loses the second Set of a new key nearly always, and cannot
// be read right after the first.
func TestMemoryReadsWhatItWrote(t *testing.T) {
	t.Parallel()
	m := newMemory(t, 16<<20)
	ctx := t.Context()
	for i := range 2000 {
		k := fmt.Sprint("title:", i)
		for g := range 3 {
			if err := m.Set(ctx, k, body(fmt.Sprint(g), int64(g))); err != nil {
				t.Fatal(err)
			}
			if e, ok, _ := m.Get(ctx, k); !ok || e.Generation != int64(g) {
				t.Fatalf("%s after Set(%d): %d, %v", k, g, e.Generation, ok)
			}
		}
		if err := m.Delete(ctx, k); err != nil {
			t.Fatal(err)
		}
		if err := m.Set(ctx, k, body("again", 0)); err != nil {
			t.Fatal(err)
		}
		if e, ok, _ := m.Get(ctx, k); !ok || string(e.Body) != "again" {
			t.Fatalf("%s after Set, Delete, Set: %q, %v", k, e.Body, ok)
		}
	}
}

// Many writers and readers: nobody ever sees a key go back, except through Delete,
// and the last generation stays.
func TestMemoryHammer(t *testing.T) {
	t.Parallel()
	const workers, rounds, keys = 16, 3000, 50
	m := newMemory(t, 64<<20)
	ctx := t.Context()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			seen := map[string]int64{}
			r := rand.New(rand.NewPCG(1, uint64(w)))
			for g := range int64(rounds) {
				k := fmt.Sprint("k", r.IntN(keys))
				switch r.IntN(4) {
				case 0:
					_ = m.Set(ctx, k, body("", g))
				case 1:
					_ = m.Expire(ctx, k)
				default:
					e, ok, _ := m.Get(ctx, k)
					if ok && e.Generation < seen[k] {
						t.Errorf("%s went back from %d to %d", k, seen[k], e.Generation)
						return
					}
					seen[k] = max(seen[k], e.Generation)
				}
			}
			for i := range keys {
				_ = m.Set(ctx, fmt.Sprint("k", i), body("last", rounds+int64(w)))
			}
		})
	}
	wg.Wait()
	for i := range keys {
		if e, ok, _ := m.Get(ctx, fmt.Sprint("k", i)); !ok || e.Generation != rounds+workers-1 {
			t.Errorf("k%d ended at %d, %v, want %d", i, e.Generation, ok, rounds+workers-1)
		}
	}
}

// Ristretto by itself panics or hangs here.
func TestMemoryCloseRacesEverything(t *testing.T) {
	t.Parallel()
	for range 50 {
		m, err := cache.NewMemory(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := range 200 {
					k := fmt.Sprint(w, i)
					_ = m.Set(context.Background(), k, body("x", 1))
					_, _, _ = m.Get(context.Background(), k)
					_ = m.Delete(context.Background(), k)
					_ = m.Keys(context.Background(), func(string) bool { return true })
				}
			})
		}
		m.Close()
		m.Close()
		wg.Wait()
		if n, _ := m.Size(); n != 0 {
			t.Errorf("%d entries after Close", n)
		}
		if err := m.Set(t.Context(), "k", body("x", 1)); err != nil {
			t.Error(err)
		}
		if _, ok, _ := m.Get(t.Context(), "k"); ok {
			t.Error("took something after Close")
		}
	}
}

func TestMemoryStaysWithinItsSize(t *testing.T) {
	t.Parallel()
	const size = 4 << 20
	m := newMemory(t, size)
	for i := range 3000 {
		_ = m.Set(t.Context(), fmt.Sprint(i), cache.Entry{Body: make([]byte, 8<<10), Generation: 1})
	}
	n, bytes := m.Size()
	if bytes > size || n < 300 {
		t.Errorf("%d entries of 8 KiB take %d bytes of %d", n, bytes, size)
	}
	_ = m.Set(t.Context(), "giant", body("small", 1))
	_ = m.Set(t.Context(), "giant", cache.Entry{Body: make([]byte, size), Generation: 2})
	if e, ok, _ := m.Get(t.Context(), "giant"); ok {
		t.Errorf("a value as large as the level is held, or the one before it: %d bytes", len(e.Body))
	}
}
