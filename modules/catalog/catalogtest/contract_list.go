package catalogtest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"anihub/modules/catalog"
)

func lists(t *testing.T, c catalog.Service, up Upstream) {
	all := fill(t, c, up, 60)
	for _, q := range []catalog.Query{
		{},
		{Limit: 7},
		{Limit: 7, Page: 2},
		{Limit: 7, Page: 9},
		{Limit: 7, Page: 10},
		{Page: 99},
		{Descending: true, Limit: 9, Page: 2},
		{Sort: "year"},
		{Sort: "year", Descending: true},
		{Sort: "rating", Descending: true, Limit: 33},
		{Sort: "updated", Descending: true},
		{Sort: "name"},
		{Sort: "popularity", Descending: true, Page: 3},
		{Sort: "id", Descending: true},
		{Sort: "episode", Descending: true, Limit: 25},
		{Sort: "episode", Type: "TV"},
		{Year: 2005},
		{YearFrom: 2003, YearTo: 2006},
		{YearFrom: 2010},
		{YearTo: 2010, Sort: "year"},
		{Season: "summer"},
		{Type: "MOVIE"},
		{Status: "announced"},
		{Status: "ongoing", Sort: "popularity", Descending: true},
		{Status: "completed"},
		{AgeRating: "R16_PLUS"},
		{Genres: []string{"Драма"}},
		{Genres: []string{"драма", "КОМЕДИЯ"}},
		{Genres: []string{"нет такого"}},
		{Search: "еж"},
		{Search: "ЁЖ 15"},
		{Search: "тёмный"},
		{Search: "темный маяк"},
		{Search: "hedge"},
		{Search: "title-1"},
		{Search: "31", Sort: "year"},
		{Search: "!!!"},
		{Search: "а", Status: "ongoing", Limit: 5},
		{Search: "стеклянный", Descending: true},
	} {
		a, err := c.Titles(t.Context(), q, "")
		must(t, a, err)
		want, page, limit := Select(all, q), max(q.Page, 1), q.Limit
		if limit == 0 {
			limit = 20
		}
		from := min((page-1)*limit, len(want))
		same(t, "page", a.Value, catalog.Page{
			Titles: want[from:min(from+limit, len(want))], Page: page, Limit: limit, Total: len(want),
		})
		again, err := c.Titles(t.Context(), q, a.Version)
		must(t, again, err)
		if a.Version == "" || !again.Unchanged || again.Value.Titles != nil {
			t.Errorf("%+v: answer to its own version %q = %+v", q, a.Version, again)
		}
	}
	a, err := c.Titles(t.Context(), catalog.Query{}, "")
	must(t, a, err)
	up.Set(Title(61))
	refresh(t, c, catalog.Refresh{IDs: []int{61}})
	b, err := c.Titles(t.Context(), catalog.Query{}, a.Version)
	must(t, b, err)
	if b.Unchanged || b.Value.Total != 61 {
		t.Errorf("after a new title the old version got %+v", b)
	}
}

func batchLearns(t *testing.T, c catalog.Service, up Upstream) {
	all := fill(t, c, up, 3)
	up.Set(Title(70), Title(71))
	a, err := c.Titles(t.Context(), catalog.Query{IDs: []int{71, 2, 999, 70}}, "")
	must(t, a, err)
	same(t, "batch with unknown titles", a.Value.Titles, []catalog.Summary{Title(71).Summary, all[1], Title(70).Summary})
	if a.Value.Total != 3 || len(a.Value.Unavailable) > 0 {
		t.Errorf("total %d, unavailable %v", a.Value.Total, a.Value.Unavailable)
	}
	list, err := c.Titles(t.Context(), catalog.Query{}, "")
	must(t, list, err)
	if list.Value.Total != 5 {
		t.Errorf("%d titles are known afterwards, want 5", list.Value.Total)
	}
	up.Down(true)
	a, err = c.Titles(t.Context(), catalog.Query{IDs: []int{72, 70, 73}}, "")
	must(t, a, err)
	same(t, "batch while the upstream is down", a.Value.Titles, []catalog.Summary{Title(70).Summary})
	same(t, "nobody to ask", a.Value.Unavailable, []int{72, 73})
	if _, err := c.Titles(t.Context(), catalog.Query{IDs: []int{72, 73}}, ""); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("nothing known and nobody to ask: %v", err)
	}
}

