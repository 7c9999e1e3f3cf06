package catalogsvc_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
	"anihub/modules/catalog/catalogtest"
	"anihub/platform/anilibria"
	"anihub/platform/cache"
	"anihub/platform/documents/documentstest"
)

// slowOrigin is an upstream whose answers are long on their way: they say what was true
// when they were asked for.
type slowOrigin struct {
	*catalogtest.Origin
	mu   sync.Mutex
	said chan struct{} // an answer has left
	gate chan struct{} // until when it is on its way
}

// hold lets the next answer be on its way until release; said tells that it has left.
func (o *slowOrigin) hold() (said <-chan struct{}, release func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.said, o.gate = make(chan struct{}), make(chan struct{})
	return o.said, sync.OnceFunc(func() { close(o.gate) })
}

func (o *slowOrigin) wait() {
	o.mu.Lock()
	said, gate := o.said, o.gate
	o.said = nil
	o.mu.Unlock()
	if said != nil {
		close(said)
		<-gate
	}
}

func (o *slowOrigin) Release(ctx context.Context, ref anilibria.Ref) (anilibria.Release, error) {
	r, err := o.Origin.Release(ctx, ref)
	o.wait()
	return r, err
}

func (o *slowOrigin) Releases(ctx context.Context, ids []int) ([]anilibria.Release, error) {
	list, err := o.Origin.Releases(ctx, ids)
	o.wait()
	return list, err
}

// TestAnAnswerThatWasOvertakenIsNotKept: the upstream's answer is on its way while the
// title changes and is invalidated, by this process or by another one. What comes is from
// before that and must not be what the next viewer is told.
func TestAnAnswerThatWasOvertakenIsNotKept(t *testing.T) {
	t.Parallel()
	one := func(r *room) error {
		_, err := r.Title(context.Background(), catalog.Ref{ID: 4}, "")
		return err
	}
	asks := map[string]func(*room) error{
		"opened": one,
		"opened by name": func(r *room) error {
			_, err := r.Title(context.Background(), catalog.Ref{Code: catalogtest.Title(4).Code}, "")
			return err
		},
		"one of a batch": func(r *room) error {
			_, err := r.Titles(context.Background(), catalog.Query{IDs: []int{3, 4}}, "")
			return err
		},
		"refreshed": func(r *room) error {
			_, err := r.Refresh(context.Background(), catalog.Refresh{IDs: []int{4}})
			return err
		},
		"one of a page": func(r *room) error {
			_, err := r.Refresh(context.Background(), catalog.Refresh{IDs: []int{3, 4}})
			return err
		},
		"first page ever": func(r *room) error {
			_, err := r.Refresh(context.Background(), catalog.Refresh{IDs: []int{3, 4}, Silent: true})
			return err
		},
	}
	invalidations := map[string]cache.Invalidation{
		"by key":     {Keys: []string{"title:4"}},
		"by pattern": {Pattern: "titles:*"},
		"by tag":     {Tags: []string{"title:4"}},
	}
	for asked, ask := range asks {
		for how, inv := range invalidations {
			for _, known := range []bool{true, false} {
				name := asked + ", unknown, " + how
				if known {
					name = asked + ", known, " + how
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					h := newHouse(t)
					slow := &slowOrigin{Origin: h.origin}
					loader := h.build(t, catalogsvc.DefaultConfig(), slow)
					loader.start(t)
					other := h.open(t, nil)
					title := catalogtest.Title(4)
					h.origin.Set(catalogtest.Title(3), title)
					if known {
						refresh(t, other, catalog.Refresh{IDs: []int{4}, Silent: true})
						if _, err := other.cache.Invalidate(t.Context(), cache.Invalidation{Keys: []string{"title:4"}}); err != nil {
							t.Fatal(err)
						}
					}
					said, release := slow.hold()
					defer release()
					done := make(chan error, 1)
					go func() { done <- ask(loader) }()
					select {
					case <-said:
					case err := <-done: // the index knew it: nothing was asked
						if err != nil || !known {
							t.Fatal("answered without the upstream:", err)
						}
						return
					}
					h.origin.Set(catalogtest.WithEpisode(title, catalogtest.Episode(4, 9)))
					if _, err := other.cache.Invalidate(t.Context(), inv); err != nil {
						t.Fatal(err)
					}
					release()
					if err := <-done; err != nil {
						t.Fatal(err)
					}
					for _, r := range []*room{other, h.open(t, nil)} {
						a, err := r.Title(t.Context(), catalog.Ref{ID: 4}, "")
						if got := must(t, a, err); !got.Freshness.Stale && len(got.Value.Player.Episodes) != 5 {
							t.Errorf("%d episodes as fresh, there are 5", len(got.Value.Player.Episodes))
						}
					}
				})
			}
		}
	}
}

// TestAnInvalidationAtAnyStepOfStoring: the title changes and is invalidated before each of
// the operations by which what was fetched is stored, and after the last one.
func TestAnInvalidationAtAnyStepOfStoring(t *testing.T) { atAnyStep(t, interrupted) }

