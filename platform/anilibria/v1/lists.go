package v1

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/loose"
)

// enveloped reads a list that comes bare or as {"data":[…]}: the description and
// the reality of v1 disagree on it from route to route (FACTS §3.2).
func enveloped[T any](r *reader, read func() (T, error)) (loose.List[T], error) {
	var l loose.List[T]
	found := false
	switch r.Peek() {
	case '[':
		l, found = loose.ReadList(&r.Scan, read), true
	case '{':
		r.Object(func(key []byte) {
			if string(key) == "data" && !found && r.Peek() != 'n' {
				l, found = loose.ReadList(&r.Scan, read), true
			}
		})
	}
	switch {
	case r.Err != nil:
		return l, r.Err
	case !found:
		return l, errors.New("no list")
	}
	return l, nil
}

func (c *Client) decodeLatest(body []byte, skip anilibria.Skip) ([]anilibria.Bump, error) {
	r, err := c.reader(body, skip)
	if err != nil {
		return nil, err
	}
	seen := make(map[int]bool)
	found, err := enveloped(r, func() (anilibria.Bump, error) {
		b := r.bump()
		if r.Err != nil {
			return b, nil
		}
		if b.ID == 0 || seen[b.ID] {
			return b, fmt.Errorf("an entry with the id %d, unknown or for the second time", b.ID)
		}
		seen[b.ID] = true
		return b, nil
	})
	if err != nil {
		return nil, err
	}
	return found.Kept, found.Readable(skip, anilibria.KindBump)
}

// bump names an episode only when it has an identity and a number.
func (r *reader) bump() (b anilibria.Bump) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "id":
			b.ID = r.Whole()
		case "fresh_at":
			b.FreshAt = r.Moment()
		case "updated_at":
			b.UpdatedAt = r.Moment()
		case "latest_episode":
			if e, err := r.episode(0); err == nil {
				b.EpisodeID, b.EpisodeOrdinal, b.EpisodeUpdated = e.ID, e.Ordinal, e.UpdatedAt
			}
		}
	})
	return b
}

// decodeCatalog needs the number of pages: without it a reader of all pages would
// stop early and take the rest of the catalogue for gone.
func (c *Client) decodeCatalog(body []byte, skip anilibria.Skip) (anilibria.CatalogPage, error) {
	r, err := c.reader(body, skip)
	if err != nil {
		return anilibria.CatalogPage{}, err
	}
	var pages pagination
	var found *loose.List[int]
	r.Object(func(key []byte) {
		switch string(key) {
		case "data":
			l := loose.ReadList(&r.Scan, r.id)
			found = &l
		case "meta":
			pages = r.pagination()
		}
	})
	switch {
	case r.Err != nil:
		return anilibria.CatalogPage{}, r.Err
	case found == nil || !pages.pages.Known || !pages.total.Known:
		return anilibria.CatalogPage{}, errors.New("a page without data or pagination")
	}
	found.Tell(skip, anilibria.KindRelease)
	page := anilibria.CatalogPage{Page: max(1, pages.current.Whole()), Pages: pages.pages.Whole(), Total: pages.total.Whole()}
	for _, id := range found.Kept[:min(len(found.Kept), anilibria.MaxPageItems)] {
		if !slices.Contains(page.IDs, id) {
			page.IDs = append(page.IDs, id)
		}
	}
	return page, nil
}

// id is the id of an item of which nothing else was asked.
func (r *reader) id() (id int, err error) {
	r.Object(func(key []byte) {
		if string(key) == "id" {
			id = r.Whole()
		}
	})
	return id, loose.Unless(id > 0, "a release without an id")
}

// pagination leaves links out: they name the host that answered, and come as {}, []
// or null on a single page.
type pagination struct{ total, current, pages loose.Number }

