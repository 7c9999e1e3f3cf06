package catalogtest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"anihub/modules/catalog"
	"anihub/platform/fault"
)

// Contract is what every implementation of the door must do. Open gives each part
// an empty catalogue of its own.
func Contract(t *testing.T, open func(t *testing.T) (catalog.Service, Upstream)) {
	t.Helper()
	for _, part := range []struct {
		name string
		run  func(t *testing.T, c catalog.Service, up Upstream)
	}{
		{"title is fetched once and answered again", titleAgain},
		{"title by code", titleByCode},
		{"no such title", noTitle},
		{"unknown title while the upstream is down", titleDown},
		{"answers belong to the caller", ownAnswers},
		{"a caller who went away", goneAway},
		{"lists", lists},
		{"batch and random", batchAndRandom},
		{"a batch learns", batchLearns},
		{"facets", facets},
		{"recommendations", recommendations},
		{"bad queries", badQueries},
		{"schedule", schedule},
		{"a baseline is silent", baseline},
		{"each change is told once", changes},
		{"a viewer takes no news away", viewerFirst},
		{"missing and failed", missingAndFailed},
		{"what is gone is hidden, and comes back", hidden},
		{"pending until confirmed", pending},
		{"bad refreshes", badRefreshes},
		{"refreshed by many at once", together},
	} {
		t.Run(part.name, func(t *testing.T) {
			c, up := open(t)
			part.run(t, c, up)
		})
	}
}

