package catalogsvc

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"anihub/modules/catalog"
)

// row is one title in the index. Rows are never changed: a changed title is
// another row.
type row struct {
	s      catalog.Summary // its slices belong to the index; lists copy them
	gen    int64
	stored time.Time
	hidden bool     // what tells the index to drop the title; no snapshot has such a row
	genres []string // normalised
	name   string   // sort key
}

func newRow(d shortDoc) *row {
	r := &row{s: d.Summary.unwrap(), gen: d.Generation, stored: d.StoredAt.UTC(), hidden: d.Hidden}
	r.s.Genres = slices.Clone(r.s.Genres)
	r.genres = make([]string, len(r.s.Genres))
	for i, g := range r.s.Genres {
		r.genres[i] = normal(g)
	}
	r.name = normal(firstOf(r.s.Names.RU, r.s.Names.EN, r.s.Names.Alternative, r.s.Code))
	return r
}

// bumped is when the title last had an episode or a torrent: what "updated" sorts by.
func (r *row) bumped() time.Time {
	if r.s.FreshAt.IsZero() {
		return r.s.UpdatedAt
	}
	return r.s.FreshAt
}

// order is one of the sort orders that are kept ready.
type order int

const (
	byID order = iota
	byYear
	byRating
	byUpdated
	byName
	byPopularity
	byEpisode
	byCode
	orders // how many there are
)

// compare is a total order: equal rows are the same title.
func (o order) compare(a, b *row) int {
	c := 0
	switch o {
	case byYear:
		c = cmp.Or(cmp.Compare(a.s.Year, b.s.Year), seasonRank(a.s.Season)-seasonRank(b.s.Season))
	case byRating:
		c = cmp.Or(cmp.Compare(a.s.Rating, b.s.Rating), cmp.Compare(a.s.Popularity, b.s.Popularity))
	case byUpdated:
		c = a.bumped().Compare(b.bumped())
	case byName:
		c = strings.Compare(a.name, b.name)
	case byPopularity:
		c = cmp.Or(cmp.Compare(a.s.Popularity, b.s.Popularity), cmp.Compare(a.s.Rating, b.s.Rating))
	case byEpisode:
		c = a.s.Latest.At.Compare(b.s.Latest.At)
	case byCode:
		c = strings.Compare(a.s.Code, b.s.Code)
	}
	return cmp.Or(c, cmp.Compare(a.s.ID, b.s.ID))
}

// seasonRank is the place of a season in its year; winter begins it.
func seasonRank(season string) int {
	return slices.Index([]string{"winter", "spring", "summer", "autumn"}, season)
}

// snapshot is the whole catalogue at one moment, in every order. It never
// changes, so readers need no lock.
type snapshot struct {
	number   uint64 // grows with every snapshot of this process
	sorted   [orders][]*row
	newest   time.Time // when the upstream last said anything
	searcher *lazySearcher
	computed *computed
}

// computed is what a snapshot works out when it is first asked for.
type computed struct{ facets func() catalog.Facets }

func newSnapshot(number uint64, newest time.Time, sorted [orders][]*row, search *lazySearcher) *snapshot {
	s := &snapshot{number: number, sorted: sorted, newest: newest, searcher: search}
	s.computed = &computed{facets: sync.OnceValue(func() catalog.Facets { return countFacets(sorted[byID]) })}
	return s
}

func (s *snapshot) rows() []*row { return s.sorted[byID] }

func (s *snapshot) byID(id int) *row {
	at, ok := slices.BinarySearchFunc(s.sorted[byID], id, func(r *row, id int) int { return cmp.Compare(r.s.ID, id) })
	if !ok {
		return nil
	}
	return s.sorted[byID][at]
}

// byCode returns the title with a slug; of several (slugs may be reused) the one
// with the highest id.
func (s *snapshot) byCode(code string) *row {
	list := s.sorted[byCode]
	at, _ := slices.BinarySearchFunc(list, code, func(r *row, code string) int {
		if r.s.Code <= code {
			return -1
		}
		return 1
	})
	if at == 0 || list[at-1].s.Code != code {
		return nil
	}
	return list[at-1]
}

