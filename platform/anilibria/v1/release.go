package v1

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/loose"
)

// reader turns one answer into the words of package anilibria.
type reader struct {
	loose.Scan
	origin string // of relative addresses
	skip   anilibria.Skip
}

func (c *Client) reader(body []byte, skip anilibria.Skip) (*reader, error) {
	s, err := loose.New(body)
	return &reader{Scan: s, origin: c.origin, skip: skip}, err
}

func (c *Client) decodeRelease(body []byte, ref anilibria.Ref, skip anilibria.Skip) (anilibria.Release, error) {
	r, err := c.reader(body, skip)
	if err != nil {
		return anilibria.Release{}, err
	}
	release, err := r.release()
	if err = loose.First(r.Err, err); err != nil {
		return anilibria.Release{}, err
	}
	return release, sameRelease(release, ref)
}

// sameRelease compares what came with what was asked. An alias of digits is taken
// for an id by the upstream, so another release may come: then there is none by
// that alias.
func sameRelease(r anilibria.Release, ref anilibria.Ref) error {
	switch {
	case ref.ID > 0 && r.ID != ref.ID:
		return fmt.Errorf("asked for release %d, got %d", ref.ID, r.ID)
	case ref.ID > 0 || strings.EqualFold(r.Alias, ref.Alias):
		return nil
	case strings.Trim(ref.Alias, "0123456789") == "":
		return anilibria.ErrNotFound.Because("the alias %q is taken for an id", ref.Alias)
	}
	return fmt.Errorf("asked for release %q, got %q", ref.Alias, r.Alias)
}

func (c *Client) decodeReleases(body []byte, ids []int, skip anilibria.Skip) ([]anilibria.Release, error) {
	r, err := c.reader(body, skip)
	if err != nil {
		return nil, err
	}
	wanted := anilibria.Wanted(ids)
	found, err := enveloped(r, func() (anilibria.Release, error) {
		release, err := r.release()
		if err == nil && r.Err == nil {
			err = wanted(release.ID)
		}
		return release, err
	})
	if err != nil {
		return nil, err
	}
	return found.Kept, found.Readable(skip, anilibria.KindRelease)
}

// release reads one release; it must say at least what it is.
func (r *reader) release() (anilibria.Release, error) {
	var x anilibria.Release
	var id loose.Number
	r.Object(func(key []byte) {
		switch string(key) {
		case "id":
			id = r.Number()
		case "name":
			x.Name = r.name()
		default:
			r.describe(&x, key)
			r.relate(&x, key)
		}
	})
	switch x.ID = id.Whole(); {
	case x.ID == 0 || float64(x.ID) != id.Value:
		return x, errors.New("a release without an id")
	case x.Name.Main == "":
		return x, fmt.Errorf("release %d has no name", x.ID)
	}
	return x, nil
}

// describe reads the fields that say what a release is.
func (r *reader) describe(x *anilibria.Release, key []byte) {
	switch string(key) {
	case "alias":
		x.Alias = loose.Line(r.Text())
	case "type":
		x.Type = r.value()
	case "year":
		x.Year = r.Whole()
	case "season":
		x.Season = season(r.value())
	case "publish_day":
		x.PublishDay = r.weekday()
	case "description":
		x.Description = loose.Prose(r.Text())
	case "notification":
		x.Notification = loose.Prose(r.Text())
	case "age_rating":
		x.AgeRating = r.value()
	case "is_ongoing":
		x.IsOngoing = r.Flag()
	case "is_in_production":
		x.IsInProduction = r.Flag()
	case "is_blocked_by_geo":
		x.BlockedByGeo = r.Flag()
	case "is_blocked_by_copyrights":
		x.BlockedByRights = r.Flag()
	case "episodes_total":
		x.EpisodesTotal = r.Whole()
	case "average_duration_of_episode":
		x.EpisodeMinutes = r.Whole()
	case "fresh_at":
		x.FreshAt = r.Moment()
	case "updated_at":
		x.UpdatedAt = r.Moment()
	case "created_at":
		x.CreatedAt = r.Moment()
	}
}

