package catalogsvc

import "strings"

// The keys of a keyboard in Latin and in Russian layout, in the same order.
const (
	latinKeys   = "`qwertyuiop[]asdfghjkl;'zxcvbnm,.~QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>"
	russianKeys = "ёйцукенгшщзхъфывапролджэячсмитьбюЁЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ"
)

// layouts translates key by key.
type layouts struct{ toRussian, toLatin map[rune]rune }

func newLayouts() layouts {
	l := layouts{map[rune]rune{}, map[rune]rune{}}
	russian := []rune(russianKeys)
	for i, c := range latinKeys { // every key is one byte
		l.toRussian[c], l.toLatin[russian[i]] = russian[i], c
	}
	return l
}

// swap is the text as if it had been typed in the other layout; "" when it has
// letters of both or of neither.
func (l layouts) swap(s string) string {
	latin := strings.ContainsFunc(s, func(c rune) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' })
	cyrillic := strings.ContainsFunc(s, func(c rune) bool { return l.toLatin[c] != 0 })
	if latin == cyrillic {
		return ""
	}
	table := l.toRussian
	if cyrillic {
		table = l.toLatin
	}
	return strings.Map(func(c rune) rune {
		if to, ok := table[c]; ok {
			return to
		}
		return c
	}, s)
}

// keyboards is never changed.
var keyboards = newLayouts()