func batchAndRandom(t *testing.T, c catalog.Service, up Upstream) {
	all := fill(t, c, up, 60)
	q := catalog.Query{IDs: []int{40, 3, 999, 12, 3}}
	a, err := c.Titles(t.Context(), q, "")
	must(t, a, err)
	same(t, "batch", a.Value.Titles, []catalog.Summary{all[39], all[2], all[11]})
	var many []int
	for id := 1; id <= 50; id++ {
		many = append(many, id)
	}
	a, err = c.Titles(t.Context(), catalog.Query{IDs: many}, "")
	must(t, a, err)
	if len(a.Value.Titles) != 50 {
		t.Errorf("a batch of 50 gave %d", len(a.Value.Titles))
	}
	seen := map[int]bool{}
	for range 20 {
		a, err = c.Titles(t.Context(), catalog.Query{Random: true, Limit: 10, Status: "ongoing"}, "")
		must(t, a, err)
		ids := map[int]bool{}
		for _, s := range a.Value.Titles {
			ids[s.ID], seen[s.ID] = true, true
			if s.Status != "ongoing" {
				t.Errorf("drew %d, which is %s", s.ID, s.Status)
			}
		}
		if len(ids) != 10 || a.Version != "" {
			t.Fatalf("drew %d different titles, version %q", len(ids), a.Version)
		}
	}
	if want := len(Select(all, catalog.Query{Status: "ongoing"})); len(seen) != want {
		t.Errorf("200 draws found %d of %d titles", len(seen), want)
	}
}

func facets(t *testing.T, c catalog.Service, up Upstream) {
	all := fill(t, c, up, 60)
	f, err := c.Facets(t.Context(), "")
	must(t, f, err)
	same(t, "facets of all", f.Value, Count(all))
	again, err := c.Facets(t.Context(), f.Version)
	must(t, again, err)
	if !again.Unchanged {
		t.Errorf("answer to its own version = %+v", again)
	}
	q := catalog.Query{Type: "TV", Limit: 3, Facets: true}
	a, err := c.Titles(t.Context(), q, "")
	must(t, a, err)
	if a.Value.Facets == nil {
		t.Fatal("no facets")
	}
	same(t, "facets of a selection", *a.Value.Facets, Count(Select(all, q)))
}

func badQueries(t *testing.T, c catalog.Service, up Upstream) {
	fill(t, c, up, 3)
	for _, q := range []catalog.Query{
		{Page: -1},
		{Limit: -1},
		{Limit: 101},
		{Sort: "size"},
		{Sort: "id", IDs: []int{1}},
		{RecommendedFor: -1},
		{RecommendedFor: 1, Sort: "id"},
		{RecommendedFor: 1, IDs: []int{2}},
		{RecommendedFor: 1, Search: "ветер"},
		{RecommendedFor: 1, Random: true},
		{Season: "rainy"},
		{Status: "lost"},
		{Type: "tv"},
		{AgeRating: "18"},
		{Year: -1},
		{YearFrom: 2010, YearTo: 2009},
		{Search: strings.Repeat("ы", 101)},
	} {
		_, err := c.Titles(t.Context(), q, "")
		wantErr(t, "bad query", err, catalog.ErrBadQuery)
	}
}

func badRefreshes(t *testing.T, c catalog.Service, up Upstream) {
	up.Set(Title(1))
	_, err := c.Refresh(t.Context(), catalog.Refresh{IDs: slices.Repeat([]int{1}, 51)})
	wantErr(t, "51 ids", err, catalog.ErrBadQuery)
	for _, id := range []int{0, -7} {
		_, err := c.Refresh(t.Context(), catalog.Refresh{IDs: []int{1, id}})
		wantErr(t, "no id", err, catalog.ErrBadQuery)
	}
	same(t, "nothing to refresh", refresh(t, c, catalog.Refresh{}), catalog.Refreshed{})
	same(t, "the same twice", refresh(t, c, catalog.Refresh{IDs: []int{1, 1}, Silent: true}), catalog.Refreshed{Changed: []int{1}})
}
