package cache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/platform/cache"
)

// crowd lets n readers on each node ask for the key at once.
func crowd(t *testing.T, n int, nodes ...*rig) map[string]int {
	t.Helper()
	var mu sync.Mutex
	answers := map[string]int{}
	var wg sync.WaitGroup
	for _, r := range nodes {
		for range n {
			wg.Go(func() {
				h, err := r.Get(t.Context(), key, r.origin.load)
				mu.Lock()
				defer mu.Unlock()
				answers[describe(h, err)]++
			})
		}
	}
	wg.Wait()
	return answers
}

func TestOneLoadPerKeyInAFleet(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		b, c := r.peer(t), r.peer(t)
		r.origin.delay = time.Second
		began := time.Now()
		answers := crowd(t, 100, r, b, c)
		if r.origin.count() != 1 {
			t.Errorf("%d loads, want 1", r.origin.count())
		}
		if diff := cmp.Diff(map[string]int{"1 origin": 100, "1 l2": 200}, answers); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("the others were woken %v after the load began, want at its end", took)
		}
		b.end(t)
		c.end(t)
	})
}

func TestWithoutASharedLevelEachProcessLoads(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		b := r.peer(t)
		r.l2.Down(true)
		r.l3.Down(true)
		r.origin.delay = time.Second
		if answers := crowd(t, 10, r, b); answers["1 origin"] != 20 || r.origin.count() != 2 {
			t.Errorf("%d loads, answers %v", r.origin.count(), answers)
		}
		b.end(t)
	})
}

// TestTheHolderOfALockDies: its lock ends, and another loads.
func TestTheHolderOfALockDies(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		if turn, err := r.l2.Lock(t.Context(), key, 7, 0, 3*time.Second); err != nil || !turn.Mine {
			t.Fatal(turn, err)
		}
		began := time.Now()
		r.want(t, "1 origin")
		if took := time.Since(began); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("answered after %v, want soon after 3s", took)
		}
	})
}

func TestAHolderWhoseLoadFailsLetsOthersTry(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		b := r.peer(t)
		r.origin.delay, r.origin.err = time.Second, errDown
		go func() {
			time.Sleep(500 * time.Millisecond) // the first load has its answer by then
			r.origin.set(func(o *origin) { o.err = nil })
		}()
		if answers := crowd(t, 1, r, b); answers["1 origin"] != 1 || answers["unavailable"] != 1 || r.origin.count() != 2 {
			t.Errorf("%d loads, answers %v", r.origin.count(), answers)
		}
		b.end(t)
	})
}

func TestNotFoundIsToldToTheFleet(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		b := r.peer(t)
		r.origin.delay, r.origin.err = time.Second, cache.ErrNotFound
		answers := crowd(t, 10, r, b)
		if answers["not found origin"] != 10 || answers["not found l2"] != 10 || r.origin.count() != 1 {
			t.Errorf("%d loads, answers %v", r.origin.count(), answers)
		}
		b.end(t)
	})
}

// TestAnInvalidationEndsTheLock: what another loads is old by now, so nobody waits
// for it.
func TestAnInvalidationEndsTheLock(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		b := r.peer(t)
		r.origin.delay = 2 * time.Second
		var wg sync.WaitGroup
		wg.Go(func() { r.among(t, "1 origin") })
		time.Sleep(time.Second)
		r.origin.set(func(o *origin) { o.version = 2 })
		if _, err := b.Invalidate(t.Context(), cache.Invalidation{Keys: []string{key}}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		b.want(t, "2 origin")
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("the new load took %v, want its own 2s", took)
		}
		wg.Wait()
		synctest.Wait()
		r.want(t, "2 l2")
		b.end(t)
	})
}

// TestAHolderWhoOverslept: a process that lost its lock while it was cut off from the
// shared level does not store what it loaded over what another has loaded since.
func TestAHolderWhoOverslept(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		b := r.peer(t)
		slow := func(ctx context.Context) (cache.Entry, error) {
			time.Sleep(6 * time.Second)
			return cache.Entry{Body: []byte("1"), ETag: "v1", Generation: 2}, nil // no generation protects
		}
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = r.Get(t.Context(), key, slow) })
		time.Sleep(100 * time.Millisecond)
		r.l2.Down(true) // no renewal
		time.Sleep(3 * time.Second)
		r.l2.Down(false)
		r.origin.set(func(o *origin) { o.version = 2 })
		b.want(t, "2 origin")
		wg.Wait()
		synctest.Wait()
		if e, _ := r.l2.Raw(key); string(e.Body) != "2" {
			t.Errorf("the shared level holds %q, want 2", e.Body)
		}
		b.end(t)
	})
}

// TestALongLoadKeepsItsLock: it is renewed, so nobody else begins.
func TestALongLoadKeepsItsLock(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		b := r.peer(t)
		r.origin.delay = 8 * time.Second
		if answers := crowd(t, 5, r, b); answers["1 l2"] != 5 || r.origin.count() != 1 {
			t.Errorf("%d loads, answers %v", r.origin.count(), answers)
		}
		b.end(t)
	})
}

// many is an origin of several keys that remembers what it was asked for.
type many struct {
	mu    sync.Mutex
	asked [][]string
	delay time.Duration
	say   map[string]cache.Loaded // instead of "key" as the body
	err   error
}

