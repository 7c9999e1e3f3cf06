package catalogsvc

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"anihub/modules/catalog"
)

// The rules by which a change becomes news (SPEC §2, FACTS §3.8):
//
//   - new_episode: an episode that was never told of has a source that plays it.
//     One that was seen before without a source is told of when it gets one.
//   - episode_update: an episode that was told of has a newer updated_at or other
//     files. An episode that took the place of one that is gone (another id, the
//     same ordinal) is an update as well: a re-upload is not a new episode.
//   - new_title: a title that was never told of, outside a baseline.
//   - status_change: the status differs from the stored one.
//
// What was told is kept in a ledger of the document, for ever: an episode that
// goes and comes back is not told again. A title has no ledger until a refresh
// settles it, silently in a baseline or with its news afterwards; a viewer who
// opens an unknown title merely stores it, so neither does he flood others with
// old episodes nor does he take the news away from the refresh that follows.

// told is one line of the ledger: an episode as viewers know it.
type told struct {
	ID      string    `bson:"id"`
	Ordinal float64   `bson:"ordinal"`
	Updated time.Time `bson:"updated,omitempty"`
	Files   string    `bson:"files"` // hash of its outline
}

// ledger is what viewers were told of a title.
type ledger struct {
	Settled  bool   `bson:"settled"`
	Episodes []told `bson:"episodes,omitempty"`
}

// news compares what was told with the title as it is now. It returns the ledger
// after telling and the events, in the order of the episodes. Silent settles
// without events; viewer neither settles nor tells what is not settled.
func (l ledger) news(before, now catalog.Title, silent, viewer bool) (ledger, []catalog.Event) {
	if viewer && !l.Settled {
		return l, nil
	}
	var events []catalog.Event
	if !l.Settled {
		events = append(events, newTitle(now))
	} else if before.Status != now.Status && before.Status != "" {
		events = append(events, statusChange(now, before.Status))
	}
	next, episodes := l.tell(now)
	if silent {
		return next, nil
	}
	return next, append(events, episodes...)
}

// tell walks the episodes that play, in order.
func (l ledger) tell(now catalog.Title) (ledger, []catalog.Event) {
	next := ledger{Settled: true, Episodes: append([]told(nil), l.Episodes...)}
	known := make(map[string]int, len(next.Episodes))
	for i, t := range next.Episodes {
		known[t.ID] = i
	}
	present := make(map[string]bool, len(now.Player.Episodes))
	for _, e := range now.Player.Episodes {
		present[e.ID] = true
	}
	var events []catalog.Event
	for _, e := range now.Player.Episodes {
		if e.ID == "" || len(e.Sources) == 0 {
			continue
		}
		line := told{ID: e.ID, Ordinal: e.Ordinal, Updated: e.UpdatedAt, Files: filesOf(e)}
		at, seen := known[e.ID]
		switch {
		case seen && !line.differs(next.Episodes[at]):
			continue
		case seen:
			events = append(events, episodeUpdate(now, e, next.Episodes[at], line))
			next.Episodes[at] = line
			continue
		case l.replaced(e.Ordinal, present):
			events = append(events, episodeUpdate(now, e, told{}, line))
		default:
			events = append(events, episodeEvent(catalog.NewEpisode, now, e))
		}
		known[e.ID] = len(next.Episodes)
		next.Episodes = append(next.Episodes, line)
	}
	return next, events
}

// replaced tells whether an episode of that ordinal was told of and is gone.
func (l ledger) replaced(ordinal float64, present map[string]bool) bool {
	for _, t := range l.Episodes {
		if t.Ordinal == ordinal && !present[t.ID] {
			return true
		}
	}
	return false
}

// differs: an older updated_at is a mirror that lags behind, no news.
func (t told) differs(old told) bool {
	if t.Updated.Before(old.Updated) {
		return false
	}
	return t.Updated.After(old.Updated) || t.Files != old.Files
}

func filesOf(e catalog.Episode) string {
	sum := sha256.Sum256([]byte(outline(e.Sources)))
	return hex.EncodeToString(sum[:6])
}

func newTitle(t catalog.Title) catalog.Event {
	e := baseEvent(catalog.NewTitle, t)
	e.ID = fmt.Sprintf("%s:%d", e.Type, t.ID)
	e.Genres = append([]string(nil), t.Genres...)
	return e
}

func statusChange(t catalog.Title, old string) catalog.Event {
	e := baseEvent(catalog.StatusChange, t)
	e.ID = fmt.Sprintf("%s:%d:%s:%d", e.Type, t.ID, t.Status, e.At.Unix())
	e.OldStatus, e.NewStatus = old, t.Status
	return e
}

func episodeEvent(kind string, t catalog.Title, ep catalog.Episode) catalog.Event {
	e := baseEvent(kind, t)
	e.ID = fmt.Sprintf("%s:%d:%s", kind, t.ID, ep.ID)
	e.Episode, e.EpisodeID, e.EpisodeName = ep.Ordinal, ep.ID, ep.Name
	if !ep.UpdatedAt.IsZero() {
		e.At = ep.UpdatedAt
	}
	return e
}

// episodeUpdate is named by the time of the update; when only the files changed,
// by those as well, or it would look like the update before.
func episodeUpdate(t catalog.Title, ep catalog.Episode, old, now told) catalog.Event {
	e := episodeEvent(catalog.EpisodeUpdate, t, ep)
	e.ID += ":" + strconv.FormatInt(now.Updated.Unix(), 10)
	if now.Updated.Equal(old.Updated) {
		e.ID += ":" + now.Files
	}
	return e
}

// baseEvent dates an event by the upstream's own clock, so that whoever finds it
// again dates it the same.
func baseEvent(kind string, t catalog.Title) catalog.Event {
	at := t.UpdatedAt
	if at.IsZero() {
		at = t.FreshAt
	}
	return catalog.Event{
		Type: kind, TitleID: t.ID, Title: firstOf(t.Names.RU, t.Names.EN, t.Names.Alternative, t.Code),
		Poster: firstOf(t.Poster.Medium, t.Poster.Small, t.Poster.Large), At: at,
	}
}

func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
