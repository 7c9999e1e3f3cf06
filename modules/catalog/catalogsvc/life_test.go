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
	const usual, week = 24 * time.Hour, 7 * 24 * time.Hour
	last := time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)
	ongoing := catalog.Summary{Status: "ongoing", Weekday: 5, FreshAt: last}
	for name, tt := range map[string]struct {
		change func(*catalog.Summary)
		after  time.Duration // the last episode
		want   time.Duration
	}{
		"completed":                     {func(t *catalog.Summary) { t.Status = "completed" }, week, usual},
		"announced":                     {func(t *catalog.Summary) { t.Status = "announced" }, week, usual},
		"without a day":                 {func(t *catalog.Summary) { t.Weekday = 0 }, week, usual},
		"without an episode":            {func(t *catalog.Summary) { t.FreshAt = time.Time{} }, week, usual},
		"from the future":               {nil, -time.Hour, usual},
		"just out":                      {nil, 0, 5 * time.Minute},
		"out for a while":               {nil, 3*time.Hour - 1, 5 * time.Minute},
		"no longer news":                {nil, 3 * time.Hour, week - 3*time.Hour - 30*time.Minute},
		"the day before":                {nil, week - 10*time.Hour, 9*time.Hour + 30*time.Minute},
		"nearly due":                    {nil, week - 31*time.Minute, 5 * time.Minute},
		"due":                           {nil, week, 5 * time.Minute},
		"late":                          {nil, week + 3*time.Hour - 1, 5 * time.Minute},
		"did not come":                  {nil, week + 3*time.Hour, week - 3*time.Hour - 30*time.Minute},
		"did not come for a month, due": {nil, 5 * week, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			title := ongoing
			if tt.change != nil {
				tt.change(&title)
			}
			if got := catalogsvc.UntilExpected(title, last.Add(tt.after), usual); got != tt.want {
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
