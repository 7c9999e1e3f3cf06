package catalogsvc_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
	"anihub/modules/catalog/catalogtest"
	"anihub/platform/anilibria"
	"anihub/platform/cache"
	"anihub/platform/documents"
)

func family(ids ...int) anilibria.Franchise {
	f := anilibria.Franchise{ID: "f1", Name: "Все фонари", NameEnglish: "All Lanterns"}
	for i, id := range ids {
		f.Releases = append(f.Releases, anilibria.FranchiseRelease{
			ReleaseID: id, Order: i, Alias: "part", Name: anilibria.Name{Main: "Часть"}, Year: 2020 + i, Type: "TV",
			Poster: anilibria.Poster{Small: "https://images.example/s.webp", Large: "javascript:alert(1)"},
		})
	}
	return f
}

func TestTitleWithFranchise(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.open(t, nil)
	h.origin.Set(catalogtest.Title(5))
	h.origin.SetFranchise(5, family(5, 6))
	a, err := r.Title(t.Context(), catalog.Ref{ID: 5}, "")
	want := []catalog.Franchise{{
		ID: "f1", Name: "Все фонари", NameEnglish: "All Lanterns",
		Titles: []catalog.FranchiseTitle{
			{ID: 5, Code: "part", Names: catalog.Names{RU: "Часть"}, Year: 2020, Type: "TV", Poster: catalog.Poster{Small: "https://images.example/s.webp"}},
			{ID: 6, Code: "part", Names: catalog.Names{RU: "Часть"}, Year: 2021, Type: "TV", Poster: catalog.Poster{Small: "https://images.example/s.webp"}},
		},
	}}
	if d := cmp.Diff(want, must(t, a, err).Value.Franchise); d != "" {
		t.Errorf("franchise (-want +got):\n%s", d)
	}
	a, err = r.Title(t.Context(), catalog.Ref{ID: 5}, "")
	before := must(t, a, err).Version
	h.origin.SetFranchise(5, family(5, 6, 7))
	if _, err := r.cache.Invalidate(t.Context(), cache.Invalidation{Tags: []string{"franchise:f1"}}); err != nil {
		t.Fatal(err)
	}
	a, err = r.Title(t.Context(), catalog.Ref{ID: 5}, before)
	if must(t, a, err).Unchanged || len(a.Value.Franchise[0].Titles) != 3 {
		t.Errorf("after the franchise grew: %+v", a.Value.Franchise)
	}
}

// TestTitleHolds: an answer from memory vouches for itself until its title or its
// franchises change.
func TestTitleHolds(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]cache.Invalidation{
		"the title": {Keys: []string{"title:5"}}, "its franchise": {Tags: []string{"franchise:f1"}}, "all": {Pattern: "*"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			r := h.open(t, nil)
			h.origin.Set(catalogtest.Title(5))
			h.origin.SetFranchise(5, family(5, 6))
			a, err := r.Title(t.Context(), catalog.Ref{ID: 5}, "")
			if must(t, a, err).Holds != nil {
				t.Error("an answer of the upstream vouches for itself")
			}
			for holds := false; !holds; { // a load may still be on its way to other levels
				if a, err = r.Title(t.Context(), catalog.Ref{ID: 5}, ""); must(t, a, err).Holds != nil {
					var position string
					if position, holds = a.Holds(); holds && position != a.Position {
						t.Errorf("it holds up to %q, and was given up to %q", position, a.Position)
					}
				}
			}
			if _, err := r.cache.Invalidate(t.Context(), change); err != nil {
				t.Fatal(err)
			}
			if _, ok := a.Holds(); ok {
				t.Error("it holds")
			}
		})
	}
}

// noFranchise is an upstream whose franchises fail, or hang.
type noFranchise struct {
	*catalogtest.Origin
	hang bool
}

func (n noFranchise) Franchise(ctx context.Context, id int) ([]anilibria.Franchise, error) {
	_, _ = n.Origin.Franchise(ctx, id) // counted
	if n.hang {
		<-ctx.Done()
	}
	return nil, anilibria.ErrUnavailable
}

func TestTitleDoesWithoutAFranchise(t *testing.T) {
	t.Parallel()
	for _, hang := range []bool{false, true} {
		h := newHouse(t)
		cfg := catalogsvc.DefaultConfig()
		cfg.FranchiseWait = 10 * time.Millisecond
		r := h.build(t, cfg, noFranchise{h.origin, hang})
		r.start(t)
		h.origin.Set(catalogtest.Title(5))
		for range 5 {
			a, err := r.Title(t.Context(), catalog.Ref{ID: 5}, "")
			if got := must(t, a, err).Value; got.ID != 5 || got.Franchise != nil {
				t.Errorf("title without franchise = %+v", got.Summary)
			}
		}
		if n := h.origin.Calls("Franchise"); n != 1 {
			t.Errorf("hang=%v: five viewers made %d calls for the franchise", hang, n)
		}
	}
}