// relate reads what belongs to a release and what others say about it.
func (r *reader) relate(x *anilibria.Release, key []byte) {
	switch string(key) {
	case "poster":
		x.Poster = r.poster()
	case "genres":
		x.Genres = r.genres()
	case "members":
		x.Members = r.members()
	case "episodes":
		x.Episodes = r.episodes()
	case "torrents":
		x.Torrents = r.torrents()
	case "added_in_users_favorites":
		x.Favorites = r.Whole()
	case "rating":
		x.Rating.Average = r.score("average")
	case "shikimori":
		x.ShikimoriID, x.Rating.Shikimori = r.external()
	case "mal":
		x.MyAnimeListID, _ = r.external()
	case "external_player":
		x.ExternalPlayer = loose.Absolute(r.origin, r.Text())
	}
}

func (r *reader) name() (n anilibria.Name) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "main":
			n.Main = loose.Line(r.Text())
		case "english":
			n.English = loose.Line(r.Text())
		case "alternative":
			n.Alternative = loose.Line(r.Text())
		}
	})
	return n
}

func season(value string) string {
	switch value {
	case "winter", "spring", "summer", "autumn":
		return value
	}
	return ""
}

func (r *reader) weekday() (day int) {
	r.Object(func(key []byte) {
		if string(key) == "value" {
			day = r.Whole()
		}
	})
	if day > 7 {
		return 0
	}
	return day
}

// score is a mark of 0 to 10 under a key; anything else is unknown.
func (r *reader) score(of string) (mark float64) {
	r.Object(func(key []byte) {
		if string(key) == of {
			mark = score(r.Number())
		}
	})
	return mark
}

func score(n loose.Number) float64 {
	if n.Value < 0 || n.Value > 10 {
		return 0
	}
	return n.Value
}

// external is a release's place in another catalogue.
func (r *reader) external() (id int, mark float64) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "id":
			id = r.Whole()
		case "rating":
			mark = score(r.Number())
		}
	})
	return id, mark
}

func (r *reader) genres() []string {
	found := loose.ReadList(&r.Scan, func() (name string, err error) {
		r.Object(func(key []byte) {
			if string(key) == "name" {
				name = loose.Line(r.Text())
			}
		})
		return name, loose.Unless(name != "", "a genre without a name")
	})
	found.Tell(r.skip, anilibria.KindGenre)
	var names []string
	for _, name := range found.Kept {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (r *reader) members() []anilibria.Member {
	found := loose.ReadList(&r.Scan, func() (m anilibria.Member, err error) {
		r.Object(func(key []byte) {
			switch string(key) {
			case "nickname":
				m.Nickname = loose.Line(r.Text())
			case "role":
				m.Role = r.value()
			}
		})
		return m, loose.Unless(m.Nickname != "", "a member without a nickname")
	})
	found.Tell(r.skip, anilibria.KindMember)
	return found.Kept
}

func (r *reader) torrents() []anilibria.Torrent {
	found := loose.ReadList(&r.Scan, func() (t anilibria.Torrent, err error) {
		r.Object(func(key []byte) { r.torrent(&t, key) })
		return t, loose.Unless(t.ID > 0, "a torrent without an id")
	})
	found.Tell(r.skip, anilibria.KindTorrent)
	return found.Kept
}

func (r *reader) torrent(t *anilibria.Torrent, key []byte) {
	switch string(key) {
	case "id":
		t.ID = r.Whole()
	case "hash":
		t.Hash = strings.ToLower(loose.Line(r.Text()))
	case "label":
		t.Label = loose.Line(r.Text())
	case "quality":
		t.Quality = r.value()
	case "type":
		t.Type = r.value()
	case "codec":
		value, label := r.labelled()
		t.Codec = cmp.Or(label, value)
	case "description":
		t.Episodes = loose.Line(r.Text())
	case "size":
		t.Size = int64(r.Whole())
	case "seeders":
		t.Seeders = r.Whole()
	case "leechers":
		t.Leechers = r.Whole()
	case "magnet":
		t.Magnet = loose.Magnet(r.Text())
	case "updated_at":
		t.UpdatedAt = r.Moment()
	}
}

// value is the "value" of the many {value, description} pairs.
func (r *reader) value() string {
	v, _ := r.labelled()
	return v
}

func (r *reader) labelled() (value, label string) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "value":
			value = loose.Line(r.Text())
		case "label":
			label = loose.Line(r.Text())
		}
	})
	return value, label
}
