package userssvc

import (
	"cmp"
	"math"
	"slices"
	"time"

	"anihub/modules/users"
)

// episode is stored progress of one episode: two registers, each with the time of
// the edit that won it, in milliseconds of Unix time; 0 = nobody said anything.
type episode struct {
	Ordinal   float64 `bson:"n"`
	Seconds   float64 `bson:"s"`
	PlacedAt  int64   `bson:"s_at"`
	Watched   bool    `bson:"w"`
	WatchedAt int64   `bson:"w_at"`
	Rest      rest    `bson:",inline"`
}

// updatedAt is when the later of the registers was won.
func (e episode) updatedAt() int64 { return max(e.PlacedAt, e.WatchedAt) }

// episodeOf is an edit as if it were all that is known of the episode. A time in the
// future counts as now, and one before 1970 as the start of it: a device whose clock
// stands still loses to all others, but is heard.
func episodeOf(e users.EpisodeEdit, now time.Time) episode {
	at := now
	if !e.At.IsZero() && e.At.Before(now) {
		at = e.At
	}
	ms := max(at.UnixMilli(), 1)
	out := episode{Ordinal: e.Episode}
	if e.Seconds != nil {
		out.Seconds, out.PlacedAt = *e.Seconds, ms
	}
	if e.Watched != nil {
		out.Watched, out.WatchedAt = *e.Watched, ms
	}
	return out
}

// merge joins what two sides know of one episode. It is commutative, associative and
// idempotent, so that edits converge in whatever order and grouping they arrive: of
// each register the later one wins, and among equally late ones the larger.
func merge(a, b episode) episode {
	if cmp.Or(cmp.Compare(b.PlacedAt, a.PlacedAt), cmp.Compare(b.Seconds, a.Seconds)) > 0 {
		a.Seconds, a.PlacedAt = b.Seconds, b.PlacedAt
	}
	if b.WatchedAt > a.WatchedAt || b.WatchedAt == a.WatchedAt && b.Watched {
		a.Watched, a.WatchedAt = b.Watched, b.WatchedAt
	}
	if a.Rest == nil {
		a.Rest = b.Rest
	}
	return a
}

// mergeAll joins two lists of episodes, in whatever order and with whatever
// repetitions, into one in order of the ordinals.
func mergeAll(a, b []episode) []episode {
	all := slices.Concat(a, b)
	slices.SortStableFunc(all, func(x, y episode) int { return cmp.Compare(x.Ordinal, y.Ordinal) })
	out := all[:0]
	for _, e := range all {
		if n := len(out); n > 0 && out[n-1].Ordinal == e.Ordinal {
			out[n-1] = merge(out[n-1], e)
			continue
		}
		out = append(out, e)
	}
	return out
}

// watchedInRow counts the episodes 1, 2, 3 … that are watched without a gap.
func watchedInRow(sorted []episode) int {
	n := 0
	for _, e := range sorted {
		if e.Watched && e.Ordinal == float64(n+1) {
			n++
		}
	}
	return n
}

// validEpisode tells whether an ordinal can be: whole or with at most two decimals.
func validEpisode(n float64) bool {
	return n >= 0 && n <= users.MaxEpisode && math.Round(n*100)/100 == n
}

// validSeconds is false for what is no number.
func validSeconds(s float64) bool { return s >= 0 && s <= users.MaxSeconds }
