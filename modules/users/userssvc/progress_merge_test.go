package userssvc_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"anihub/modules/users"
	"anihub/modules/users/userssvc"
)

// evening is when the edits of these tests arrive.
var evening = time.Date(2026, 5, 1, 20, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant but for the language

// edits draws what three devices say of a title. Times and values are few, so that
// ties are many; some clocks are ahead, and some stand still.
func edits(t *rapid.T) []users.EpisodeEdit {
	one := rapid.Custom(func(t *rapid.T) users.EpisodeEdit {
		e := users.EpisodeEdit{
			Episode: rapid.SampledFrom([]float64{1, 2, 3, 25.5}).Draw(t, "episode"),
			At:      evening.Add(time.Duration(rapid.IntRange(-4, 1).Draw(t, "at")) * time.Second),
		}
		if rapid.IntRange(0, 9).Draw(t, "clock") == 0 {
			e.At = time.Time{}.Add(time.Hour)
		}
		says := rapid.IntRange(1, 3).Draw(t, "says")
		if says&1 != 0 {
			s := rapid.SampledFrom([]float64{0, 1.5, 90, 1400}).Draw(t, "seconds")
			e.Seconds = &s
		}
		if says&2 != 0 {
			w := rapid.Bool().Draw(t, "watched")
			e.Watched = &w
		}
		return e
	})
	var all []users.EpisodeEdit
	for range 3 {
		all = append(all, rapid.SliceOfN(one, 0, 6).Draw(t, "device")...)
	}
	return all
}

// expected is the rule as SPEC §4 says it, over all edits at once: for each register
// of each episode, sort what was said by time and value, and take the last.
func expected(all []users.EpisodeEdit) []userssvc.Episode {
	said := map[float64][]userssvc.Episode{}
	for _, e := range all {
		said[e.Episode] = append(said[e.Episode], userssvc.EpisodeOf(e, evening))
	}
	var out []userssvc.Episode
	for n, es := range said {
		place := slices.MaxFunc(es, func(a, b userssvc.Episode) int {
			return cmp.Or(cmp.Compare(a.PlacedAt, b.PlacedAt), cmp.Compare(a.Seconds, b.Seconds))
		})
		mark := slices.MaxFunc(es, func(a, b userssvc.Episode) int {
			return cmp.Or(cmp.Compare(a.WatchedAt, b.WatchedAt), cmp.Compare(number(a.Watched), number(b.Watched)))
		})
		out = append(out, userssvc.Episode{
			Ordinal: n, Seconds: place.Seconds, PlacedAt: place.PlacedAt, Watched: mark.Watched, WatchedAt: mark.WatchedAt,
		})
	}
	slices.SortFunc(out, func(a, b userssvc.Episode) int { return cmp.Compare(a.Ordinal, b.Ordinal) })
	return out
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// join merges edits in a random order and a random grouping: it cuts the list
// anywhere and merges what the two halves became.
func join(t *rapid.T, all []users.EpisodeEdit) []userssvc.Episode {
	if len(all) == 0 {
		return nil
	}
	if len(all) == 1 {
		return userssvc.Merge(nil, []userssvc.Episode{userssvc.EpisodeOf(all[0], evening)})
	}
	cut := rapid.IntRange(1, len(all)-1).Draw(t, "cut")
	a, b := join(t, all[:cut]), join(t, all[cut:])
	if rapid.Bool().Draw(t, "turned") {
		a, b = b, a
	}
	return userssvc.Merge(a, b)
}

func TestEditsConverge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := edits(t)
		want := expected(all)
		for range 3 {
			got := join(t, rapid.Permutation(all).Draw(t, "order"))
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
			again := userssvc.Merge(got, join(t, all[:rapid.IntRange(0, len(all)).Draw(t, "again")]))
			if diff := gocmp.Diff(want, again); diff != "" {
				t.Fatalf("some of it again: %s", diff)
			}
		}
	})
}
