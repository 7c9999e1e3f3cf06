package api

import (
	"crypto/sha1"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
	"anihub/web/envelope"
)

// The feeds tell of the latest episode of each title, newest first, in three formats
// (feeds_rss.go, feeds_atom.go, feeds_json.go). They are made of the index alone, so
// they go on when everything below is gone.
//
// An item is the same one for ever: its id is made of the title's id and the
// episode's number and of nothing else, so neither a restart, another host, another
// language nor another upload of the episode shows it to a reader for a second time.

// feed is a feed before it has a format.
type feed struct {
	id       string // urn:uuid:…
	lang     string // ru, en
	home     string // absolute
	self     string // absolute: where it was asked for
	icon     string // absolute
	name     string
	subtitle string
	updated  time.Time
	items    []feedItem
}

// feedItem is one episode. Texts are plain, one line each but the description.
type feedItem struct {
	id          string // urn:uuid:…
	link        string
	title       string
	episode     string // its own name; "" = none
	description string
	picture     string // absolute http(s) URL; "" = none
	genres      []string
	at          time.Time // when it came out
}

// look is what a feed depends on besides the catalogue.
type look struct {
	words  words
	origin string
	self   string
	filter string // what it was narrowed to, normalised
	vary   string
}

// key is the identity of an answer: the address says all but the language.
func (l look) key() string { return l.words.lang + " " + l.self }

func (a *API) rss(c echo.Context) error      { return a.feed(c, rss) }
func (a *API) atom(c echo.Context) error     { return a.feed(c, atom) }
func (a *API) jsonFeed(c echo.Context) error { return a.feed(c, jsonFeed) }

// defaultItems is how many items a feed has: two days of the upstream's busiest weeks.
const defaultItems = 50

func (a *API) feed(c echo.Context, write func(feed) (document, error)) error {
	in := envelope.ReadQuery(c, "limit", "titles", "genres", "genres[]", "type", "lang")
	limit := in.Number("limit", defaultItems, 1, 100)
	q := catalog.Query{Page: 1, IDs: readIDs(in, "titles", maxBatch), Genres: in.List("genres", maxGenres), Type: oneType(in)}
	slices.Sort(q.IDs)
	slices.Sort(q.Genres)
	q.Genres = slices.Compact(q.Genres)
	if q.Limit = len(q.IDs); q.Limit == 0 { // those of a list are put in order here
		q.Limit, q.Sort, q.Descending = limit, "episode", true
	}
	l, err := a.look(c, in, filterOf(q), limit)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	return answer(a, c, l.key(), reading[catalog.Page]{
		ask: func(have string) (catalog.Answer[catalog.Page], error) { return a.deps.Catalog.Titles(ctx, q, have) },
		draw: func(p catalog.Page, f catalog.Freshness) (document, error) {
			doc, err := write(l.feed(p.Titles, limit, f))
			doc.vary = l.vary
			return doc, err
		},
	})
}

// filterOf is what narrows a feed, as its address has it.
func filterOf(q catalog.Query) url.Values {
	v := url.Values{}
	if len(q.IDs) > 0 {
		v.Set("titles", joined(q.IDs))
	}
	if len(q.Genres) > 0 {
		v.Set("genres", strings.Join(q.Genres, ","))
	}
	if q.Type != "" {
		v.Set("type", q.Type)
	}
	return v
}

func joined(ids []int) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.Itoa(id)
	}
	return strings.Join(texts, ",")
}

// look reads the language and the place; filter and limit are already read.
func (a *API) look(c echo.Context, in *envelope.Query, filter url.Values, limit int) (look, error) {
	lang := in.OneOf("lang", "ru", "en")
	if in.Err != nil {
		return look{}, in.Err
	}
	origin, err := a.origin(c.Request())
	if err != nil {
		return look{}, err
	}
	l := look{words: wordsFor(lang, c.Request().Header.Get("Accept-Language")), origin: origin, filter: filter.Encode()}
	if limit != defaultItems {
		filter.Set("limit", strconv.Itoa(limit))
	}
	if lang != "" {
		filter.Set("lang", lang)
	}
	l.self = origin + c.Path()
	if len(filter) > 0 {
		l.self += "?" + filter.Encode()
	}
	l.vary = variesAlways + ", Accept-Language"
	if len(a.proxies) > 0 { // Host itself is part of the address (RFC 9111 §2)
		l.vary += ", X-Forwarded-Host, X-Forwarded-Proto"
	}
	return l, nil
}

func (l look) feed(titles []catalog.Summary, limit int, f catalog.Freshness) feed {
	out := feed{
		id: urn("feed?" + l.filter), lang: l.words.lang, home: l.origin + "/", self: l.self, icon: l.origin + "/favicon.svg",
		name: l.words.feedName, subtitle: l.words.feedSubtitle, updated: dated(f.StoredAt),
	}
	titles = slices.DeleteFunc(slices.Clone(titles), func(s catalog.Summary) bool { return s.Latest.At.IsZero() })
	slices.SortStableFunc(titles, func(x, y catalog.Summary) int { return y.Latest.At.Compare(x.Latest.At) })
	for _, s := range titles[:min(limit, len(titles))] {
		out.items = append(out.items, l.item(s))
	}
	if len(out.items) > 0 {
		out.updated = out.items[0].at
	}
	return out
}

func (l look) item(s catalog.Summary) feedItem {
	number := ordinal(s.Latest.Ordinal)
	return feedItem{
		id:    urn("title/" + strconv.Itoa(s.ID) + "/episode/" + number),
		link:  l.origin + "/title/" + strconv.Itoa(s.ID) + "?ep=" + number,
		title: l.words.episodeOf(l.words.name(s), number, s.Type == "MOVIE" && s.Episodes.Current == 1), episode: oneLine(s.Latest.Name),
		description: plain(s.Description), picture: picture(s.Poster),
		genres: named(s.Genres), at: dated(s.Latest.At),
	}
}

// named are the genres that have a name once it is clean.
func named(genres []string) (out []string) {
	for _, g := range genres {
		if g = oneLine(g); g != "" {
			out = append(out, g)
		}
	}
	return out
}

// dated is a time that every format can say: a year of four digits, whole seconds.
func dated(at time.Time) time.Time {
	if at = at.UTC().Truncate(time.Second); at.Year() < 1970 || at.Year() > 9999 {
		return time.Unix(0, 0).UTC()
	}
	return at
}

// identity is a UUID of version 5 (RFC 9562 §5.5) of a name in a space of our own. A
// tag: URI would say more, but needs a domain that is AniHub's, and its host is
// whatever an operator makes it.
func identity(name string) string {
	space := [16]byte{0x6f, 0x1e, 0x5c, 0x0b, 0x8d, 0x3a, 0x4e, 0x57, 0x9b, 0x42, 0xc1, 0x07, 0x55, 0x2a, 0x90, 0xe4}
	sum := sha1.Sum(append(space[:], name...))
	u := sum[:16]
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	h := hex.EncodeToString(u)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func urn(name string) string { return "urn:uuid:" + identity(name) }
