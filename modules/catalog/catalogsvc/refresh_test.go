package catalogsvc_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
	"anihub/modules/catalog/catalogtest"
	"anihub/platform/anilibria"
	"anihub/platform/cache"
)

func ids(events []catalog.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, e.ID)
	}
	return out
}

func edited(r anilibria.Release, f func(*anilibria.Release)) anilibria.Release {
	r.Episodes = slices.Clone(r.Episodes)
	r.FreshAt, r.UpdatedAt = r.FreshAt.Add(time.Minute), r.UpdatedAt.Add(time.Minute)
	f(&r)
	return r
}

// The rules that the contract leaves to the room: identities, and the cases that
// only the upstream's own words can say.
func TestNewsByRelease(t *testing.T) {
	t.Parallel()
	base := catalogtest.Release(catalogtest.Title(6)) // ongoing, six episodes, updated at 12:01:06
	uuid := base.Episodes[2].ID
	updated := base.UpdatedAt.Add(time.Minute).Unix()
	touched := base.Episodes[2].UpdatedAt
	for _, tc := range []struct {
		name string
		edit func(*anilibria.Release)
		want []string
	}{
		{"nothing", func(*anilibria.Release) {}, nil},
		{"another host, scheme or query of the files", func(r *anilibria.Release) {
			r.Episodes[2].HLS1080 = strings.Replace(r.Episodes[2].HLS1080, "https://video.example", "http://other.example", 1) + "?countryIso=NL"
		}, nil},
		{"other files at the same time", func(r *anilibria.Release) {
			r.Episodes[2].HLS1080 = "https://video.example/6/3/again.m3u8"
		}, []string{fmt.Sprintf("episode_update:6:%s:%d:", uuid, touched.Unix())}},
		{"a better quality later", func(r *anilibria.Release) {
			r.Episodes[2].HLS480 = "https://video.example/6/3/480.m3u8"
			r.Episodes[2].UpdatedAt = touched.Add(time.Hour)
		}, []string{fmt.Sprintf("episode_update:6:%s:%d", uuid, touched.Add(time.Hour).Unix())}},
		{"an older time: a mirror that lags", func(r *anilibria.Release) {
			r.Episodes[2].UpdatedAt = touched.Add(-time.Hour)
			r.Episodes[2].HLS1080 = "https://video.example/6/3/old.m3u8"
		}, nil},
		{"its files are gone", func(r *anilibria.Release) { r.Episodes[2].HLS1080, r.Episodes[2].HLS720 = "", "" }, nil},
		{"a new name or preview", func(r *anilibria.Release) {
			r.Episodes[2].Name, r.Episodes[2].Preview = "Другое имя", "https://images.example/x.webp"
		}, nil},
		{"only rutube plays it", func(r *anilibria.Release) {
			r.Episodes = append(r.Episodes, anilibria.Episode{ID: "new", Ordinal: 7, RutubeID: "0a1b2c"})
		}, []string{"new_episode:6:new"}},
		{"a player id that is none", func(r *anilibria.Release) {
			r.Episodes = append(r.Episodes, anilibria.Episode{ID: "new", Ordinal: 7, YouTubeID: "a/../b?x"})
		}, nil},
		{"a file that no page may open", func(r *anilibria.Release) {
			r.Episodes = append(r.Episodes, anilibria.Episode{ID: "new", Ordinal: 7, HLS720: "javascript:alert(1)"})
		}, nil},
		{"an episode without identity", func(r *anilibria.Release) {
			r.Episodes = append(r.Episodes, anilibria.Episode{Ordinal: 7, HLS720: "https://video.example/7.m3u8"})
		}, nil},
		{"uploaded again under another id", func(r *anilibria.Release) {
			r.Episodes[2].ID = "again"
		}, []string{fmt.Sprintf("episode_update:6:again:%d", touched.Unix())}},
		{"two numbers the same, both there", func(r *anilibria.Release) {
			e := r.Episodes[2]
			e.ID = "second"
			r.Episodes = append(r.Episodes, e)
		}, []string{"new_episode:6:second"}},
		{"the order is the upstream's", func(r *anilibria.Release) {
			r.Episodes = append([]anilibria.Episode{
				{ID: "special", Ordinal: 25.5, RutubeID: "x"}, {ID: "zero", Ordinal: 0, RutubeID: "y"},
			}, r.Episodes...)
		}, []string{"new_episode:6:special", "new_episode:6:zero"}},
		{
			"dubbed to the end", func(r *anilibria.Release) { r.IsInProduction = false },
			[]string{fmt.Sprintf("status_change:6:completed:%d", updated)},
		},
		{"still airing in Japan", func(r *anilibria.Release) { r.IsInProduction, r.IsOngoing = false, true }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			r := h.open(t, nil)
			h.origin.SetRelease(6, base)
			refresh(t, r, catalog.Refresh{IDs: []int{6}, Silent: true})
			h.origin.SetRelease(6, edited(base, tc.edit))
			got := ids(refresh(t, r, catalog.Refresh{IDs: []int{6}}).Events)
			prefix := cmp.Comparer(func(a, b string) bool {
				return a == b || strings.HasSuffix(b, ":") && strings.HasPrefix(a, b) || strings.HasSuffix(a, ":") && strings.HasPrefix(b, a)
			})
			if d := cmp.Diff(tc.want, got, prefix, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("events (-want +got):\n%s", d)
			}
			if again := refresh(t, r, catalog.Refresh{IDs: []int{6}}); len(again.Events)+len(again.Changed) > 0 {
				t.Errorf("again: %+v", again)
			}
		})
	}
}

