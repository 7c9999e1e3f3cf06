package catalogsvc

import (
	"math/bits"
	"slices"
)

// grade says how well a title fits a query, 0 best. What had to be forgiven
// weighs most, then how the words stand in the name, then whether they are
// spelled so or only sound so.
type grade uint16

const gradeNone = ^grade(0)

// How the words of a query stand in a name.
const (
	whole     = iota // they are the name
	shuffled         // they are all words of the name
	first            // the name begins with them
	together         // they stand together
	scattered        // somewhere
	crossing         // some in one name of the title and some in another
)

// What has to be forgiven counts in edits; these are worth so many.
const (
	insideCost = 1 // a word that only stands inside another
	spareCost  = 2 // a word that no name has
)

func newGrade(forgiven, standing int, soundsLike bool) grade {
	g := grade(forgiven)<<4 | grade(standing)<<1
	if soundsLike {
		g++
	}
	return g
}

// plain tells whether nothing had to be forgiven.
func (g grade) plain() bool { return g < 1<<4 }

// grader grades titles by one reading of a query.
type grader struct {
	n, spare int
	alike    bool // the reading is a second one
	fitting  [][]fit
}

// title is the best grade of the names, which are each followed by nameEnd.
func (g *grader) title(names []uint32) grade {
	best, from := gradeNone, 0
	for i, w := range names {
		if w == nameEnd {
			best = min(best, g.name(names[from:i]))
			from = i + 1
		}
	}
	if best > newGrade(0, crossing, true) && g.n > 1 && g.n <= maxCrossing {
		best = min(best, g.across(names))
	}
	return best
}

// name is the grade of one name. Words of the query take words of the name, each
// one, exact ones first.
func (g *grader) name(name []uint32) grade {
	if len(name) < g.n-g.spare {
		return gradeNone
	}
	if out := g.phrase(name); out != gradeNone {
		return out
	}
	var at [maxQueryWords]int
	var all fit
	used, forgiven, taken := uint32(0), 0, 0
	for _, exact := range []bool{true, false} {
		for q := range g.n {
			if !exact && at[q] > 0 {
				continue
			}
			i, f := g.take(q, name, used, exact)
			if f == 0 {
				continue
			}
			at[q], used, taken, all = i+1, used|1<<i, taken+1, all|f
			forgiven += cost(f)
		}
	}
	missing := g.n - taken
	if missing > g.spare || missing > 0 && forgiven > 1 {
		return gradeNone
	}
	standing := scattered
	if all&inside == 0 {
		standing = standingOf(at[:g.n], len(name), all&start == 0)
	}
	return newGrade(forgiven+missing*spareCost, standing, g.alike || all&alike != 0)
}

func cost(f fit) int {
	if f&inside != 0 {
		return f.edits() + insideCost
	}
	return f.edits()
}

// take is the free word of a name that fits a word of the query best.
func (g *grader) take(q int, name []uint32, used uint32, exact bool) (at int, f fit) {
	for i, w := range name {
		if used>>i&1 == 0 {
			if c := g.fitting[q][w]; better(c, f) && (!exact || c.exact()) {
				at, f = i, c
			}
		}
	}
	return at, f
}

// phrase is the grade when the words stand together as they are, the last perhaps
// as a beginning.
func (g *grader) phrase(name []uint32) grade {
	for s := 0; s+g.n <= len(name); s++ {
		var all fit
		for q := range g.n {
			f := g.fitting[q][name[s+q]]
			if f == 0 || !f.exact() && (q < g.n-1 || f&^alike != fits|start) {
				all = 0
				break
			}
			all |= f
		}
		if all != 0 {
			standing := together
			switch {
			case s == 0 && g.n == len(name) && all&start == 0:
				standing = whole
			case s == 0:
				standing = first
			}
			return newGrade(0, standing, g.alike || all&alike != 0)
		}
	}
	return gradeNone
}

// standingOf tells from where the words were found, counted from 1 (0 is
// nowhere), how they stand in a name of so many words.
func standingOf(at []int, words int, full bool) int {
	taken, inOrder := uint32(0), true
	for q, i := range at {
		taken |= 1 << i
		inOrder = inOrder && i > 0 && i == at[0]+q
	}
	switch {
	case full && bits.OnesCount32(taken&^1) == words:
		if inOrder && len(at) == words {
			return whole
		}
		return shuffled
	case inOrder && at[0] == 1:
		return first
	case inOrder:
		return together
	}
	return scattered
}

// maxCrossing is how many words of a query may come from several names.
const maxCrossing = 4

// across is the grade when every word of the query has a word of its own in some
// name.
func (g *grader) across(names []uint32) grade {
	var all fit
	var at [maxCrossing]int
	forgiven := 0
	for q := range g.n {
		var best fit
		for i, w := range names {
			if w != nameEnd && better(g.fitting[q][w], best) && !slices.Contains(at[:q], i) {
				at[q], best = i, g.fitting[q][w]
			}
		}
		if best == 0 {
			return gradeNone
		}
		all |= best
		forgiven += cost(best)
	}
	return newGrade(forgiven, crossing, g.alike || all&alike != 0)
}
