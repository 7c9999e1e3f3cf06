package v3

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/loose"
)

// failure reads {"code", "message"}. Errors come with their own status, so with a
// 200 around them it is a mirror that keeps copies; every 5xx is a host in trouble.
func (r *reader) failure() error {
	var code int
	var text string
	r.Object(func(key []byte) {
		switch string(key) {
		case "code":
			code = r.Whole()
		case "message":
			text = loose.Line(r.Text())
		}
	})
	switch {
	case code == http.StatusNotFound:
		return anilibria.ErrNotFound.Because("the answer says %d %.80q", code, text)
	case code >= 500:
		return anilibria.ErrUnavailable.Because("the answer says %d %.80q", code, text)
	case code >= 400:
		return anilibria.ErrRefused.Because("the answer says %d %.80q", code, text)
	}
	return fmt.Errorf("an error in place of an answer: %d %.80q", code, text)
}

// page is a list with its pagination, where the answer has one.
type page[T any] struct {
	loose.List[T]
	current, pages, total loose.Number
}

// paged reads {"list":[…],"pagination":{…}}.
func paged[T any](r *reader, read func() (T, error)) (p page[T], err error) {
	found := false
	var said error
	r.Object(func(key []byte) {
		switch string(key) {
		case "list":
			if r.Peek() != 'n' {
				p.List, found = loose.ReadList(&r.Scan, read), true
			}
		case "pagination":
			r.pagination(&p.current, &p.pages, &p.total)
		case "error":
			said = r.failure()
		}
	})
	if !found {
		err = errors.New("no list")
	}
	return p, loose.First(said, loose.First(r.Err, err))
}

func (r *reader) pagination(current, pages, total *loose.Number) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "current_page":
			*current = r.Number()
		case "pages":
			*pages = r.Number()
		case "total_items":
			*total = r.Number()
		}
	})
}

// enveloped reads a list that comes bare or in a page: which one it is has changed
// with the versions.
func enveloped[T any](r *reader, read func() (T, error)) (loose.List[T], error) {
	if r.Peek() != '[' {
		p, err := paged(r, read)
		return p.List, err
	}
	l := loose.ReadList(&r.Scan, read)
	return l, r.Err
}

func (c *Client) decodeLatest(body []byte, skip anilibria.Skip) ([]anilibria.Bump, error) {
	r, err := newReader(body, c.origin, skip)
	if err != nil {
		return nil, err
	}
	seen := make(map[int]bool)
	found, err := enveloped(r, func() (title, error) {
		t := r.title()
		if r.Err != nil {
			return t, nil
		}
		if !t.identified() || seen[t.ID] {
			return t, fmt.Errorf("an entry with the id %d, unknown or for the second time", t.ID)
		}
		seen[t.ID] = true
		t.Episodes = r.episodes(t.player, t.ID)
		return t, nil
	})
	if err != nil {
		return nil, err
	}
	var bumps []anilibria.Bump
	for _, t := range found.Kept {
		if !t.hidden() {
			bumps = append(bumps, t.bump())
		}
	}
	return bumps, found.Readable(skip, anilibria.KindBump)
}

// bump names the episode with the newest files, of several the last one.
func (t title) bump() anilibria.Bump {
	b := anilibria.Bump{ID: t.ID, FreshAt: t.FreshAt, UpdatedAt: t.UpdatedAt}
	for _, e := range t.Episodes {
		if b.EpisodeID == "" || !e.UpdatedAt.Before(b.EpisodeUpdated) {
			b.EpisodeID, b.EpisodeOrdinal, b.EpisodeUpdated = e.ID, e.Ordinal, e.UpdatedAt
		}
	}
	return b
}