func TestDoubtfulReleases(t *testing.T) {
	t.Parallel()
	base := catalogtest.Release(catalogtest.Title(12)) // 12 episodes, ongoing
	empty := edited(base, func(r *anilibria.Release) { r.Episodes, r.Description = nil, "новое описание" })
	few := edited(base, func(r *anilibria.Release) { r.Episodes = r.Episodes[:5] })
	most := edited(base, func(r *anilibria.Release) { r.Episodes = r.Episodes[:6] })
	old := edited(base, func(r *anilibria.Release) {
		r.FreshAt, r.UpdatedAt, r.Description = base.FreshAt.Add(-time.Hour), base.UpdatedAt.Add(-time.Hour), "старое описание"
	})
	nameless := edited(base, func(r *anilibria.Release) { r.Alias, r.Name = "", anilibria.Name{} })
	for _, tc := range []struct {
		name        string
		release     anilibria.Release
		reason      string
		first, then int // episodes
		description string
	}{
		{"no episodes at all", empty, "shrunk", 12, 0, "новое описание"},
		{"fewer than half", few, "shrunk", 12, 5, base.Description},
		{"half", most, "", 6, 6, base.Description},
		{"older than what is stored", old, "outdated", 12, 12, base.Description},
		{"without a name", nameless, "", 12, 12, base.Description},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			r := h.open(t, func(c *catalogsvc.Config) { c.ConfirmAfter = time.Hour })
			later := h.open(t, func(c *catalogsvc.Config) { c.ConfirmAfter = time.Millisecond })
			h.origin.SetRelease(12, base)
			refresh(t, r, catalog.Refresh{IDs: []int{12}, Silent: true})
			h.origin.SetRelease(12, tc.release)
			got := refresh(t, r, catalog.Refresh{IDs: []int{12}})
			a, err := r.Title(t.Context(), catalog.Ref{ID: 12}, "")
			first := must(t, a, err).Value
			if len(got.Events) > 0 || len(first.Player.Episodes) != tc.first || first.Episodes.Current != tc.first ||
				first.Status != "ongoing" || first.Description != tc.description || first.Names.RU == "" || first.Code == "" {
				t.Errorf("seen once: events %v, title %+v", got.Events, first.Summary)
			}
			if tc.reason != "" {
				if n := counter(t, r, tc.reason); n != 1 {
					t.Errorf("catalog_suspicious_total{reason=%q} = %v", tc.reason, n)
				}
			}
			refresh(t, r, catalog.Refresh{IDs: []int{12}}) // too soon to be believed
			a, err = r.Title(t.Context(), catalog.Ref{ID: 12}, "")
			if again := must(t, a, err).Value; len(again.Player.Episodes) != tc.first {
				t.Errorf("seen again at once: %d episodes, want %d", len(again.Player.Episodes), tc.first)
			}
			time.Sleep(2 * time.Millisecond) // documents keep wall time, no virtual clock reaches it
			refresh(t, later, catalog.Refresh{IDs: []int{12}})
			a, err = later.Title(t.Context(), catalog.Ref{ID: 12}, "")
			if then := must(t, a, err).Value; len(then.Player.Episodes) != tc.then {
				t.Errorf("seen again later: %d episodes, want %d", len(then.Player.Episodes), tc.then)
			}
			h.origin.SetRelease(12, edited(base, func(r *anilibria.Release) { r.FreshAt = r.FreshAt.Add(time.Hour) }))
			if back := refresh(t, later, catalog.Refresh{IDs: []int{12}}); slices.ContainsFunc(back.Events, func(e catalog.Event) bool {
				return e.Type != catalog.StatusChange
			}) {
				t.Errorf("the episodes came back as news: %v", ids(back.Events))
			}
		})
	}
}

