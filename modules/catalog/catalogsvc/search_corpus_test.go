package catalogsvc_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
)

// lines reads a table of testdata; the first line says what it is.
func lines(t testing.TB, name string) [][]string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for l := range strings.Lines(string(b)) {
		if !strings.HasPrefix(l, "#") {
			out = append(out, strings.Split(strings.TrimSuffix(l, "\n"), "\t"))
		}
	}
	return out
}

// Words that generated names are made of: Russian (with a genitive), English, romaji.
var (
	corpusThings = strings.Fields(`сад/сада/Garden/Niwa меч/меча/Sword/Ken лис/лиса/Fox/Kitsune город/города/City/Machi
		дракон/дракона/Dragon/Ryuu рыцарь/рыцаря/Knight/Kishi маяк/маяка/Lighthouse/Toudai поезд/поезда/Train/Ressha
		фонарь/фонаря/Lantern/Tourou кит/кита/Whale/Kujira клинок/клинка/Blade/Yaiba призрак/призрака/Ghost/Yuurei
		магазин/магазина/Shop/Mise сон/сна/Dream/Yume остров/острова/Island/Shima ветер/ветра/Wind/Kaze
		дом/дома/House/Ie туман/тумана/Mist/Kiri король/короля/King/Ou герой/героя/Hero/Yuusha демон/демона/Demon/Akuma
		корабль/корабля/Ship/Fune лес/леса/Forest/Mori звук/звука/Sound/Oto цветок/цветка/Flower/Hana снег/снега/Snow/Yuki
		архив/архива/Archive/Shoko колодец/колодца/Well/Ido берег/берега/Shore/Kishibe механик/механика/Mechanic/Kikaishi
		самурай/самурая/Samurai/Samurai охотник/охотника/Hunter/Kariudo монах/монаха/Monk/Souryo театр/театра/Theatre/Gekijou`)
	corpusQualities = strings.Fields(`стальной/Iron/Tetsu тёмный/Dark/Kurai последний/Last/Saigo северный/Northern/Kita
		бумажный/Paper/Kami лунный/Moonlit/Tsuki железный/Steel/Hagane пустой/Empty/Kara забытый/Forgotten/Wasureta
		снежный/Snowy/Yuki полночный/Midnight/Mayonaka чёрный/Black/Kuroi белый/White/Shiroi морской/Sea/Umi
		небесный/Sky/Tenkuu школьный/School/Gakkou сломанный/Broken/Kowareta одинокий/Lone/Kodoku второй/Second/Daini`)
	corpusSyllables = strings.Fields(`ка/ka та/ta на/na ри/ri но/no ми/mi ку/ku шо/sho дзю/ju ра/ra ки/ki хо/ho са/sa
		ё/yo тсу/tsu чи/chi ма/ma рэ/re дзи/ji ру/ru ко/ko ня/nya`)
)

// corpus is the titles of testdata and generated ones up to n, always the same.
// About every second generated title has a word of its own, as real ones do.
func corpus(t testing.TB, n int) []catalog.Summary {
	t.Helper()
	var out []catalog.Summary
	for _, l := range lines(t, "search_titles.tsv") {
		popularity, err := strconv.Atoi(l[4])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, catalog.Summary{
			ID: len(out) + 1, Code: l[0], Popularity: popularity,
			Names: catalog.Names{RU: l[1], EN: l[2], Alternative: l[3]},
		})
	}
	r := rand.New(rand.NewPCG(1, 2))
	for len(out) < n {
		names := generated(r)
		out = append(out, catalog.Summary{
			ID: len(out) + 1, Names: names, Popularity: r.IntN(1000),
			Code: strings.Trim(strings.Map(slugRune, strings.ToLower(names.Alternative)), "-"),
		})
	}
	return out
}

func slugRune(c rune) rune {
	if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
		return c
	}
	return '-'
}

func generated(r *rand.Rand) catalog.Names {
	pick := func(list []string) []string { return strings.Split(list[r.IntN(len(list))], "/") }
	quality, a, b := pick(corpusQualities), pick(corpusThings), pick(corpusThings)
	ru, en := strings.ToUpper(quality[0][:2])+quality[0][2:], quality[1]
	n := catalog.Names{RU: ru + " " + a[0], EN: en + " " + a[2], Alternative: quality[2] + " no " + a[3]}
	switch r.IntN(5) {
	case 0:
		n = catalog.Names{RU: n.RU + " и " + b[0], EN: n.EN + " and " + b[2], Alternative: n.Alternative + " to " + b[3]}
	case 1:
		n = catalog.Names{RU: n.RU + " " + b[1], EN: n.EN + " of the " + b[2], Alternative: b[3] + " no " + n.Alternative}
	case 2, 3:
		ruName, enName := name(r)
		n = catalog.Names{RU: ruName + ": " + n.RU, EN: enName + " " + n.EN, Alternative: enName + " no " + a[3]}
	}
	if season := r.IntN(12); season == 2 || season == 3 {
		n = catalog.Names{RU: fmt.Sprintf("%s %d", n.RU, season), EN: fmt.Sprintf("%s Season %d", n.EN, season), Alternative: n.Alternative + " " + strings.Repeat("I", season)}
	}
	return n
}

// name invents a name of two to four syllables.
func name(r *rand.Rand) (ru, en string) {
	for range 2 + r.IntN(3) {
		s := strings.Split(corpusSyllables[r.IntN(len(corpusSyllables))], "/")
		ru, en = ru+s[0], en+s[1]
	}
	first := []rune(ru)
	return strings.ToUpper(string(first[:1])) + string(first[1:]), strings.ToUpper(en[:1]) + en[1:]
}

func corpusIndex(t testing.TB, n int) (catalogsvc.Index, []catalog.Summary) {
	t.Helper()
	index, all := catalogsvc.NewIndex(), corpus(t, n)
	index.Put(1, all...)
	return index, all
}

// TestSearchRecall: of what people type, the title that is meant is among the
// first five in 95 of 100 cases, and in 85 of each kind.
func TestSearchRecall(t *testing.T) {
	t.Parallel()
	index, all := corpusIndex(t, 2000)
	codes := map[string]int{}
	for _, s := range all {
		if codes[s.Code] == 0 {
			codes[s.Code] = s.ID
		}
	}
	asked, found := map[string]int{}, map[string]int{}
	queries := lines(t, "search_queries.tsv")
	for _, l := range queries {
		kind, text, want := l[0], l[1], codes[l[2]]
		page, err := index.Page(catalog.Query{Search: text, Limit: 5})
		if err != nil || want == 0 {
			t.Fatalf("%q for %s (title %d): %v", text, l[2], want, err)
		}
		asked[kind]++
		if slices.ContainsFunc(page.Titles, func(s catalog.Summary) bool { return s.ID == want }) {
			found[kind]++
			continue
		}
		t.Logf("missed %s %q (%s); of %d the first are %s", kind, text, l[2], page.Total, shown(page.Titles))
	}
	total := 0
	for kind, n := range asked {
		total += found[kind]
		t.Logf("%-14s %d of %d", kind, found[kind], n)
		if float64(found[kind]) < 0.85*float64(n) {
			t.Errorf("%s: %d of %d", kind, found[kind], n)
		}
	}
	t.Logf("all            %d of %d", total, len(queries))
	if len(queries) < 200 || float64(total) < 0.95*float64(len(queries)) {
		t.Errorf("%d of %d", total, len(queries))
	}
}

func shown(titles []catalog.Summary) string {
	var names []string
	for _, s := range titles {
		names = append(names, s.Names.RU+" / "+s.Names.EN)
	}
	return strings.Join(names, "; ")
}
