package catalogsvc

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"anihub/modules/catalog"
)

// Bounds of what search looks at, whatever is asked or named.
const (
	maxQueryWords = 12 // of a query; the rest is not looked at
	maxNameWords  = 31 // of a name; positions fit into 32 bits
)

// word is a word of a name or a query. Letters and digits are words apart
// ("tv2" is two), punctuation parts words and apostrophes do not.
type word struct {
	text  string // lower case, ё as е
	raw   string // with ё, which says more about how it sounds
	glued bool   // nothing stood between it and the word before
}

// words cuts a text into at most limit words.
func words(s string, limit int) []word {
	var out []word
	var text, raw []rune
	end := func(glued bool) bool {
		if len(text) > 0 {
			w := word{text: string(text), glued: glued}
			if w.raw = w.text; slices.Contains(raw, 'ё') {
				w.raw = string(raw)
			}
			out = append(out, w)
			text, raw = text[:0], raw[:0]
		}
		return len(out) < limit
	}
	glued, digits := false, false
	for _, c := range norm.NFKC.String(s) {
		c = unicode.ToLower(c)
		digit := unicode.IsDigit(c)
		switch {
		case !digit && !unicode.IsLetter(c):
			if !unicode.Is(unicode.Mn, c) && !isApostrophe(c) {
				if !end(glued) {
					return out
				}
				glued = false
			}
			continue
		case len(text) > 0 && digit != digits:
			if !end(glued) {
				return out
			}
			glued = true
		}
		digits = digit
		raw = append(raw, c)
		if c == 'ё' {
			c = 'е'
		}
		text = append(text, c)
	}
	end(glued)
	return out
}

func isApostrophe(c rune) bool { return strings.ContainsRune("'’‘ʼ`´′", c) }

// A season is written in many ways: "2 сезон", "Season 2", "TV-2", "2nd season",
// "II". All of them become the bare number.
var (
	romans        = []string{"", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv", "xvi"}
	seasonMarks   = []string{"сезон", "сезона", "season", "seasons", "tv", "тв"}
	partMarks     = []string{"часть", "part", "cour", "кур"}
	ordinalEnds   = []string{"st", "nd", "rd", "th", "й", "я", "ый", "ий", "ой", "ая"}
	ordinalWords  = []string{"", "first", "second", "third", "fourth", "fifth", "sixth"}
	ordinalsMasc  = []string{"", "первый", "второй", "третий", "четвертый", "пятый", "шестой"}
	ordinalsFem   = []string{"", "первая", "вторая", "третья", "четвертая", "пятая", "шестая"}
	gluedMarks    = []string{"s", "с"} // "s2"
	arabicNumbers = []string{"", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"}
)

// numbered is the words with seasons as bare numbers; the same words when there
// is nothing to change. A first season is no number at all.
func numbered(in []word) []word {
	if !slices.ContainsFunc(in, func(w word) bool { return isNumber(w.text) || isMark(w.text) || slices.Contains(romans[1:], w.text) }) {
		return in
	}
	out := slices.Clone(in)
	for i := range out {
		if r := slices.Index(romans, out[i].text); i > 0 && r > 0 && (len(out[i].text) > 1 || i == len(out)-1) {
			out[i] = numeral(r)
		}
	}
	out = withoutEndings(out)
	for i := 0; i < len(out); i++ {
		if at, first := seasonAt(out, i); at >= 0 {
			out[at] = numeral(ordinal(out[at].text))
			out = slices.Delete(out, i, i+1)
			if at > i {
				at--
			}
			if first && len(out) > 1 && out[at].text == "1" {
				out = slices.Delete(out, at, at+1)
			}
			i = -1 // the list is another one: at most as many rounds as words
		}
	}
	return out
}

func numeral(n int) word { return word{text: arabicNumbers[n], raw: arabicNumbers[n]} }

// withoutEndings takes "nd" away from "2nd" and "й" from "2-й".
func withoutEndings(in []word) []word {
	out := in[:0]
	for i, w := range in {
		if i > 0 && isNumber(in[i-1].text) && slices.Contains(ordinalEnds, w.text) {
			continue
		}
		out = append(out, w)
	}
	return out
}

func isMark(s string) bool { return slices.Contains(seasonMarks, s) || slices.Contains(partMarks, s) }

// seasonAt tells where the number is that belongs to the season mark at i, -1 for
// none, and whether a first one goes without saying.
func seasonAt(in []word, i int) (at int, first bool) {
	season, part := slices.Contains(seasonMarks, in[i].text), slices.Contains(partMarks, in[i].text)
	after := i+1 < len(in) && ordinal(in[i+1].text) > 0
	before := i > 0 && ordinal(in[i-1].text) > 0
	switch {
	case slices.Contains(gluedMarks, in[i].text) && after && in[i+1].glued:
		return i + 1, true
	case !season && !part:
		return -1, false
	case before && !strings.HasPrefix(in[i].text, "t") && !strings.HasPrefix(in[i].text, "т"):
		return i - 1, season
	case after:
		return i + 1, season
	case before:
		return i - 1, season
	}
	return -1, false
}

// ordinal is the number that a word says, 0 for none.
func ordinal(s string) int {
	for _, list := range [][]string{arabicNumbers, ordinalWords, ordinalsMasc, ordinalsFem} {
		if n := slices.Index(list, s); n > 0 {
			return n
		}
	}
	return 0
}

func isNumber(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// nameWords are all names of a title as words: each as it is and, where that is
// another thing, with its season as a number.
func nameWords(s catalog.Summary) [][]word {
	var out [][]word
	add := func(name string) {
		ws := words(name, maxNameWords)
		for _, form := range [][]word{ws, numbered(ws)} {
			if len(form) > 0 && !slices.ContainsFunc(out, func(has []word) bool { return sameWords(has, form) }) {
				out = append(out, form)
			}
		}
	}
	add(s.Names.RU)
	add(s.Names.EN)
	for _, name := range strings.FieldsFunc(s.Names.Alternative, func(c rune) bool { return strings.ContainsRune(";|/", c) }) {
		add(name)
	}
	add(s.Code)
	return out
}

func sameWords(a, b []word) bool {
	return slices.EqualFunc(a, b, func(a, b word) bool { return a.raw == b.raw })
}