// same ignores what a wire does not carry: whether an empty list is there.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	// Expectations are drawn from what the upstream says, and by the room only.
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreTypes(catalog.Expected{})); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func must[V any](t *testing.T, v V, err error) V {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
	return v
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

func refresh(t *testing.T, c catalog.Service, r catalog.Refresh) catalog.Refreshed {
	t.Helper()
	out, err := c.Refresh(t.Context(), r)
	return must(t, out, err)
}

// fill stores titles 1 to n as a baseline.
func fill(t *testing.T, c catalog.Service, up Upstream, n int) []catalog.Summary {
	t.Helper()
	var all []catalog.Summary
	var ids []int
	for i := 1; i <= n; i++ {
		title := Title(i)
		up.Set(title)
		all, ids = append(all, title.Summary), append(ids, i)
	}
	for part := range slices.Chunk(ids, 50) {
		refresh(t, c, catalog.Refresh{IDs: part, Silent: true})
	}
	return all
}

func titleAgain(t *testing.T, c catalog.Service, up Upstream) {
	want := Title(5)
	up.Set(want)
	a, err := c.Title(t.Context(), catalog.Ref{ID: 5}, "")
	must(t, a, err)
	same(t, "cold title", a.Value, want)
	if a.Unchanged || a.Version == "" || a.Freshness.Level == "" || a.Freshness.Stale || a.Freshness.StoredAt.IsZero() {
		t.Errorf("cold answer = %+v", a)
	}
	a, err = c.Title(t.Context(), catalog.Ref{ID: 5}, "something else")
	must(t, a, err)
	same(t, "warm title", a.Value, want)
	again, err := c.Title(t.Context(), catalog.Ref{ID: 5}, a.Version)
	must(t, again, err)
	if !again.Unchanged || again.Version != a.Version || again.Value.ID != 0 {
		t.Errorf("answer to its own version %q = %+v", a.Version, again)
	}
	same(t, "freshness of the same version", again.Freshness, a.Freshness)
	up.Set(Bumped(WithEpisode(want, Episode(5, 77))))
	refresh(t, c, catalog.Refresh{IDs: []int{5}})
	changed, err := c.Title(t.Context(), catalog.Ref{ID: 5}, again.Version)
	must(t, changed, err)
	if changed.Unchanged || len(changed.Value.Player.Episodes) != 6 {
		t.Errorf("after a refresh the old version got %+v", changed)
	}
}

func titleByCode(t *testing.T, c catalog.Service, up Upstream) {
	want := Title(5)
	up.Set(want)
	for _, when := range []string{"unknown so far", "known by now"} {
		a, err := c.Title(t.Context(), catalog.Ref{Code: want.Code}, "")
		must(t, a, err)
		same(t, when, a.Value, want)
	}
	_, err := c.Title(t.Context(), catalog.Ref{Code: "no-such-code"}, "")
	wantErr(t, "unknown code", err, catalog.ErrNotFound)
}

func noTitle(t *testing.T, c catalog.Service, _ Upstream) {
	for _, ref := range []catalog.Ref{{ID: 404}, {ID: -1}, {}, {Code: "../../etc"}, {Code: "нет"}} {
		_, err := c.Title(t.Context(), ref, "")
		wantErr(t, "no such title", err, catalog.ErrNotFound)
	}
}

func titleDown(t *testing.T, c catalog.Service, up Upstream) {
	up.Set(Title(5), Title(6))
	a, err := c.Title(t.Context(), catalog.Ref{ID: 5}, "")
	must(t, a, err)
	up.Down(true)
	a, err = c.Title(t.Context(), catalog.Ref{ID: 5}, "")
	must(t, a, err)
	same(t, "known title", a.Value, Title(5))
	_, err = c.Title(t.Context(), catalog.Ref{ID: 6}, "")
	wantErr(t, "unknown title", err, catalog.ErrUnavailable)
	_, err = c.Title(t.Context(), catalog.Ref{Code: Title(6).Code}, "")
	wantErr(t, "unknown code", err, catalog.ErrUnavailable)
}

func ownAnswers(t *testing.T, c catalog.Service, up Upstream) {
	fill(t, c, up, 8)
	up.Air(Line{TitleID: 7, Weekday: 1})
	for range 2 { // the second round sees what the first one spoiled
		a, err := c.Title(t.Context(), catalog.Ref{ID: 7}, "")
		must(t, a, err)
		same(t, "title", a.Value, Title(7))
		a.Value.Genres[0], a.Value.Player.Episodes[0].Sources[0].URL = "x", "x"
		a.Value.Player.Episodes[0].Opening.Start = 99
		a.Value.Members[0].Nickname = "x"
		p, err := c.Titles(t.Context(), catalog.Query{Facets: true}, "")
		must(t, p, err)
		same(t, "list", p.Value.Titles[6], Title(7).Summary)
		p.Value.Titles[6].Genres[0] = "x"
		p.Value.Titles[5] = catalog.Summary{}
		d, err := c.Schedule(t.Context(), "")
		must(t, d, err)
		same(t, "schedule", d.Value[0].Titles[0].Summary, Title(7).Summary)
		d.Value[0].Titles[0].Genres[0] = "x"
		f, err := c.Facets(t.Context(), "")
		must(t, f, err)
		if f.Value.Genres[0].Value == "x" {
			t.Error("facets belong to the catalogue")
		}
		f.Value.Genres[0].Value = "x"
	}
}

func goneAway(t *testing.T, c catalog.Service, up Upstream) {
	up.Set(Title(3))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Title(ctx, catalog.Ref{ID: 3}, "")
	if f := fault.Of(err); err == nil || f.Kind != fault.Canceled {
		t.Errorf("cold title for a caller who went away: %v", err)
	}
	_, err = c.Refresh(ctx, catalog.Refresh{IDs: []int{3}})
	if f := fault.Of(err); err == nil || f.Kind != fault.Canceled {
		t.Errorf("refresh for a caller who went away: %v", err)
	}
	a, err := c.Title(t.Context(), catalog.Ref{ID: 3}, "")
	must(t, a, err)
	same(t, "for the next caller", a.Value, Title(3))
}

func schedule(t *testing.T, c catalog.Service, up Upstream) {
	fill(t, c, up, 6)
	up.Air(Line{TitleID: 2, Weekday: 3, NextEpisode: 4, Published: 3}, Line{TitleID: 5, Weekday: 3}, Line{TitleID: 999, Weekday: 1})
	a, err := c.Schedule(t.Context(), "")
	must(t, a, err)
	if len(a.Value) != 7 {
		t.Fatalf("%d days", len(a.Value))
	}
	for i, d := range a.Value {
		if d.Weekday != i+1 || i != 2 && len(d.Titles) != 0 {
			t.Errorf("day %d = %+v", i+1, d)
		}
	}
	want := []catalog.Scheduled{
		{Summary: Title(5).Summary}, // the more popular one
		{Summary: Title(2).Summary, NextEpisode: 4, Published: 3},
	}
	same(t, "wednesday", a.Value[2].Titles, want)
	a, err = c.Schedule(t.Context(), "") // now from a cache, which its freshness says
	must(t, a, err)
	again, err := c.Schedule(t.Context(), a.Version)
	must(t, again, err)
	if !again.Unchanged || again.Value != nil {
		t.Errorf("answer to its own version = %+v", again)
	}
}

func together(t *testing.T, c catalog.Service, up Upstream) {
	fill(t, c, up, 3)
	up.Set(WithEpisode(WithEpisode(Title(2), Episode(2, 50)), Episode(2, 51)))
	var (
		mu  sync.Mutex
		all []catalog.Event
		wg  sync.WaitGroup
	)
	for range 8 {
		wg.Go(func() {
			out, err := c.Refresh(t.Context(), catalog.Refresh{IDs: []int{1, 2, 3}})
			mu.Lock()
			defer mu.Unlock()
			if err != nil || len(out.Failed) > 0 {
				t.Errorf("refresh: %v %+v", err, out.Failed)
			}
			all = append(all, out.Events...)
		})
	}
	wg.Wait()
	same(t, "told by one of them", brief(all), []string{"new_episode 2 50", "new_episode 2 51"})
}
