package catalogsvc

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"anihub/modules/catalog"
)

// maxSearch is the longest text that is searched for, in characters.
const maxSearch = 100

// normal is the form in which genres are compared and names are sorted: canonical
// composition without combining accents, lower case, ё as е, everything that is
// neither letter nor digit as one space.
func normal(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, c := range norm.NFC.String(s) {
		c = unicode.ToLower(c)
		if c == 'ё' {
			c = 'е'
		}
		switch {
		case unicode.IsLetter(c) || unicode.IsDigit(c):
			if space && b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteRune(c)
			space = false
		case unicode.Is(unicode.Mn, c): // an accent: part of the letter before
		default:
			space = true
		}
	}
	return b.String()
}

// hit is a title that was found.
type hit struct {
	*row
	grade grade
}

// plain tells whether nothing had to be forgiven.
func (h hit) plain() bool { return h.grade.plain() }

// compareHits puts the better first, of equals the more popular.
func compareHits(a, b hit) int {
	return cmp.Or(cmp.Compare(a.grade, b.grade), byPopularity.compare(b.row, a.row))
}

// search finds the titles that fit a text, in no order. The other keyboard layout
// is tried when the text as it is finds nothing without forgiving something.
func (s *snapshot) search(text string) []hit {
	rs := readings(text, false)
	if len(rs) == 0 {
		return nil
	}
	searcher := s.searcher.searcher(s.rows())
	hits := searcher.search(rs, s.rows())
	if slices.ContainsFunc(hits, hit.plain) {
		return hits
	}
	// What is only punctuation in the other layout was not typed there.
	if other := readings(keyboards.swap(text), true); len(other) > 0 && len(other[0].words) >= spoken(text) {
		return searcher.search(append(rs, other...), s.rows())
	}
	return hits
}

// spoken is how many stretches without blanks have letters or digits.
func spoken(text string) int {
	n := 0
	for f := range strings.FieldsSeq(text) {
		if strings.ContainsFunc(f, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }) {
			n++
		}
	}
	return min(n, maxQueryWords)
}

// found answers a checked query that searches: ranked, or in the order asked for.
func (s *snapshot) found(q catalog.Query) catalog.Page {
	out := catalog.Page{Page: q.Page, Limit: q.Limit}
	f := newFilter(q)
	hits := slices.DeleteFunc(s.search(q.Search), func(h hit) bool {
		return !f.takes(h.row) || len(q.IDs) > 0 && !slices.Contains(q.IDs, h.s.ID)
	})
	compare := compareHits
	if len(q.IDs) > 0 || q.Sort != "" || q.Random {
		hits, compare = onlyPlain(hits), asSorted(q)
	}
	out.Total = len(hits)
	if q.Facets {
		counts := countFacets(rowsOfHits(hits))
		out.Facets = &counts
	}
	if q.Random {
		out.Titles = summaries(draw(rowsOfHits(hits), q.Limit))
		return out
	}
	if q.Descending {
		ascending := compare
		compare = func(a, b hit) int { return ascending(b, a) }
	}
	start := min((q.Page-1)*q.Limit, len(hits))
	out.Titles = summaries(rowsOfHits(least(hits, start+q.Limit, compare)[start:]))
	return out
}

// onlyPlain leaves out what had something forgiven when there is anything else:
// in an order of its own a list would mix it in.
func onlyPlain(hits []hit) []hit {
	if !slices.ContainsFunc(hits, hit.plain) {
		return hits
	}
	return slices.DeleteFunc(hits, func(h hit) bool { return !h.plain() })
}

// asSorted is the order of a search with ids or sort.
func asSorted(q catalog.Query) func(a, b hit) int {
	if len(q.IDs) > 0 {
		at := make(map[int]int, len(q.IDs))
		for i, id := range slices.Backward(q.IDs) {
			at[id] = i
		}
		return func(a, b hit) int { return at[a.s.ID] - at[b.s.ID] }
	}
	o := max(order(slices.Index(sortNames, q.Sort)), byID)
	return func(a, b hit) int { return o.compare(a.row, b.row) }
}

func rowsOfHits(hits []hit) []*row {
	out := make([]*row, len(hits))
	for i, h := range hits {
		out[i] = h.row
	}
	return out
}

// maxKept is up to how many items are kept sorted while the rest passes by.
const maxKept = 256

// least are the first n items in order.
func least[T any](items []T, n int, compare func(a, b T) int) []T {
	if n > maxKept || n >= len(items) {
		slices.SortFunc(items, compare)
		return items[:min(n, len(items))]
	}
	out := make([]T, 0, n+1)
	for _, item := range items {
		if len(out) == n && compare(item, out[n-1]) >= 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(out, item, compare)
		out = slices.Insert(out, at, item)
		out = out[:min(len(out), n)]
	}
	return out
}
