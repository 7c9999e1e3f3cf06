package syncersvc_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"anihub/modules/sync/syncersvc"
)

func TestTheRateIsThatOfTheRecentPagesOfThisRun(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		found int             // done by a former runner
		pages []time.Duration // how long each page of 50 took
		total int
		rate  float64
		left  time.Duration // until the ETA; 0 = unknown
	}{
		"steady":                        {0, repeat(2*time.Second, 4), 1000, 25, 32 * time.Second},
		"what was found does not count": {500, repeat(2*time.Second, 4), 1000, 25, 12 * time.Second},
		"only the recent pages count":   {0, append(repeat(time.Minute, 5), repeat(time.Second, 16)...), 2050, 50, 20 * time.Second},
		"it slows down":                 {0, append(repeat(time.Second, 30), repeat(10*time.Second, 16)...), 2350, 5, 10 * time.Second},
		"nothing is left":               {0, repeat(2*time.Second, 4), 200, 25, 0},
		"no time has passed":            {0, repeat(0, 3), 1000, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, done := dawn, tt.found
			m := syncersvc.NewMeter(at, done)
			var rate float64
			var eta time.Time
			for _, took := range tt.pages {
				at, done = at.Add(took), done+50
				rate, eta = syncersvc.Add(m, at, done, tt.total)
			}
			if math.Abs(rate-tt.rate) > 1e-9 {
				t.Errorf("rate %v, want %v", rate, tt.rate)
			}
			want := time.Time{}
			if tt.left > 0 {
				want = at.Add(tt.left)
			}
			if !eta.Equal(want) {
				t.Errorf("done at %v, want %v; now %v", eta, want, at)
			}
		})
	}
}

func TestOneTitleHasNoRate(t *testing.T) {
	t.Parallel()
	if rate, eta := syncersvc.Add(syncersvc.NewMeter(dawn, 0), dawn.Add(time.Second), 1, 1); rate != 0 || !eta.IsZero() {
		t.Errorf("rate %v, done at %v", rate, eta)
	}
}

// TestTheLogHearsRarely: ten seconds and a tenth of the whole must both have passed.
func TestTheLogHearsRarely(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		every time.Duration // a page of 50
		total int
		want  []int // the pages that are told of
	}{
		"quick": {time.Second, 1000, []int{10, 20}},
		"slow":  {20 * time.Second, 2000, []int{4, 8, 12, 16, 20}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := syncersvc.NewMeter(dawn, 0)
			var got []int
			for page := 1; page <= 20; page++ {
				if syncersvc.Due(m, dawn.Add(time.Duration(page)*tt.every), page*50, tt.total) {
					got = append(got, page)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("told of pages %v, want %v", got, tt.want)
			}
		})
	}
}

func repeat(d time.Duration, n int) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = d
	}
	return out
}
