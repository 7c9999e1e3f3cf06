package syncersvc

import (
	"context"
	"math"
	"time"

	"anihub/modules/catalog"
)

// The best times to look for what happens at a known rate lie apart by the inverse of
// the square root of that rate: half as many questions where a quarter as much happens.
// How much happens is told by the hour of the day and by the episodes that are
// expected. TestCadenceAgainstAYear holds it against a year of real releases: fewer
// questions than at a fixed interval, and less time until an episode is noticed.
const (
	certain  = 2.0       // what a sure episode adds to the rate at its time
	likely   = 0.3       // the least confidence that counts
	reach    = time.Hour // around an expected episode
	quickest = 0.25      // bounds of the interval, in usual ones
	slowest  = 4.0
)

// hourly is how much comes out in an hour of the day (UTC), 1 being the mean: the
// releases of July 2025 to June 2026, over three hours each.
func hourly(hour int) float64 {
	return [24]float64{
		0.43, 0.31, 0.18, 0.18, 0.28, 0.48, 0.55, 0.60, 0.60, 0.64, 0.74, 0.94,
		1.33, 1.81, 1.94, 1.99, 1.78, 1.77, 1.56, 1.63, 1.44, 1.32, 0.86, 0.66,
	}[hour]
}

// cadence is how long to wait for the next poll.
func cadence(usual time.Duration, now time.Time, expected []catalog.Expected) time.Duration {
	rate := hourly(now.UTC().Hour())
	for _, e := range expected {
		off := now.Sub(e.At).Abs()
		if e.Confidence >= likely && off < reach {
			rate += certain * e.Confidence * (1 - float64(off)/float64(reach))
		}
	}
	factor := min(max(1/math.Sqrt(rate), quickest), slowest)
	return time.Duration(factor * float64(usual)).Round(time.Millisecond)
}

// maxOngoing bounds the titles whose episodes are awaited; some 60 air at a time.
const maxOngoing = 500

// expectations are when the ongoing titles' next episodes are expected. Without a
// catalogue to ask there are none: the cadence is the usual one then.
func (s *Service) expectations(ctx context.Context) []catalog.Expected {
	const page = 100
	var out []catalog.Expected
	for n := 1; n <= maxOngoing/page; n++ {
		a, err := s.deps.Catalog.Titles(ctx, catalog.Query{Status: "ongoing", Sort: "updated", Descending: true, Page: n, Limit: page}, "")
		if err != nil {
			return out
		}
		for _, t := range a.Value.Titles {
			out = append(out, t.Expected)
		}
		if n*page >= a.Value.Total {
			break
		}
	}
	return out
}