func (r *reader) pagination() (p pagination) {
	r.Object(func(key []byte) {
		if string(key) != "pagination" {
			return
		}
		r.Object(func(key []byte) {
			switch string(key) {
			case "total":
				p.total = r.Number()
			case "current_page":
				p.current = r.Number()
			case "total_pages":
				p.pages = r.Number()
			}
		})
	})
	return p
}

func (c *Client) decodeSchedule(body []byte, skip anilibria.Skip) ([]anilibria.ScheduleItem, error) {
	r, err := c.reader(body, skip)
	if err != nil {
		return nil, err
	}
	found, err := enveloped(r, func() (anilibria.ScheduleItem, error) {
		item := r.scheduled()
		if item.ReleaseID == 0 || item.Weekday == 0 {
			return item, fmt.Errorf("release %d on weekday %d", item.ReleaseID, item.Weekday)
		}
		return item, nil
	})
	if err != nil {
		return nil, err
	}
	return found.Kept, found.Readable(skip, anilibria.KindScheduled)
}

// scheduled also knows the names of early 2025 (FACTS §3.7).
func (r *reader) scheduled() (item anilibria.ScheduleItem) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "release":
			item.ReleaseID, item.Weekday = r.airing()
		case "next_release_episode_number", "new_release_episode_ordinal":
			item.NextEpisode = cmp.Or(r.Whole(), item.NextEpisode)
		case "published_release_episode", "new_release_episode":
			r.Object(func(key []byte) {
				if string(key) == "ordinal" {
					item.Published = max(0, r.Number().Value)
				}
			})
		}
	})
	return item
}

func (r *reader) airing() (id, day int) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "id":
			id = r.Whole()
		case "publish_day":
			day = r.weekday()
		}
	})
	return id, day
}

// decodeRecommended keeps the order, each id once.
func (c *Client) decodeRecommended(body []byte, skip anilibria.Skip) ([]int, error) {
	r, err := c.reader(body, skip)
	if err != nil {
		return nil, err
	}
	found, err := enveloped(r, r.id)
	if err != nil {
		return nil, err
	}
	var ids []int
	for _, id := range found.Kept[:min(len(found.Kept), anilibria.MaxPageItems)] {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, found.Readable(skip, anilibria.KindRelease)
}

func (c *Client) decodeFranchises(body []byte, skip anilibria.Skip) ([]anilibria.Franchise, error) {
	r, err := c.reader(body, skip)
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

func (r *reader) franchise() (f anilibria.Franchise) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "id":
			f.ID = loose.Line(r.Text())
		case "name":
			f.Name = loose.Line(r.Text())
		case "name_english":
			f.NameEnglish = loose.Line(r.Text())
		case "franchise_releases":
			found := loose.ReadList(&r.Scan, r.franchiseRelease)
			found.Tell(r.skip, anilibria.KindFranchise)
			f.Releases = found.Kept
		}
	})
	slices.SortStableFunc(f.Releases, func(a, b anilibria.FranchiseRelease) int { return cmp.Compare(a.Order, b.Order) })
	return f
}

func (r *reader) franchiseRelease() (anilibria.FranchiseRelease, error) {
	var x anilibria.FranchiseRelease
	var id int
	r.Object(func(key []byte) {
		switch string(key) {
		case "sort_order":
			x.Order = r.Whole()
		case "release_id":
			id = r.Whole()
		case "release":
			r.member(&x)
		}
	})
	x.ReleaseID = cmp.Or(id, x.ReleaseID)
	return x, loose.Unless(x.ReleaseID > 0, "a release of a franchise without an id")
}

// member reads the release itself; it may be missing from the catalogue.
func (r *reader) member(x *anilibria.FranchiseRelease) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "id":
			x.ReleaseID = r.Whole()
		case "alias":
			x.Alias = loose.Line(r.Text())
		case "name":
			x.Name = r.name()
		case "year":
			x.Year = r.Whole()
		case "type":
			x.Type = r.value()
		case "poster":
			x.Poster = r.poster()
		}
	})
}
