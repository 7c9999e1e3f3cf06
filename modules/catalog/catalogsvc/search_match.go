package catalogsvc

import (
	"math/bits"
	"slices"
	"unicode/utf8"
)

// found is a title of a segment and how well it fits.
type found struct {
	id    int
	grade grade
}

// desk is what one search of a segment needs besides the segment; it is used
// again and again.
type desk struct {
	fitting [][]fit    // for each word of the query, how each word of the segment fits
	hit     [][]uint32 // those that do
	has     []uint16   // for each title, which words of the query it has
	grades  []grade    // for each title, the best so far
}

func (s *segment) desk() *desk {
	d, _ := s.desks.Get().(*desk)
	if d == nil {
		d = &desk{has: make([]uint16, len(s.ids)), grades: make([]grade, len(s.ids))}
	}
	for i := range d.grades {
		d.grades[i] = gradeNone
	}
	return d
}

// search finds the titles that fit one of the readings of a query.
func (s *segment) search(readings []reading) []found {
	d := s.desk()
	defer s.desks.Put(d)
	for _, r := range readings {
		s.read(d, r)
		for _, other := range s.regrouped(r) {
			s.read(d, other)
		}
	}
	var out []found
	for t, g := range d.grades {
		if g != gradeNone {
			out = append(out, found{s.ids[t], g})
		}
	}
	return out
}

// read grades the titles by one reading.
func (s *segment) read(d *desk, r reading) {
	n := len(r.words)
	for len(d.fitting) < n {
		d.fitting = append(d.fitting, make([]fit, s.words.len()))
		d.hit = append(d.hit, nil)
	}
	clear(d.has)
	for i, w := range r.words {
		s.match(d, i, w, i == n-1, n == 1)
		for _, word := range d.hit[i] {
			for _, t := range s.having(word) {
				d.has[t] |= 1 << i
			}
		}
	}
	need := n - r.spare()
	g := grader{n: n, spare: r.spare(), alike: r.second, fitting: d.fitting[:n]}
	for t, has := range d.has {
		if bits.OnesCount16(has) >= need {
			d.grades[t] = min(d.grades[t], g.title(s.names[s.nameAt[t]:s.nameAt[t+1]]))
		}
	}
	for i := range n {
		for _, word := range d.hit[i] {
			d.fitting[i][word] = 0
		}
	}
}

// minSound is the shortest key that says enough by itself or as a beginning.
const minSound = 3

// match fills in how the words of the segment fit word i of the query: as it is
// spelled, or as it sounds.
func (s *segment) match(d *desk, i int, w word, last, alone bool) {
	fitting, hit := d.fitting[i], d.hit[i][:0]
	note := func(word uint32, f fit) {
		if fitting[word] == 0 {
			hit = append(hit, word)
		}
		if better(f, fitting[word]) {
			fitting[word] = f
		}
	}
	q := newWanted(w.text)
	q.start = last || len(q.runes) >= 2
	q.inside = alone || len(q.runes) >= 3
	q.typing = last && len(q.runes) >= 4
	s.words.scan(&q, func(word int, f fit) { note(uint32(word), f) })
	for _, sound := range soundsMeant(w.raw) {
		short := len(sound) < minSound
		if sound == "" || isNumber(sound) || short && alone {
			continue
		}
		q := newWanted(sound)
		q.start, q.typing = !short, last && len(q.runes) >= 4
		s.sounds.scan(&q, func(sound int, f fit) {
			for _, word := range s.spelled[s.spellAt[sound]:s.spellAt[sound+1]] {
				note(word, f|alike)
			}
		})
	}
	d.hit[i] = hit
}

// maxRegrouped is how many readings with other word ends are tried.
const maxRegrouped = 3

// regrouped are readings with two words as one ("full metal") or one as two
// ("rezero"), as far as names have such words.
func (s *segment) regrouped(r reading) []reading {
	var out []reading
	for i := range r.words {
		if len(out) == maxRegrouped {
			break
		}
		if i+1 < len(r.words) {
			joined := word{text: r.words[i].text + r.words[i+1].text, raw: r.words[i].raw + r.words[i+1].raw}
			if s.words.begins(joined.text) {
				out = append(out, r.with(i, 2, joined))
			}
		}
		if one, two, ok := s.split(r.words[i].text); ok && len(r.words) < maxQueryWords {
			out = append(out, r.with(i, 1, one, two))
		}
	}
	return out
}

// split parts a word that no name has into two that some have, the second perhaps
// only as a beginning.
func (s *segment) split(text string) (one, two word, ok bool) {
	if utf8.RuneCountInString(text) < 3 || len(text) > 4*maxFuzzy || s.words.begins(text) {
		return word{}, word{}, false
	}
	at := -1
	for i := range text {
		if _, is := s.words.find(text[:i]); i == 0 || !is {
			continue
		}
		if _, is := s.words.find(text[i:]); is {
			at = i
			break
		}
		if at < 0 && utf8.RuneCountInString(text[i:]) >= 3 && s.words.begins(text[i:]) {
			at = i
		}
	}
	if at < 0 {
		return word{}, word{}, false
	}
	return word{text: text[:at], raw: text[:at]}, word{text: text[at:], raw: text[at:]}, true
}

// reading is one way to read a query.
type reading struct {
	words  []word
	second bool // not what was typed, but what may have been meant
}

// spare is how many words names need not have: one of three or more.
func (r reading) spare() int {
	if len(r.words) >= 3 {
		return 1
	}
	return 0
}

func (r reading) with(at, n int, ws ...word) reading {
	return reading{slices.Concat(r.words[:at], ws, r.words[at+n:]), true}
}

// readings are the ways to read a text that has letters or digits: as it is, and
// with a season as a number.
func readings(text string, second bool) []reading {
	ws := words(text, maxQueryWords)
	if len(ws) == 0 {
		return nil
	}
	out := []reading{{ws, second}}
	if n := numbered(ws); len(n) > 0 && !sameWords(n, ws) {
		out = append(out, reading{n, second})
	}
	return out
}
