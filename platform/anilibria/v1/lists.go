package v1

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"anihub/platform/anilibria"
)

// enveloped reads a list that comes bare or as {"data":[…]}: the description and
// the reality of v1 disagree on it from route to route (FACTS §3.2).
func enveloped[T any](r *reader, read func() (T, error)) (list[T], error) {
	var l list[T]
	found := false
	switch r.peek() {
	case '[':
		l, found = readList(&r.scan, read), true
	case '{':
		r.object(func(key []byte) {
			if string(key) == "data" && !found && r.peek() != 'n' {
				l, found = readList(&r.scan, read), true
			}
		})
	}
	switch {
	case r.err != nil:
		return l, r.err
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
		if r.err != nil {
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
	return found.kept, readable(found, skip, kindBump)
}

// bump names an episode only when it has an identity and a number.
func (r *reader) bump() (b anilibria.Bump) {
	r.object(func(key []byte) {
		switch string(key) {
		case "id":
			b.ID = r.whole()
		case "fresh_at":
			b.FreshAt = r.moment()
		case "updated_at":
			b.UpdatedAt = r.moment()
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
	var found *list[int]
	r.object(func(key []byte) {
		switch string(key) {
		case "data":
			l := readList(&r.scan, r.id)
			found = &l
		case "meta":
			pages = r.pagination()
		}
	})
	switch {
	case r.err != nil:
		return anilibria.CatalogPage{}, r.err
	case found == nil || !pages.pages.known || !pages.total.known:
		return anilibria.CatalogPage{}, errors.New("a page without data or pagination")
	}
	tell(*found, skip, kindRelease)
	page := anilibria.CatalogPage{Page: max(1, pages.current.whole()), Pages: pages.pages.whole(), Total: pages.total.whole()}
	for _, id := range found.kept[:min(len(found.kept), pageItemsMax)] {
		if !slices.Contains(page.IDs, id) {
			page.IDs = append(page.IDs, id)
		}
	}
	return page, nil
}

// pageItemsMax is more than any page holds; it bounds the search for doubles.
const pageItemsMax = 1000

// id is the id of an item of which nothing else was asked.
func (r *reader) id() (id int, err error) {
	r.object(func(key []byte) {
		if string(key) == "id" {
			id = r.whole()
		}
	})
	return id, unless(id > 0, "a release without an id")
}

// pagination leaves links out: they name the host that answered, and come as {}, []
// or null on a single page.
type pagination struct{ total, current, pages number }

func (r *reader) pagination() (p pagination) {
	r.object(func(key []byte) {
		if string(key) != "pagination" {
			return
		}
		r.object(func(key []byte) {
			switch string(key) {
			case "total":
				p.total = r.number()
			case "current_page":
				p.current = r.number()
			case "total_pages":
				p.pages = r.number()
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
	return found.kept, readable(found, skip, kindScheduled)
}

// scheduled also knows the names of early 2025 (FACTS §3.7).
func (r *reader) scheduled() (item anilibria.ScheduleItem) {
	r.object(func(key []byte) {
		switch string(key) {
		case "release":
			item.ReleaseID, item.Weekday = r.airing()
		case "next_release_episode_number", "new_release_episode_ordinal":
			item.NextEpisode = cmp.Or(r.whole(), item.NextEpisode)
		case "published_release_episode", "new_release_episode":
			r.object(func(key []byte) {
				if string(key) == "ordinal" {
					item.Published = max(0, r.number().value)
				}
			})
		}
	})
	return item
}

func (r *reader) airing() (id, day int) {
	r.object(func(key []byte) {
		switch string(key) {
		case "id":
			id = r.whole()
		case "publish_day":
			day = r.weekday()
		}
	})
	return id, day
}

func (c *Client) decodeFranchises(body []byte, skip anilibria.Skip) ([]anilibria.Franchise, error) {
	r, err := c.reader(body, skip)
	if err != nil {
		return nil, err
	}
	found, err := enveloped(r, func() (anilibria.Franchise, error) {
		f := r.franchise()
		return f, unless(f.ID != "", "a franchise without an id")
	})
	if err != nil {
		return nil, err
	}
	return found.kept, readable(found, skip, kindFranchise)
}

func (r *reader) franchise() (f anilibria.Franchise) {
	r.object(func(key []byte) {
		switch string(key) {
		case "id":
			f.ID = line(r.text())
		case "name":
			f.Name = line(r.text())
		case "name_english":
			f.NameEnglish = line(r.text())
		case "franchise_releases":
			found := readList(&r.scan, r.franchiseRelease)
			tell(found, r.skip, kindFranchise)
			f.Releases = found.kept
		}
	})
	slices.SortStableFunc(f.Releases, func(a, b anilibria.FranchiseRelease) int { return cmp.Compare(a.Order, b.Order) })
	return f
}

func (r *reader) franchiseRelease() (anilibria.FranchiseRelease, error) {
	var x anilibria.FranchiseRelease
	var id int
	r.object(func(key []byte) {
		switch string(key) {
		case "sort_order":
			x.Order = r.whole()
		case "release_id":
			id = r.whole()
		case "release":
			r.member(&x)
		}
	})
	x.ReleaseID = cmp.Or(id, x.ReleaseID)
	return x, unless(x.ReleaseID > 0, "a release of a franchise without an id")
}

// member reads the release itself; it may be missing from the catalogue.
func (r *reader) member(x *anilibria.FranchiseRelease) {
	r.object(func(key []byte) {
		switch string(key) {
		case "id":
			x.ReleaseID = r.whole()
		case "alias":
			x.Alias = line(r.text())
		case "name":
			x.Name = r.name()
		case "year":
			x.Year = r.whole()
		case "type":
			x.Type = r.value()
		case "poster":
			x.Poster = r.poster()
		}
	})
}
