package v1

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"anihub/platform/anilibria"
)

// The kinds of items that may be left out of an answer, a label of metrics.
const (
	kindRelease   = "release"
	kindEpisode   = "episode"
	kindMember    = "member"
	kindTorrent   = "torrent"
	kindGenre     = "genre"
	kindBump      = "bump"
	kindScheduled = "scheduled"
	kindFranchise = "franchise"
)

// idMax is over the 36 characters of a uuid; something longer is no identity.
const idMax = 64

// ordinalMax is far over the longest series; beyond it a number is no ordinal.
const ordinalMax = 100_000

// reader turns one answer into the words of package anilibria.
type reader struct {
	scan
	origin string // of relative addresses
	skip   anilibria.Skip
}

func (c *Client) reader(body []byte, skip anilibria.Skip) (*reader, error) {
	s, err := newScan(body)
	return &reader{scan: s, origin: c.origin, skip: skip}, err
}

func (c *Client) decodeRelease(body []byte, ref anilibria.Ref, skip anilibria.Skip) (anilibria.Release, error) {
	r, err := c.reader(body, skip)
	if err != nil {
		return anilibria.Release{}, err
	}
	release, err := r.release()
	if err = cmpErr(r.err, err); err != nil {
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
	seen := make(map[int]bool, len(ids))
	found, err := enveloped(r, func() (anilibria.Release, error) {
		release, err := r.release()
		switch {
		case err != nil || r.err != nil:
		case !slices.Contains(ids, release.ID):
			err = fmt.Errorf("release %d was not asked for", release.ID)
		case seen[release.ID]:
			err = fmt.Errorf("release %d comes twice", release.ID)
		default:
			seen[release.ID] = true
		}
		return release, err
	})
	if err != nil {
		return nil, err
	}
	return found.kept, readable(found, skip, kindRelease)
}

// release reads one release; it must say at least what it is.
func (r *reader) release() (anilibria.Release, error) {
	var x anilibria.Release
	var id number
	r.object(func(key []byte) {
		switch string(key) {
		case "id":
			id = r.number()
		case "name":
			x.Name = r.name()
		default:
			r.describe(&x, key)
			r.relate(&x, key)
		}
	})
	switch x.ID = id.whole(); {
	case x.ID == 0 || float64(x.ID) != id.value:
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
		x.Alias = line(r.text())
	case "type":
		x.Type = r.value()
	case "year":
		x.Year = r.whole()
	case "season":
		x.Season = season(r.value())
	case "publish_day":
		x.PublishDay = r.weekday()
	case "description":
		x.Description = prose(r.text())
	case "notification":
		x.Notification = prose(r.text())
	case "age_rating":
		x.AgeRating = r.value()
	case "is_ongoing":
		x.IsOngoing = r.flag()
	case "is_in_production":
		x.IsInProduction = r.flag()
	case "is_blocked_by_geo":
		x.BlockedByGeo = r.flag()
	case "is_blocked_by_copyrights":
		x.BlockedByRights = r.flag()
	case "episodes_total":
		x.EpisodesTotal = r.whole()
	case "average_duration_of_episode":
		x.EpisodeMinutes = r.whole()
	case "fresh_at":
		x.FreshAt = r.moment()
	case "updated_at":
		x.UpdatedAt = r.moment()
	case "created_at":
		x.CreatedAt = r.moment()
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
		x.Favorites = r.whole()
	case "rating":
		x.Rating.Average = r.score("average")
	case "shikimori":
		x.ShikimoriID, x.Rating.Shikimori = r.external()
	case "mal":
		x.MyAnimeListID, _ = r.external()
	case "external_player":
		x.ExternalPlayer = absolute(r.origin, r.text())
	}
}

func (r *reader) name() (n anilibria.Name) {
	r.object(func(key []byte) {
		switch string(key) {
		case "main":
			n.Main = line(r.text())
		case "english":
			n.English = line(r.text())
		case "alternative":
			n.Alternative = line(r.text())
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
	r.object(func(key []byte) {
		if string(key) == "value" {
			day = r.whole()
		}
	})
	if day > 7 {
		return 0
	}
	return day
}

// score is a mark of 0 to 10 under a key; anything else is unknown.
func (r *reader) score(of string) (mark float64) {
	r.object(func(key []byte) {
		if string(key) == of {
			mark = score(r.number())
		}
	})
	return mark
}

func score(n number) float64 {
	if n.value < 0 || n.value > 10 {
		return 0
	}
	return n.value
}

// external is a release's place in another catalogue.
func (r *reader) external() (id int, mark float64) {
	r.object(func(key []byte) {
		switch string(key) {
		case "id":
			id = r.whole()
		case "rating":
			mark = score(r.number())
		}
	})
	return id, mark
}

func (r *reader) genres() []string {
	found := readList(&r.scan, func() (name string, err error) {
		r.object(func(key []byte) {
			if string(key) == "name" {
				name = line(r.text())
			}
		})
		return name, unless(name != "", "a genre without a name")
	})
	tell(found, r.skip, kindGenre)
	var names []string
	for _, name := range found.kept {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (r *reader) members() []anilibria.Member {
	found := readList(&r.scan, func() (m anilibria.Member, err error) {
		r.object(func(key []byte) {
			switch string(key) {
			case "nickname":
				m.Nickname = line(r.text())
			case "role":
				m.Role = r.value()
			}
		})
		return m, unless(m.Nickname != "", "a member without a nickname")
	})
	tell(found, r.skip, kindMember)
	return found.kept
}

func (r *reader) torrents() []anilibria.Torrent {
	found := readList(&r.scan, func() (t anilibria.Torrent, err error) {
		r.object(func(key []byte) { r.torrent(&t, key) })
		return t, unless(t.ID > 0, "a torrent without an id")
	})
	tell(found, r.skip, kindTorrent)
	return found.kept
}

func (r *reader) torrent(t *anilibria.Torrent, key []byte) {
	switch string(key) {
	case "id":
		t.ID = r.whole()
	case "hash":
		t.Hash = strings.ToLower(line(r.text()))
	case "label":
		t.Label = line(r.text())
	case "quality":
		t.Quality = r.value()
	case "type":
		t.Type = r.value()
	case "codec":
		value, label := r.labelled()
		t.Codec = cmp.Or(label, value)
	case "description":
		t.Episodes = line(r.text())
	case "size":
		t.Size = int64(r.whole())
	case "seeders":
		t.Seeders = r.whole()
	case "leechers":
		t.Leechers = r.whole()
	case "magnet":
		if m := line(r.text()); strings.HasPrefix(m, "magnet:?") {
			t.Magnet = m
		}
	case "updated_at":
		t.UpdatedAt = r.moment()
	}
}

func unless(ok bool, text string) error {
	if ok {
		return nil
	}
	return errors.New(text)
}

// tell reports what a list has lost.
func tell[T any](l list[T], skip anilibria.Skip, kind string) {
	for range l.lost {
		skip(kind, l.err)
	}
}

// readable reports what a list has lost; one of which nothing is left cannot be read.
func readable[T any](l list[T], skip anilibria.Skip, kind string) error {
	tell(l, skip, kind)
	if len(l.kept) == 0 && l.lost > 0 {
		return fmt.Errorf("none of %d items can be read: %w", l.lost, l.err)
	}
	return nil
}
