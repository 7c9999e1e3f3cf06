package catalogsvc

import (
	"maps"
	"slices"
	"sync"
)

// nameEnd parts the names of a title.
const nameEnd = ^uint32(0)

// segment is a part of the catalogue as search looks through it: the words of all
// names, the sounds of the words, and in which titles a word is. It never changes.
type segment struct {
	ids     []int    // titles, ascending
	names   []uint32 // words of the names of title after title, each name followed by nameEnd
	nameAt  []uint32 // where the names of title i begin; one more at the end
	words   lexicon
	titles  []uint32 // titles that have word i, word after word
	titleAt []uint32
	sounds  lexicon
	spelled []uint32 // words that sound like i, sound after sound
	spellAt []uint32
	desks   *sync.Pool // of *desk
}

// newSegment is made of titles in ascending order of ids.
func newSegment(rows []*row) *segment {
	s := &segment{ids: make([]int, len(rows)), nameAt: make([]uint32, 0, len(rows)+1), desks: &sync.Pool{}}
	v := vocabulary{texts: map[string]uint32{}, raws: map[string]uint32{}, sounds: map[string][]uint32{}}
	for i, r := range rows {
		s.ids[i] = r.s.ID
		s.nameAt = append(s.nameAt, uint32(len(s.names)))
		for _, name := range nameWords(r.s) {
			for _, w := range name {
				s.names = append(s.names, v.number(w))
			}
			s.names = append(s.names, nameEnd)
		}
	}
	s.nameAt = append(s.nameAt, uint32(len(s.names)))
	s.names = slices.Clone(s.names)
	s.sort(v)
	s.invert()
	return s
}

// vocabulary numbers words as they come and keeps how they sound.
type vocabulary struct {
	texts, raws map[string]uint32
	sounds      map[string][]uint32
}

func (v vocabulary) number(w word) uint32 {
	if n, known := v.raws[w.raw]; known {
		return n
	}
	n, known := v.texts[w.text]
	if !known {
		n = uint32(len(v.texts))
		v.texts[w.text] = n
	}
	v.raws[w.raw] = n
	for _, sound := range soundsOf(w.raw) {
		if sound != "" && !isNumber(sound) && !slices.Contains(v.sounds[sound], n) {
			v.sounds[sound] = append(v.sounds[sound], n)
		}
	}
	return n
}

// sort numbers the words anew, in their order, so that they can be looked up.
func (s *segment) sort(v vocabulary) {
	sorted, place := slices.Sorted(maps.Keys(v.texts)), make([]uint32, len(v.texts))
	for i, w := range sorted {
		place[v.texts[w]] = uint32(i)
	}
	for i, n := range s.names {
		if n != nameEnd {
			s.names[i] = place[n]
		}
	}
	s.words = newLexicon(sorted)
	sounds := slices.Sorted(maps.Keys(v.sounds))
	s.sounds = newLexicon(sounds)
	s.spellAt = make([]uint32, 0, len(sounds)+1)
	for _, sound := range sounds {
		s.spellAt = append(s.spellAt, uint32(len(s.spelled)))
		for _, n := range v.sounds[sound] {
			s.spelled = append(s.spelled, place[n])
		}
	}
	s.spellAt = append(s.spellAt, uint32(len(s.spelled)))
	s.spelled = slices.Clone(s.spelled)
}

// invert lists for each word the titles that have it, each once.
func (s *segment) invert() {
	last := make([]uint32, s.words.len()) // title+1 that was counted last
	counts := make([]uint32, s.words.len()+1)
	each := func(f func(title, word uint32)) {
		clear(last)
		for t := range s.ids {
			for _, w := range s.names[s.nameAt[t]:s.nameAt[t+1]] {
				if w != nameEnd && last[w] != uint32(t)+1 {
					last[w] = uint32(t) + 1
					f(uint32(t), w)
				}
			}
		}
	}
	each(func(_, w uint32) { counts[w+1]++ })
	for w := range s.words.len() {
		counts[w+1] += counts[w]
	}
	s.titleAt = slices.Clone(counts)
	s.titles = make([]uint32, counts[s.words.len()])
	each(func(t, w uint32) {
		s.titles[counts[w]] = t
		counts[w]++
	})
}

// having are the titles with a word.
func (s *segment) having(word uint32) []uint32 { return s.titles[s.titleAt[word]:s.titleAt[word+1]] }

// size is how many bytes the segment takes.
func (s *segment) size() int {
	n := 8*len(s.ids) + 4*(len(s.names)+len(s.nameAt)+len(s.titles)+len(s.titleAt)+len(s.spelled)+len(s.spellAt))
	for _, l := range []*lexicon{&s.words, &s.sounds} {
		n += len(l.text) + 4*len(l.at) + 8*len(l.letters) + len(l.lengths)
	}
	return n
}
