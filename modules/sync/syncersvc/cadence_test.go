package syncersvc_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
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

// told is a line of testdata/expected-2025-2026.csv.
type told struct {
	at       time.Time
	title    int
	expected catalog.Expected
	released bool
}

func tellings(t *testing.T) (all []told) {
	t.Helper()
	f, err := os.Open("testdata/expected-2025-2026.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		var at, expected int64
		var x told
		var why string
		if _, err := fmt.Sscanf(strings.ReplaceAll(lines.Text(), ",", " "), "%d %d %d %f %s", &at, &x.title, &expected, &x.expected.Confidence, &why); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		x.at, x.released = time.Unix(at, 0), why == "released"
		if expected > 0 {
			x.expected.At = time.Unix(expected, 0)
		}
		all = append(all, x)
	}
	return all
}

// year polls through a year of real releases, and tells how often it asked and how
// long a release waited to be noticed, on average. What a poll has not noticed yet is
// not known to the cadence either.
func year(told []told, cadence func(now time.Time, expected []catalog.Expected) time.Duration) (polls int, delay time.Duration) {
	const starts = 8 // some seconds apart, because luck is worth a second
	for n := range starts {
		p, d := from(time.Duration(n)*7*time.Second, told, cadence)
		polls, delay = polls+p/starts, delay+d/starts
	}
	return polls, delay
}

func from(late time.Duration, all []told, cadence func(now time.Time, expected []catalog.Expected) time.Duration) (polls int, delay time.Duration) {
	begin, end := time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	known := map[int]catalog.Expected{}
	var expected []catalog.Expected
	noticed := 0
	for now := begin.Add(late); now.Before(end); now = now.Add(cadence(now, expected)) {
		polls++
		fresh := false
		for ; len(all) > 0 && !all[0].at.After(now); all = all[1:] {
			x := all[0]
			known[x.title], fresh = x.expected, true
			if x.released && !x.at.Before(begin) {
				noticed++
				delay += now.Sub(x.at)
			}
		}
		if fresh {
			expected = expected[:0]
			for _, e := range known {
				if !e.At.IsZero() {
					expected = append(expected, e)
				}
			}
		}
	}
	return polls, delay / time.Duration(max(noticed, 1))
}

// TestCadenceAgainstAYear: fewer questions than at the fixed interval, and less time
// until a release is noticed.
func TestCadenceAgainstAYear(t *testing.T) {
	t.Parallel()
	all := tellings(t)
	fixedPolls, fixedDelay := year(all, func(time.Time, []catalog.Expected) time.Duration { return time.Minute })
	polls, delay := year(all, func(now time.Time, expected []catalog.Expected) time.Duration {
		return syncersvc.Cadence(time.Minute, now, expected)
	})
	t.Logf("every minute: %d questions, a release waits %v; by cadence: %d questions, %v",
		fixedPolls, fixedDelay.Round(100*time.Millisecond), polls, delay.Round(100*time.Millisecond))
	if polls >= fixedPolls || delay >= fixedDelay {
		t.Error("the cadence is no better than the fixed interval")
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
