package catalogsvc_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
)

func named(names ...catalog.Names) catalogsvc.Index {
	index := catalogsvc.NewIndex()
	for i, n := range names {
		index.Put(1, catalog.Summary{ID: i + 1, Names: n})
	}
	return index
}

func searched(t testing.TB, index catalogsvc.Index, q catalog.Query) []int {
	t.Helper()
	page, err := index.Page(q)
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for _, s := range page.Titles {
		out = append(out, s.ID)
	}
	return out
}

// What is found, and in which order: exact before beginnings before words before
// spelling.
func TestSearchRanks(t *testing.T) {
	t.Parallel()
	index := named(
		catalog.Names{RU: "Новый Наруто"},         // 1: a word
		catalog.Names{RU: "Наруто: Ураган"},       // 2: a beginning
		catalog.Names{RU: "Наруто"},               // 3: exact
		catalog.Names{RU: "Нарутр"},               // 4: an edit away
		catalog.Names{EN: "Naruto"},               // 5: exact in other letters
		catalog.Names{RU: "Антинаруто"},           // 6: inside
		catalog.Names{RU: "Совсем другое"},        // 7
		catalog.Names{RU: "Стальной сад"},         // 8
		catalog.Names{RU: "Стальной сад 2"},       // 9
		catalog.Names{EN: "Iron Garden Season 3"}, // 10
		catalog.Names{EN: "Stone"},                // 11
		catalog.Names{RU: "Привет, Малыш"},        // 12
	)
	for search, want := range map[string][]int{
		"наруто":             {3, 5, 2, 1, 4, 6},
		"ураган наруто":      {2},
		"ghbdtn":             {12},
		"ыещту":              {11},
		"стальной сад ii":    {9, 8},
		"2 сезон сад":        {9},
		"iron garden tv-3":   {10},
		"iron garden iii":    {10},
		"сатльной":           {9, 8},
		"малыш":              {12},
		"stal'noj sad":       {8, 9},
		"прювет маылш":       {12},
		"совсем не другое":   {7},
		"ничего подобного":   nil,
		"!?":                 nil,
		"\u0301\u0301\u200f": nil,
	} {
		if d := cmp.Diff(want, searched(t, index, catalog.Query{Search: search})); d != "" {
			t.Errorf("%q (-want +got):\n%s", search, d)
		}
	}
}

// Lists in an order of their own forgive only when nothing fits as it is.
func TestSearchSortedForgivesLast(t *testing.T) {
	t.Parallel()
	index := named(catalog.Names{RU: "Призрак"}, catalog.Names{RU: "Признак"}, catalog.Names{RU: "Призраки"})
	for search, want := range map[string][]int{"призрак": {1, 3}, "призарк": {1, 3}, "признак": {2}} {
		if d := cmp.Diff(want, searched(t, index, catalog.Query{Search: search, Sort: "id"})); d != "" {
			t.Errorf("%q (-want +got):\n%s", search, d)
		}
	}
}

// A changed name is found by the new one and no more by the old one, however the
// changes fell into segments.
func TestSearchFollowsNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		index, now := catalogsvc.NewIndex(), map[int]string{}
		generation := int64(0)
		for range rapid.IntRange(1, 30).Draw(t, "changes") {
			for range rapid.IntRange(1, 4).Draw(t, "titles") {
				id := rapid.IntRange(1, 25).Draw(t, "id")
				now[id] = rapid.SampledFrom([]string{"маяк", "поезд", "фонарь", "кит"}).Draw(t, "name")
				generation++
				index.Put(generation, catalog.Summary{ID: id, Names: catalog.Names{RU: now[id]}})
			}
			search := rapid.SampledFrom([]string{"", "маяк", "поезд", "фонарь", "кит"}).Draw(t, "search")
			if search == "" {
				continue
			}
			want := 0
			for _, name := range now {
				if name == search {
					want++
				}
			}
			page, err := index.Page(catalog.Query{Search: search, Limit: 100})
			if err != nil || page.Total != want {
				t.Fatalf("%q: %d titles, want %d (%v)", search, page.Total, want, err)
			}
		}
	})
}

// A title's own full name, in any case and order of words, finds it first, or
// others with the same words.
func TestSearchFindsOwnName(t *testing.T) {
	t.Parallel()
	index, all := corpusIndex(t, 2000)
	same := func(s catalog.Summary, name string) bool {
		for _, n := range []string{s.Names.RU, s.Names.EN, s.Names.Alternative, s.Code} {
			if bag(n) == bag(name) {
				return true
			}
		}
		return false
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(all).Draw(t, "title")
		name := rapid.SampledFrom([]string{s.Names.RU, s.Names.EN, s.Names.Alternative}).Draw(t, "name")
		if name == "" {
			return
		}
		typed := strings.Join(rapid.Permutation(strings.Fields(name)).Draw(t, "order"), " ")
		if rapid.Bool().Draw(t, "upper") {
			typed = strings.ToUpper(typed)
		}
		page, err := index.Page(catalog.Query{Search: typed, Limit: 100})
		if err != nil || len(page.Titles) == 0 {
			t.Fatalf("%q: %v, %d titles", typed, err, len(page.Titles))
		}
		for _, first := range page.Titles {
			if first.ID == s.ID {
				return
			}
			if !same(first, name) {
				t.Fatalf("%q: title %d (%v) comes before %d", typed, first.ID, first.Names, s.ID)
			}
		}
		t.Fatalf("%q: title %d is not among %d", typed, s.ID, len(page.Titles))
	})
}

