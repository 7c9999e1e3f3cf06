package catalogsvc

import (
	"time"

	"anihub/modules/catalog"
)

// An upstream that errs must not damage what is stored. Two kinds of release are
// doubted, and believed only when they are seen again after Config.ConfirmAfter:
//
//   - shrunk: fewer than half of the known episodes, none at all included. All
//     else of the release is taken, the episodes stay.
//   - outdated: fresh_at and updated_at both lie before the stored ones, as a
//     mirror that lags behind sends them. The stored title stays as it is.
//
// A release without slug or name keeps the stored ones, whatever else it says.
const (
	shrunk   = "shrunk"
	outdated = "outdated"
	otherID  = "other_id" // not stored at all
)

// doubt is what a document remembers of a release that was not believed.
type doubt struct {
	Kind  string    `bson:"kind"`
	Since time.Time `bson:"since"`
}

// suspicion names what is doubtful about a title that follows another; "" = nothing.
func suspicion(before, now catalog.Title) string {
	if outrun(now.FreshAt, before.FreshAt) && outrun(now.UpdatedAt, before.UpdatedAt) {
		return outdated
	}
	if 2*len(now.Player.Episodes) < len(before.Player.Episodes) {
		return shrunk
	}
	return ""
}

func outrun(now, before time.Time) bool { return !now.IsZero() && now.Before(before) }

// believe returns the title to store and the doubt that remains, nil when none.
func believe(before, now catalog.Title, was *doubt, at time.Time, confirm time.Duration) (catalog.Title, *doubt) {
	now = keepNames(before, now)
	kind := suspicion(before, now)
	if kind == "" {
		return now, nil
	}
	since := at
	if was != nil && was.Kind == kind {
		since = was.Since
	}
	if at.Sub(since) >= confirm && was != nil {
		return now, nil
	}
	if kind == outdated {
		return before, &doubt{Kind: kind, Since: since}
	}
	return keepEpisodes(before, now), &doubt{Kind: kind, Since: since}
}

func keepNames(before, now catalog.Title) catalog.Title {
	if now.Code == "" {
		now.Code = before.Code
	}
	if now.Names == (catalog.Names{}) {
		now.Names = before.Names
	}
	return now
}

func keepEpisodes(before, now catalog.Title) catalog.Title {
	now.Player.Episodes = before.Player.Episodes
	now.Episodes.Current = before.Episodes.Current
	if now.Status == announced {
		now.Status = before.Status
	}
	return now
}
