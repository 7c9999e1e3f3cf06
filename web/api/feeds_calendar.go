package api

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
	"anihub/platform/fault"
	"anihub/web/envelope"
)

// The calendar (RFC 5545) has one entry for the next episode of each title that airs.
//
// When the time is expected, the entry has it. Else the upstream only says a weekday:
// the entry is then the whole of the next such day, once. A weekly rule would go on
// promising episodes after the title has ended, in calendars that have long stopped
// to ask; one day that is renewed every week promises nothing that is not known.
//
// Nothing in it comes from the clock. The UID names the episode by the one before it,
// so it stays when the time becomes known or moves, and when the next one's number
// does; DTSTAMP is when the title last changed, as
// it has to be in a calendar without METHOD (§3.8.7.2).

const (
	calendarMIME    = "text/calendar; charset=utf-8"
	calendarRefresh = "PT1H"
	// entryLength is what is kept free: the upstream does not say how long an episode
	// is before it is out, and some calendars hide what takes no time.
	entryLength = 30 * time.Minute
)

func (a *API) calendar(c echo.Context) error {
	in := envelope.ReadQuery(c, "titles", "lang")
	ids := readIDs(in, "titles", maxBatch)
	slices.Sort(ids)
	l, err := a.look(c, in, filterOf(catalog.Query{IDs: ids}), defaultItems)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	return answer(a, c, l.key(), reading[[]catalog.Day]{
		ask: func(have string) (catalog.Answer[[]catalog.Day], error) { return a.coming(ctx, have) },
		draw: func(days []catalog.Day, f catalog.Freshness) (document, error) {
			doc, err := l.calendar(l.entries(days, ids, dated(f.StoredAt)))
			doc.vary = l.vary
			return doc, err
		},
	})
}

// coming is the schedule or, when neither the upstream nor a copy has it, what the
// index knows of the titles that air.
func (a *API) coming(ctx context.Context, have string) (catalog.Answer[[]catalog.Day], error) {
	got, err := a.deps.Catalog.Schedule(ctx, have)
	if !errors.Is(err, catalog.ErrUnavailable) {
		return got, err
	}
	q := catalog.Query{Page: 1, Limit: 100, Status: "ongoing", Sort: "popularity", Descending: true}
	page, err := a.deps.Catalog.Titles(ctx, q, have)
	if err != nil {
		return catalog.Answer[[]catalog.Day]{}, err
	}
	days := make([]catalog.Day, 8) // those without a weekday first
	for i := range days {
		days[i].Weekday = i
	}
	for _, s := range page.Value.Titles {
		day := &days[min(max(s.Weekday, 0), 7)]
		day.Titles = append(day.Titles, catalog.Scheduled{Summary: s})
	}
	return catalog.Answer[[]catalog.Day]{
		Value: days, Unchanged: page.Unchanged, Version: page.Version, Freshness: page.Freshness, Position: page.Position,
	}, nil
}

// entry is one line of the calendar.
type entry struct {
	uid         string
	start       time.Time
	allDay      bool
	stamp       time.Time
	title       string
	description string
	link        string
}

// entries are those of the titles, all when none are named, by time. A title that
// stands in the schedule twice is there once.
func (l look) entries(days []catalog.Day, titles []int, said time.Time) (out []entry) {
	seen := map[int]bool{}
	for _, d := range days {
		for _, s := range d.Titles {
			if seen[s.ID] || len(titles) > 0 && !slices.Contains(titles, s.ID) {
				continue
			}
			if e, ok := l.entry(s, d.Weekday, said); ok {
				out, seen[s.ID] = append(out, e), true
			}
		}
	}
	slices.SortStableFunc(out, func(x, y entry) int { return cmp.Or(x.start.Compare(y.start), strings.Compare(x.uid, y.uid)) })
	return out
}

func (l look) entry(s catalog.Scheduled, weekday int, said time.Time) (entry, bool) {
	if s.Status == "completed" || s.Expected.At.IsZero() && (weekday < 1 || weekday > 7) {
		return entry{}, false
	}
	path := "title/" + strconv.Itoa(s.ID)
	e := entry{
		uid: identity(path + "/after/" + lastOf(s.Summary)), start: dated(s.Expected.At), stamp: dated(s.UpdatedAt),
		title: l.words.episodeOf(l.words.name(s.Summary), nextOf(s), false),
		link:  l.origin + "/" + path, description: plain(s.Description),
	}
	if s.Expected.At.IsZero() {
		e.allDay, e.start = true, dayOf(weekday, said, s.Latest.At)
	}
	return e, true
}

// lastOf names the episode before the one that comes.
func lastOf(s catalog.Summary) string {
	if s.Latest.At.IsZero() {
		return "none"
	}
	return ordinal(s.Latest.Ordinal)
}

// nextOf is the number of the episode that comes; "" = not known.
func nextOf(s catalog.Scheduled) string {
	switch {
	case s.NextEpisode > 0:
		return strconv.Itoa(s.NextEpisode)
	case s.Latest.At.IsZero():
		return ""
	default:
		return ordinal(math.Floor(s.Latest.Ordinal) + 1)
	}
}

// sameWeek is how long after an episode its weekday is still the one it came out on,
// late or early.
const sameWeek = 4

// dayOf is the first such weekday, from the day on which the schedule was told, that
// is not that of the episode which is already out. The upstream's days are Moscow's.
func dayOf(weekday int, said, out time.Time) time.Time {
	moscow := time.FixedZone("MSK", 3*60*60)
	day := midnight(said.In(moscow))
	day = day.AddDate(0, 0, (weekday-int(day.Weekday())+7)%7)
	if !out.IsZero() && day.Before(midnight(out.In(moscow)).AddDate(0, 0, sameWeek)) {
		day = day.AddDate(0, 0, 7)
	}
	return day
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

func (l look) calendar(entries []entry) (document, error) {
	cal := ics.NewCalendarFor("AniHub")
	cal.SetProductId("-//AniHub//AniHub//" + strings.ToUpper(l.words.lang))
	cal.SetCalscale("GREGORIAN")
	cal.SetName(l.words.calendarName)
	cal.SetXWRTimezone("UTC")
	cal.SetRefreshInterval(calendarRefresh) // the library adds that it is a duration
	cal.SetXPublishedTTL(calendarRefresh)
	for _, e := range entries {
		e.add(cal)
	}
	var b strings.Builder
	if err := cal.SerializeTo(&b, ics.WithNewLineWindows); err != nil {
		return document{}, fault.ErrInternal.With(err)
	}
	return document{mime: calendarMIME, bytes: []byte(b.String())}, nil
}

func (e entry) add(cal *ics.Calendar) {
	v := cal.AddEvent(e.uid)
	v.SetDtStampTime(e.stamp)
	if e.allDay {
		v.SetAllDayStartAt(e.start)
	} else {
		v.SetStartAt(e.start)
		v.SetEndAt(e.start.Add(entryLength))
	}
	v.SetSummary(e.title)
	if e.description != "" {
		v.SetDescription(e.description)
	}
	v.SetURL(e.link)
	v.SetStatus(ics.ObjectStatusTentative) // an expectation, not a promise
	v.SetTimeTransparency(ics.TransparencyTransparent)
}
