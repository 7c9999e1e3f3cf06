// Package v3 reads the retired AniLibria API v3, which mirrors still run: its REST
// routes (Client) and its WebSocket (Socket). It knows the paths and the shapes of
// the answers, and turns them into the words of package anilibria; hosts, retries
// and limits are the Fetcher's business.
//
// Ids, slugs, episode uuids, stream paths and franchise ids are those of v1: a
// catalogue that was filled by one driver goes on with the other. What v3 does not
// carry, or carries differently, is this, and a test holds both drivers to it:
//
//   - absent: recommendations, age rating, ratings, creation date, Shikimori and MyAnimeList ids, the
//     members with the role poster, the length of an episode, its order other than
//     by number, YouTube ids; in a franchise the English name and its releases'
//     year, type and poster; in the schedule which episode is out and which is next;
//   - IsOngoing: v3 has one status. "In work" is IsInProduction, and IsOngoing stays
//     false; a title that only airs is in work too;
//   - members come grouped by role;
//   - posters and previews are one jpg in place of webp in several sizes;
//   - a torrent's label is its quality ("WEBRip 1080p HEVC");
//   - an episode's UpdatedAt is the date of its files (created_timestamp);
//   - hidden titles (status 3) are unknown, as v1 has it.
//
// Shapes of v2 (series, playlist, serie, no uuid) and of the late v3 (blocked,
// is_rutube) are read where they differ. An episode without a uuid field has the id
// "<release>-<ordinal>".
package v3

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"anihub/platform/anilibria"
)

// filter and remove are lists of paths within a title (FACTS §1.2). A parameter that
// v3 does not know is refused with 412, so there are no others than it prints.
const (
	latestFields = "id,updated,last_change,status.code,player.list"
	catalogField = "id,status.code"
	scheduleRest = "player,torrents,team,description,franchises"
	everyDay     = "0,1,2,3,4,5,6"
)

// Client implements anilibria.Client on the v3 API.
type Client struct {
	fetch  anilibria.Fetcher
	origin string
}

var _ anilibria.Client = (*Client)(nil)

// New makes a client. assets is the origin that /storage/… paths are relative to,
// without a trailing slash: anilibria.Config.Assets.
func New(fetch anilibria.Fetcher, assets string) *Client {
	return &Client{fetch: fetch, origin: strings.TrimRight(assets, "/")}
}

// Release implements anilibria.Client.
func (c *Client) Release(ctx context.Context, ref anilibria.Ref) (anilibria.Release, error) {
	query, err := refQuery(ref)
	if err != nil {
		return anilibria.Release{}, err
	}
	return anilibria.Ask(ctx, c.fetch, anilibria.Request{
		Route: anilibria.RouteRelease,
		Path:  "title",
		Query: query,
	}, func(body []byte, skip anilibria.Skip) (anilibria.Release, error) {
		return c.decodeRelease(body, ref, skip)
	})
}

// Releases implements anilibria.Client. How many titles v3 puts on a page when it is
// asked by ids is not documented, so what a short answer left out is asked for
// again: what is absent then is not there.
func (c *Client) Releases(ctx context.Context, ids []int) ([]anilibria.Release, error) {
	if len(ids) > anilibria.PageMax {
		return nil, anilibria.ErrRefused.Because("%d ids are over the limit of %d", len(ids), anilibria.PageMax)
	}
	var all []anilibria.Release
	for len(ids) > 0 {
		got, err := c.someReleases(ctx, ids)
		if err != nil && len(all) > 0 && errors.Is(err, anilibria.ErrGarbage) {
			break // none of the rest can be read
		}
		if err != nil {
			return nil, err
		}
		all = append(all, got.releases...)
		if len(got.releases) == 0 || got.items >= len(ids) {
			break
		}
		ids = without(ids, got.releases)
	}
	return all, nil
}

// without are the ids that are not among the releases.
func without(ids []int, releases []anilibria.Release) []int {
	return slices.DeleteFunc(slices.Clone(ids), func(id int) bool {
		return slices.ContainsFunc(releases, func(r anilibria.Release) bool { return r.ID == id })
	})
}

