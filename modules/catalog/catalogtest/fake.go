package catalogtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"anihub/modules/catalog"
)

// Fake is a catalogue in memory for the tests of its callers. It passes the
// contract, with its own upstream built in; Put fills it without one.
type Fake struct {
	mu      sync.Mutex
	truth   map[int]catalog.Title // the upstream's
	lines   []Line
	likes   map[int][]int // what the upstream recommends
	liked   map[int][]int // what the catalogue knows of that
	down    bool
	kept    map[int]*kept
	pending []catalog.Event
	number  int // grows with every change
}

// kept is a title of the catalogue.
type kept struct {
	title   catalog.Title
	number  int
	settled bool
	hidden  bool
	told    map[string]catalog.Episode
}

var (
	_ catalog.Service = (*Fake)(nil)
	_ Upstream        = (*Fake)(nil)
)

// NewFake is an empty catalogue.
func NewFake(titles ...catalog.Title) *Fake {
	f := &Fake{truth: map[int]catalog.Title{}, kept: map[int]*kept{}, likes: map[int][]int{}, liked: map[int][]int{}}
	f.Put(titles...)
	return f
}

// Put stores titles without news, and lets the upstream know them.
func (f *Fake) Put(titles ...catalog.Title) {
	f.Set(titles...)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range titles {
		f.apply(t, catalog.Refresh{Silent: true})
	}
}

// Set makes the upstream know titles.
func (f *Fake) Set(titles ...catalog.Title) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range titles {
		f.truth[t.ID] = clone(t)
	}
}

// Remove makes the upstream forget a title.
func (f *Fake) Remove(id int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.truth, id)
}

// Air sets the schedule.
func (f *Fake) Air(lines ...Line) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = lines
}

// Recommend sets what is recommended with a title.
func (f *Fake) Recommend(id int, ids ...int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.likes[id] = ids
}

