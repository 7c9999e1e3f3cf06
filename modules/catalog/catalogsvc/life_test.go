package catalogsvc_test

import (
	"testing"
	"time"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
	"anihub/modules/catalog/catalogtest"
	"anihub/platform/anilibria"
)

// How long a title is fresh depends on when its next episode is expected.
func TestUntilExpected(t *testing.T) {
	t.Parallel()
	const usual = 24 * time.Hour
	due := time.Date(2026, 11, 27, 18, 0, 0, 0, time.UTC)
	expected := catalog.Summary{Status: "ongoing", Expected: catalog.Expected{At: due}, FreshAt: due.Add(-7 * 24 * time.Hour)}
	for name, tt := range map[string]struct {
		title catalog.Summary
		at    time.Duration // after it is due
		want  time.Duration
	}{
		"nothing expected":   {catalog.Summary{Status: "ongoing", FreshAt: due}, 4 * time.Hour, usual},
		"never out":          {catalog.Summary{Expected: expected.Expected}, -time.Hour, 30 * time.Minute},
		"just out":           {expected, -7 * 24 * time.Hour, 5 * time.Minute},
		"out for a while":    {expected, -7*24*time.Hour + 3*time.Hour - 1, 5 * time.Minute},
		"no longer news":     {expected, -7*24*time.Hour + 3*time.Hour, 7*24*time.Hour - 3*time.Hour - 30*time.Minute},
		"the day before":     {expected, -10 * time.Hour, 9*time.Hour + 30*time.Minute},
		"nearly due":         {expected, -31 * time.Minute, 5 * time.Minute},
		"due":                {expected, 0, 5 * time.Minute},
		"late":               {expected, 3 * time.Hour, 5 * time.Minute},
		"did not come":       {expected, 3*time.Hour + 1, usual},
		"out in the future?": {catalog.Summary{Expected: expected.Expected, FreshAt: due.Add(time.Hour)}, 0, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := catalogsvc.UntilExpected(tt.title, due.Add(tt.at), usual); got != tt.want {
				t.Errorf("fresh for %v, want %v", got, tt.want)
			}
		})
	}
}

// A title says how long it is fresh: a viewer's answer and what is stored alike.
func TestATitleIsFreshUntilItsEpisodeIsDue(t *testing.T) {
	t.Parallel()
	base := catalogtest.Release(catalogtest.Title(6))
	for name, tt := range map[string]struct {
		inProduction bool
		want         time.Duration
	}{
		"out this minute": {true, 5 * time.Minute},
		"finished":        {false, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			r := h.open(t, nil)
			h.origin.SetRelease(6, edited(base, func(r *anilibria.Release) {
				r.FreshAt, r.UpdatedAt, r.PublishDay = time.Now().Add(-time.Minute), time.Now(), 5
				r.IsInProduction, r.IsOngoing = tt.inProduction, false
			}))
			a, err := r.Title(t.Context(), catalog.Ref{ID: 6}, "")
			f := must(t, a, err).Freshness
			if got := f.FreshUntil.Sub(f.StoredAt); (got - tt.want).Abs() > tt.want/5 { // ± 10 %, and times are cut to the millisecond
				t.Errorf("fresh for %v, want %v", got, tt.want)
			}
		})
	}
}
