package catalogsvc

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"anihub/modules/catalog"
)

// countFacets counts rows by every value that a list can be narrowed by.
func countFacets(rows []*row) catalog.Facets {
	genres, years, season := map[string]int{}, map[int]int{}, map[string]int{}
	kinds, states, age := map[string]int{}, map[string]int{}, map[string]int{}
	for _, r := range rows {
		for _, g := range r.s.Genres {
			genres[g]++
		}
		years[r.s.Year]++
		season[r.s.Season]++
		kinds[r.s.Type]++
		states[r.s.Status]++
		age[r.s.AgeRating]++
	}
	return catalog.Facets{
		Genres: ranking(genres), Years: newestFirst(years), Seasons: ranking(season),
		Types: ranking(kinds), Statuses: ranking(states), AgeRatings: ranking(age),
	}
}

// ranking lists values, the most frequent first; the unknown is no value.
func ranking(counts map[string]int) []catalog.Count {
	out := make([]catalog.Count, 0, len(counts))
	for v, n := range counts {
		if v != "" {
			out = append(out, catalog.Count{Value: v, Count: n})
		}
	}
	slices.SortFunc(out, func(a, b catalog.Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
	})
	return out
}

func newestFirst(counts map[int]int) []catalog.Count {
	years := make([]int, 0, len(counts))
	for y := range counts {
		if y > 0 {
			years = append(years, y)
		}
	}
	slices.Sort(years)
	slices.Reverse(years)
	out := make([]catalog.Count, len(years))
	for i, y := range years {
		out[i] = catalog.Count{Value: strconv.Itoa(y), Count: counts[y]}
	}
	return out
}

// cloneFacets copies facets for a caller, who may change what he gets.
func cloneFacets(f catalog.Facets) catalog.Facets {
	for _, list := range []*[]catalog.Count{&f.Genres, &f.Years, &f.Seasons, &f.Types, &f.Statuses, &f.AgeRatings} {
		*list = slices.Clone(*list)
	}
	return f
}
