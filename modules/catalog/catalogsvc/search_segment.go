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
	vocabulary, sounding := map[string]uint32{}, map[string]map[string]bool{}
	for _, r := range rows {
		for _, name := range nameWords(r.s) {
			for _, w := range name {
				vocabulary[w.text] = 0
				for _, sound := range soundsOf(w.raw) {
					if sounding[sound] == nil {
						sounding[sound] = map[string]bool{}
					}
					sounding[sound][w.text] = true
				}
			}
		}
	}
	sorted := slices.Sorted(maps.Keys(vocabulary))
	for i, w := range sorted {
		vocabulary[w] = uint32(i)
	}
	s := &segment{words: newLexicon(sorted), desks: &sync.Pool{}}
	s.addSounds(sounding, vocabulary)
	s.addTitles(rows, vocabulary)
	return s
}

func (s *segment) addSounds(sounding map[string]map[string]bool, vocabulary map[string]uint32) {
	maps.DeleteFunc(sounding, func(sound string, _ map[string]bool) bool { return sound == "" || isNumber(sound) })
	sorted := slices.Sorted(maps.Keys(sounding))
	s.sounds = newLexicon(sorted)
	s.spellAt = make([]uint32, 0, len(sorted)+1)
	for _, sound := range sorted {
		s.spellAt = append(s.spellAt, uint32(len(s.spelled)))
		for _, w := range slices.Sorted(maps.Keys(sounding[sound])) {
			s.spelled = append(s.spelled, vocabulary[w])
		}
	}
	s.spellAt = append(s.spellAt, uint32(len(s.spelled)))
	s.spelled = slices.Clip(s.spelled)
}

func (s *segment) addTitles(rows []*row, vocabulary map[string]uint32) {
	s.ids, s.nameAt = make([]int, len(rows)), make([]uint32, 0, len(rows)+1)
	for i, r := range rows {
		s.ids[i] = r.s.ID
		s.nameAt = append(s.nameAt, uint32(len(s.names)))
		for _, name := range nameWords(r.s) {
			for _, w := range name {
				s.names = append(s.names, vocabulary[w.text])
			}
			s.names = append(s.names, nameEnd)
		}
	}
	s.nameAt = append(s.nameAt, uint32(len(s.names)))
	s.names = slices.Clone(s.names)
	s.invert()
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
