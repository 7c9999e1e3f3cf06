package catalogsvc

import (
	"time"

	"anihub/modules/catalog"
)

// latest is the last episode of a title that can be watched, before is what it was
// so far. An episode is known by its number, so what took the place of one that is
// gone, or was uploaded again, keeps the time at which it came out.
func latest(t catalog.Title, before catalog.Latest) catalog.Latest {
	for i := len(t.Player.Episodes) - 1; i >= 0; i-- {
		e := t.Player.Episodes[i]
		if len(e.Sources) == 0 {
			continue
		}
		at := e.UpdatedAt
		switch {
		case before.Ordinal == e.Ordinal && !before.At.IsZero():
			at = before.At
		case at.IsZero():
			at = firstTime(t.FreshAt, t.UpdatedAt)
		}
		return catalog.Latest{Ordinal: e.Ordinal, Name: e.Name, At: at}
	}
	return catalog.Latest{}
}

func firstTime(times ...time.Time) time.Time {
	for _, at := range times {
		if !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}
