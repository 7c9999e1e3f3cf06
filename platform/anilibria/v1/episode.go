package v1

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/loose"
)

// episodes keeps what has an identity and a number, each id once, in the order of
// sort_order; where that is absent the order of the array is the order.
func (r *reader) episodes() []anilibria.Episode {
	seen := make(map[string]bool)
	place := 0
	found := loose.ReadList(&r.Scan, func() (anilibria.Episode, error) {
		place++
		e, err := r.episode(place)
		if err == nil && r.Err == nil {
			if seen[e.ID] {
				err = fmt.Errorf("episode %s comes twice", e.ID)
			}
			seen[e.ID] = true
		}
		return e, err
	})
	found.Tell(r.skip, anilibria.KindEpisode)
	slices.SortStableFunc(found.Kept, func(a, b anilibria.Episode) int {
		return cmp.Or(cmp.Compare(a.SortOrder, b.SortOrder), cmp.Compare(a.Ordinal, b.Ordinal))
	})
	return found.Kept
}

func (r *reader) episode(place int) (anilibria.Episode, error) {
	var e anilibria.Episode
	var ordinal, order loose.Number
	r.Object(func(key []byte) {
		switch string(key) {
		case "ordinal":
			ordinal = r.Number()
		case "sort_order":
			order = r.Number()
		case "opening":
			e.Opening = r.span()
		case "ending":
			e.Ending = r.span()
		default:
			r.media(&e, key)
		}
	})
	if e.Ordinal, e.SortOrder = ordinal.Value, order.Whole(); !order.Known {
		e.SortOrder = place
	}
	switch {
	case e.ID == "" || len(e.ID) > anilibria.MaxEpisodeID:
		return e, errors.New("an episode without an id")
	case !ordinal.Known || e.Ordinal < 0 || e.Ordinal > anilibria.MaxOrdinal:
		return e, fmt.Errorf("episode %s has no ordinal", e.ID)
	}
	return e, nil
}

// media reads the fields of an episode that stand for themselves.
func (r *reader) media(e *anilibria.Episode, key []byte) {
	switch string(key) {
	case "id":
		e.ID = loose.Line(r.Text())
	case "name":
		e.Name = loose.Line(r.Text())
	case "preview":
		e.Preview = r.image().medium(r)
	case "duration":
		e.Duration = r.Whole()
	case "hls_480":
		e.HLS480 = loose.Stream(r.origin, r.Text())
	case "hls_720":
		e.HLS720 = loose.Stream(r.origin, r.Text())
	case "hls_1080":
		e.HLS1080 = loose.Stream(r.origin, r.Text())
	case "rutube_id":
		e.RutubeID = loose.VideoID(r.Text())
	case "youtube_id":
		e.YouTubeID = loose.VideoID(r.Text())
	case "updated_at":
		e.UpdatedAt = r.Moment()
	}
}

// span needs both ends: a half-filled one is as good as none (FACTS §3.7).
func (r *reader) span() *anilibria.Span {
	var start, stop loose.Number
	r.Object(func(key []byte) {
		switch string(key) {
		case "start":
			start = r.Number()
		case "stop":
			stop = r.Number()
		}
	})
	s := anilibria.Span{Start: start.Whole(), Stop: stop.Whole()}
	if !start.Known || start.Value < 0 || s.Stop <= s.Start {
		return nil
	}
	return &s
}

// image is a picture in three sizes, as the upstream wrote their addresses; the
// optimized ones are webp.
type image struct{ plain, optimized sizes }

type sizes struct{ src, preview, thumbnail string }

func (r *reader) image() (i image) {
	r.Object(func(key []byte) {
		if string(key) == "optimized" {
			r.Object(func(key []byte) { r.size(&i.optimized, key) })
			return
		}
		r.size(&i.plain, key)
	})
	return i
}

func (r *reader) size(s *sizes, key []byte) {
	switch string(key) {
	case "src":
		s.src = r.Text()
	case "preview":
		s.preview = r.Text()
	case "thumbnail":
		s.thumbnail = r.Text()
	}
}

// poster prefers the small webp to the original jpg, size by size.
func (r *reader) poster() anilibria.Poster {
	i := r.image()
	o, p := i.optimized, i.plain
	return anilibria.Poster{
		Small:  r.first(o.thumbnail, p.thumbnail, o.preview, p.preview, o.src, p.src),
		Medium: i.medium(r),
		Large:  r.first(o.src, p.src, o.preview, p.preview, o.thumbnail, p.thumbnail),
	}
}

func (i image) medium(r *reader) string {
	o, p := i.optimized, i.plain
	return r.first(o.preview, p.preview, o.src, p.src, o.thumbnail, p.thumbnail)
}

// first is the first address that a browser may be sent to.
func (r *reader) first(candidates ...string) string {
	for _, s := range candidates {
		if s = loose.Absolute(r.origin, s); s != "" {
			return s
		}
	}
	return ""
}
