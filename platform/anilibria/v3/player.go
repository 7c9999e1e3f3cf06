package v3

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/loose"
)

// player is what a title is watched with, as it stands: stream paths are relative to
// the host, which may come behind them.
type player struct {
	host        string
	alternative string
	episodes    []anilibria.Episode
	rutube      []rutube
}

// rutube is an episode's video elsewhere.
type rutube struct {
	ordinal float64
	id      string
	video   anilibria.Episode
}

func (r *reader) player() (p player) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "host":
			p.host = loose.Line(r.Text())
		case "alternative_player":
			p.alternative = r.Text()
		case "list", "playlist":
			found := loose.ReadValues(&r.Scan, r.episode)
			found.Tell(r.skip, anilibria.KindEpisode)
			p.episodes = append(p.episodes, found.Kept...)
		case "rutube":
			found := loose.ReadValues(&r.Scan, r.rutube)
			found.Tell(r.skip, anilibria.KindEpisode)
			p.rutube = found.Kept
		}
	})
	return p
}

// episode reads one entry of the playlist; its key is the number where the entry has
// none. One that has no uuid field is named later, by the title.
func (r *reader) episode(key string) (anilibria.Episode, error) {
	var e anilibria.Episode
	if r.Peek() != '{' {
		return e, errors.New("no episode in the playlist's entry")
	}
	var ordinal loose.Number
	named := false
	r.Object(func(field []byte) {
		switch string(field) {
		case "episode", "serie":
			ordinal = r.Number()
		case "uuid":
			e.ID, named = loose.Line(r.Text()), true
		case "name":
			e.Name = loose.Line(r.Text())
		case "preview":
			e.Preview = loose.Absolute(r.origin, r.Text())
		case "created_timestamp":
			e.UpdatedAt = r.moment()
		case "skips":
			r.skips(&e)
		case "hls":
			r.hls(&e)
		}
	})
	var err error
	if e.Ordinal, err = numberOf(ordinal, key); err != nil {
		return e, err
	}
	if named && (e.ID == "" || len(e.ID) > anilibria.MaxEpisodeID) {
		return e, fmt.Errorf("episode %s has no uuid", ordinalText(e.Ordinal))
	}
	return e, nil
}

// numberOf is the ordinal of an entry, else its key.
func numberOf(ordinal loose.Number, key string) (float64, error) {
	if !ordinal.Known {
		v, err := strconv.ParseFloat(key, 64)
		ordinal = loose.Number{Value: v, Known: err == nil}
	}
	// The comparisons are false for NaN.
	if ordinal.Known && ordinal.Value >= 0 && ordinal.Value <= anilibria.MaxOrdinal {
		return ordinal.Value, nil
	}
	return 0, errors.New("an episode without a number")
}

func (r *reader) rutube(key string) (rutube, error) {
	var x rutube
	var ordinal loose.Number
	r.Object(func(field []byte) {
		switch string(field) {
		case "episode", "serie":
			ordinal = r.Number()
		case "rutube_id":
			x.id = loose.VideoID(r.Text())
		case "created_timestamp":
			x.video.UpdatedAt = r.moment()
		}
	})
	var err error
	x.ordinal, err = numberOf(ordinal, key)
	x.video.Ordinal, x.video.RutubeID = x.ordinal, x.id
	return x, loose.First(err, loose.Unless(x.id != "", "a rutube entry without an id"))
}

func (r *reader) hls(e *anilibria.Episode) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "sd":
			e.HLS480 = r.Text()
		case "hd":
			e.HLS720 = r.Text()
		case "fhd":
			e.HLS1080 = r.Text()
		}
	})
}

func (r *reader) skips(e *anilibria.Episode) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "opening":
			e.Opening = r.span()
		case "ending":
			e.Ending = r.span()
		}
	})
}

// span is [start, stop] or []; as v1's {start, stop} it is understood too. It needs
// both ends.
func (r *reader) span() *anilibria.Span {
	var ends []loose.Number
	if r.Peek() == '{' {
		ends = make([]loose.Number, 2)
		r.Object(func(key []byte) {
			switch string(key) {
			case "start":
				ends[0] = r.Number()
			case "stop":
				ends[1] = r.Number()
			}
		})
	} else {
		ends = loose.ReadList(&r.Scan, func() (loose.Number, error) { return r.Number(), nil }).Kept
	}
	if len(ends) != 2 || !ends[0].Known || ends[0].Value < 0 {
		return nil
	}
	s := anilibria.Span{Start: ends[0].Whole(), Stop: ends[1].Whole()}
	if s.Stop <= s.Start {
		return nil
	}
	return &s
}

// episodes are the title's, each id once, in the order of their numbers.
func (r *reader) episodes(p player, titleID int) []anilibria.Episode {
	all := withRutube(p.episodes, p.rutube)
	slices.SortStableFunc(all, func(a, b anilibria.Episode) int { return cmp.Compare(a.Ordinal, b.Ordinal) })
	seen := make(map[string]bool, len(all))
	kept := all[:0]
	for _, e := range all {
		if e.ID == "" {
			e.ID = fmt.Sprintf("%d-%s", titleID, ordinalText(e.Ordinal))
		}
		if seen[e.ID] {
			r.skip(anilibria.KindEpisode, fmt.Errorf("episode %s comes twice", e.ID))
			continue
		}
		seen[e.ID] = true
		e.SortOrder = len(kept) + 1
		for _, s := range []*string{&e.HLS480, &e.HLS720, &e.HLS1080} {
			*s = r.stream(p.host, *s)
		}
		kept = append(kept, e)
	}
	return slices.Clip(kept)
}

// withRutube gives the videos of Rutube to their episodes; one that the playlist
// does not have is an episode too.
func withRutube(episodes []anilibria.Episode, videos []rutube) []anilibria.Episode {
	at := make(map[float64]int, len(episodes))
	for i, e := range episodes {
		at[e.Ordinal] = i
	}
	for _, v := range videos {
		if i, ok := at[v.ordinal]; ok {
			episodes[i].RutubeID = v.id
			continue
		}
		at[v.ordinal] = len(episodes)
		episodes = append(episodes, v.video)
	}
	return episodes
}

// stream joins a path to the player's host. That is a bare name and means https;
// the host of the assets is spoken to as the assets are.
func (r *reader) stream(host, path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return loose.Stream(r.origin, path)
	}
	base := "https://" + host
	if _, name, absolute := strings.Cut(host, "://"); absolute {
		base = strings.TrimRight(host, "/")
		host = name
	}
	if u, err := url.Parse(r.origin); err == nil && u.Host == host {
		base = r.origin
	}
	return loose.Stream("", base+path)
}

func ordinalText(o float64) string { return strconv.FormatFloat(o, 'f', -1, 64) }