// decodeCatalog needs the number of pages: without it a reader of all pages would
// stop early and take the rest of the catalogue for gone. An empty catalogue has
// no page at all.
func (c *Client) decodeCatalog(body []byte, skip anilibria.Skip) (anilibria.CatalogPage, error) {
	r, err := newReader(body, c.origin, skip)
	if err != nil {
		return anilibria.CatalogPage{}, err
	}
	found, err := paged(r, func() (title, error) {
		t := r.title()
		return t, loose.Unless(t.identified(), "a title without an id")
	})
	switch {
	case err != nil:
		return anilibria.CatalogPage{}, err
	case !found.pages.Known || !found.total.Known:
		return anilibria.CatalogPage{}, errors.New("a page without pagination")
	}
	found.Tell(skip, anilibria.KindRelease)
	p := anilibria.CatalogPage{Page: max(1, found.current.Whole()), Pages: max(1, found.pages.Whole()), Total: found.total.Whole()}
	for _, t := range found.Kept[:min(len(found.Kept), anilibria.MaxPageItems)] {
		if !t.hidden() && !slices.Contains(p.IDs, t.ID) {
			p.IDs = append(p.IDs, t.ID)
		}
	}
	return p, nil
}

// day is one day of the schedule.
type day struct {
	weekday int
	titles  []title
}

func (c *Client) decodeSchedule(body []byte, skip anilibria.Skip) ([]anilibria.ScheduleItem, error) {
	r, err := newReader(body, c.origin, skip)
	if err != nil {
		return nil, err
	}
	found, err := enveloped(r, r.day)
	if err != nil {
		return nil, err
	}
	var items []anilibria.ScheduleItem
	for _, d := range found.Kept {
		for _, t := range d.titles {
			if !t.hidden() {
				items = append(items, anilibria.ScheduleItem{ReleaseID: t.ID, Weekday: d.weekday})
			}
		}
	}
	slices.SortStableFunc(items, func(a, b anilibria.ScheduleItem) int { return cmp.Compare(a.Weekday, b.Weekday) })
	return items, found.Readable(skip, anilibria.KindScheduled)
}

func (r *reader) day() (d day, err error) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "day":
			d.weekday = weekday(r.Number())
		case "list":
			found := loose.ReadList(&r.Scan, func() (title, error) {
				t := r.title()
				return t, loose.Unless(t.identified(), "a title without an id")
			})
			found.Tell(r.skip, anilibria.KindScheduled)
			d.titles = found.Kept
		}
	})
	return d, loose.Unless(d.weekday > 0, "titles of no day")
}

func (c *Client) decodeFranchises(body []byte, skip anilibria.Skip) ([]anilibria.Franchise, error) {
	r, err := newReader(body, c.origin, skip)
	if err != nil {
		return nil, err
	}
	found, err := enveloped(r, func() (anilibria.Franchise, error) {
		f := r.franchise()
		return f, loose.Unless(f.ID != "", "a franchise without an id")
	})
	if err != nil {
		return nil, err
	}
	return found.Kept, found.Readable(skip, anilibria.KindFranchise)
}

// franchise reads {franchise: {id, name}, releases: […]}.
func (r *reader) franchise() (f anilibria.Franchise) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "franchise":
			r.Object(func(key []byte) {
				switch string(key) {
				case "id":
					f.ID = loose.Line(r.Text())
				case "name":
					f.Name = loose.Line(r.Text())
				}
			})
		case "releases":
			found := loose.ReadList(&r.Scan, r.franchiseRelease)
			found.Tell(r.skip, anilibria.KindFranchise)
			f.Releases = found.Kept
		}
	})
	slices.SortStableFunc(f.Releases, func(a, b anilibria.FranchiseRelease) int { return cmp.Compare(a.Order, b.Order) })
	return f
}

func (r *reader) franchiseRelease() (x anilibria.FranchiseRelease, err error) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "id":
			x.ReleaseID = r.Whole()
		case "code":
			x.Alias = loose.Line(r.Text())
		case "ordinal":
			x.Order = r.Whole()
		case "names":
			x.Name = r.names()
		}
	})
	return x, loose.Unless(x.ReleaseID > 0, "a release of a franchise without an id")
}