// Down makes the upstream answer nothing.
func (f *Fake) Down(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

// Title is one title; an unknown one is fetched from the upstream.
func (f *Fake) Title(ctx context.Context, ref catalog.Ref, have string) (catalog.Answer[catalog.Title], error) {
	if err := ctx.Err(); err != nil {
		return catalog.Answer[catalog.Title]{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	k, err := f.find(ref)
	if err != nil {
		return catalog.Answer[catalog.Title]{}, err
	}
	return answer(k.number, have, "l1", func() catalog.Title { return k.title }), nil
}

func (f *Fake) find(ref catalog.Ref) (*kept, error) {
	is := func(t catalog.Title) bool { return ref.ID == t.ID || ref.ID == 0 && ref.Code == t.Code }
	for _, k := range f.kept {
		switch {
		case is(k.title) && k.hidden:
			return nil, catalog.ErrNotFound
		case is(k.title):
			return k, nil
		}
	}
	if f.down {
		return nil, catalog.ErrUnavailable
	}
	for id, t := range f.truth {
		if is(t) {
			f.number++
			f.kept[id] = &kept{title: t, number: f.number, told: map[string]catalog.Episode{}}
			return f.kept[id], nil
		}
	}
	return nil, catalog.ErrNotFound
}

// answer makes an answer whose value is the caller's own.
func answer[V any](number int, have, level string, value func() V) catalog.Answer[V] {
	a := catalog.Answer[V]{
		Version:   fmt.Sprintf("fake-%d", number),
		Freshness: catalog.Freshness{Level: level, StoredAt: start, FreshUntil: start.Add(24 * time.Hour)},
		Position:  "fake:0",
	}
	if a.Version == have {
		a.Unchanged = true
		return a
	}
	a.Value = clone(value())
	return a
}

// clone copies whatever a door hands over, all the way down.
func clone[V any](v V) V {
	var out V
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic(err) // values of a door are plain data
	}
	return out
}

// Titles is a page.
func (f *Fake) Titles(ctx context.Context, q catalog.Query, have string) (catalog.Answer[catalog.Page], error) {
	if err := errors.Join(ctx.Err(), sensible(q)); err != nil {
		return catalog.Answer[catalog.Page]{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if q.RecommendedFor > 0 {
		if err := f.recommend(&q); err != nil {
			return catalog.Answer[catalog.Page]{}, err
		}
		return answer(f.number, have, "l1", func() catalog.Page { return f.page(q) }), nil
	}
	silent := f.learn(q.IDs)
	if len(silent) > 0 && len(silent) == len(q.IDs) {
		return catalog.Answer[catalog.Page]{}, catalog.ErrUnavailable
	}
	a := answer(f.number, have, "index", func() catalog.Page { return f.page(q) })
	a.Value.Unavailable = silent
	if q.Random {
		a.Version = ""
	}
	return a, nil
}

// recommend puts the known ones of the recommended titles into the query.
func (f *Fake) recommend(q *catalog.Query) error {
	if _, err := f.find(catalog.Ref{ID: q.RecommendedFor}); err != nil {
		return err
	}
	liked, known := f.liked[q.RecommendedFor]
	if !known {
		if f.down {
			return catalog.ErrUnavailable
		}
		liked = f.likes[q.RecommendedFor]
		f.liked[q.RecommendedFor] = liked
		f.number++
	}
	if q.Limit == 0 {
		q.Limit = 20
	}
	q.IDs = []int{0} // no title has it: an empty list of ids would be no condition
	for _, id := range liked {
		if id != q.RecommendedFor && f.kept[id] != nil {
			q.IDs = append(q.IDs, id)
		}
	}
	return nil
}

// learn fetches titles that are not known yet and returns those that it cannot ask for.
func (f *Fake) learn(ids []int) (silent []int) {
	for _, id := range ids {
		_, err := f.find(catalog.Ref{ID: id})
		if errors.Is(err, catalog.ErrUnavailable) && !slices.Contains(silent, id) {
			silent = append(silent, id)
		}
	}
	return silent
}

func (f *Fake) page(q catalog.Query) catalog.Page {
	all := Select(f.summaries(), q)
	page, limit := max(q.Page, 1), q.Limit
	if limit == 0 {
		limit = max(20, len(q.IDs))
	}
	out := catalog.Page{Page: page, Limit: limit, Total: len(all)}
	if q.Facets {
		counts := Count(all)
		out.Facets = &counts
	}
	if q.Random {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		page = 1
	}
	from := min((page-1)*limit, len(all))
	out.Titles = all[from:min(from+limit, len(all))]
	return out
}

// sensible refuses what the contract says must be refused.
func sensible(q catalog.Query) error {
	words := func(v string, ok ...string) bool { return v == "" || slices.Contains(ok, v) }
	if q.Page < 0 || q.Limit < 0 || q.Limit > 100 || q.Year < 0 || q.YearFrom < 0 || q.YearTo < 0 ||
		q.YearTo > 0 && q.YearFrom > q.YearTo ||
		q.RecommendedFor < 0 || q.RecommendedFor > 0 && (q.Sort != "" || q.Search != "" || len(q.IDs) > 0 || q.Random) ||
		len(q.IDs) > 0 && q.Sort != "" || len([]rune(q.Search)) > 100 ||
		!words(q.Season, times...) || !words(q.Status, "announced", "ongoing", "completed") ||
		!words(q.Sort, "id", "year", "rating", "updated", "name", "popularity", "episode") ||
		!words(q.Type, "TV", "ONA", "WEB", "OVA", "OAD", "MOVIE", "DORAMA", "SPECIAL") ||
		!words(q.AgeRating, "R0_PLUS", "R6_PLUS", "R12_PLUS", "R16_PLUS", "R18_PLUS") {
		return catalog.ErrBadQuery
	}
	return nil
}

func (f *Fake) summaries() []catalog.Summary {
	var out []catalog.Summary
	for _, id := range slices.Sorted(maps.Keys(f.kept)) {
		if !f.kept[id].hidden {
			out = append(out, f.kept[id].title.Summary)
		}
	}
	return out
}

// Schedule is what Air said, of the titles that are known.
func (f *Fake) Schedule(ctx context.Context, have string) (catalog.Answer[[]catalog.Day], error) {
	if err := ctx.Err(); err != nil {
		return catalog.Answer[[]catalog.Day]{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return answer(f.number, have, "l1", f.week), nil
}

func (f *Fake) week() []catalog.Day {
	days := make([]catalog.Day, 7)
	popular := Select(f.summaries(), catalog.Query{Sort: "popularity", Descending: true})
	for i := range days {
		days[i].Weekday = i + 1
		for _, s := range popular {
			for _, l := range f.lines {
				if l.TitleID == s.ID && l.Weekday == i+1 {
					days[i].Titles = append(days[i].Titles, catalog.Scheduled{Summary: s, NextEpisode: l.NextEpisode, Published: l.Published})
				}
			}
		}
	}
	return days
}

// Facets counts all titles.
func (f *Fake) Facets(ctx context.Context, have string) (catalog.Answer[catalog.Facets], error) {
	if err := ctx.Err(); err != nil {
		return catalog.Answer[catalog.Facets]{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return answer(f.number, have, "index", func() catalog.Facets { return Count(f.summaries()) }), nil
}