// TestStoringAtAnyStepOfAnInvalidation is the other way round: what was fetched before is
// stored before each of the operations of the invalidation.
func TestStoringAtAnyStepOfAnInvalidation(t *testing.T) { atAnyStep(t, overtaken) }

// atAnyStep tries step after step until there are no more.
func atAnyStep(t *testing.T, try func(t *testing.T, inv cache.Invalidation, known bool, step int) bool) {
	t.Parallel()
	for how, inv := range map[string]cache.Invalidation{
		"by key": {Keys: []string{"title:4"}}, "by pattern": {Pattern: "title:*"}, "by tag": {Tags: []string{"title:4"}},
	} {
		for _, known := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, known %v", how, known), func(t *testing.T) {
				t.Parallel()
				step := 1
				for ; try(t, inv, known, step); step++ {
				}
				if step == 1 {
					t.Error("there are no steps: nothing was tried")
				}
			})
		}
	}
}

// interrupted opens a title and invalidates before a step; false when there are no more.
func interrupted(t *testing.T, inv cache.Invalidation, known bool, step int) bool {
	t.Helper()
	h := newHouse(t)
	other := h.open(t, nil)
	title := catalogtest.Title(4)
	h.origin.Set(title)
	if known {
		refresh(t, other, catalog.Refresh{IDs: []int{4}, Silent: true})
		if _, err := other.cache.Invalidate(t.Context(), inv); err != nil {
			t.Fatal(err)
		}
	}
	var told atomic.Bool // the upstream has answered
	var left atomic.Int64
	left.Store(int64(step))
	invalidate := func() {
		h.origin.Set(catalogtest.WithEpisode(title, catalogtest.Episode(4, 9)))
		if _, err := other.cache.Invalidate(context.Background(), inv); err != nil {
			t.Error(err)
		}
	}
	inner := *h
	inner.store = documentstest.Stepped(h.store, func() {
		if told.Load() && left.Add(-1) == 0 {
			invalidate()
		}
	})
	loader := inner.build(t, catalogsvc.DefaultConfig(), &afterwards{h.origin, func() { told.Store(true) }})
	a, err := loader.Title(t.Context(), catalog.Ref{ID: 4}, "")
	must(t, a, err)
	if err := loader.cache.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	more := left.Load() <= 0
	if !more {
		left.Store(0)
		invalidate()
	}
	a, err = other.Title(t.Context(), catalog.Ref{ID: 4}, "")
	if got := must(t, a, err); !got.Freshness.Stale && len(got.Value.Player.Episodes) != 5 {
		t.Errorf("invalidated before step %d: %d episodes as fresh, there are 5", step, len(got.Value.Player.Episodes))
	}
	return more
}

// overtaken fetches a title, and stores it before a step of an invalidation; false when
// there are no more.
func overtaken(t *testing.T, inv cache.Invalidation, known bool, step int) bool {
	t.Helper()
	h := newHouse(t)
	title := catalogtest.Title(4)
	h.origin.Set(title)
	if known {
		first := h.open(t, nil)
		refresh(t, first, catalog.Refresh{IDs: []int{4}, Silent: true})
		if _, err := first.cache.Invalidate(t.Context(), inv); err != nil {
			t.Fatal(err)
		}
	}
	slow := &slowOrigin{Origin: h.origin}
	loader := h.build(t, catalogsvc.DefaultConfig(), slow)
	said, release := slow.hold()
	done := make(chan error, 1)
	go func() {
		_, err := loader.Title(context.Background(), catalog.Ref{ID: 4}, "")
		done <- err
	}()
	<-said
	store := sync.OnceFunc(func() {
		release()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	var steps atomic.Int64
	inner := *h
	inner.store = documentstest.Stepped(h.store, func() {
		if steps.Add(1) == int64(step) {
			store()
		}
	})
	other := inner.build(t, catalogsvc.DefaultConfig(), h.origin)
	h.origin.Set(catalogtest.WithEpisode(title, catalogtest.Episode(4, 9)))
	if _, err := other.cache.Invalidate(context.Background(), inv); err != nil {
		t.Error(err)
	}
	more := steps.Load() >= int64(step)
	store()
	a, err := other.Title(t.Context(), catalog.Ref{ID: 4}, "")
	if got := must(t, a, err); !got.Freshness.Stale && len(got.Value.Player.Episodes) != 5 {
		t.Errorf("stored before step %d: %d episodes as fresh, there are 5", step, len(got.Value.Player.Episodes))
	}
	return more
}

// afterwards is an upstream that tells when it has answered.
type afterwards struct {
	*catalogtest.Origin
	told func()
}

func (o *afterwards) Release(ctx context.Context, ref anilibria.Ref) (anilibria.Release, error) {
	defer o.told()
	return o.Origin.Release(ctx, ref)
}
