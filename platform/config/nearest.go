package config

import (
	"maps"
	"slices"
	"strings"
)

// suggest names the known path that an unknown one probably meant.
func (t *tree) suggest(path string) string {
	known := slices.Concat(t.order, slices.Sorted(maps.Keys(t.branch)))
	if best := nearest(path, known); best != "" {
		return "; did you mean " + best + "?"
	}
	return ""
}

func nearestName(names map[string]string, name string) string {
	if best := nearest(name, slices.Sorted(maps.Keys(names))); best != "" {
		return "; did you mean " + best + "?"
	}
	return ""
}

// nearest is the candidate with the smallest edit distance, if that is at most a
// third of the name: more would be a guess, not a help. A right name in the wrong
// section counts as near, too.
func nearest(name string, candidates []string) string {
	if len(name) > 200 {
		return ""
	}
	best, at := "", len(name)/3+1
	for _, c := range candidates {
		if d := distance(name, c); d < at {
			best, at = c, d
		}
	}
	if best != "" {
		return best
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	for _, c := range candidates {
		if strings.HasSuffix(c, "."+last) {
			return c
		}
	}
	return ""
}

// distance is Levenshtein's, in bytes, with one row of memory.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
