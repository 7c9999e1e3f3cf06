package userssvc

import (
	"errors"
	"time"
	_ "time/tzdata" // the machine may have no zones

	"anihub/modules/users"
)

// quiet is stored quiet hours: minutes of the day in a time zone.
type quiet struct {
	From int    `bson:"from"`
	To   int    `bson:"to"`
	Zone string `bson:"zone"`
}

const minutesOfDay = 24 * 60

// door is the quiet hours as callers see them.
func (q *quiet) door() *users.QuietHours {
	if q == nil {
		return nil
	}
	return &users.QuietHours{From: clock(q.From), To: clock(q.To), TimeZone: q.Zone}
}

func clock(minutes int) string {
	return time.Date(2000, 1, 1, 0, minutes, 0, 0, time.UTC).Format("15:04")
}

// keepQuiet takes what a user wants; nil leaves it as it is.
func (a *account) keepQuiet(h *users.QuietHours) error {
	switch {
	case h == nil:
		return nil
	case *h == users.QuietHours{}:
		a.Quiet = nil
		return nil
	}
	from, ok := minuteOf(h.From)
	to, also := minuteOf(h.To)
	if !ok || !also || from == to {
		return unacceptable("quiet_hours", "from and to as hh:mm, not the same")
	}
	if _, err := zone(h.TimeZone); err != nil {
		return unacceptable("quiet_hours", "time_zone as an IANA name like Europe/Moscow")
	}
	a.Quiet = &quiet{from, to, h.TimeZone}
	return nil
}

func minuteOf(text string) (int, bool) {
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err == nil && len(text) == len("15:04")
}

var errZone = errors.New("no name of a zone")

// zone refuses what would mean the machine's own zone.
func zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" || len(name) > 64 {
		return nil, errZone
	}
	return time.LoadLocation(name)
}

func sameQuiet(a, b *users.QuietHours) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// until is the end of the quiet hours that t lies in; t itself outside of them. On a
// day that a zone's clocks are set, hours are what the wall says.
func (q *quiet) until(t time.Time) time.Time {
	if q == nil {
		return t
	}
	where, err := zone(q.Zone)
	if err != nil {
		return t // a zone that is no more: better loud than dumb
	}
	local := t.In(where)
	minute := local.Hour()*60 + local.Minute()
	since := (minute - q.From + minutesOfDay) % minutesOfDay
	length := (q.To - q.From + minutesOfDay) % minutesOfDay
	if since >= length {
		return t
	}
	end := time.Date(local.Year(), local.Month(), local.Day(), 0, q.To, 0, 0, where)
	if !end.After(t) {
		end = time.Date(local.Year(), local.Month(), local.Day()+1, 0, q.To, 0, 0, where)
	}
	return end
}
