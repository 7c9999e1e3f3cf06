package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
	"anihub/modules/users"
	"anihub/web/envelope"
)

// A personal feed is a feed of the titles that a user subscribed to, for readers that
// cannot sign in: its address has a token in it, which its owner may revoke. The
// address is a secret, so it is neither logged nor kept by anybody on the way.

// feedPath is where the tokens stand in a path; record masks what follows.
const feedPath = "/users/feed/"

// masked is a path as it may be logged.
func masked(path string) string {
	if i := strings.Index(path, feedPath); i >= 0 {
		return path[:i+len(feedPath)] + "***"
	}
	return envelope.Clip(path, 200)
}

func (a *API) personalFeed(c echo.Context) error {
	in := envelope.ReadQuery(c, "limit", "lang")
	limit := in.Number("limit", defaultItems, 1, 100)
	l, err := a.look(c, in, url.Values{}, limit)
	if err != nil {
		return err
	}
	file, err := lastSegment(c, "file")
	if err != nil {
		return err
	}
	token, format, _ := strings.Cut(file, ".")
	write, ok := map[string]func(feed) (document, error){"rss": rss, "atom": atom, "json": jsonFeed, "ics": nil}[format]
	if !ok {
		return users.ErrNoFeed
	}
	ids, err := a.deps.Users.FeedTitles(c.Request().Context(), token)
	if err != nil {
		return err
	}
	l.self = strings.Replace(l.self, c.Path(), c.Request().URL.EscapedPath(), 1)
	sum := sha256.Sum256([]byte(token))
	l.filter = "of=" + hex.EncodeToString(sum[:16])
	if write == nil {
		return a.personalCalendar(c, l, ids)
	}
	titles, f, err := a.summaries(c.Request().Context(), ids)
	if err != nil {
		return err
	}
	doc, err := write(l.feed(titles, limit, f))
	return sendPrivate(c, l, doc, f, err)
}

// summaries asks for titles in portions that the catalogue takes.
func (a *API) summaries(ctx context.Context, ids []int) (all []catalog.Summary, f catalog.Freshness, err error) {
	const portion = 100
	f.Level = "index"
	for some := range slices.Chunk(ids, portion) {
		page, err := a.deps.Catalog.Titles(ctx, catalog.Query{Page: 1, IDs: some, Limit: len(some)}, "")
		if err != nil {
			return nil, f, err
		}
		if len(all) == 0 {
			f = page.Freshness
		}
		all = append(all, page.Value.Titles...)
	}
	return all, f, nil
}

func (a *API) personalCalendar(c echo.Context, l look, ids []int) error {
	got, err := a.coming(c.Request().Context(), "")
	if err != nil {
		return err
	}
	var entries []entry
	if len(ids) > 0 { // none means all there
		entries = l.entries(got.Value, ids, dated(got.Freshness.StoredAt))
	}
	doc, err := l.calendar(entries)
	return sendPrivate(c, l, doc, got.Freshness, err)
}

// sendPrivate sends what only its reader may keep.
func sendPrivate(c echo.Context, l look, doc document, f catalog.Freshness, err error) error {
	if err != nil {
		return err
	}
	doc.vary = l.vary
	e, err := encode(doc, "", f)
	if err != nil {
		return err
	}
	for i := range e.header {
		if e.header[i].name == "Cache-Control" {
			e.header[i].values = []string{"private, no-cache"}
		}
	}
	return send(c, e, "")
}