func TestManyViewersOfAColdTitleAreOneCall(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.open(t, nil)
	h.origin.Set(catalogtest.Title(5))
	release := h.origin.Hold()
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			a, err := r.Title(context.Background(), catalog.Ref{ID: 5}, "")
			if err != nil || a.Value.ID != 5 {
				t.Errorf("cold title: %v", err)
			}
		})
	}
	eventually(t, "the call is made", func() bool { return h.origin.Calls("Release") == 1 })
	release()
	wg.Wait()
	if n, f := h.origin.Calls("Release"), h.origin.Calls("Franchise"); n != 1 || f != 1 {
		t.Errorf("%d calls for the title, %d for its franchise", n, f)
	}
}

// The upstream is down: what is known is answered stale and says so, what is not
// known is unavailable, and only the upstream's own word makes a 404.
func TestBlackout(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.open(t, nil)
	h.origin.Set(catalogtest.Title(5), catalogtest.Title(6))
	h.origin.Air(catalogtest.Line{TitleID: 5, Weekday: 2})
	refresh(t, first, catalog.Refresh{IDs: []int{5, 6}, Silent: true})
	if _, err := first.cache.Invalidate(t.Context(), cache.Invalidation{Pattern: "titles:*"}); err != nil {
		t.Fatal(err)
	}
	h.origin.Down(true)
	second := h.open(t, nil) // with nothing in memory
	for _, r := range []*room{first, second} {
		a, err := r.Title(t.Context(), catalog.Ref{Code: "title-5"}, "")
		got := must(t, a, err)
		if got.Value.ID != 5 || !got.Freshness.Stale || got.Freshness.Reason != "upstream_down" {
			t.Errorf("stale title = %+v", got.Freshness)
		}
		p, err := r.Titles(t.Context(), catalog.Query{Search: "ветер"}, "")
		if got := must(t, p, err); got.Value.Total != 1 || got.Freshness.Stale || got.Freshness.StoredAt.IsZero() {
			t.Errorf("search = %+v, %+v", got.Value.Total, got.Freshness)
		}
		_, err = r.Title(t.Context(), catalog.Ref{ID: 7}, "")
		if !errors.Is(err, catalog.ErrUnavailable) {
			t.Errorf("unknown title: %v", err)
		}
		_, err = r.Schedule(t.Context(), "")
		if !errors.Is(err, catalog.ErrUnavailable) {
			t.Errorf("schedule that nobody has: %v", err)
		}
	}
	h.origin.Down(false)
	h.origin.Remove(7)
	eventually(t, "a 404 once the upstream says so", func() bool {
		_, err := second.Title(t.Context(), catalog.Ref{ID: 7}, "")
		return errors.Is(err, catalog.ErrNotFound)
	})
	eventually(t, "fresh again", func() bool {
		a, err := second.Title(t.Context(), catalog.Ref{ID: 5}, "")
		return must(t, a, err).Freshness.Stale == false
	})
}

// The store is down: titles come from the upstream and lists from memory.
func TestStoreDown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.open(t, nil)
	h.origin.Set(catalogtest.Title(5), catalogtest.Title(6))
	refresh(t, r, catalog.Refresh{IDs: []int{5}, Silent: true})
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []int{5, 6} {
		a, err := r.Title(t.Context(), catalog.Ref{ID: id}, "")
		if got := must(t, a, err).Value; got.ID != id || len(got.Player.Episodes) != id {
			t.Errorf("title %d = %+v", id, got.Summary)
		}
	}
	p, err := r.Titles(t.Context(), catalog.Query{}, "")
	if got := must(t, p, err).Value.Total; got != 2 {
		t.Errorf("%d titles in the list", got)
	}
	out := refresh(t, r, catalog.Refresh{IDs: []int{5}})
	if len(out.Failed) != 1 || out.Failed[0].Code != documents.ErrUnavailable.Code || strings.Contains(out.Failed[0].Message, "sql") {
		t.Errorf("refresh = %+v", out)
	}
	_, err = r.Pending(t.Context(), 1)
	if !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("pending: %v", err)
	}
	if err := r.Confirm(t.Context(), []catalog.Event{{ID: "x", TitleID: 5}}); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("confirm: %v", err)
	}
}

func TestBlockedTitleIsServed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.open(t, nil)
	blocked := catalogtest.Release(catalogtest.Title(6))
	blocked.BlockedByGeo = true
	h.origin.SetRelease(6, blocked)
	a, err := r.Title(t.Context(), catalog.Ref{ID: 6}, "")
	if got := must(t, a, err).Value; !got.Blocked || len(got.Player.Episodes) != 6 {
		t.Errorf("blocked = %v, %d episodes", got.Blocked, len(got.Player.Episodes))
	}
}

// The upstream's route takes ids as well as slugs: "9" is no slug of title 9.
func TestNumberIsNoSlug(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other := catalogtest.Title(9)
	h.origin.Set(other)
	r := h.build(t, catalogsvc.DefaultConfig(), numbers{h.origin})
	r.start(t)
	_, err := r.Title(t.Context(), catalog.Ref{Code: "9"}, "")
	if !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("title by the slug 9: %v", err)
	}
}

// numbers answers to every slug with title 9.
type numbers struct{ *catalogtest.Origin }

func (n numbers) Release(ctx context.Context, _ anilibria.Ref) (anilibria.Release, error) {
	return n.Origin.Release(ctx, anilibria.Ref{ID: 9})
}
