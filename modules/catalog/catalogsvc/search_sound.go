package catalogsvc

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// How names sound. A word in Cyrillic or Latin letters, in whichever system of
// transliteration (Hepburn, Kunrei, Polivanov, what people type), becomes the same
// key of Latin letters, or nearly: "shinobi", "sinobi", «синоби» and «шиноби» are
// "sinobi". The key merges what the systems disagree about (sh with s, ch with t,
// j with z, long vowels with short ones), so words that sound alike share it.

// spelling is Cyrillic in Latin letters, before sounds are merged.
var spelling = map[rune]string{
	'а': "a", 'б': "b", 'в': "v", 'г': "g", 'д': "d", 'е': "e", 'ё': "yo", 'ж': "zh", 'з': "z", 'и': "i", 'й': "y",
	'к': "k", 'л': "l", 'м': "m", 'н': "n", 'о': "o", 'п': "p", 'р': "r", 'с': "s", 'т': "t", 'у': "u", 'ф': "f",
	'х': "kh", 'ц': "ts", 'ч': "ch", 'ш': "sh", 'щ': "sh", 'ъ': "", 'ы': "i", 'ь': "", 'э': "e", 'ю': "yu", 'я': "ya",
	'і': "i", 'ї': "yi", 'є': "ye", 'ґ': "g", 'ß': "ss",
}

// sound is one rule: these letters sound like that.
type sound struct{ letters, key string }

// sounds, longest first; letters without a rule stand for themselves.
var sounds = []sound{
	{"shch", "s"},
	{"sch", "s"},
	{"tch", "t"},
	{"dzh", "z"},
	{"tsu", "tu"},
	{"sh", "s"},
	{"ch", "t"},
	{"dz", "z"},
	{"dj", "z"},
	{"zh", "z"},
	{"ts", "c"},
	{"tz", "c"},
	{"ph", "f"},
	{"th", "t"},
	{"kh", "h"},
	{"wh", "v"},
	{"qu", "kv"},
	{"ck", "k"},
	{"fu", "hu"},
	{"ou", "o"},
	{"mb", "nb"},
	{"mp", "np"},
	{"ce", "se"},
	{"ci", "si"},
	{"cy", "si"},
	{"w", "v"},
	{"q", "k"},
	{"x", "ks"},
	{"c", "k"},
	{"j", "zy"},
}

// russian are the letters that mean something else to those who write Russian in
// Latin letters.
var russian = []sound{{"cu", "tu"}, {"c", "c"}, {"x", "h"}, {"j", "y"}}

// soundOf is the key of a word by the common reading.
func soundOf(raw string) string { return key(spelled(raw, "yo"), nil, true) }

// soundsOf are the keys that names containing this word are found by: one, and
// another when it is written with ё, which most write as е.
func soundsOf(raw string) []string {
	out := []string{soundOf(raw)}
	if raw == "x" { // a sign between names rather than a sound; people type х
		out = append(out, "h")
	}
	if strings.Contains(raw, "ё") {
		out = append(out, key(spelled(raw, "e"), nil, true))
	}
	return out
}

// soundsMeant are the keys that a word of a query may stand for.
func soundsMeant(raw string) []string {
	out := soundsOf(raw)
	other := key(spelled(raw, "yo"), russian, false)
	if other != out[0] {
		out = append(out, other)
	}
	return out
}

// spelled is a word in Latin letters without accents; what is neither Cyrillic
// nor Latin stays.
func spelled(raw, yo string) string {
	var b strings.Builder
	for _, c := range raw {
		s, cyrillic := spelling[c]
		switch {
		case c == 'ё':
			b.WriteString(yo)
		case cyrillic:
			b.WriteString(s)
		case c < 0x80:
			b.WriteRune(c)
		default:
			plain := []rune(norm.NFD.String(string(c)))
			b.WriteRune(plain[0])
		}
	}
	return b.String()
}

// key merges sounds. A glide is kept between vowels only ("maya", but "kyo" is
// "ko"); whether an i before a vowel has one ("tokio") is a matter of reading.
func key(s string, first []sound, glides bool) string {
	out := make([]byte, 0, len(s)+4)
	for s != "" {
		if s[0] == 'y' || s[0] == 'i' {
			out = glide(out, s, glides)
			s = s[1:]
			continue
		}
		letters, k := next(s, first)
		s = s[len(letters):]
		if strings.HasSuffix(k, "y") { // a glide may follow
			s, k = "y"+strings.TrimPrefix(s, "y"), k[:len(k)-1]
		}
		for i := range len(k) {
			out = once(out, k[i])
		}
	}
	return string(out)
}

// next is what the text begins with and its sound.
func next(s string, first []sound) (letters, k string) {
	for _, list := range [][]sound{first, sounds} {
		for _, r := range list {
			if strings.HasPrefix(s, r.letters) {
				return r.letters, r.key
			}
		}
	}
	return s[:1], s[:1]
}

func glide(out []byte, s string, glides bool) []byte {
	between := len(out) > 0 && isVowel(out[len(out)-1])
	before := len(s) > 1 && strings.IndexByte("aoue", s[1]) >= 0
	switch {
	case before && between:
		return once(out, 'y')
	case before && s[0] == 'i' && glides && len(out) > 0:
		return append(once(out, 'i'), 'y')
	case before && (s[0] == 'y' || !glides):
		return out
	default:
		return once(out, 'i')
	}
}

// once writes a letter that does not repeat the one before.
func once(out []byte, c byte) []byte {
	if len(out) > 0 && out[len(out)-1] == c && c < 0x80 && (c < '0' || c > '9') {
		return out
	}
	return append(out, c)
}

func isVowel(c byte) bool { return strings.IndexByte("aouei", c) >= 0 }
