package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
	"anihub/web/envelope"
)

func (a *API) title(c echo.Context) error {
	id, err := envelope.PathID(c, "id")
	if err != nil {
		return err
	}
	return a.oneTitle(c, "title/"+c.Param("id"), catalog.Ref{ID: id})
}

// maxCode bounds a slug; the longest of the upstream has about 120 bytes.
const maxCode = 200

func (a *API) titleByCode(c echo.Context) error {
	code := c.Param("code")
	if len(code) > maxCode || strings.ContainsFunc(code, notSlug) {
		return envelope.ErrParameter.Detail("parameter", "code").Detail("accepted", "a-z, 0-9, _ and -, at most 200")
	}
	return a.oneTitle(c, "code/"+code, catalog.Ref{Code: code})
}

func notSlug(r rune) bool {
	lower := r | 0x20
	return (lower < 'a' || lower > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

func (a *API) oneTitle(c echo.Context, key string, ref catalog.Ref) error {
	if err := envelope.NoQuery(c); err != nil {
		return err
	}
	ctx := c.Request().Context()
	return answer(a, c, key, reading[catalog.Title]{
		ask:   func(have string) (catalog.Answer[catalog.Title], error) { return a.deps.Catalog.Title(ctx, ref, have) },
		shape: func(t catalog.Title) answerJSON { return answerJSON{Data: title(t)} },
		about: func(t catalog.Title) int { return t.ID },
	})
}

// franchise is the franchises of a title: a list, because a title may be in several.
func (a *API) franchise(c echo.Context) error {
	id, err := envelope.PathID(c, "id")
	if err != nil {
		return err
	}
	if err := envelope.NoQuery(c); err != nil {
		return err
	}
	ctx := c.Request().Context()
	return answer(a, c, "franchise/"+c.Param("id"), reading[catalog.Title]{
		ask: func(have string) (catalog.Answer[catalog.Title], error) {
			return a.deps.Catalog.Title(ctx, catalog.Ref{ID: id}, have)
		},
		shape: func(t catalog.Title) answerJSON { return answerJSON{Data: envelope.Each(t.Franchise, franchise)} },
	})
}

// listParameters are the names that GET /titles knows.
func listParameters() []string {
	return []string{
		"page", "limit", "search", "year", "year_from", "year_to", "season", "genres", "genres[]",
		"type", "status", "age_rating", "sort", "order", "facets",
	}
}

// Bounds of the parameters.
const (
	minYear, maxYear = 1900, 2100
	maxPage          = 100_000
	maxGenres        = 20
)

func (a *API) listTitles(c echo.Context) error {
	in := envelope.ReadQuery(c, listParameters()...)
	q := catalog.Query{
		Page:      in.Number("page", 1, 1, maxPage),
		Limit:     in.Number("limit", 20, 1, 100),
		Search:    in.Text("search"),
		Year:      in.Number("year", 0, minYear, maxYear),
		YearFrom:  in.Number("year_from", 0, minYear, maxYear),
		YearTo:    in.Number("year_to", 0, minYear, maxYear),
		Season:    in.OneOf("season", "winter", "spring", "summer", "autumn"),
		Genres:    in.List("genres", maxGenres),
		Type:      oneType(in),
		Status:    in.OneOf("status", "ongoing", "completed", "announced"),
		AgeRating: in.OneOf("age_rating", "R0_PLUS", "R6_PLUS", "R12_PLUS", "R16_PLUS", "R18_PLUS"),
		Sort:      in.OneOf("sort", "id", "year", "rating", "updated", "name", "popularity"),
		Facets:    in.Yes("facets"),
	}
	q.Descending = in.OneOf("order", "asc", "desc") == "desc"
	if n := utf8.RuneCountInString(q.Search); n > 100 {
		in.Fail(envelope.ErrRange.Detail("parameter", "search").Detail("accepted", "at most 100 characters"))
	}
	if in.Err != nil {
		return in.Err
	}
	slices.Sort(q.Genres) // a title has all of them, in whatever order they are asked for
	q.Genres = slices.Compact(q.Genres)
	return a.list(c, q)
}

// oneType is the kind of titles that is asked for.
func oneType(in *envelope.Query) string {
	return in.OneOf("type", "TV", "ONA", "WEB", "OVA", "OAD", "MOVIE", "DORAMA", "SPECIAL")
}

// list answers a page of titles.
func (a *API) list(c echo.Context, q catalog.Query) error {
	ctx := c.Request().Context()
	return answer(a, c, listKey(q), reading[catalog.Page]{
		ask:   func(have string) (catalog.Answer[catalog.Page], error) { return a.deps.Catalog.Titles(ctx, q, have) },
		shape: func(p catalog.Page) answerJSON { return pageOf(q, p) },
	})
}

// listKey is the query itself as text, so that requests which are spelt differently
// but ask the same share one encoded answer. There is none for what is drawn at
// random and for searches, which are too many to keep.
func listKey(q catalog.Query) string {
	if q.Random || q.Search != "" {
		return ""
	}
	b := append(make([]byte, 0, 128), "list"...)
	for _, n := range [...]int{q.Page, q.Limit, q.Year, q.YearFrom, q.YearTo, q.RecommendedFor} {
		b = strconv.AppendInt(append(b, '/'), int64(n), 10)
	}
	b = strconv.AppendBool(append(b, '/'), q.Descending)
	b = strconv.AppendBool(append(b, '/'), q.Facets)
	for _, word := range [...]string{q.Season, q.Type, q.Status, q.AgeRating, q.Sort} {
		b = append(append(b, '/'), word...) // one of ours, without a slash
	}
	for _, id := range q.IDs {
		b = strconv.AppendInt(append(b, "/id="...), int64(id), 10)
	}
	for _, genre := range q.Genres {
		b = strconv.AppendQuote(append(b, '/'), genre) // anybody's text
	}
	return string(b)
}

func pageOf(q catalog.Query, p catalog.Page) answerJSON {
	out := answerJSON{Data: envelope.Each(p.Titles, summary), Pagination: pagination(p), Facets: facets(p.Facets)}
	if len(q.IDs) > 0 {
		out.Meta = &metaJSON{Missing: missing(q.IDs, p.Titles, p.Unavailable), Unavailable: p.Unavailable}
	}
	return out
}

func missing(asked []int, got []catalog.Summary, unavailable []int) []int {
	var out []int
	for _, id := range asked {
		if !slices.Contains(unavailable, id) && !slices.ContainsFunc(got, func(s catalog.Summary) bool { return s.ID == id }) {
			out = append(out, id)
		}
	}
	return out
}

// maxBatch is the most ids of GET /titles/batch.
const maxBatch = 50

func (a *API) batchTitles(c echo.Context) error {
	in := envelope.ReadQuery(c, "ids")
	q := catalog.Query{Page: 1, Limit: maxBatch, IDs: readIDs(in, "ids", maxBatch)}
	if len(q.IDs) == 0 {
		in.Fail(envelope.ErrParameter.Detail("parameter", "ids").Detail("accepted", "1 to 50 ids, comma-separated"))
	}
	if in.Err != nil {
		return in.Err
	}
	return a.list(c, q)
}

// readIDs is a list of titles' ids, each once, in the order given.
func readIDs(in *envelope.Query, name string, most int) (ids []int) {
	for _, text := range in.List(name, most) {
		id, err := envelope.ReadID(name, text)
		if err != nil {
			in.Fail(err)
			return nil
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// recommended is what the upstream recommends to those who like a title.
func (a *API) recommended(c echo.Context) error {
	id, err := envelope.PathID(c, "id")
	if err != nil {
		return err
	}
	return a.top(c, catalog.Query{RecommendedFor: id})
}

func (a *API) search(c echo.Context) error {
	in := envelope.ReadQuery(c, "q", "limit", "fuzzy", "page")
	q := catalog.Query{
		Page: in.Number("page", 1, 1, maxPage), Limit: in.Number("limit", 20, 1, 100),
		Search: strings.TrimSpace(in.Text("q")),
	}
	in.Yes("fuzzy") // search is tolerant as it is; the parameter is accepted for older clients
	if n := utf8.RuneCountInString(q.Search); n < 2 || n > 100 {
		in.Fail(envelope.ErrRange.Detail("parameter", "q").Detail("accepted", "2 to 100 characters"))
	}
	if in.Err != nil {
		return in.Err
	}
	return a.list(c, q)
}

func (a *API) updates(c echo.Context) error {
	return a.top(c, catalog.Query{Sort: "updated", Descending: true})
}

func (a *API) popular(c echo.Context) error {
	return a.top(c, catalog.Query{Sort: "popularity", Descending: true})
}

func (a *API) random(c echo.Context) error {
	return a.top(c, catalog.Query{Random: true})
}

func (a *API) top(c echo.Context, q catalog.Query) error {
	in := envelope.ReadQuery(c, "limit", "page")
	q.Page, q.Limit = in.Number("page", 1, 1, maxPage), in.Number("limit", 20, 1, 100)
	if in.Err != nil {
		return in.Err
	}
	return a.list(c, q)
}

func (a *API) schedule(c echo.Context) error {
	if err := envelope.NoQuery(c); err != nil {
		return err
	}
	ctx := c.Request().Context()
	return answer(a, c, "schedule", reading[[]catalog.Day]{
		ask:   func(have string) (catalog.Answer[[]catalog.Day], error) { return a.deps.Catalog.Schedule(ctx, have) },
		shape: func(d []catalog.Day) answerJSON { return answerJSON{Data: envelope.Each(d, day)} },
	})
}

func (a *API) genres(c echo.Context) error {
	return a.vocabulary(c, "genres", func(f catalog.Facets) []catalog.Count { return f.Genres })
}

func (a *API) years(c echo.Context) error {
	return a.vocabulary(c, "years", func(f catalog.Facets) []catalog.Count { return f.Years })
}

func (a *API) seasons(c echo.Context) error {
	return a.vocabulary(c, "seasons", func(f catalog.Facets) []catalog.Count { return f.Seasons })
}

func (a *API) vocabulary(c echo.Context, name string, pick func(catalog.Facets) []catalog.Count) error {
	if err := envelope.NoQuery(c); err != nil {
		return err
	}
	ctx := c.Request().Context()
	return answer(a, c, name, reading[catalog.Facets]{
		ask:   func(have string) (catalog.Answer[catalog.Facets], error) { return a.deps.Catalog.Facets(ctx, have) },
		shape: func(f catalog.Facets) answerJSON { return answerJSON{Data: values(pick(f))} },
	})
}

// statusJSON is GET /status, for older clients: is it up, how big, how old.
type statusJSON struct {
	Status  string `json:"status"`
	Version string `json:"version"`
	Uptime  int64  `json:"uptime"`
	Titles  int    `json:"titles"`
}

// status says how old the catalogue is like any other answer; one that cannot answer
// at all is a status as well.
func (a *API) status(c echo.Context) error {
	if err := envelope.NoQuery(c); err != nil {
		return err
	}
	state, _ := a.deps.Health.State()
	out := statusJSON{Status: state, Version: a.deps.Version, Uptime: int64(time.Since(a.deps.Started).Seconds())}
	page, err := a.deps.Catalog.Titles(c.Request().Context(), catalog.Query{Page: 1, Limit: 1}, "")
	if err != nil {
		return envelope.OK(c, http.StatusOK, out)
	}
	return answer(a, c, "", reading[catalog.Page]{
		ask: func(string) (catalog.Answer[catalog.Page], error) { return page, nil },
		shape: func(p catalog.Page) answerJSON {
			out.Titles = p.Total
			return answerJSON{Data: out}
		},
	})
}
