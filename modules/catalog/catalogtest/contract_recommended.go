package catalogtest

import (
	"testing"

	"anihub/modules/catalog"
)

func recommendations(t *testing.T, c catalog.Service, up Upstream) {
	all := fill(t, c, up, 30)
	up.Set(Title(77))
	up.Recommend(5, 9, 5, 3, 999, 9, 21)
	q := catalog.Query{RecommendedFor: 5}
	a, err := c.Titles(t.Context(), q, "")
	must(t, a, err)
	want := []catalog.Summary{all[8], all[2], all[20]}
	same(t, "recommended, without the title itself and what is not known", a.Value.Titles, want)
	if a.Value.Total != 3 || a.Value.Page != 1 || a.Value.Limit != 20 || len(a.Value.Unavailable) > 0 {
		t.Errorf("page = %+v", a.Value)
	}
	a, err = c.Titles(t.Context(), q, "") // now from a cache, which its freshness says
	must(t, a, err)
	again, err := c.Titles(t.Context(), q, a.Version)
	must(t, again, err)
	if a.Version == "" || !again.Unchanged || again.Value.Titles != nil {
		t.Errorf("answer to its own version %q = %+v", a.Version, again)
	}
	part, err := c.Titles(t.Context(), catalog.Query{RecommendedFor: 5, Limit: 1, Page: 2}, "")
	must(t, part, err)
	same(t, "the second of them", part.Value.Titles, want[1:2])
	none, err := c.Titles(t.Context(), catalog.Query{RecommendedFor: 6}, "")
	must(t, none, err)
	if len(none.Value.Titles) != 0 || none.Value.Total != 0 {
		t.Errorf("nothing is recommended: %+v", none.Value)
	}
	_, err = c.Titles(t.Context(), catalog.Query{RecommendedFor: 404}, "")
	wantErr(t, "for no such title", err, catalog.ErrNotFound)
	up.Recommend(77, 1)
	fetched, err := c.Titles(t.Context(), catalog.Query{RecommendedFor: 77}, "")
	must(t, fetched, err)
	same(t, "for a title that was not known", fetched.Value.Titles, all[:1])
	up.Down(true)
	a, err = c.Titles(t.Context(), q, "")
	must(t, a, err)
	same(t, "known while the upstream is down", a.Value.Titles, want)
	for _, id := range []int{7, 500} {
		_, err = c.Titles(t.Context(), catalog.Query{RecommendedFor: id}, "")
		wantErr(t, "never asked before", err, catalog.ErrUnavailable)
	}
}
