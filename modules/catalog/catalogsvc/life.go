package catalogsvc

import (
	"time"

	"anihub/modules/catalog"
)

// An episode of an ongoing title is expected a week after the one before. From
// somewhat earlier until well after that moment, and after an episode came out,
// a title is fresh for minutes only: its sources are added one by one.
const (
	expectedEvery = 7 * 24 * time.Hour
	expectedEarly = 30 * time.Minute
	expectedLate  = 3 * time.Hour
	freshAround   = 5 * time.Minute
)

// lifeOf is how long a title is fresh. A doubtful one is asked for again as soon
// as it could be believed, one whose next episode is due before its usual life is
// over when that is.
func (s *Service) lifeOf(d titleDoc, t catalog.Summary, now time.Time) time.Duration {
	if d.Doubt != nil {
		return min(s.cfg.ConfirmAfter, s.cfg.FreshFor)
	}
	return min(s.cfg.FreshFor, untilExpected(t, now, s.cfg.FreshFor))
}

// untilExpected is the time to the next episode's window, and freshAround inside
// of it; usual for titles of which no episode is expected.
func untilExpected(t catalog.Summary, now time.Time, usual time.Duration) time.Duration {
	since := now.Sub(t.FreshAt)
	if t.Status != ongoing || t.Weekday == 0 || t.FreshAt.IsZero() || since < 0 {
		return usual
	}
	weeks := (since + expectedEvery - expectedLate) / expectedEvery // 0 while the last one is news
	opens := t.FreshAt.Add(weeks*expectedEvery - expectedEarly)
	return max(opens.Sub(now), freshAround)
}
