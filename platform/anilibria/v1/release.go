package v1

import (
	"bytes"
	"cmp"
	"encoding/json"
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

func (c *Client) decodeRelease(body []byte, ref anilibria.Ref, skip anilibria.Skip) (anilibria.Release, error) {
	var w wireRelease
	if body = bytes.TrimSpace(body); len(body) == 0 || body[0] != '{' {
		return anilibria.Release{}, errType("a release", body)
	}
	if err := json.Unmarshal(body, &w); err != nil {
		return anilibria.Release{}, err
	}
	r, err := c.release(&w, skip)
	if err != nil {
		return anilibria.Release{}, err
	}
	return r, sameRelease(r, ref)
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
	found, err := enveloped[wireRelease](body)
	if err != nil {
		return nil, err
	}
	tell(skip, kindRelease, found.lost)
	seen := make(map[int]bool, len(ids))
	releases := make([]anilibria.Release, 0, len(found.items))
	for i := range found.items {
		r, err := c.release(&found.items[i], skip)
		switch {
		case err != nil:
			skip(kindRelease, err)
		case !slices.Contains(ids, r.ID):
			skip(kindRelease, fmt.Errorf("release %d was not asked for", r.ID))
		case seen[r.ID]:
			skip(kindRelease, fmt.Errorf("release %d comes twice", r.ID))
		default:
			seen[r.ID] = true
			releases = append(releases, r)
		}
	}
	if len(releases) == 0 && len(found.items)+len(found.lost) > 0 {
		return nil, errors.New("none of the releases can be read")
	}
	return releases, nil
}

// release cleans one release; it must say at least what it is.
func (c *Client) release(w *wireRelease, skip anilibria.Skip) (anilibria.Release, error) {
	id := w.ID.whole()
	if id == 0 || float64(id) != w.ID.value {
		return anilibria.Release{}, errors.New("a release without an id")
	}
	name := names(w.Name.is)
	if name.Main == "" {
		return anilibria.Release{}, fmt.Errorf("release %d has no name", id)
	}
	return anilibria.Release{
		ID:              id,
		Alias:           line(w.Alias),
		Name:            name,
		Type:            line(w.Type.is.Value),
		Year:            w.Year.whole(),
		Season:          season(w.Season.is.Value),
		PublishDay:      weekday(w.PublishDay.is),
		Description:     prose(w.Description),
		Notification:    prose(w.Notification),
		AgeRating:       line(w.AgeRating.is.Value),
		Poster:          c.poster(w.Poster.is),
		Genres:          genres(w.Genres, skip),
		IsOngoing:       bool(w.IsOngoing),
		IsInProduction:  bool(w.IsInProduction),
		BlockedByGeo:    bool(w.ByGeo),
		BlockedByRights: bool(w.ByRights),
		EpisodesTotal:   w.EpisodesTotal.whole(),
		EpisodeMinutes:  w.Minutes.whole(),
		Favorites:       w.Favorites.whole(),
		Rating:          anilibria.Rating{Average: score(w.Rating.is.Average), Shikimori: score(w.Shikimori.is.Rating)},
		ExternalPlayer:  c.absolute(w.ExternalPlayer),
		FreshAt:         w.FreshAt.Time,
		UpdatedAt:       w.UpdatedAt.Time,
		CreatedAt:       w.CreatedAt.Time,
		Members:         members(w.Members, skip),
		Episodes:        c.episodes(w.Episodes, skip),
		Torrents:        torrents(w.Torrents, skip),
		ShikimoriID:     w.Shikimori.is.ID.whole(),
		MyAnimeListID:   w.MyAnimeList.is.ID.whole(),
	}, nil
}

func names(w wireName) anilibria.Name {
	return anilibria.Name{Main: line(w.Main), English: line(w.English), Alternative: line(w.Alternative)}
}

func season(value text) string {
	switch value {
	case "winter", "spring", "summer", "autumn":
		return string(value)
	}
	return ""
}

func weekday(w wireDay) int {
	if day := w.Value.whole(); day <= 7 {
		return day
	}
	return 0
}

// score is a mark of 0 to 10; anything else is unknown.
func score(n number) float64 {
	if n.value < 0 || n.value > 10 {
		return 0
	}
	return n.value
}

func genres(found list[wireGenre], skip anilibria.Skip) []string {
	tell(skip, kindGenre, found.lost)
	var names []string
	for _, g := range found.items {
		if name := line(g.Name); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func members(found list[wireMember], skip anilibria.Skip) []anilibria.Member {
	tell(skip, kindMember, found.lost)
	var all []anilibria.Member
	for _, m := range found.items {
		if nick := line(m.Nickname); nick != "" {
			all = append(all, anilibria.Member{Nickname: nick, Role: line(m.Role.is.Value)})
		}
	}
	return all
}

// episodes keeps what has an identity and a number, each id once, in the order of
// sort_order; where that is absent the order of the array is the order.
func (c *Client) episodes(found list[wireEpisode], skip anilibria.Skip) []anilibria.Episode {
	tell(skip, kindEpisode, found.lost)
	seen := make(map[string]bool, len(found.items))
	var all []anilibria.Episode
	for i := range found.items {
		w := &found.items[i]
		e := c.episode(w)
		if !w.SortOrder.known {
			e.SortOrder = i + 1
		}
		switch {
		case e.ID == "" || len(e.ID) > idMax:
			skip(kindEpisode, errors.New("an episode without an id"))
		case !w.Ordinal.known || e.Ordinal < 0 || e.Ordinal > ordinalMax:
			skip(kindEpisode, fmt.Errorf("episode %s has no ordinal", e.ID))
		case seen[e.ID]:
			skip(kindEpisode, fmt.Errorf("episode %s comes twice", e.ID))
		default:
			seen[e.ID] = true
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b anilibria.Episode) int {
		return cmp.Or(cmp.Compare(a.SortOrder, b.SortOrder), cmp.Compare(a.Ordinal, b.Ordinal))
	})
	return all
}

func (c *Client) episode(w *wireEpisode) anilibria.Episode {
	return anilibria.Episode{
		ID:        line(w.ID),
		Ordinal:   w.Ordinal.value,
		SortOrder: w.SortOrder.whole(),
		Name:      line(w.Name),
		Preview:   c.preview(w.Preview.is),
		Duration:  w.Duration.whole(),
		Opening:   span(w.Opening.is),
		Ending:    span(w.Ending.is),
		HLS480:    c.stream(w.HLS480),
		HLS720:    c.stream(w.HLS720),
		HLS1080:   c.stream(w.HLS1080),
		RutubeID:  videoID(w.RutubeID),
		YouTubeID: videoID(w.YouTubeID),
		UpdatedAt: w.UpdatedAt.Time,
	}
}

// span needs both ends: a half-filled one is as good as none (FACTS §3.7).
func span(w wireSpan) *anilibria.Span {
	start, stop := w.Start.whole(), w.Stop.whole()
	if !w.Start.known || !w.Stop.known || w.Start.value < 0 || stop <= start {
		return nil
	}
	return &anilibria.Span{Start: start, Stop: stop}
}

func torrents(found list[wireTorrent], skip anilibria.Skip) []anilibria.Torrent {
	tell(skip, kindTorrent, found.lost)
	var all []anilibria.Torrent
	for _, w := range found.items {
		if w.ID.whole() == 0 {
			skip(kindTorrent, errors.New("a torrent without an id"))
			continue
		}
		all = append(all, torrent(&w))
	}
	return all
}

func torrent(w *wireTorrent) anilibria.Torrent {
	magnet := line(w.Magnet)
	if !strings.HasPrefix(magnet, "magnet:?") {
		magnet = ""
	}
	return anilibria.Torrent{
		ID:        w.ID.whole(),
		Hash:      strings.ToLower(line(w.Hash)),
		Label:     line(w.Label),
		Quality:   line(w.Quality.is.Value),
		Type:      line(w.Type.is.Value),
		Codec:     cmp.Or(line(w.Codec.is.Label), line(w.Codec.is.Value)),
		Episodes:  line(w.Description),
		Size:      int64(w.Size.whole()),
		Seeders:   w.Seeders.whole(),
		Leechers:  w.Leechers.whole(),
		Magnet:    magnet,
		UpdatedAt: w.UpdatedAt.Time,
	}
}

func tell(skip anilibria.Skip, kind string, lost []error) {
	for _, err := range lost {
		skip(kind, err)
	}
}