// index is the current snapshot and the writers' lock.
type index struct {
	now      atomic.Pointer[snapshot]
	loaded   atomic.Bool // the whole collection was read once
	borrowed atomic.Bool // it was not, and what is here comes from the local copy
	gauge    func(titles int, loaded bool)

	mu   sync.Mutex // serialises writers
	pool interner
}

func newIndex(gauge func(int, bool)) *index {
	x := &index{gauge: gauge, pool: interner{}}
	x.now.Store(newSnapshot(0, time.Time{}, [orders][]*row{}, &lazySearcher{base: &searcher{}}))
	return x
}

func (x *index) snapshot() *snapshot { return x.now.Load() }

// setLoaded says that the whole collection was read. Then search is made ready, so
// that no query has to wait for that; one that comes meanwhile does.
func (x *index) setLoaded() {
	x.loaded.Store(true)
	x.borrowed.Store(false)
	snap := x.snapshot()
	x.gauge(len(snap.rows()), true)
	snap.searcher.searcher(snap.rows())
}

// put makes rows current, except those that are older than what is there. A hidden
// row takes its title out.
func (x *index) put(rows ...*row) {
	if len(rows) == 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	old := x.snapshot()
	gone, come, newest := old.difference(rows)
	if len(come)+len(gone) == 0 && !newest.After(old.newest) {
		return
	}
	for _, r := range come {
		x.pool.share(r)
	}
	sorted := old.sorted
	for o := range orders {
		if len(come)+len(gone) > 0 {
			sorted[o] = splice(old.sorted[o], gone, come, o.compare)
		}
	}
	x.now.Store(newSnapshot(old.number+1, newest, sorted, old.searcher.with(old.renamed(come))))
	x.gauge(len(sorted[byID]), x.loaded.Load())
}

// confirmedEvery is how finely "the upstream last said anything" is kept: each
// step is another version of every list.
const confirmedEvery = time.Minute

// difference sorts out which rows are new, which old rows they replace, and when
// the upstream last said anything.
func (s *snapshot) difference(rows []*row) (gone, come []*row, newest time.Time) {
	newest = s.newest
	latest := make(map[int]*row, len(rows))
	for _, r := range rows {
		if t := r.stored.Truncate(confirmedEvery); t.After(newest) {
			newest = t
		}
		if had := latest[r.s.ID]; had == nil || had.gen <= r.gen {
			latest[r.s.ID] = r
		}
	}
	for id, r := range latest {
		had := s.byID(id)
		if had != nil && had.gen >= r.gen {
			continue
		}
		if had != nil {
			gone = append(gone, had)
		}
		if !r.hidden {
			come = append(come, r)
		}
	}
	return gone, come, newest
}

// splice returns the sorted list without some of its rows and with others. It
// copies whole stretches between them, so that one change of 100,000 titles costs
// a copy of pointers and few comparisons.
func splice(old, gone, come []*row, compare func(a, b *row) int) []*row {
	gone, come = slices.Clone(gone), slices.Clone(come)
	slices.SortFunc(gone, compare)
	slices.SortFunc(come, compare)
	out := make([]*row, 0, len(old)-len(gone)+len(come))
	for len(gone) > 0 || len(come) > 0 {
		drop := len(come) == 0 || len(gone) > 0 && compare(gone[0], come[0]) <= 0
		next := come
		if drop {
			next = gone
		}
		at, _ := slices.BinarySearchFunc(old, next[0], compare)
		out, old = append(out, old[:at]...), old[at:]
		if drop {
			old, gone = old[1:], gone[1:]
			continue
		}
		out, come = append(out, come[0]), come[1:]
	}
	return append(out, old...)
}

// interner lets rows share the few texts that thousands of them repeat.
type interner map[string]string

// maxInterned bounds the pool against an upstream that sends ever new values.
const maxInterned = 10_000

func (p interner) text(s string) string {
	if shared, ok := p[s]; ok {
		return shared
	}
	if len(p) < maxInterned {
		p[s] = s
	}
	return s
}

func (p interner) share(r *row) {
	for _, field := range []*string{&r.s.Type, &r.s.Status, &r.s.Season, &r.s.AgeRating} {
		*field = p.text(*field)
	}
	for _, list := range [][]string{r.s.Genres, r.genres} {
		for i := range list {
			list[i] = p.text(list[i])
		}
	}
}
