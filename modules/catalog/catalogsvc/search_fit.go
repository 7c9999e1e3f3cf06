package catalogsvc

import (
	"math/bits"
	"strings"
	"unicode/utf8"
)

// fit says how a word of a query fits a word of a name; the smaller the better,
// and 0 is not at all. Edits weigh most.
type fit uint8

const (
	fits   fit = 0x80 // set in every fit
	edit   fit = 0x10 // times the number of edits, at most two
	inside fit = 0x08 // it stands somewhere inside
	start  fit = 0x02 // the word begins with it
	alike  fit = 0x01 // it only sounds like it
)

func (f fit) edits() int  { return int(f&0x30) >> 4 }
func (f fit) exact() bool { return f&^alike == fits }

func better(a, b fit) bool { return a != 0 && (b == 0 || a < b) }

// allowed is how many edits a word of n letters may have.
func allowed(n int) int {
	switch {
	case n < 4:
		return 0
	case n < 8:
		return 1
	default:
		return 2
	}
}

// maxFuzzy is the longest word, in letters, that edits are looked for in.
const maxFuzzy = 32

// lexicon is a sorted list of different words with what makes looking through all
// of it cheap: which letters each has, and how many.
type lexicon struct {
	text    string
	at      []uint32 // where word i begins; one more at the end
	letters []uint64
	lengths []uint8
}

func newLexicon(sorted []string) lexicon {
	l := lexicon{at: make([]uint32, 0, len(sorted)+1), letters: make([]uint64, len(sorted)), lengths: make([]uint8, len(sorted))}
	var b strings.Builder
	for i, s := range sorted {
		l.at = append(l.at, uint32(b.Len()))
		b.WriteString(s)
		l.letters[i], l.lengths[i] = lettersOf(s), uint8(min(utf8.RuneCountInString(s), 255))
	}
	l.at = append(l.at, uint32(b.Len()))
	l.text = strings.Clone(b.String())
	return l
}

func (l *lexicon) len() int          { return len(l.letters) }
func (l *lexicon) word(i int) string { return l.text[l.at[i]:l.at[i+1]] }
func (l *lexicon) find(s string) (int, bool) {
	lo, hi := 0, l.len()
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if l.word(mid) < s {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < l.len() && l.word(lo) == s
}

// begins tells whether some word begins with s.
func (l *lexicon) begins(s string) bool {
	at, _ := l.find(s)
	return at < l.len() && strings.HasPrefix(l.word(at), s)
}

// lettersOf is a set of the letters of a word; rare ones share places.
func lettersOf(s string) uint64 {
	var set uint64
	for _, c := range s {
		switch {
		case c >= 'a' && c <= 'z':
			set |= 1 << (c - 'a')
		case c >= 'а' && c <= 'я':
			set |= 1 << (26 + c - 'а')
		case c >= '0' && c <= '9':
			set |= 1 << (58 + c%3)
		default:
			set |= 1 << (61 + c%3)
		}
	}
	return set
}

// wanted is a word of a query as it is held against a lexicon.
type wanted struct {
	text    string
	runes   []rune
	letters uint64
	start   bool // words that begin with it are meant as well
	inside  bool // words that it stands inside
	typing  bool // it may be the start of a word, misspelled
	edits   int  // the most that are looked for
}

func newWanted(text string) wanted {
	w := wanted{text: text, runes: []rune(text), letters: lettersOf(text)}
	if n := len(w.runes); n >= 3 && n <= maxFuzzy && !isNumber(text) {
		w.edits = min(allowed(n+1)+n/6, 2)
	}
	return w
}

// scan yields every word of the lexicon that fits, in its order. An edit adds or
// removes at most one letter of the set, so most words are passed by at a glance.
func (l *lexicon) scan(w *wanted, yield func(i int, f fit)) {
	var d distances
	for i, has := range l.letters {
		missing := bits.OnesCount64(w.letters &^ has)
		if missing > w.edits {
			continue
		}
		if missing == 0 {
			if f := w.plain(l.word(i)); f != 0 {
				yield(i, f)
				continue
			}
		}
		if w.edits == 0 {
			continue
		}
		longer := int(l.lengths[i]) - len(w.runes)
		if longer < -w.edits || !w.typing && (longer > w.edits || bits.OnesCount64(has&^w.letters) > w.edits) {
			continue
		}
		if f := d.fit(w, l.word(i), int(l.lengths[i])); f != 0 {
			yield(i, f)
		}
	}
}

// plain is the fit without edits.
func (w *wanted) plain(word string) fit {
	switch {
	case word == w.text:
		return fits
	case w.start && strings.HasPrefix(word, w.text):
		return fits | start
	case w.inside && strings.Contains(word, w.text):
		return fits | inside
	}
	return 0
}

// distances is room to work out edit distances in.
type distances struct {
	word [maxFuzzy + 2]rune
	rows [3][maxFuzzy + 3]uint8
}

// fit is the fit of a word of n letters by edits.
func (d *distances) fit(w *wanted, word string, n int) fit {
	m := 0
	for _, c := range word {
		if m == len(w.runes)+w.edits {
			break
		}
		d.word[m] = c
		m++
	}
	whole, begun := d.distance(w.runes, d.word[:m], w.edits)
	if n == m && whole > 0 && whole <= allowed(n) {
		return fits | fit(whole)*edit
	}
	if w.typing && begun > 0 && begun <= allowed(len(w.runes)) {
		return fits | fit(begun)*edit | start
	}
	return 0
}

// distance is how many edits lead from a to b, and to the nearest start of b: a
// letter more, less or another, or two neighbours swapped. Over most it stops
// counting and says most+1.
func (d *distances) distance(a, b []rune, most int) (whole, begun int) {
	before, last, row := &d.rows[0], &d.rows[1], &d.rows[2]
	for j := range len(b) + 1 {
		last[j] = uint8(j)
	}
	far := uint8(most + 1)
	for i := 1; i <= len(a); i++ {
		from, to := max(i-most, 1), min(i+most, len(b))
		row[from-1] = far
		if from == 1 {
			row[0] = uint8(i)
		}
		least := row[from-1]
		for j := from; j <= to; j++ {
			c := last[j-1]
			if a[i-1] != b[j-1] {
				c = min(c, row[j-1]) + 1
				if j < i+most {
					c = min(c, last[j]+1)
				}
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					c = min(c, before[j-2]+1)
				}
			}
			row[j] = min(c, far)
			least = min(least, row[j])
		}
		if least > uint8(most) {
			return most + 1, most + 1
		}
		before, last, row = last, row, before
	}
	begun = most + 1
	for j := max(len(a)-most, 0); j <= min(len(a)+most, len(b)); j++ {
		begun = min(begun, int(last[j]))
	}
	whole = most + 1
	if len(b) >= len(a)-most && len(b) <= len(a)+most {
		whole = int(last[len(b)])
	}
	return whole, begun
}
