package v1

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"anihub/platform/anilibria"
)

func decodeLatest(body []byte, skip anilibria.Skip) ([]anilibria.Bump, error) {
	found, err := enveloped[wireBump](body)
	if err != nil {
		return nil, err
	}
	tell(skip, kindBump, found.lost)
	seen := make(map[int]bool, len(found.items))
	bumps := make([]anilibria.Bump, 0, len(found.items))
	for _, w := range found.items {
		id := w.ID.whole()
		if id == 0 || seen[id] {
			skip(kindBump, fmt.Errorf("entry with the id %v, unknown or for the second time", w.ID.value))
			continue
		}
		seen[id] = true
		bumps = append(bumps, bump(id, w))
	}
	if len(bumps) == 0 && len(found.items)+len(found.lost) > 0 {
		return nil, errors.New("none of the entries can be read")
	}
	return bumps, nil
}

// bump names an episode only when it has an identity and a number.
func bump(id int, w wireBump) anilibria.Bump {
	b := anilibria.Bump{ID: id, FreshAt: w.FreshAt.Time, UpdatedAt: w.UpdatedAt.Time}
	if e := w.Episode.is; e.ID != "" && e.Ordinal.known {
		b.EpisodeID = line(e.ID)
		b.EpisodeOrdinal = e.Ordinal.value
		b.EpisodeUpdated = e.UpdatedAt.Time
	}
	return b
}

// decodeCatalog needs the number of pages: without it a reader of all pages would
// stop early and take the rest of the catalogue for gone.
func decodeCatalog(body []byte, skip anilibria.Skip) (anilibria.CatalogPage, error) {
	var w wireCatalog
	if err := json.Unmarshal(body, &w); err != nil {
		return anilibria.CatalogPage{}, err
	}
	pages := w.Meta.is.Pagination.is
	if w.Data == nil || !pages.Pages.known || !pages.Total.known {
		return anilibria.CatalogPage{}, errors.New("a page without data or pagination")
	}
	tell(skip, kindRelease, w.Data.lost)
	page := anilibria.CatalogPage{
		Page:  max(1, pages.Current.whole()),
		Pages: pages.Pages.whole(),
		Total: pages.Total.whole(),
	}
	for _, item := range w.Data.items {
		id := item.ID.whole()
		if id == 0 {
			skip(kindRelease, errors.New("a release without an id"))
		} else if !slices.Contains(page.IDs, id) {
			page.IDs = append(page.IDs, id)
		}
	}
	return page, nil
}

func decodeSchedule(body []byte, skip anilibria.Skip) ([]anilibria.ScheduleItem, error) {
	found, err := enveloped[wireScheduled](body)
	if err != nil {
		return nil, err
	}
	tell(skip, kindScheduled, found.lost)
	items := make([]anilibria.ScheduleItem, 0, len(found.items))
	for _, w := range found.items {
		item := scheduled(w)
		if item.ReleaseID == 0 || item.Weekday == 0 {
			skip(kindScheduled, fmt.Errorf("release %d on weekday %d", item.ReleaseID, item.Weekday))
			continue
		}
		items = append(items, item)
	}
	return items, nil
}

func scheduled(w wireScheduled) anilibria.ScheduleItem {
	published := w.Published
	if !published.known {
		published = w.OldPublished
	}
	return anilibria.ScheduleItem{
		ReleaseID:   w.Release.is.ID.whole(),
		Weekday:     weekday(w.Release.is.PublishDay.is),
		NextEpisode: cmp.Or(w.Next.whole(), w.OldNext.whole()),
		Published:   max(0, published.is.Ordinal.value),
	}
}

func (c *Client) decodeFranchises(body []byte, skip anilibria.Skip) ([]anilibria.Franchise, error) {
	found, err := enveloped[wireFranchise](body)
	if err != nil {
		return nil, err
	}
	tell(skip, kindFranchise, found.lost)
	franchises := make([]anilibria.Franchise, 0, len(found.items))
	for _, w := range found.items {
		f := c.franchise(w, skip)
		if f.ID == "" {
			skip(kindFranchise, errors.New("a franchise without an id"))
			continue
		}
		franchises = append(franchises, f)
	}
	return franchises, nil
}

func (c *Client) franchise(w wireFranchise, skip anilibria.Skip) anilibria.Franchise {
	tell(skip, kindFranchise, w.Releases.lost)
	f := anilibria.Franchise{ID: line(w.ID), Name: line(w.Name), NameEnglish: line(w.NameEnglish)}
	for _, r := range w.Releases.items {
		id := cmp.Or(r.ReleaseID.whole(), r.Release.is.ID.whole())
		if id == 0 {
			skip(kindFranchise, errors.New("a release of a franchise without an id"))
			continue
		}
		f.Releases = append(f.Releases, anilibria.FranchiseRelease{
			ReleaseID: id,
			Order:     r.SortOrder.whole(),
			Alias:     line(r.Release.is.Alias),
			Name:      names(r.Release.is.Name.is),
			Year:      r.Release.is.Year.whole(),
			Type:      line(r.Release.is.Type.is.Value),
			Poster:    c.poster(r.Release.is.Poster.is),
		})
	}
	slices.SortStableFunc(f.Releases, func(a, b anilibria.FranchiseRelease) int { return cmp.Compare(a.Order, b.Order) })
	return f
}
