package catalogsvc_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
	"anihub/modules/catalog/catalogtest"
)

// Few values, so that titles tie and queries hit. No name sounds like another in
// other letters, and no search is of three words: there the index knows more than
// the plain selection.
var (
	someNames  = []string{"Ёж", "еж и Лис", "Лис", "Hedgehog", "лис: ёж!", "Тёмный  лес", "", "hedge-hog IV"}
	someGenres = []string{"Драма", "комедия", "Ёлки", "драма"}
)

func drawTitle(t *rapid.T) catalog.Summary {
	pick := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(t, name) }
	s := catalog.Summary{
		ID:    rapid.IntRange(1, 30).Draw(t, "id"),
		Code:  pick("code", "tom", "nim", "rum-2", ""),
		Names: catalog.Names{RU: pick("ru", someNames...), EN: pick("en", someNames...), Alternative: pick("alt", someNames...)},
		Type:  pick("type", "TV", "MOVIE", ""), Status: pick("status", "announced", "ongoing", "completed"),
		Genres: rapid.SliceOfNDistinct(rapid.SampledFrom(someGenres), 0, 3, rapid.ID).Draw(t, "genres"),
		Year:   rapid.SampledFrom([]int{0, 2001, 2002, 2003}).Draw(t, "year"),
		Season: pick("season", "winter", "autumn", ""), AgeRating: pick("age", "R0_PLUS", "R18_PLUS", ""),
		Rating: float64(rapid.IntRange(0, 3).Draw(t, "rating")), Popularity: rapid.IntRange(0, 3).Draw(t, "popularity"),
	}
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s.UpdatedAt = day.AddDate(0, 0, rapid.IntRange(0, 3).Draw(t, "updated"))
	if rapid.Bool().Draw(t, "fresh") {
		s.FreshAt = day.AddDate(0, 0, rapid.IntRange(0, 3).Draw(t, "fresh at"))
	}
	return s
}

func drawQuery(t *rapid.T) catalog.Query {
	pick := func(name string, from ...string) string {
		return rapid.SampledFrom(append(from, "", "", "")).Draw(t, name)
	}
	q := catalog.Query{
		Page: rapid.IntRange(0, 3).Draw(t, "page"), Limit: rapid.IntRange(0, 12).Draw(t, "limit"),
		Search: pick("search", "ёж", "лис", "hed", "ис", "ЕЖ  и", "?"),
		Year:   rapid.SampledFrom([]int{0, 0, 0, 2002}).Draw(t, "year"), YearFrom: rapid.SampledFrom([]int{0, 0, 2002}).Draw(t, "from"),
		YearTo: rapid.SampledFrom([]int{0, 0, 2002}).Draw(t, "to"), Season: pick("season", "winter"), Type: pick("type", "TV"),
		Status: pick("status", "ongoing"), AgeRating: pick("age", "R18_PLUS"),
		Genres:     rapid.SliceOfN(rapid.SampledFrom(someGenres), 0, 2).Draw(t, "genres"),
		Sort:       pick("sort", "id", "year", "rating", "updated", "name", "popularity"),
		Descending: rapid.Bool().Draw(t, "descending"), Facets: rapid.Bool().Draw(t, "facets"),
	}
	if rapid.IntRange(0, 4).Draw(t, "batch") == 0 {
		q.Sort, q.IDs = "", rapid.SliceOfN(rapid.IntRange(1, 35), 1, 20).Draw(t, "ids")
	}
	return q
}

// Whatever is put in whichever portions, each page is what the plain selection of
// the same titles gives.
func TestIndexEqualsThePlainOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		index, plain := catalogsvc.NewIndex(), map[int]catalog.Summary{}
		for generation := range rapid.IntRange(0, 6).Draw(t, "portions") {
			portion := rapid.SliceOfN(rapid.Custom(drawTitle), 0, 8).Draw(t, "portion")
			index.Put(int64(generation+1), portion...)
			for _, s := range portion {
				plain[s.ID] = s
			}
			if len(portion) > 0 { // an older state changes nothing
				old := portion[0]
				old.Names.RU, old.Year = "старое", 1950
				index.Put(int64(generation), old)
			}
		}
		all := slices.Collect(maps.Values(plain))
		for range 5 {
			q := drawQuery(t)
			got, err := index.Page(q)
			if err != nil {
				t.Fatal(err)
			}
			want := catalogtest.Select(all, q)
			if got.Total != len(want) {
				t.Fatalf("%+v: %d titles, want %d", q, got.Total, len(want))
			}
			from := min((got.Page-1)*got.Limit, len(want))
			want = want[from:min(from+got.Limit, len(want))]
			if d := cmp.Diff(want, got.Titles, cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("%+v (-plain +index):\n%s", q, d)
			}
			if q.Facets {
				if d := cmp.Diff(catalogtest.Count(catalogtest.Select(all, q)), *got.Facets, cmpopts.EquateEmpty()); d != "" {
					t.Fatalf("facets of %+v (-plain +index):\n%s", q, d)
				}
			}
		}
		if d := cmp.Diff(catalogtest.Count(all), index.Facets(), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("facets (-plain +index):\n%s", d)
		}
		for _, code := range []string{"tom", "nim", "rum-2", "no"} {
			highest := 0
			for _, s := range all {
				if s.Code == code {
					highest = max(highest, s.ID)
				}
			}
			if got := index.ByCode(code); got != highest {
				t.Fatalf("code %q is title %d, want %d", code, got, highest)
			}
		}
	})
}