// someReleases asks once. One unknown id may turn the whole list into a 404: then
// the halves are asked, down to the one that is not there.
func (c *Client) someReleases(ctx context.Context, ids []int) (answered, error) {
	got, err := c.list(ctx, ids)
	switch {
	case !errors.Is(err, anilibria.ErrNotFound):
		return got, err
	case len(ids) == 1:
		return answered{items: 1}, nil
	}
	half := len(ids) / 2
	first, err := c.someReleases(ctx, ids[:half])
	if err != nil {
		return answered{}, err
	}
	second, err := c.someReleases(ctx, ids[half:])
	return first.and(second), err
}

// answered is what an answer held: items is how many it had, readable or not.
type answered struct {
	releases []anilibria.Release
	items    int
}

func (a answered) and(b answered) answered {
	return answered{append(a.releases, b.releases...), a.items + b.items}
}

func (c *Client) list(ctx context.Context, ids []int) (answered, error) {
	text := make([]string, len(ids))
	for i, id := range ids {
		text[i] = strconv.Itoa(id)
	}
	return anilibria.Ask(ctx, c.fetch, anilibria.Request{
		Route: anilibria.RouteReleases,
		Path:  "title/list",
		Query: url.Values{"id_list": {strings.Join(text, ",")}, "page": {"1"}, "items_per_page": {strconv.Itoa(anilibria.PageMax)}},
	}, func(body []byte, skip anilibria.Skip) (answered, error) {
		return c.decodeReleases(body, ids, skip)
	})
}

// Latest implements anilibria.Client.
func (c *Client) Latest(ctx context.Context, limit int) ([]anilibria.Bump, error) {
	return anilibria.Ask(ctx, c.fetch, anilibria.Request{
		Route: anilibria.RouteLatest,
		Path:  "title/updates",
		Query: url.Values{"limit": {anilibria.PageSize(limit)}, "filter": {latestFields}},
	}, c.decodeLatest)
}

// CatalogPage implements anilibria.Client. The list shifts while it is read: the
// same id may come again on the next page.
func (c *Client) CatalogPage(ctx context.Context, page, limit int) (anilibria.CatalogPage, error) {
	return anilibria.Ask(ctx, c.fetch, anilibria.Request{
		Route: anilibria.RouteCatalog,
		Path:  "title/updates",
		Query: url.Values{
			"page":           {strconv.Itoa(max(1, page))},
			"items_per_page": {anilibria.PageSize(limit)},
			"filter":         {catalogField},
		},
	}, c.decodeCatalog)
}

// Schedule implements anilibria.Client.
func (c *Client) Schedule(ctx context.Context) ([]anilibria.ScheduleItem, error) {
	return anilibria.Ask(ctx, c.fetch, anilibria.Request{
		Route: anilibria.RouteSchedule,
		Path:  "title/schedule",
		Query: url.Values{"days": {everyDay}, "remove": {scheduleRest}},
	}, c.decodeSchedule)
}

// Franchise implements anilibria.Client. A release of which the upstream knows no
// franchise, or nothing at all, has none.
func (c *Client) Franchise(ctx context.Context, releaseID int) ([]anilibria.Franchise, error) {
	franchises, err := anilibria.Ask(ctx, c.fetch, anilibria.Request{
		Route: anilibria.RouteFranchise,
		Path:  "title/franchises",
		Query: url.Values{"id": {strconv.Itoa(releaseID)}},
	}, c.decodeFranchises)
	if errors.Is(err, anilibria.ErrNotFound) {
		return nil, nil
	}
	return franchises, err
}

// Recommended implements anilibria.Client: v3 has no such route, so nothing is asked.
func (c *Client) Recommended(context.Context, int, int) ([]int, error) { return nil, nil }

// Status implements anilibria.Client.
func (c *Client) Status(ctx context.Context) error {
	return c.fetch.Fetch(ctx, anilibria.YearsRequest())
}

// refQuery names one release: v3 refuses an id and a code together.
func refQuery(ref anilibria.Ref) (url.Values, error) {
	switch {
	case ref.ID > 0:
		return url.Values{"id": {strconv.Itoa(ref.ID)}}, nil
	case ref.ID < 0 || ref.Alias == "" || len(ref.Alias) > 255 || strings.ContainsFunc(ref.Alias, unlikely):
		return nil, anilibria.ErrNotFound.Because("%d %q names no release", ref.ID, ref.Alias)
	}
	return url.Values{"code": {ref.Alias}}, nil
}

func unlikely(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }
