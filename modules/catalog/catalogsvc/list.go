package catalogsvc

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"anihub/modules/catalog"
	"anihub/platform/cache"
)

// What a list accepts.
const (
	defaultLimit = 20
	maxLimit     = 100
	maxPage      = 1_000_000
	maxYear      = 9999
	maxGenres    = 40
	maxGenre     = 100 // bytes
)

var (
	seasons   = []string{"winter", "spring", "summer", "autumn"}
	statuses  = []string{announced, ongoing, completed}
	types     = []string{"TV", "ONA", "WEB", "OVA", "OAD", "MOVIE", "DORAMA", "SPECIAL"}
	ages      = []string{"R0_PLUS", "R6_PLUS", "R12_PLUS", "R16_PLUS", "R18_PLUS"}
	sortNames = []string{"id", "year", "rating", "updated", "name", "popularity", "episode"} // in the order of order
)

// Titles is a page of the index.
func (s *Service) Titles(ctx context.Context, q catalog.Query, have string) (catalog.Answer[catalog.Page], error) {
	q, err := checked(q)
	if err != nil {
		return catalog.Answer[catalog.Page]{}, err
	}
	switch {
	case q.RecommendedFor > 0:
		return s.recommended(ctx, q, have)
	case len(q.IDs) > 0:
		return s.named(ctx, q, have)
	}
	position := s.position()
	snap, err := s.indexed()
	if err != nil {
		return catalog.Answer[catalog.Page]{}, err
	}
	a := catalog.Answer[catalog.Page]{Freshness: s.indexFreshness(snap), Position: position}
	if !q.Random {
		a.Version = s.indexVersion(snap, a.Freshness.Stale)
	}
	if have != "" && a.Version == have {
		a.Unchanged = true
		return a, nil
	}
	a.Value = snap.page(q)
	return a, nil
}

// Facets counts the whole index.
func (s *Service) Facets(_ context.Context, have string) (catalog.Answer[catalog.Facets], error) {
	position := s.position()
	snap, err := s.indexed()
	if err != nil {
		return catalog.Answer[catalog.Facets]{}, err
	}
	a := catalog.Answer[catalog.Facets]{Freshness: s.indexFreshness(snap), Position: position}
	a.Version = s.indexVersion(snap, a.Freshness.Stale)
	if a.Version == have {
		a.Unchanged = true
		return a, nil
	}
	a.Value = cloneFacets(snap.computed.facets())
	return a, nil
}

// indexed is the current snapshot. An index that is still loading answers with
// what it has; only with nothing at all it cannot.
func (s *Service) indexed() (*snapshot, error) {
	snap := s.index.snapshot()
	if len(snap.rows()) == 0 && !s.index.loaded.Load() {
		return nil, catalog.ErrUnavailable.Because("the index is not loaded yet").After(time.Second)
	}
	return snap, nil
}

// indexFreshness: the index is as fresh as the last word of the upstream, about
// whichever title. It is stale when that is longer ago than a title stays fresh.
func (s *Service) indexFreshness(snap *snapshot) catalog.Freshness {
	f := catalog.Freshness{Level: "index", StoredAt: snap.newest}
	if snap.newest.IsZero() {
		return f
	}
	f.FreshUntil = snap.newest.Add(s.cfg.FreshFor)
	switch {
	case !time.Now().Before(f.FreshUntil):
		f.Stale, f.Reason = true, cache.UpstreamDown
	case s.index.borrowed.Load(): // the store may know better
		f.Stale, f.Reason = true, cache.LevelDown
	}
	return f
}

// indexVersion names a snapshot of this process; a caller asks with the version
// that the same query got before, so the query is no part of it.
func (s *Service) indexVersion(snap *snapshot, stale bool) string {
	b := append([]byte(s.born), '.')
	b = strconv.AppendUint(b, snap.number, 36)
	if stale {
		b = append(b, ".s"...)
	}
	return string(b)
}

// checked fills in what a query leaves out and refuses what means nothing.
func checked(q catalog.Query) (catalog.Query, error) {
	if q.Limit == 0 {
		q.Limit = defaultLimit
		if len(q.IDs) > 0 {
			q.Limit = min(len(q.IDs), maxLimit)
		}
	}
	if q.Page == 0 {
		q.Page = 1
	}
	for _, n := range []struct {
		name           string
		is, least, max int
	}{
		{"page", q.Page, 1, maxPage},
		{"limit", q.Limit, 1, maxLimit},
		{"year", q.Year, 0, maxYear},
		{"year_from", q.YearFrom, 0, maxYear},
		{"year_to", q.YearTo, 0, maxYear},
		{"recommended_for", q.RecommendedFor, 0, math.MaxInt32},
		{"ids", len(q.IDs), 0, maxLimit},
		{"genres", len(q.Genres), 0, maxGenres},
		{"search", utf8.RuneCountInString(q.Search), 0, maxSearch},
	} {
		if n.is < n.least || n.is > n.max {
			return q, bad(n.name, n.is, strconv.Itoa(n.least)+" to "+strconv.Itoa(n.max))
		}
	}
	return q, firstError(checkWords(q), checkTogether(q))
}

func checkWords(q catalog.Query) error {
	for _, w := range []struct {
		name, is string
		accepted []string
	}{
		{"season", q.Season, seasons},
		{"type", q.Type, types},
		{"status", q.Status, statuses},
		{"age_rating", q.AgeRating, ages},
		{"sort", q.Sort, sortNames},
	} {
		if w.is != "" && !slices.Contains(w.accepted, w.is) {
			return bad(w.name, clip(w.is), w.accepted)
		}
	}
	for _, g := range q.Genres {
		if len(g) > maxGenre {
			return bad("genres", clip(g), "at most "+strconv.Itoa(maxGenre)+" bytes each")
		}
	}
	return nil
}