func (m *many) load(_ context.Context, keys []string) (map[string]cache.Loaded, error) {
	time.Sleep(m.delay) // before the lock: whoever waits for that lets virtual time stand still
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, slices.Clone(keys))
	out := map[string]cache.Loaded{}
	for _, k := range keys {
		x, other := m.say[k]
		if !other {
			x = cache.Loaded{Entry: cache.Entry{Body: []byte(k), ETag: k, Generation: 1}}
		}
		if x.Body != nil || x.Err != nil {
			out[k] = x
		}
	}
	return out, m.err
}

func describeAll(rs []cache.Result) []string {
	out := make([]string, len(rs))
	for i, r := range rs {
		out[i] = describe(r.Hit, r.Err)
	}
	return out
}

func wantAll(t *testing.T, got []cache.Result, want ...string) {
	t.Helper()
	synctest.Wait()
	if diff := cmp.Diff(want, describeAll(got)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestGetAll(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		b, o := r.peer(t), &many{delay: time.Second}
		wantAll(t, r.GetAll(t.Context(), []string{"title:1"}, o.load), "title:1 origin")
		wantAll(t, b.GetAll(t.Context(), []string{"title:2", "title:3"}, o.load), "title:2 origin", "title:3 origin")
		if err := r.l2.Delete(t.Context(), "title:3"); err != nil {
			t.Fatal(err)
		}
		before := r.l2.Calls("get")
		o.say = map[string]cache.Loaded{"title:5": {Err: cache.ErrNotFound}, "title:6": {Err: errDown}, "title:7": {}}
		wantAll(t, r.GetAll(t.Context(), []string{"title:7", "title:6", "title:5", "title:4", "title:3", "title:2", "title:1", "title:4"}, o.load),
			"unavailable", "unavailable", "not found origin", "title:4 origin", "title:3 l3", "title:2 l2", "title:1 l1", "title:4 origin")
		if n := r.l2.Calls("get") - before; n != 1 {
			t.Errorf("the shared level was asked %d times, want once", n)
		}
		want := [][]string{{"title:1"}, {"title:2", "title:3"}, {"title:7", "title:6", "title:5", "title:4"}}
		if diff := cmp.Diff(want, o.asked); diff != "" {
			t.Errorf("the origin was asked (-want +got):\n%s", diff)
		}
		if got := r.GetAll(t.Context(), nil, o.load); len(got) != 0 {
			t.Errorf("of no keys: %v", got)
		}
		b.end(t)
	})
}

func TestABatchIsLoadedOnceInAFleet(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		b, o := r.peer(t), &many{delay: time.Second}
		keys := []string{"title:1", "title:2", "title:3"}
		var wg sync.WaitGroup
		for range 50 {
			for _, n := range []*rig{r, b} {
				wg.Go(func() {
					for i, x := range n.GetAll(t.Context(), keys, o.load) {
						if x.Err != nil || string(x.Body) != keys[i] {
							t.Errorf("%s: %q, %v", keys[i], x.Body, x.Err)
						}
					}
				})
			}
		}
		wg.Wait()
		if diff := cmp.Diff([][]string{keys}, o.asked); diff != "" {
			t.Errorf("the origin was asked (-want +got):\n%s", diff)
		}
		b.end(t)
	})
}

// TestBatchesThatOverlap: each key is loaded once, and nobody waits for ever.
func TestBatchesThatOverlap(t *testing.T) {
	bubble(t, steady(), func(t *testing.T, r *rig) {
		b, o := r.peer(t), &many{delay: time.Second}
		var wg sync.WaitGroup
		for i, n := range []*rig{r, b, r, b, r, b} {
			keys := []string{fmt.Sprint("title:", i), fmt.Sprint("title:", i+1), fmt.Sprint("title:", (i+3)%7)}
			if i%2 == 1 {
				slices.Reverse(keys)
			}
			wg.Go(func() {
				for j, x := range n.GetAll(t.Context(), keys, o.load) {
					if x.Err != nil || string(x.Body) != keys[j] {
						t.Errorf("%s: %q, %v", keys[j], x.Body, x.Err)
					}
				}
			})
		}
		wg.Wait()
		seen := map[string]int{}
		for _, keys := range o.asked {
			for _, k := range keys {
				seen[k]++
			}
		}
		for k, n := range seen {
			if n != 1 {
				t.Errorf("%s was loaded %d times", k, n)
			}
		}
		b.end(t)
	})
}

func TestABatchWhoseLoaderFails(t *testing.T) {
	for name, o := range map[string]*many{"error": {err: errDown}, "hang": {delay: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, steady(), func(t *testing.T, r *rig) {
				wantAll(t, r.GetAll(t.Context(), []string{"title:1", "title:2"}, o.load), "unavailable", "unavailable")
				if name == "hang" {
					time.Sleep(2 * time.Hour)
				}
			})
		})
	}
	t.Run("panic", func(t *testing.T) {
		bubble(t, steady(), func(t *testing.T, r *rig) {
			for _, x := range r.GetAll(t.Context(), []string{"title:1", "title:2"}, func(context.Context, []string) (map[string]cache.Loaded, error) {
				panic("in the loader")
			}) {
				if x.Err == nil || errors.Is(x.Err, cache.ErrUnavailable) {
					t.Errorf("%v, want an internal error", x.Err)
				}
			}
			r.want(t, "1 origin")
		})
	})
}
