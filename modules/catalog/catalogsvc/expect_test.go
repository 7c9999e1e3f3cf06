package catalogsvc_test

import (
	"bufio"
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
)

var update = flag.Bool("update", false, "write the golden files anew")

// released is an ongoing title whose episodes came out at these hours after Friday,
// 2 October 2026, 18:00.
func released(hours ...int) catalog.Title {
	first := time.Date(2026, 10, 2, 18, 0, 0, 0, time.UTC)
	t := catalog.Title{Summary: catalog.Summary{Status: "ongoing"}}
	for i, h := range hours {
		at := first.Add(time.Duration(h) * time.Hour)
		t.Player.Episodes = append(t.Player.Episodes, catalog.Episode{Ordinal: float64(i + 1), UpdatedAt: at})
		t.FreshAt = at
	}
	return t
}

func TestExpect(t *testing.T) {
	t.Parallel()
	const week = 7 * 24
	first := time.Date(2026, 10, 2, 18, 0, 0, 0, time.UTC)
	completed, announced := released(0, week), released()
	completed.Status = "completed"
	bump := catalog.Title{Summary: catalog.Summary{Status: "ongoing", FreshAt: first}}
	for name, tt := range map[string]struct {
		title      catalog.Title
		now        int // hours after the first release
		want       int // hours after the first release; 0 = nothing
		confidence float64
	}{
		"completed":               {completed, week + 1, 0, 0},
		"no episode":              {announced, 0, 0, 0},
		"no episode, but a bump":  {bump, 1, week, 0.5},
		"one episode":             {released(0), 1, week, 0.5},
		"like a clock":            {released(0, week, 2*week, 3*week), 3*week + 1, 4 * week, 0.8},
		"a double episode":        {released(0, week, 2*week, 2*week+1), 2*week + 2, 3 * week, 0.75},
		"one was late":            {released(0, week, 2*week+30, 3*week), 3*week + 1, 4 * week, 0.6},
		"the last one was late":   {released(0, week, 2*week, 3*week+30), 3*week + 31, 4 * week, 0.6},
		"the last was a week off": {released(0, week, 2*week, 4*week), 4*week + 1, 5 * week, 0.8},
		"late today":              {released(0, week), 2*week + 12, 2 * week, 0.66},
		"it did not come":         {released(0, week), 2*week + 13, 3 * week, 0.33},
		"nor the week after":      {released(0, week), 3*week + 13, 4 * week, 0.16},
		"stalled":                 {released(0, week), 6*week + 1, 0, 0},
		"at any time":             {released(0, 50, 210, 290), 300, 290 + week, 0.2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := catalogsvc.Expect(tt.title, first.Add(time.Duration(tt.now)*time.Hour))
			want := catalog.Expected{Confidence: tt.confidence}
			if tt.want != 0 {
				want.At = first.Add(time.Duration(tt.want) * time.Hour)
			}
			if got != want {
				t.Errorf("expected %+v, want %+v", got, want)
			}
		})
	}
}

// upload is a line of testdata/releases-2025-2026.csv.
type upload struct {
	at    time.Time
	title int
}

func uploads(t *testing.T) (all []upload) {
	t.Helper()
	f, err := os.Open("testdata/releases-2025-2026.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		at, title, ok := strings.Cut(lines.Text(), ",")
		if !ok || strings.HasPrefix(at, "#") {
			continue
		}
		seconds, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		id, err := strconv.Atoi(title)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, upload{time.Unix(seconds, 0).UTC(), id})
	}
	return all
}

// TestExpectationsAgainstAYear: what is said with confidence comes true more often
// than what is not, over a year of real releases. What is said after each release, and
// whenever one did not come, is written down for those who act on it.
func TestExpectationsAgainstAYear(t *testing.T) {
	t.Parallel()
	titles := map[int]catalog.Title{}
	said, right := [2]int{}, [2]int{} // without, with confidence
	var told []string
	tell := func(at time.Time, id int, e catalog.Expected, what string) {
		told = append(told, fmt.Sprintf("%d,%d,%d,%.2f,%s\n", at.Unix(), id, max(e.At.Unix(), 0), e.Confidence, what))
	}
	for _, u := range uploads(t) {
		title := titles[u.title]
		title.Status = "ongoing"
		if len(title.Player.Episodes) > 0 && u.at.Sub(title.FreshAt) > 12*time.Hour {
			e := catalogsvc.Expect(title, title.FreshAt)
			for !e.At.IsZero() && u.at.Sub(e.At) > 12*time.Hour { // it did not come
				missed := e.At.Add(12*time.Hour + time.Second)
				e = catalogsvc.Expect(title, missed)
				tell(missed, u.title, e, "missed")
			}
			class := 0
			if e.Confidence >= 0.5 {
				class = 1
			}
			if !e.At.IsZero() {
				said[class]++
				if u.at.Sub(e.At).Abs() <= 3*time.Hour {
					right[class]++
				}
			}
		}
		title.Player.Episodes = append(title.Player.Episodes, catalog.Episode{UpdatedAt: u.at})
		title.FreshAt = u.at
		titles[u.title] = title
		tell(u.at, u.title, catalogsvc.Expect(title, u.at), "released")
	}
	share := func(class int) float64 { return float64(right[class]) / float64(max(said[class], 1)) }
	t.Logf("within 3 h of what was expected: %d of %d with confidence (%.2f), %d of %d without (%.2f)",
		right[1], said[1], share(1), right[0], said[0], share(0))
	if said[1] < 100 || share(1) < 0.4 || share(1) < 1.5*share(0) {
		t.Error("confidence means nothing")
	}
	golden(t, told)
}

// golden compares with what modules/sync holds its cadence against.
func golden(t *testing.T, told []string) {
	t.Helper()
	const path = "../../sync/syncersvc/testdata/expected-2025-2026.csv"
	slices.SortFunc(told, func(a, b string) int { return cmp.Or(cmp.Compare(seconds(a), seconds(b)), cmp.Compare(a, b)) })
	text := "# What the catalogue expects after each release of modules/catalog/catalogsvc/testdata, and when one did not come:\n" +
		"# Unix seconds, release id, expected at, confidence, why. Written by go test ./modules/catalog/catalogsvc -run AYear -update\n" +
		strings.Join(told, "")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || string(have) != text {
		t.Errorf("%s is not what is expected (%v); write it with -update", path, err)
	}
}

func seconds(line string) int64 {
	at, _, _ := strings.Cut(line, ",")
	n, _ := strconv.ParseInt(at, 10, 64)
	return n
}