func checkTogether(q catalog.Query) error {
	switch {
	case q.YearFrom > 0 && q.YearTo > 0 && q.YearFrom > q.YearTo:
		return bad("year_from", q.YearFrom, "not after year_to")
	case q.RecommendedFor > 0 && (q.Sort != "" || q.Search != "" || len(q.IDs) > 0 || q.Random):
		return bad("recommended_for", q.RecommendedFor, "none together with sort, search, ids or random")
	case len(q.IDs) > 0 && q.Sort != "":
		return bad("sort", q.Sort, "none together with ids")
	case len(q.IDs) > 0 && q.Random:
		return bad("ids", len(q.IDs), "none together with random")
	}
	return nil
}

func bad(parameter string, is, accepted any) error {
	return catalog.ErrBadQuery.Detail("parameter", parameter).Detail("value", is).Detail("accepted", accepted)
}

// firstError is the first that is one.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// clip keeps a hostile value from filling an error.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64]
	}
	return s
}

// page answers a checked query.
func (s *snapshot) page(q catalog.Query) catalog.Page {
	if q.Search != "" {
		return s.found(q)
	}
	out := catalog.Page{Page: q.Page, Limit: q.Limit}
	rows, backwards := s.source(q)
	f := newFilter(q)
	if !f.all {
		rows = f.pick(rows)
	}
	out.Total = len(rows)
	if q.Facets {
		counts := countFacets(rows)
		out.Facets = &counts
	}
	if q.Random {
		out.Titles = summaries(draw(rows, q.Limit))
		return out
	}
	out.Titles = summaries(cut(rows, (q.Page-1)*q.Limit, q.Limit, backwards))
	return out
}

// source is the rows that a query is about, in its order, or in the reverse.
func (s *snapshot) source(q catalog.Query) (rows []*row, backwards bool) {
	switch {
	case len(q.IDs) > 0 || q.RecommendedFor > 0: // nothing recommended is nothing, not everything
		return s.named(q.IDs), q.Descending
	case q.Sort == "":
		return s.sorted[byID], q.Descending
	default:
		return s.sorted[slices.Index(sortNames, q.Sort)], q.Descending
	}
}

// named are the rows with these ids, each once.
func (s *snapshot) named(ids []int) []*row {
	out := make([]*row, 0, len(ids))
	for i, id := range ids {
		if r := s.byID(id); r != nil && !slices.Contains(ids[:i], id) {
			out = append(out, r)
		}
	}
	return out
}

// cut is limit rows from start on, counted from the end when backwards.
func cut(rows []*row, start, limit int, backwards bool) []*row {
	start = min(start, len(rows))
	end := min(start+limit, len(rows))
	if !backwards {
		return rows[start:end]
	}
	out := slices.Clone(rows[len(rows)-end : len(rows)-start])
	slices.Reverse(out)
	return out
}

// draw takes n rows at random, each once.
func draw(rows []*row, n int) []*row {
	n = min(n, len(rows))
	taken := make(map[int]bool, n)
	out := make([]*row, 0, n)
	for i := len(rows) - n; i < len(rows); i++ { // R. Floyd's sampling without repetition
		at := rand.IntN(i + 1)
		if taken[at] {
			at = i
		}
		taken[at] = true
		out = append(out, rows[at])
	}
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// summaries copies rows for the caller, who may change what he gets.
func summaries(rows []*row) []catalog.Summary {
	out := make([]catalog.Summary, len(rows))
	n := 0
	for _, r := range rows {
		n += len(r.s.Genres)
	}
	genres := make([]string, 0, n) // one allocation for all of them
	for i, r := range rows {
		out[i] = r.s
		from := len(genres)
		genres = append(genres, r.s.Genres...)
		out[i].Genres = genres[from:len(genres):len(genres)]
	}
	return out
}

// filter is a checked query as a row is held against it, search apart.
type filter struct {
	q      catalog.Query
	genres []string
	all    bool // nothing to hold against
}

func newFilter(q catalog.Query) filter {
	f := filter{q: q}
	for _, g := range q.Genres {
		f.genres = append(f.genres, normal(g))
	}
	f.all = len(f.genres) == 0 && q.Year == 0 && q.YearFrom == 0 && q.YearTo == 0 &&
		q.Season == "" && q.Type == "" && q.Status == "" && q.AgeRating == ""
	return f
}

func (f filter) pick(rows []*row) []*row {
	if f.all {
		return rows
	}
	var out []*row
	for _, r := range rows {
		if f.takes(r) {
			out = append(out, r)
		}
	}
	return out
}

func (f filter) takes(r *row) bool {
	q, s := &f.q, &r.s
	if q.Year != 0 && s.Year != q.Year || q.YearFrom != 0 && s.Year < q.YearFrom ||
		q.YearTo != 0 && (s.Year > q.YearTo || s.Year == 0) {
		return false
	}
	if q.Season != "" && s.Season != q.Season || q.Type != "" && s.Type != q.Type ||
		q.Status != "" && s.Status != q.Status || q.AgeRating != "" && s.AgeRating != q.AgeRating {
		return false
	}
	for _, g := range f.genres {
		if !slices.Contains(r.genres, g) {
			return false
		}
	}
	return true
}
