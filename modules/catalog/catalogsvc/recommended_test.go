package catalogsvc_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogtest"
	"anihub/platform/anilibria"
	"anihub/platform/cache"
)

// The list is asked for once, is cleared with the title, and outlives the upstream.
func TestRecommendationsComeThroughTheChain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.open(t, nil)
	h.origin.Set(catalogtest.Title(1), catalogtest.Title(2), catalogtest.Title(3))
	refresh(t, r, catalog.Refresh{IDs: []int{1, 2, 3}, Silent: true})
	h.origin.Recommend(1, 3, 2)
	q := catalog.Query{RecommendedFor: 1}
	ask := func(r *room, want ...int) catalog.Freshness {
		t.Helper()
		a, err := r.Titles(t.Context(), q, "")
		if d := cmp.Diff(want, idsOf(must(t, a, err).Value)); d != "" {
			t.Errorf("recommended (-want +got):\n%s", d)
		}
		return a.Freshness
	}
	for range 5 {
		ask(r, 3, 2)
	}
	if n := h.origin.Calls("Recommended"); n != 1 {
		t.Errorf("%d calls for five viewers", n)
	}
	h.origin.Recommend(1, 2)
	if _, err := r.cache.Invalidate(t.Context(), cache.Invalidation{Tags: []string{"title:1"}}); err != nil {
		t.Fatal(err)
	}
	if f := ask(r, 2); f.Stale {
		t.Errorf("asked again: %+v", f)
	}
	if _, err := r.cache.Invalidate(t.Context(), cache.Invalidation{Pattern: "recommended:*"}); err != nil {
		t.Fatal(err)
	}
	h.origin.Fail(anilibria.ErrRefused)
	for _, r := range []*room{r, h.open(t, nil)} { // the second with nothing in memory
		if f := ask(r, 2); !f.Stale || f.Reason == "" {
			t.Errorf("with the upstream gone: %+v", f)
		}
	}
	_, err := r.Titles(t.Context(), catalog.Query{RecommendedFor: 2}, "")
	if !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("a list that nobody has: %v", err)
	}
}

func TestLatestEpisodeKeepsItsTime(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.open(t, nil)
	title := catalogtest.Title(4) // four episodes
	came := title.Player.Episodes[3].UpdatedAt
	take := func(want catalog.Latest, what string) {
		t.Helper()
		h.origin.Set(title)
		refresh(t, r, catalog.Refresh{IDs: []int{4}})
		a, err := r.Titles(t.Context(), catalog.Query{Sort: "episode", Descending: true}, "")
		if d := cmp.Diff(want, must(t, a, err).Value.Titles[0].Latest); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	take(catalog.Latest{Ordinal: 4, Name: "Серия 4", At: came}, "as it came")

	again := title.Player.Episodes[3]
	again.ID, again.UpdatedAt, again.Name = "another", came.Add(48*time.Hour), "Серия 4, исправленная"
	title.Player.Episodes[3] = again
	title = catalogtest.Bumped(title)
	take(catalog.Latest{Ordinal: 4, Name: "Серия 4, исправленная", At: came}, "uploaded again")

	silent := catalogtest.Episode(4, 5)
	silent.Sources = nil
	title = catalogtest.WithEpisode(title, silent)
	take(catalog.Latest{Ordinal: 4, Name: "Серия 4, исправленная", At: came}, "one that cannot be watched yet")

	next := catalogtest.Episode(4, 5.5)
	next.UpdatedAt = time.Time{}
	title = catalogtest.WithEpisode(title, next)
	take(catalog.Latest{Ordinal: 5.5, Name: "Серия 5.5", At: title.FreshAt}, "one without a date")
}