// bag is the words of a name in alphabetical order.
func bag(name string) string {
	ws := strings.Fields(catalogsvc.Normal(strings.ReplaceAll(name, "'", "")))
	slices.Sort(ws)
	return strings.Join(ws, " ")
}

// hostile are queries made to cost much.
var hostile = []string{
	strings.Repeat("а", 100), strings.Repeat("ab", 50), strings.Repeat("а ", 50), strings.Repeat("на ", 33),
	"e" + strings.Repeat("\u0301", 99), strings.Repeat("שלום ", 20), strings.Repeat("👩‍👩‍👧", 14), strings.Repeat("2 сезон ", 12),
	strings.Repeat("тв2", 33), strings.Repeat("и", 12), "й\u202eabc\u202c", strings.Repeat("\ufdfa", 100), strings.Repeat("кот ", 25),
	"стальнйо срыцаря охотинк самруая призркаа мхеаника фонраь клоодец", "i i i i i i i i i i i i i x v",
}

// FuzzSearchCorpus: whatever is searched for, the answer is the same twice and within
// bounds, and no title is in it twice.
func FuzzSearchCorpus(f *testing.F) {
	index, all := corpusIndex(f, 0)
	for _, s := range hostile {
		f.Add(s)
	}
	for i, l := range lines(f, "search_queries.tsv") {
		if i%8 == 0 {
			f.Add(l[1])
		}
	}
	f.Fuzz(func(t *testing.T, search string) {
		page, err := index.Page(catalog.Query{Search: search, Limit: 100})
		if err != nil {
			if utf8.RuneCountInString(search) <= 100 {
				t.Fatal(err)
			}
			return
		}
		again := searched(t, index, catalog.Query{Search: search, Limit: 100})
		seen := map[int]bool{}
		for i, s := range page.Titles {
			if seen[s.ID] || again[i] != s.ID || s.ID > len(all) {
				t.Fatalf("%q: %d is there twice or moves", search, s.ID)
			}
			seen[s.ID] = true
		}
		if search != "" && page.Total > len(all) {
			t.Fatalf("%q: %d titles", search, page.Total)
		}
	})
}

// TestDistance holds the banded distance against the plain one.
func TestDistance(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SliceOfN(rapid.SampledFrom([]rune("абв")), 1, 9)
		a, b, most := letters.Draw(t, "a"), letters.Draw(t, "b"), rapid.IntRange(1, 2).Draw(t, "most")
		begun := len(a) + len(b)
		for n := range len(b) + 1 {
			begun = min(begun, plainDistance(a, b[:n]))
		}
		whole := min(plainDistance(a, b), most+1)
		gotWhole, gotBegun := catalogsvc.Distance(a, b[:min(len(b), len(a)+most)], most)
		if len(b) > len(a)+most {
			gotWhole = most + 1
		}
		if gotWhole != whole || gotBegun != min(begun, most+1) {
			t.Fatalf("%q %q: %d and %d, want %d and %d", string(a), string(b), gotWhole, gotBegun, whole, min(begun, most+1))
		}
	})
}

// plainDistance is the optimal string alignment distance by its definition.
func plainDistance(a, b []rune) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0 || j == 0:
				d[i][j] = i + j
			default:
				change := 1
				if a[i-1] == b[j-1] {
					change = 0
				}
				d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+change)
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					d[i][j] = min(d[i][j], d[i-2][j-2]+1)
				}
			}
		}
	}
	return d[len(a)][len(b)]
}

// TestSounds: the systems of transliteration meet.
func TestSounds(t *testing.T) {
	t.Parallel()
	for want, spellings := range map[string][]string{
		"sinobi": {"shinobi", "sinobi", "синоби", "шиноби", "šinobi"},
		"zuzutu": {"jujutsu", "zyuzyutu", "дзюдзюцу", "джуджутсу"},
		"zozo":   {"jojo", "джоджо", "дзёдзё"},
		"toko":   {"toukyou", "tokyo", "tōkyō", "то:кё"},
		"sonen":  {"shounen", "shonen", "сёнэн", "шонен"},
		"mariya": {"maria", "mariya", "мария"},
		"basna":  {"bashnya", "башня"},
		"senpai": {"senpai", "sempai", "сэмпай", "сенпай"},
		"進撃の巨人":  {"進撃の巨人"},
	} {
		for _, s := range spellings {
			if got := catalogsvc.SoundOf(strings.ReplaceAll(s, ":", "")); got != want {
				t.Errorf("%s sounds like %q, want %q", s, got, want)
			}
		}
	}
}

// What search keeps in memory is counted in bytes, not measured: at most 400 per
// title of the catalogue it was made for.
func TestSearchMemory(t *testing.T) {
	t.Parallel()
	const n, most = 10_000, 400
	index, _ := corpusIndex(t, n)
	if got := index.SearchSize() / n; got > most || got < 50 {
		t.Errorf("%d bytes per title, want at most %d", got, most)
	} else {
		t.Logf("%d bytes per title", got)
	}
}
