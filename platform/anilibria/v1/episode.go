package v1

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"anihub/platform/anilibria"
)

// episodes keeps what has an identity and a number, each id once, in the order of
// sort_order; where that is absent the order of the array is the order.
func (r *reader) episodes() []anilibria.Episode {
	seen := make(map[string]bool)
	place := 0
	found := readList(&r.scan, func() (anilibria.Episode, error) {
		place++
		e, err := r.episode(place)
		if err == nil && r.err == nil {
			if seen[e.ID] {
				err = fmt.Errorf("episode %s comes twice", e.ID)
			}
			seen[e.ID] = true
		}
		return e, err
	})
	tell(found, r.skip, kindEpisode)
	slices.SortStableFunc(found.kept, func(a, b anilibria.Episode) int {
		return cmp.Or(cmp.Compare(a.SortOrder, b.SortOrder), cmp.Compare(a.Ordinal, b.Ordinal))
	})
	return found.kept
}

func (r *reader) episode(place int) (anilibria.Episode, error) {
	var e anilibria.Episode
	var ordinal, order number
	r.object(func(key []byte) {
		switch string(key) {
		case "ordinal":
			ordinal = r.number()
		case "sort_order":
			order = r.number()
		case "opening":
			e.Opening = r.span()
		case "ending":
			e.Ending = r.span()
		default:
			r.media(&e, key)
		}
	})
	if e.Ordinal, e.SortOrder = ordinal.value, order.whole(); !order.known {
		e.SortOrder = place
	}
	switch {
	case e.ID == "" || len(e.ID) > idMax:
		return e, errors.New("an episode without an id")
	case !ordinal.known || e.Ordinal < 0 || e.Ordinal > ordinalMax:
		return e, fmt.Errorf("episode %s has no ordinal", e.ID)
	}
	return e, nil
}

// media reads the fields of an episode that stand for themselves.
func (r *reader) media(e *anilibria.Episode, key []byte) {
	switch string(key) {
	case "id":
		e.ID = line(r.text())
	case "name":
		e.Name = line(r.text())
	case "preview":
		e.Preview = r.image().medium(r)
	case "duration":
		e.Duration = r.whole()
	case "hls_480":
		e.HLS480 = stream(r.origin, r.text())
	case "hls_720":
		e.HLS720 = stream(r.origin, r.text())
	case "hls_1080":
		e.HLS1080 = stream(r.origin, r.text())
	case "rutube_id":
		e.RutubeID = videoID(r.text())
	case "youtube_id":
		e.YouTubeID = videoID(r.text())
	case "updated_at":
		e.UpdatedAt = r.moment()
	}
}

// span needs both ends: a half-filled one is as good as none (FACTS §3.7).
func (r *reader) span() *anilibria.Span {
	var start, stop number
	r.object(func(key []byte) {
		switch string(key) {
		case "start":
			start = r.number()
		case "stop":
			stop = r.number()
		}
	})
	s := anilibria.Span{Start: start.whole(), Stop: stop.whole()}
	if !start.known || start.value < 0 || s.Stop <= s.Start {
		return nil
	}
	return &s
}

// image is a picture in three sizes, as the upstream wrote their addresses; the
// optimized ones are webp.
type image struct{ plain, optimized sizes }

type sizes struct{ src, preview, thumbnail string }

func (r *reader) image() (i image) {
	r.object(func(key []byte) {
		if string(key) == "optimized" {
			r.object(func(key []byte) { r.size(&i.optimized, key) })
			return
		}
		r.size(&i.plain, key)
	})
	return i
}

func (r *reader) size(s *sizes, key []byte) {
	switch string(key) {
	case "src":
		s.src = r.text()
	case "preview":
		s.preview = r.text()
	case "thumbnail":
		s.thumbnail = r.text()
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
		if s = absolute(r.origin, s); s != "" {
			return s
		}
	}
	return ""
}
