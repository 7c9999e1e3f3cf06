package api

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"anihub/modules/catalog"
	"anihub/modules/users"
	"anihub/web/api/animelist"
)

// matched is what a file means in this catalogue.
type matched struct {
	listings []users.Listing
	watched  []users.ProgressHead // how many episodes of which title
	unknown  []unknownJSON
}

// Why an entry means no title.
const (
	notFound  = "not_found"
	ambiguous = "ambiguous"
)

// match finds out which titles a file means. An id of ours is believed; else one of
// the names must be a title's own, and that of one title only. A near miss is none:
// a wrong score on a wrong title is worse than an entry to put in by hand.
func (a *API) match(ctx context.Context, items []animelist.Item) (matched, error) {
	m := matched{unknown: []unknownJSON{}}
	titles, err := a.wholeCatalogue(ctx)
	if err != nil && slices.ContainsFunc(items, func(i animelist.Item) bool { return i.Problem == "" && i.ID == 0 }) {
		return m, err // without the names nothing could be found
	}
	names := namesOf(titles)
	for _, i := range items {
		if i.Problem != "" {
			m.unknown = append(m.unknown, unknown(i, string(i.Problem), nil))
			continue
		}
		id, candidates := names.find(i)
		switch {
		case id == 0 && len(candidates) == 0:
			m.unknown = append(m.unknown, unknown(i, notFound, nil))
		case id == 0:
			m.unknown = append(m.unknown, unknown(i, ambiguous, candidates))
		default:
			m.listings = append(m.listings, users.Listing{TitleID: id, Status: string(i.Status), Score: i.Score})
			if n := min(i.Watched, titles[id].Episodes.Current, users.MaxProgressEpisodes); n > 0 {
				m.watched = append(m.watched, users.ProgressHead{TitleID: id, Watched: n})
			}
		}
	}
	return m, nil
}

// nameTable finds titles by their names, folded, and by their codes.
type nameTable struct {
	names map[string][]int // ids, each once, in order
	codes map[string]int
	all   map[int]catalog.Summary
}

func namesOf(all map[int]catalog.Summary) nameTable {
	t := nameTable{names: map[string][]int{}, codes: make(map[string]int, len(all)), all: all}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		s := all[id]
		t.codes[s.Code] = id
		t.add(s.Names.RU, id)
		t.add(s.Names.EN, id)
		t.add(s.Names.Alternative, id)
		for part := range strings.FieldsFuncSeq(s.Names.Alternative, func(r rune) bool { return r == '/' || r == ',' || r == ';' }) {
			t.add(part, id)
		}
	}
	return t
}

func (t nameTable) add(name string, id int) {
	key := foldName(name)
	if key != "" && !slices.Contains(t.names[key], id) {
		t.names[key] = append(t.names[key], id)
	}
}

// find is the title that an entry means, or else those that it could mean.
func (t nameTable) find(i animelist.Item) (id int, candidates []int) {
	if i.ID != 0 {
		return i.ID, nil
	}
	if id := t.codes[i.Code]; i.Code != "" && id != 0 {
		return id, nil
	}
	candidates = t.names[foldName(i.Name)]
	also := t.names[foldName(i.NameRU)]
	switch both := common(candidates, also); {
	case len(candidates) == 0:
		candidates = also
	case len(both) > 0:
		candidates = both
	case len(also) > 0: // the names of one entry are those of two titles
		return 0, slices.Concat(candidates, also)
	}
	candidates = narrow(candidates, func(id int) bool { return strings.EqualFold(t.all[id].Type, i.Type) })
	candidates = narrow(candidates, func(id int) bool { return i.Total > 0 && t.all[id].Episodes.Total == i.Total })
	if len(candidates) == 1 {
		return candidates[0], nil
	}
	return 0, candidates
}

func common(a, b []int) []int {
	return slices.DeleteFunc(slices.Clone(a), func(id int) bool { return !slices.Contains(b, id) })
}

// narrow keeps those that fit, unless none does.
func narrow(ids []int, fits func(int) bool) []int {
	var out []int
	for _, id := range ids {
		if fits(id) {
			out = append(out, id)
		}
	}
	if len(out) == 0 {
		return ids
	}
	return out
}

// foldName makes one text of all spellings of a name that differ only in case, width,
// punctuation and ё.
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == 'ё':
			return 'е'
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			return r
		}
		return -1
	}, strings.ToLower(norm.NFKC.String(name)))
}
