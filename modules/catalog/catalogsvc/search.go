package catalogsvc

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"anihub/modules/catalog"
)

// maxSearch is the longest text that is searched for, in characters.
const maxSearch = 100

// normal is the form in which names and queries are compared: canonical
// composition without combining accents, lower case, ё as е, everything that is
// neither letter nor digit as one space.
func normal(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, c := range norm.NFC.String(s) {
		c = unicode.ToLower(c)
		if c == 'ё' {
			c = 'е'
		}
		switch {
		case unicode.IsLetter(c) || unicode.IsDigit(c):
			if space && b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteRune(c)
			space = false
		case unicode.Is(unicode.Mn, c): // an accent: part of the letter before
		default:
			space = true
		}
	}
	return b.String()
}

// searchText is every name of a title in normal form, each on a line of its own:
// "\nname\nother name\n". So a line, a line's start and a word's start are found
// by looking for a text with the right character before it.
func searchText(s catalog.Summary) string {
	var b strings.Builder
	b.WriteByte('\n')
	for _, name := range []string{firstOf(s.Names.RU, s.Names.EN, s.Names.Alternative, s.Code), s.Names.EN, s.Names.Alternative, s.Code} {
		if n := normal(name); n != "" {
			b.WriteString(n)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// How well a title fits a query, best first.
const (
	fitsExactly = iota
	fitsStart   // a name begins with it
	fitsWord    // a word of a name begins with it
	fitsInside
	fitsNot
)

// query is a prepared search.
type query struct{ exact, start, word, inside string }

func newQuery(text string) query {
	q := normal(text)
	return query{exact: "\n" + q + "\n", start: "\n" + q, word: " " + q, inside: q}
}

// empty: nothing of the text is a letter or digit, so nothing fits.
func (q query) empty() bool { return q.inside == "" }

func (q query) fit(r *row) int {
	switch {
	case q.empty() || !strings.Contains(r.text, q.inside):
		return fitsNot
	case strings.Contains(r.text, q.exact):
		return fitsExactly
	case strings.Contains(r.text, q.start):
		return fitsStart
	case strings.Contains(r.text, q.word):
		return fitsWord
	default:
		return fitsInside
	}
}

// ranked returns the rows that fit, best first, the more popular first among
// equals. Rows must come by ascending popularity.
func (q query) ranked(rows []*row) []*row {
	var fits [fitsNot][]*row
	for i := len(rows) - 1; i >= 0; i-- {
		if f := q.fit(rows[i]); f < fitsNot {
			fits[f] = append(fits[f], rows[i])
		}
	}
	out := fits[fitsExactly]
	for _, more := range fits[fitsExactly+1:] {
		out = append(out, more...)
	}
	return out
}
