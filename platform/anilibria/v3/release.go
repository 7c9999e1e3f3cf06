package v3

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/loose"
)

// The values of status.code; 2 and 4 are both completed.
const (
	statusInWork = 1
	statusHidden = 3
)

// reader turns one answer into the words of package anilibria.
type reader struct {
	loose.Scan
	origin string // of relative addresses
	skip   anilibria.Skip
	said   error // what a title says in place of a title
}

func newReader(body []byte, origin string, skip anilibria.Skip) (*reader, error) {
	s, err := loose.New(body)
	return &reader{Scan: s, origin: origin, skip: skip}, err
}

// title is one title as it stands in an answer, whole or filtered.
type title struct {
	anilibria.Release
	id     loose.Number
	status int
	player player
}

func (t title) hidden() bool { return t.status == statusHidden }

// identified tells whether the title has a whole number as its id.
func (t title) identified() bool { return t.ID > 0 && float64(t.ID) == t.id.Value }

func (c *Client) decodeRelease(body []byte, ref anilibria.Ref, skip anilibria.Skip) (anilibria.Release, error) {
	r, err := newReader(body, c.origin, skip)
	if err != nil {
		return anilibria.Release{}, err
	}
	t, err := r.release()
	if r.said != nil {
		return anilibria.Release{}, r.said
	}
	if err = loose.First(r.Err, err); err != nil {
		return anilibria.Release{}, err
	}
	switch {
	case ref.ID > 0 && t.ID != ref.ID:
		return t.Release, fmt.Errorf("asked for release %d, got %d", ref.ID, t.ID)
	case ref.ID == 0 && !strings.EqualFold(t.Alias, ref.Alias):
		return t.Release, fmt.Errorf("asked for release %q, got %q", ref.Alias, t.Alias)
	case t.hidden():
		return t.Release, anilibria.ErrNotFound.Because("release %d is hidden", t.ID)
	}
	return t.Release, nil
}

func (c *Client) decodeReleases(body []byte, ids []int, skip anilibria.Skip) (answered, error) {
	r, err := newReader(body, c.origin, skip)
	if err != nil {
		return answered{}, err
	}
	wanted := anilibria.Wanted(ids)
	found, err := enveloped(r, func() (title, error) {
		t, err := r.release()
		if err == nil && r.Err == nil {
			err = wanted(t.ID)
		}
		return t, err
	})
	if err != nil {
		return answered{}, err
	}
	got := answered{items: len(found.Kept) + found.Lost}
	for _, t := range found.Kept {
		if !t.hidden() {
			got.releases = append(got.releases, t.Release)
		}
	}
	return got, found.Readable(skip, anilibria.KindRelease)
}

// release reads one title that must say at least what it is.
func (r *reader) release() (title, error) {
	t := r.title()
	switch {
	case !t.identified():
		return t, errors.New("a title without an id")
	case t.Name.Main == "":
		return t, fmt.Errorf("title %d has no name", t.ID)
	}
	t.Episodes = r.episodes(t.player, t.ID)
	return t, nil
}

// title reads what there is of a title.
func (r *reader) title() (t title) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "id":
			t.id = r.Number()
			t.ID = t.id.Whole()
		case "status":
			t.status = r.numbered("code").Whole()
			t.IsInProduction = t.status == statusInWork
		case "player":
			t.player = r.player()
		case "error":
			r.said = loose.First(r.said, r.failure())
		default:
			r.describe(&t.Release, key)
			r.relate(&t.Release, key)
		}
	})
	t.ExternalPlayer = loose.Absolute(r.origin, t.player.alternative)
	return t
}

// describe reads the fields that say what a title is.
func (r *reader) describe(x *anilibria.Release, key []byte) {
	switch string(key) {
	case "code":
		x.Alias = loose.Line(r.Text())
	case "names":
		x.Name = r.names()
	case "announce":
		x.Notification = loose.Prose(r.Text())
	case "description":
		x.Description = loose.Prose(r.Text())
	case "type":
		r.kind(x)
	case "season":
		r.season(x)
	case "updated":
		x.FreshAt = r.moment()
	case "last_change":
		x.UpdatedAt = r.moment()
	case "in_favorites":
		x.Favorites = r.Whole()
	}
}

// relate reads what belongs to a title.
func (r *reader) relate(x *anilibria.Release, key []byte) {
	switch string(key) {
	case "posters":
		x.Poster = r.posters()
	case "genres":
		x.Genres = r.genres()
	case "team":
		x.Members = r.team()
	case "blocked":
		r.blocked(x)
	case "torrents":
		x.Torrents = r.torrents()
	}
}

func (r *reader) names() (n anilibria.Name) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "ru":
			n.Main = loose.Line(r.Text())
		case "en":
			n.English = loose.Line(r.Text())
		case "alternative":
			n.Alternative = loose.Line(r.Text())
		}
	})
	return n
}

// numbered is the number under a key of an object.
func (r *reader) numbered(of string) (n loose.Number) {
	r.Object(func(key []byte) {
		if string(key) == of {
			n = r.Number()
		}
	})
	return n
}

// moment is in Unix seconds; 0 is unknown.
func (r *reader) moment() time.Time {
	at := time.Unix(int64(r.Whole()), 0).UTC()
	if at.Unix() == 0 || at.Year() > 9999 {
		return time.Time{}
	}
	return at
}

// kind reads type: length is a number in answers and a text in the description.
func (r *reader) kind(x *anilibria.Release) {
	var code loose.Number
	r.Object(func(key []byte) {
		switch string(key) {
		case "string":
			x.Type = strings.ToUpper(loose.Line(r.Text()))
		case "code":
			code = r.Number()
		case "episodes", "series":
			x.EpisodesTotal = r.Whole()
		case "length":
			x.EpisodeMinutes = r.minutes()
		}
	})
	kinds := []string{"MOVIE", "TV", "OVA", "ONA", "SPECIAL", "WEB"}
	if i := code.Whole(); x.Type == "" && code.Known && i < len(kinds) {
		x.Type = kinds[i]
	}
}

// minutes is a number, or a text that begins with one.
func (r *reader) minutes() int {
	if r.Peek() != '"' {
		return r.Whole()
	}
	text := loose.Line(r.Text())
	if end := strings.IndexFunc(text, func(c rune) bool { return c < '0' || c > '9' }); end >= 0 {
		text = text[:end]
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// season tells year, season and weekday; 0 is Monday, and unknown is null.
func (r *reader) season(x *anilibria.Release) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "year":
			x.Year = r.Whole()
		case "code":
			seasons := []string{"", "winter", "spring", "summer", "autumn"}
			if n := r.Whole(); n < len(seasons) {
				x.Season = seasons[n]
			}
		case "week_day":
			x.PublishDay = weekday(r.Number())
		}
	})
}

func weekday(n loose.Number) int {
	if !n.Known || n.Value < 0 || n.Value > 6 {
		return 0
	}
	return n.Whole() + 1
}

// blocked came as {blocked, bakanim} and later as {copyrights, geoip}. The old form
// does not say why: rights are the likelier reason.
func (r *reader) blocked(x *anilibria.Release) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "copyrights", "blocked", "bakanim":
			x.BlockedByRights = r.Flag() || x.BlockedByRights
		case "geoip":
			x.BlockedByGeo = r.Flag()
		}
	})
}
