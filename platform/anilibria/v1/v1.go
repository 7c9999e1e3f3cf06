// Package v1 reads the AniLiberty API v1. It knows the paths, the projections and
// the shapes of the answers, and turns them into the words of package anilibria;
// hosts, retries and limits are the Fetcher's business.
//
// The real API is looser than its own description: nearly everything may be null,
// absent or half filled (FACTS §3.6, §3.7). Decoding takes an answer as it comes,
// leaves out an item of a list that cannot be read, and gives up only when the
// thing that was asked for is not there.
package v1

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"anihub/platform/anilibria"
)

// include and exclude are projections: they limit an answer, they never expand it
// (FACTS §3.4). Each embedded torrent repeats its whole release.
const (
	withoutRepeats = "torrents.release"
	latestFields   = "id,alias,fresh_at,updated_at,latest_episode.id,latest_episode.ordinal,latest_episode.updated_at"
)

// Client implements anilibria.Client on the v1 API.
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
	name, err := refName(ref)
	if err != nil {
		return anilibria.Release{}, err
	}
	return anilibria.Ask(ctx, c.fetch, anilibria.Request{
		Route: anilibria.RouteRelease,
		Path:  "anime/releases/" + name,
		Query: url.Values{"exclude": {withoutRepeats}},
	}, func(body []byte, skip anilibria.Skip) (anilibria.Release, error) {
		return c.decodeRelease(body, ref, skip)
	})
}

// Releases implements anilibria.Client.
func (c *Client) Releases(ctx context.Context, ids []int) ([]anilibria.Release, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if len(ids) > anilibria.PageMax {
		return nil, anilibria.ErrRefused.Because("%d ids are over the limit of %d", len(ids), anilibria.PageMax)
	}
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = strconv.Itoa(id)
	}
	return anilibria.Ask(ctx, c.fetch, anilibria.Request{
		Route: anilibria.RouteReleases,
		Path:  "anime/releases/list",
		Query: url.Values{
			"ids":     {strings.Join(list, ",")},
			"page":    {"1"},
			"limit":   {strconv.Itoa(anilibria.PageMax)},
			"exclude": {withoutRepeats},
		},
	}, func(body []byte, skip anilibria.Skip) ([]anilibria.Release, error) {
		return c.decodeReleases(body, ids, skip)
	})
}

// Latest implements anilibria.Client.
func (c *Client) Latest(ctx context.Context, limit int) ([]anilibria.Bump, error) {
	return anilibria.Ask(ctx, c.fetch, anilibria.Request{
		Route: anilibria.RouteLatest,
		Path:  "anime/releases/latest",
		Query: url.Values{"limit": {anilibria.PageSize(limit)}, "include": {latestFields}},
	}, c.decodeLatest)
}

// CatalogPage implements anilibria.Client. The list shifts while it is read: the
// same id may come again on the next page.
func (c *Client) CatalogPage(ctx context.Context, page, limit int) (anilibria.CatalogPage, error) {
	return anilibria.Ask(ctx, c.fetch, anilibria.Request{
		Route: anilibria.RouteCatalog,
		Path:  "anime/catalog/releases",
		Query: url.Values{
			"page":       {strconv.Itoa(max(1, page))},
			"limit":      {anilibria.PageSize(limit)},
			"f[sorting]": {"FRESH_AT_DESC"},
			"include":    {"id"},
		},
	}, c.decodeCatalog)
}

// Schedule implements anilibria.Client.
func (c *Client) Schedule(ctx context.Context) ([]anilibria.ScheduleItem, error) {
	return anilibria.Ask(ctx, c.fetch, anilibria.Request{
		Route: anilibria.RouteSchedule,
		Path:  "anime/schedule/week",
	}, c.decodeSchedule)
}

// Franchise implements anilibria.Client. A release of which the upstream knows no
// franchise, or nothing at all, has none.
func (c *Client) Franchise(ctx context.Context, releaseID int) ([]anilibria.Franchise, error) {
	franchises, err := anilibria.Ask(ctx, c.fetch, anilibria.Request{
		Route: anilibria.RouteFranchise,
		Path:  "anime/franchises/release/" + strconv.Itoa(releaseID),
	}, c.decodeFranchises)
	if errors.Is(err, anilibria.ErrNotFound) {
		return nil, nil
	}
	return franchises, err
}

// Recommended implements anilibria.Client. A release that the upstream does not know
// has none.
func (c *Client) Recommended(ctx context.Context, releaseID, limit int) ([]int, error) {
	ids, err := anilibria.Ask(ctx, c.fetch, anilibria.Request{
		Route: anilibria.RouteRecommended,
		Path:  "anime/releases/recommended",
		Query: url.Values{
			"release_id": {strconv.Itoa(releaseID)},
			"limit":      {anilibria.PageSize(limit)},
			"include":    {"id"},
		},
	}, c.decodeRecommended)
	if errors.Is(err, anilibria.ErrNotFound) {
		return nil, nil
	}
	return ids, err
}

// Status implements anilibria.Client.
func (c *Client) Status(ctx context.Context) error {
	return c.fetch.Fetch(ctx, anilibria.StatusRequest())
}

// refName is the path segment of a release. What cannot be an alias is answered
// here: the words that are routes of their own, and what would climb in the path.
func refName(ref anilibria.Ref) (string, error) {
	if ref.ID > 0 {
		return strconv.Itoa(ref.ID), nil
	}
	if ref.ID < 0 || !plausibleAlias(ref.Alias) {
		return "", anilibria.ErrNotFound.Because("%d %q names no release", ref.ID, ref.Alias)
	}
	return url.PathEscape(ref.Alias), nil
}

func plausibleAlias(alias string) bool {
	switch alias {
	case "", "latest", "list", "random", "recommended", "episodes":
		return false
	}
	if len(alias) > 255 || strings.Trim(alias, ".") == "" {
		return false
	}
	for _, r := range alias {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`/\?#%`, r) {
			return false
		}
	}
	return true
}