func counter(t *testing.T, r *room, reason string) float64 {
	t.Helper()
	return metrics(t, r)["catalog_suspicious_total "+reason]
}

// metrics are the values of all series, by name and label.
func metrics(t *testing.T, r *room) map[string]float64 {
	t.Helper()
	families, err := r.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			out[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return out
}

func TestAnotherTitleThanAskedIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.open(t, nil)
	h.origin.Set(catalogtest.Title(1), catalogtest.Title(2))
	refresh(t, r, catalog.Refresh{IDs: []int{1, 2}, Silent: true})
	h.origin.SetRelease(2, catalogtest.Release(catalogtest.Title(9)))
	for _, asked := range [][]int{{2}, {1, 2}} {
		out := refresh(t, r, catalog.Refresh{IDs: asked})
		if len(out.Failed) != 1 || out.Failed[0].ID != 2 || out.Failed[0].Code != "UPSTREAM_OTHER_TITLE" {
			t.Errorf("asked for %v: %+v", asked, out)
		}
	}
	a, err := r.Title(t.Context(), catalog.Ref{ID: 2}, "")
	if got := must(t, a, err).Value; got.ID != 2 || got.Names != catalogtest.Title(2).Names {
		t.Errorf("title 2 became %+v", got.Summary)
	}
	p, err := r.Titles(t.Context(), catalog.Query{}, "")
	if got := must(t, p, err).Value.Total; got != 2 {
		t.Errorf("%d titles", got)
	}
	_, err = r.Title(t.Context(), catalog.Ref{ID: 9}, "")
	if err == nil {
		t.Error("title 9 was stored though nobody asked for it")
	}
}

// A process dies after the write and before anybody published: another one finds
// the news in the store.
func TestNewsSurvivesACrash(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.open(t, nil)
	h.origin.Set(catalogtest.Title(3), catalogtest.Title(4))
	refresh(t, first, catalog.Refresh{IDs: []int{3, 4}, Silent: true})
	h.origin.Set(catalogtest.WithEpisode(catalogtest.Title(4), catalogtest.Episode(4, 9)))
	told := refresh(t, first, catalog.Refresh{IDs: []int{4}}).Events
	second := h.open(t, nil) // nothing of the first one's memory
	if again := refresh(t, second, catalog.Refresh{IDs: []int{4}}); len(again.Events) > 0 {
		t.Errorf("told twice: %v", ids(again.Events))
	}
	p, err := second.Pending(t.Context(), 10)
	if d := cmp.Diff(told, must(t, p, err)); d != "" || len(told) != 1 {
		t.Fatalf("pending after the crash (-told +pending):\n%s", d)
	}
	if err := second.Confirm(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	p, err = first.Pending(t.Context(), 10)
	if len(must(t, p, err)) > 0 {
		t.Errorf("still pending: %v", ids(p))
	}
}

func TestTwoRoomsTellEachEpisodeOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	rooms := []*room{h.open(t, nil), h.open(t, nil)}
	title := catalogtest.Title(4)
	h.origin.Set(title)
	refresh(t, rooms[0], catalog.Refresh{IDs: []int{4}, Silent: true})
	var (
		mu   sync.Mutex
		seen = map[string]int{}
	)
	for round := range 10 {
		title = catalogtest.WithEpisode(title, catalogtest.Episode(4, float64(10+round)))
		h.origin.Set(title)
		var wg sync.WaitGroup
		for _, r := range []*room{rooms[0], rooms[1], rooms[0], rooms[1]} {
			wg.Go(func() {
				out, err := r.Refresh(context.Background(), catalog.Refresh{IDs: []int{4}})
				mu.Lock()
				defer mu.Unlock()
				if err != nil || len(out.Failed) > 0 {
					t.Errorf("refresh: %v %v", err, out.Failed)
				}
				for _, id := range ids(out.Events) {
					seen[id]++
				}
			})
		}
		wg.Wait()
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s was told %d times", id, n)
		}
	}
	p, err := rooms[1].Pending(t.Context(), 100)
	if len(seen) != 10 || len(must(t, p, err)) != 10 {
		t.Errorf("told %d, pending %d, want 10", len(seen), len(p))
	}
}

// A viewer opens a title that has become stale, and thereby finds an episode
// before the poll does: it is news all the same.
func TestAViewerFindsAnEpisode(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.open(t, nil)
	h.origin.Set(catalogtest.Title(4))
	refresh(t, r, catalog.Refresh{IDs: []int{4}, Silent: true})
	h.origin.Set(catalogtest.WithEpisode(catalogtest.Title(4), catalogtest.Episode(4, 9)))
	if _, err := r.cache.Invalidate(t.Context(), cache.Invalidation{Pattern: "titles:*"}); err != nil {
		t.Fatal(err)
	}
	a, err := r.Title(t.Context(), catalog.Ref{ID: 4}, "")
	if got := must(t, a, err); len(got.Value.Player.Episodes) != 5 || got.Freshness.Stale {
		t.Fatalf("after clearing: %d episodes, %+v", len(got.Value.Player.Episodes), got.Freshness)
	}
	p, err := r.Pending(t.Context(), 10)
	if got := ids(must(t, p, err)); len(got) != 1 || !strings.HasPrefix(got[0], "new_episode:4:") {
		t.Errorf("pending = %v", got)
	}
	if out := refresh(t, r, catalog.Refresh{IDs: []int{4}}); len(out.Events) > 0 {
		t.Errorf("told again by the poll: %v", ids(out.Events))
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.open(t, nil)
	h.origin.Set(catalogtest.Title(1), catalogtest.Title(2))
	refresh(t, r, catalog.Refresh{IDs: []int{1, 2, 3}, Silent: true})
	h.origin.Set(catalogtest.WithEpisode(catalogtest.Title(1), catalogtest.Episode(1, 2)))
	refresh(t, r, catalog.Refresh{IDs: []int{1, 2}})
	want := map[string]float64{
		"catalog_events_total new_episode": 1, "catalog_index_loaded": 1, "catalog_titles": 2,
		"catalog_refresh_total changed": 3, "catalog_refresh_total failed": 0,
		"catalog_refresh_total missing": 1, "catalog_refresh_total unchanged": 1,
		"catalog_suspicious_total other_id": 0, "catalog_suspicious_total outdated": 0, "catalog_suspicious_total shrunk": 0,
	}
	if d := cmp.Diff(want, metrics(t, r)); d != "" {
		t.Errorf("metrics (-want +got):\n%s", d)
	}
}
