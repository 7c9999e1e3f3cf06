package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogtest"
)

// calendarAt reads a calendar that must be there and be lawful.
func (s *surface) calendarAt(t testing.TB, path string, headers ...string) (map[string]string, []event) {
	t.Helper()
	r := s.get(t, path, headers...)
	body := read(t, r)
	if r.StatusCode != 200 {
		t.Fatalf("%s: %d %s", path, r.StatusCode, body)
	}
	head, events, err := parseCalendar(body)
	if err != nil {
		t.Fatalf("%s: %v in\n%s", path, err, body)
	}
	return head, events
}

func TestCalendarOfComingEpisodes(t *testing.T) {
	t.Parallel()
	s := open(t)
	timed, daily, over := catalogtest.Title(9), catalogtest.Title(6), catalogtest.Title(10)
	due := time.Date(2026, 3, 4, 17, 5, 0, 0, time.UTC)
	timed.Expected = catalog.Expected{At: due, Confidence: 0.5}
	timed.Description = "Длинное; описание, с \\ и\nпереносом. " + strings.Repeat("Слово за словом. ", 20)
	s.catalog.Put(timed, daily, over)
	// The schedule was told on Monday, 2 March 2026, at 15:00 in Moscow; the last
	// episode of the title without a time came at 21:00 of that day.
	s.catalog.Air(
		catalogtest.Line{TitleID: 9, Weekday: 3, NextEpisode: 10}, catalogtest.Line{TitleID: 9, Weekday: 4},
		catalogtest.Line{TitleID: 6, Weekday: 2}, catalogtest.Line{TitleID: 10, Weekday: 2},
	)
	head, events := s.calendarAt(t, v2+"/schedule.ics")
	if head["X-WR-CALNAME"] != "AniHub: ближайшие серии" || head["PRODID"] != "-//AniHub//AniHub//RU" {
		t.Errorf("head %q", head)
	}
	want := []event{
		{
			"DTSTAMP": "20260302T120909Z", "DTSTART": "20260304T170500Z", "DTEND": "20260304T173500Z",
			"SUMMARY": timed.Names.RU + ": серия 10", "DESCRIPTION": strings.TrimSpace(timed.Description), "URL": "http://example.com/title/9",
			"STATUS": "TENTATIVE", "TRANSP": "TRANSPARENT", "UID": "f65babac-1423-5e96-aef7-719c813967fc",
		},
		{
			"DTSTAMP": "20260302T120606Z", "DTSTART": ";VALUE=DATE 20260310",
			"SUMMARY": daily.Names.RU + ": серия 7", "DESCRIPTION": daily.Description, "URL": "http://example.com/title/6",
			"STATUS": "TENTATIVE", "TRANSP": "TRANSPARENT", "UID": "59af939e-9da7-5ed6-abbf-370090c6c1ef",
		},
	}
	if d := cmp.Diff(want, events); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
	if _, events := s.calendarAt(t, v2+"/schedule.ics?titles=6,7"); len(events) != 1 || events[0]["UID"] != want[1]["UID"] {
		t.Errorf("of two titles: %q", events)
	}
	if head, events := s.calendarAt(t, v2+"/schedule.ics", "Accept-Language", "en"); head["NAME"] != "AniHub: coming episodes" || events[0]["SUMMARY"] != "Fox 9: episode 10" || events[0]["UID"] != want[0]["UID"] {
		t.Errorf("in English: %q %q", head, events)
	}
	if r := s.get(t, v2+"/schedule.ics?limit=1"); r.StatusCode != 400 {
		t.Errorf("a parameter of feeds: %d", r.StatusCode)
	}
}

// An entry stays the same one while its time becomes known and moves; the next
// episode is another.
func TestAnEntryIsTheSameUntilItsEpisodeIsOut(t *testing.T) {
	t.Parallel()
	s := open(t)
	title := catalogtest.Title(6)
	s.catalog.Air(catalogtest.Line{TitleID: 6, Weekday: 2})
	uid := func() string {
		t.Helper()
		s.catalog.Put(title)
		_, events := s.calendarAt(t, v2+"/schedule.ics")
		if len(events) != 1 {
			t.Fatalf("events %q", events)
		}
		return events[0]["UID"]
	}
	first := uid()
	for _, day := range []int{4, 11} {
		title.Expected.At = time.Date(2026, 3, day, 12, 0, 0, 0, time.UTC)
		if got := uid(); got != first {
			t.Errorf("expected on the %d.: %s, was %s", day, got, first)
		}
	}
	title = catalogtest.WithEpisode(title, catalogtest.Episode(6, 7))
	if uid() == first {
		t.Error("the next episode has the same entry")
	}
	title.Status = "completed"
	s.catalog.Put(title)
	if _, events := s.calendarAt(t, v2+"/schedule.ics"); len(events) != 0 {
		t.Errorf("after the end: %q", events)
	}
}

// told is a catalogue whose schedule was told at another time.
type told struct {
	catalog.Service
	at time.Time
}

func (s told) Schedule(ctx context.Context, have string) (catalog.Answer[[]catalog.Day], error) {
	a, err := s.Service.Schedule(ctx, have)
	a.Freshness.StoredAt = s.at
	return a, err
}

// TestWhichDayAWeekdayIs: the days are Moscow's, and an episode that is out counts for
// its week even when it was late or early.
func TestWhichDayAWeekdayIs(t *testing.T) {
	t.Parallel()
	day := func(d, hour int) time.Time { return time.Date(2026, 3, d, hour, 0, 0, 0, time.UTC) } // the 2nd is a Monday
	for name, tt := range map[string]struct {
		weekday   int
		said, out time.Time
		want      string
	}{
		"today":                              {1, day(2, 12), time.Time{}, "20260302"},
		"tomorrow":                           {2, day(2, 12), time.Time{}, "20260303"},
		"Sunday":                             {7, day(2, 12), time.Time{}, "20260308"},
		"yesterday is next week":             {7, day(2, 12), day(1, 9), "20260308"},
		"in Moscow it is Tuesday already":    {1, day(2, 22), time.Time{}, "20260309"},
		"today's is out":                     {1, day(2, 12), day(2, 10), "20260309"},
		"it came a day early":                {2, day(2, 12), day(2, 10), "20260310"},
		"it came a day late, a week ago":     {1, day(2, 12), day(2, 12).AddDate(0, 0, -6), "20260302"},
		"the last one was long ago":          {3, day(2, 12), day(2, 12).AddDate(0, -2, 0), "20260304"},
		"out late in the evening, in UTC":    {4, day(2, 12), day(1, 22), "20260312"},
		"it came three days before its day":  {5, day(2, 12), day(3, 12), "20260313"},
		"four days before is another week's": {5, day(2, 12), day(2, 12), "20260306"},
		"a schedule of the end of the month": {2, day(30, 12), time.Time{}, "20260331"},
		"and one that leads into the next":   {3, day(30, 12), time.Time{}, "20260401"},
	} {
		s := build(t, func(echo.Context) error { return echo.ErrNotFound }, func(c catalog.Service) catalog.Service { return told{c, tt.said} })
		title := catalogtest.Title(6)
		title.Latest.At = tt.out
		s.catalog.Put(title)
		s.catalog.Air(catalogtest.Line{TitleID: 6, Weekday: tt.weekday})
		if _, events := s.calendarAt(t, v2+"/schedule.ics"); len(events) != 1 || events[0]["DTSTART"] != ";VALUE=DATE "+tt.want {
			t.Errorf("%s: %q, want %s", name, events, tt.want)
		}
	}
}
