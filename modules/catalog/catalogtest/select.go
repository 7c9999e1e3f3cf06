package catalogtest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"anihub/modules/catalog"
)

// Select is what a query means, worked out the slow and plain way: every title
// that fits, in the order asked for, without paging and chance. The index is held
// against it.
//
// Equal titles are ordered by a second look: years by season, ratings by
// popularity and popularity by rating; then by id. Descending is the exact
// reverse. A search without sort puts exact names first, then names that begin
// with the text, then words that do, then the rest, the more popular first.
func Select(titles []catalog.Summary, q catalog.Query) []catalog.Summary {
	var out []catalog.Summary
	for _, t := range titles {
		if fits(t, q) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b catalog.Summary) int { return compare(a, b, q) })
	if len(q.IDs) > 0 {
		out = inOrder(out, q.IDs)
	}
	if q.Descending {
		slices.Reverse(out)
	}
	return out
}

func inOrder(titles []catalog.Summary, ids []int) []catalog.Summary {
	var out []catalog.Summary
	for i, id := range ids {
		at := slices.IndexFunc(titles, func(t catalog.Summary) bool { return t.ID == id })
		if at >= 0 && !slices.Contains(ids[:i], id) {
			out = append(out, titles[at])
		}
	}
	return out
}

func fits(t catalog.Summary, q catalog.Query) bool {
	for _, g := range q.Genres {
		if !slices.ContainsFunc(t.Genres, func(has string) bool { return plain(has) == plain(g) }) {
			return false
		}
	}
	switch {
	case q.Year != 0 && t.Year != q.Year,
		q.YearFrom != 0 && t.Year < q.YearFrom,
		q.YearTo != 0 && (t.Year == 0 || t.Year > q.YearTo),
		q.Season != "" && t.Season != q.Season,
		q.Type != "" && t.Type != q.Type,
		q.Status != "" && t.Status != q.Status,
		q.AgeRating != "" && t.AgeRating != q.AgeRating,
		q.Search != "" && rank(t, q.Search) == noRank:
		return false
	}
	return true
}

func compare(a, b catalog.Summary, q catalog.Query) int {
	if q.Search != "" && q.Sort == "" {
		return cmp.Or(cmp.Compare(rank(a, q.Search), rank(b, q.Search)), -popular(a, b), cmp.Compare(b.ID, a.ID))
	}
	c := 0
	switch q.Sort {
	case "year":
		seasons := []string{"", "winter", "spring", "summer", "autumn"}
		c = cmp.Or(cmp.Compare(a.Year, b.Year), slices.Index(seasons, a.Season)-slices.Index(seasons, b.Season))
	case "rating":
		c = cmp.Or(cmp.Compare(a.Rating, b.Rating), cmp.Compare(a.Popularity, b.Popularity))
	case "episode":
		c = a.Latest.At.Compare(b.Latest.At)
	case "popularity":
		c = popular(a, b)
	case "updated":
		c = bump(a).FreshAt.Compare(bump(b).FreshAt)
	case "name":
		c = strings.Compare(plain(shown(a)), plain(shown(b)))
	}
	return cmp.Or(c, cmp.Compare(a.ID, b.ID))
}

func popular(a, b catalog.Summary) int {
	return cmp.Or(cmp.Compare(a.Popularity, b.Popularity), cmp.Compare(a.Rating, b.Rating))
}

func bump(t catalog.Summary) catalog.Summary {
	if t.FreshAt.IsZero() {
		t.FreshAt = t.UpdatedAt
	}
	return t
}

func shown(t catalog.Summary) string {
	for _, n := range []string{t.Names.RU, t.Names.EN, t.Names.Alternative} {
		if n != "" {
			return n
		}
	}
	return t.Code
}

const noRank = 4

func rank(t catalog.Summary, search string) int {
	best, text := noRank, plain(search)
	if text == "" {
		return noRank
	}
	for _, n := range []string{t.Names.RU, t.Names.EN, t.Names.Alternative, t.Code} {
		n = plain(n)
		switch {
		case n == text:
			best = min(best, 0)
		case strings.HasPrefix(n, text):
			best = min(best, 1)
		case strings.Contains(n, " "+text):
			best = min(best, 2)
		case strings.Contains(n, text):
			best = min(best, 3)
		}
	}
	return best
}

// plain is how names are compared: words in lower case, ё as е.
func plain(s string) string {
	s = strings.ReplaceAll(strings.ToLower(s), "ё", "е")
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }), " ")
}

// Count is the facets of titles, worked out plainly.
func Count(titles []catalog.Summary) catalog.Facets {
	by := func(values func(catalog.Summary) []string) []catalog.Count {
		counts := map[string]int{}
		for _, t := range titles {
			for _, v := range values(t) {
				counts[v]++
			}
		}
		delete(counts, "")
		var out []catalog.Count
		for v, n := range counts {
			out = append(out, catalog.Count{Value: v, Count: n})
		}
		slices.SortFunc(out, func(a, b catalog.Count) int {
			return cmp.Or(b.Count-a.Count, strings.Compare(a.Value, b.Value))
		})
		return out
	}
	one := func(f func(catalog.Summary) string) []catalog.Count {
		return by(func(t catalog.Summary) []string { return []string{f(t)} })
	}
	years := one(func(t catalog.Summary) string { return year(t.Year) })
	slices.SortFunc(years, func(a, b catalog.Count) int { return strings.Compare(b.Value, a.Value) })
	return catalog.Facets{
		Genres: by(func(t catalog.Summary) []string { return t.Genres }), Years: years,
		Seasons:  one(func(t catalog.Summary) string { return t.Season }),
		Types:    one(func(t catalog.Summary) string { return t.Type }),
		Statuses: one(func(t catalog.Summary) string { return t.Status }),
		AgeRatings: one(func(t catalog.Summary) string {
			return t.AgeRating
		}),
	}
}

func year(y int) string {
	if y == 0 {
		return ""
	}
	return strconv.Itoa(y)
}
