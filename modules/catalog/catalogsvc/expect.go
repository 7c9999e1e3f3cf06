package catalogsvc

import (
	"slices"
	"time"

	"anihub/modules/catalog"
)

// The upstream says on which weekday a title airs, not when. Its team releases most
// episodes a week after the one before, at about the same time of day: of the 1,475
// pairs of neighbouring episodes of July 2025 to July 2026 that
// TestExpectationsAgainstAYear looks at, half lie six to eight days apart. So the time of
// the next one is told by the times of the last ones.
const (
	oneWeek     = 7 * 24 * time.Hour
	oneRelease  = 12 * time.Hour // episodes that came that close together came at once
	lookBack    = 6              // releases that tell the time
	near        = 2 * time.Hour  // a release that close to the expected time was right
	overdue     = 12 * time.Hour // after that the week is given up for the next one
	stalled     = 5 * oneWeek    // without a release: nobody knows
	missedShare = 0.5            // what each week without a release leaves of the confidence
)

// expect tells when the next episode of an ongoing title comes, as of now; the zero
// value when nothing tells.
func expect(t catalog.Title, now time.Time) catalog.Expected {
	if t.Status != ongoing {
		return catalog.Expected{}
	}
	releases := releasesOf(t)
	if len(releases) == 0 || now.Sub(releases[len(releases)-1]) > stalled {
		return catalog.Expected{}
	}
	last := releases[len(releases)-1]
	usual, right := rhythm(releases)
	at := last.Add(oneWeek + usual).Truncate(time.Minute)
	confidence := float64(right) / float64(len(releases)+1) // one doubt, so that few releases tell little
	for now.Sub(at) > overdue {
		at = at.Add(oneWeek)
		confidence *= missedShare
	}
	return catalog.Expected{At: stamp(at), Confidence: float64(int(confidence*100)) / 100}
}

// releasesOf is when the last episodes came out, oldest first. The time of an
// episode is that of its last upload; what came at once counts once.
func releasesOf(t catalog.Title) []time.Time {
	var all []time.Time
	for _, e := range t.Player.Episodes {
		if !e.UpdatedAt.IsZero() {
			all = append(all, e.UpdatedAt)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	all = slices.CompactFunc(all, func(a, b time.Time) bool { return a.Sub(b).Abs() < oneRelease })
	if len(all) == 0 && !t.FreshAt.IsZero() {
		all = append(all, t.FreshAt)
	}
	return all[max(0, len(all)-lookBack):]
}

// rhythm compares releases with the last one's time of the week: by how much they
// usually differ (the median), and how many of them came near to that.
func rhythm(releases []time.Time) (usual time.Duration, right int) {
	last := releases[len(releases)-1]
	off := make([]time.Duration, len(releases))
	for i, r := range releases {
		off[i] = r.Sub(last).Round(time.Second) % oneWeek // 0 … -7 days
		switch {
		case off[i] < -oneWeek/2:
			off[i] += oneWeek
		case off[i] > oneWeek/2:
			off[i] -= oneWeek
		}
	}
	sorted := slices.Clone(off)
	slices.Sort(sorted)
	usual = sorted[len(sorted)/2]
	for _, o := range off {
		if (o - usual).Abs() <= near {
			right++
		}
	}
	return usual, right
}
