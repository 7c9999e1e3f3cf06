package catalogsvc_test

import (
	"testing"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogtest"
	"anihub/platform/cache"
)

// TestTheScheduleFollowsTheNews: what airs is fresh for a day, but not beyond the episode
// that it was waiting for, whoever finds that.
func TestTheScheduleFollowsTheNews(t *testing.T) {
	t.Parallel()
	for name, find := range map[string]func(t *testing.T, r *room){
		"a poll": func(t *testing.T, r *room) { refresh(t, r, catalog.Refresh{IDs: []int{4}}) },
		"a viewer": func(t *testing.T, r *room) {
			if _, err := r.cache.Invalidate(t.Context(), cache.Invalidation{Keys: []string{"title:4"}}); err != nil {
				t.Fatal(err)
			}
			a, err := r.Title(t.Context(), catalog.Ref{ID: 4}, "")
			must(t, a, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			r, other := h.open(t, nil), h.open(t, nil)
			h.origin.Set(catalogtest.Title(4))
			h.origin.Air(catalogtest.Line{TitleID: 4, Weekday: 2, NextEpisode: 9, Published: 8})
			refresh(t, r, catalog.Refresh{IDs: []int{4}, Silent: true})
			line := func(r *room) catalog.Scheduled {
				t.Helper()
				days, err := r.Schedule(t.Context(), "")
				return must(t, days, err).Value[1].Titles[0]
			}
			eventually(t, "the title is in both indexes", func() bool {
				days, err := other.Schedule(t.Context(), "")
				return len(must(t, days, err).Value[1].Titles) == 1
			})
			if got := line(r); got.NextEpisode != 9 || got.Published != 8 {
				t.Fatalf("before: %+v", got)
			}
			h.origin.Set(catalogtest.WithEpisode(catalogtest.Title(4), catalogtest.Episode(4, 9)))
			h.origin.Air(catalogtest.Line{TitleID: 4, Weekday: 2, NextEpisode: 10, Published: 9})
			find(t, r)
			if got := line(r); got.NextEpisode != 10 || got.Published != 9 {
				t.Errorf("after the episode: %+v", got)
			}
			eventually(t, "the other process has heard", func() bool { return line(other).NextEpisode == 10 })
		})
	}
}
