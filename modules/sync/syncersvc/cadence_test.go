package syncersvc_test

import (
	"testing"
	"time"

	"anihub/modules/catalog"
	"anihub/modules/sync/syncersvc"
	"anihub/platform/lease"
)

func TestCadence(t *testing.T) {
	t.Parallel()
	const usual = time.Minute
	evening := time.Date(2026, 11, 27, 18, 0, 0, 0, time.UTC)
	night := time.Date(2026, 11, 27, 2, 0, 0, 0, time.UTC)
	wait := func(now time.Time, expected ...catalog.Expected) time.Duration {
		return syncersvc.Cadence(usual, now, expected)
	}
	due := func(at time.Time, confidence float64) catalog.Expected {
		return catalog.Expected{At: at, Confidence: confidence}
	}
	for _, tt := range []struct {
		quicker, slower time.Duration
		why             string
	}{
		{wait(evening), usual, "it is evening in Moscow"},
		{usual, wait(night), "it is night"},
		{wait(evening, due(evening, 0.8)), wait(evening), "an episode is due"},
		{wait(evening, due(evening, 0.8)), wait(evening, due(evening, 0.4)), "it is surer"},
		{wait(evening, due(evening, 0.8)), wait(evening, due(evening.Add(-40*time.Minute), 0.8)), "it is due now, not late"},
		{wait(evening, due(evening.Add(40*time.Minute), 0.8)), wait(evening, due(evening.Add(2*time.Hour), 0.8)), "it is due soon"},
		{wait(night, due(night, 0.8)), wait(night), "it is due at night"},
	} {
		if tt.quicker >= tt.slower {
			t.Errorf("%v is not less than %v, although %s", tt.quicker, tt.slower, tt.why)
		}
	}
	if got := wait(evening, due(evening, 0.2), catalog.Expected{}); got != wait(evening) {
		t.Errorf("who believes in 0.2? waits %v", got)
	}
	var all []catalog.Expected
	for range 1000 {
		all = append(all, due(evening, 1))
	}
	if got := wait(evening, all...); got != usual/4 {
		t.Errorf("with everything due: %v, want the quickest, %v", got, usual/4)
	}
	for hour := range 48 {
		if got := wait(night.Add(time.Duration(hour) * time.Hour)); got > 4*usual || got < usual/4 {
			t.Errorf("hour %d: %v", hour, got)
		}
	}
}

// TestAnExpectedEpisodeIsWatchedFor: the poll loop asks the catalogue what is expected.
func TestAnExpectedEpisodeIsWatchedFor(t *testing.T) {
	t.Parallel()
	cfg := syncersvc.DefaultConfig()
	cfg.PollInterval = time.Hour
	w := newWorld(3)
	for range 150 { // more than a page of ongoing titles
		w.expected = append(w.expected, catalog.Expected{})
	}
	for range 50 {
		w.expected = append(w.expected, catalog.Expected{At: time.Now(), Confidence: 1})
	}
	s, _ := room(t, w, openStore(t), lease.NewMemory(), cfg)
	eventually(t, "the next poll is planned", func() bool { st, _ := s.Status(t.Context()); return !st.NextPoll.IsZero() })
	st, err := s.Status(t.Context())
	if wait := st.NextPoll.Sub(st.LastPoll); err != nil || wait > 20*time.Minute {
		t.Errorf("%v: the next poll is in %v, want in a quarter of an hour", err, wait)
	}
}