// Readers of an index that is being written see whole snapshots.
func TestIndexIsReadWhileItIsWritten(t *testing.T) {
	t.Parallel()
	index := catalogsvc.NewIndex()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for generation := int64(1); generation <= 200; generation++ {
			var portion []catalog.Summary
			for id := 1; id <= 40; id++ {
				s := catalogtest.Title(id).Summary
				s.Year = int(generation)
				portion = append(portion, s)
			}
			index.Put(generation, portion...)
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		page, err := index.Page(catalog.Query{Limit: 100, Sort: "name"})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Titles {
			if page.Total != 40 || s.Year != page.Titles[0].Year {
				t.Fatalf("a torn snapshot: %d titles, years %d and %d", page.Total, s.Year, page.Titles[0].Year)
			}
		}
	}
}

func TestNormal(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                               "",
		"  Ёжик — в\tТУМАНЕ!! ":          "ежик в тумане",
		"е\u0308ж":                       "еж",
		"йод":                            "йод",
		"и\u0306од":                      "йод",
		"за\u0301мок":                    "замок",
		"Re:Zero (2nd)":                  "re zero 2nd",
		"進撃の巨人":                          "進撃の巨人",
		"😀!?":                            "",
		"\x00\xff<script>":               "script",
		"İstanbul":                       "istanbul",
		strings.Repeat("длинное ", 1000): strings.TrimSpace(strings.Repeat("длинное ", 1000)),
	} {
		if got := catalogsvc.Normal(in); got != want {
			t.Errorf("Normal(%.40q) = %.40q, want %.40q", in, got, want)
		}
	}
}

func FuzzNormal(f *testing.F) {
	for _, s := range []string{"", "Ёж", "e\u0308", "\xff\xfe", "a\u200db", "ﬁ ẞ İ", "\n\n", "٣", "👩‍👩‍👧", strings.Repeat("ё", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := catalogsvc.Normal(s)
		if again := catalogsvc.Normal(n); again != n {
			t.Errorf("not stable: %q → %q → %q", s, n, again)
		}
		if !utf8.ValidString(n) || strings.ContainsAny(n, "\n\x00") || strings.HasPrefix(n, " ") || strings.HasSuffix(n, " ") || strings.Contains(n, "  ") {
			t.Errorf("Normal(%q) = %q", s, n)
		}
	})
}

func FuzzSearch(f *testing.F) {
	index := catalogsvc.NewIndex()
	var all []catalog.Summary
	for id := 1; id <= 40; id++ {
		all = append(all, catalogtest.Title(id).Summary)
	}
	index.Put(1, all...)
	for _, s := range []string{"ёж", "title-1", "\"", "a OR b", "%", ".*", "😀", " ", "\x00", "ТЁМНЫЙ МАЯК", "1"} {
		f.Add(s, 0, 5, "name", true)
		f.Add(s, -1, 101, "", false)
	}
	f.Fuzz(func(t *testing.T, search string, page, limit int, sort string, descending bool) {
		q := catalog.Query{Search: search, Page: page, Limit: limit, Sort: sort, Descending: descending}
		got, err := index.Page(q)
		if err != nil {
			return
		}
		if len(got.Titles) > got.Limit || got.Total > len(all) || got.Limit < 1 || got.Limit > 100 {
			t.Errorf("%+v: %d titles of %d, limit %d", q, len(got.Titles), got.Total, got.Limit)
		}
		if catalogsvc.Normal(search) == "" && search != "" && got.Total > 0 {
			t.Errorf("%q found %d titles", search, got.Total)
		}
	})
}
