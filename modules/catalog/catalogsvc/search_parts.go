package catalogsvc

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// searcher is the catalogue as search looks through it: a few segments, each at
// least twice as long as the next, so that a changed name costs a small segment
// and, now and then, a longer one. It never changes.
type searcher struct{ parts []part }

type part struct {
	*segment
	dead map[int]bool // titles that a later part has
}

func (p part) live() int { return len(p.ids) - len(p.dead) }

// with is the searcher after the names of some titles came or changed. rows are
// all titles in ascending order of ids.
func (s *searcher) with(changed []int, rows []*row) *searcher {
	if len(changed) == 0 {
		return s
	}
	ids := slices.Compact(slices.Sorted(slices.Values(changed)))
	var out []part
	for _, p := range s.parts {
		out = append(out, p.without(ids))
	}
	for len(out) > 0 && out[len(out)-1].live() < 2*len(ids) {
		last := out[len(out)-1]
		out = out[:len(out)-1]
		for _, id := range last.ids {
			if !last.dead[id] {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
	}
	return &searcher{append(out, part{newSegment(rowsOf(ids, rows)), nil})}
}

// without is the part with more of its titles dead.
func (p part) without(ids []int) part {
	cloned := false
	for _, id := range ids {
		if _, has := slices.BinarySearch(p.ids, id); !has || p.dead[id] {
			continue
		}
		if !cloned {
			cloned, p.dead = true, maps.Clone(p.dead)
		}
		if p.dead == nil {
			p.dead = map[int]bool{}
		}
		p.dead[id] = true
	}
	return p
}

// rowsOf are the rows with these ids; both ascend.
func rowsOf(ids []int, rows []*row) []*row {
	out := make([]*row, 0, len(ids))
	for _, id := range ids {
		rows = rows[seek(rows, id):]
		if len(rows) > 0 && rows[0].s.ID == id {
			out = append(out, rows[0])
		}
	}
	return out
}

// seek is where the first row with this id or a higher one is, found in longer and
// longer steps: what is looked for is mostly near.
func seek(rows []*row, id int) int {
	step := 1
	for step < len(rows) && rows[step].s.ID < id {
		step *= 2
	}
	from, to := step/2, min(step+1, len(rows))
	at, _ := slices.BinarySearchFunc(rows[from:to], id, func(r *row, id int) int { return cmp.Compare(r.s.ID, id) })
	return from + at
}

// search finds the titles that fit, in no order.
func (s *searcher) search(rs []reading, rows []*row) []hit {
	var out []hit
	for _, p := range s.parts {
		rest := rows
		for _, f := range p.search(rs) {
			if p.dead[f.id] {
				continue
			}
			rest = rest[seek(rest, f.id):]
			if len(rest) > 0 && rest[0].s.ID == f.id {
				out = append(out, hit{rest[0], f.grade})
			}
		}
	}
	return out
}

// lazySearcher is a searcher that is made when it is first needed, from the last
// one that was made and the titles whose names came or changed since.
type lazySearcher struct {
	base    *searcher
	changed []int
	once    sync.Once
	made    atomic.Pointer[searcher]
}

func (l *lazySearcher) searcher(rows []*row) *searcher {
	l.once.Do(func() { l.made.Store(l.base.with(l.changed, rows)) })
	return l.made.Load()
}

// with is for the next snapshot. Snapshots follow one another under the lock of
// the index, so that changed may grow in place.
func (l *lazySearcher) with(changed []int) *lazySearcher {
	switch made := l.made.Load(); {
	case len(changed) == 0:
		return l
	case made != nil:
		return &lazySearcher{base: made, changed: changed}
	default:
		return &lazySearcher{base: l.base, changed: append(l.changed, changed...)}
	}
}

// renamed are the titles among come whose names are not those they had before.
func (s *snapshot) renamed(come []*row) []int {
	var out []int
	for _, r := range come {
		if had := s.byID(r.s.ID); had == nil || had.s.Names != r.s.Names || had.s.Code != r.s.Code {
			out = append(out, r.s.ID)
		}
	}
	return out
}
