//go:build !race

// A year of polls, eight times over, takes the race detector minutes and has no second
// goroutine to watch.

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
)

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
