package catalogsvc

import (
	"time"

	"anihub/modules/catalog"
)

// From somewhat before the expected time of an episode until well after it, and after
// an episode came out, a title is fresh for minutes only: its sources are added one
// by one.
const (
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

// untilExpected is the time to the window of the next episode, and freshAround inside
// of it and in that of the last one; usual for titles of which no episode is expected.
func untilExpected(t catalog.Summary, now time.Time, usual time.Duration) time.Duration {
	if since := now.Sub(t.FreshAt); t.Status == ongoing && !t.FreshAt.IsZero() && since >= 0 && since < expectedLate {
		return freshAround
	}
	if t.Expected.At.IsZero() {
		return usual
	}
	opens := t.Expected.At.Add(-expectedEarly)
	if now.After(t.Expected.At.Add(expectedLate)) {
		return usual // late: who knows
	}
	return max(opens.Sub(now), freshAround)
}
