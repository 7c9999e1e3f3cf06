package auth

import (
	"fmt"
	"sort"
	"strings"
)

// MinSecretBytes is the shortest secret that production takes: as long as the
// hash that it keys (RFC 7518 §3.2).
const MinSecretBytes = 32

// Weak tells whether somebody could guess the secret, and why.
func Weak(secret string) (reason string, weak bool) {
	switch {
	case secret == "":
		return "is missing", true
	case wellKnown(secret):
		return "is well known or made of dictionary words", true
	case len(secret) < MinSecretBytes:
		return fmt.Sprintf("is shorter than %d bytes", MinSecretBytes), true
	case period(secret) == 1:
		return "is one character repeated", true
	case period(secret) <= len(secret)/2:
		return "repeats itself", true
	case distinct(secret) < 8:
		return "has too few different characters", true
	case sequence(secret):
		return "is a sequence", true
	}
	return "", false
}

// commonWords are what people make placeholders and weak secrets of. Those that
// the project and its first design print are among them.
const commonWords = `
	secret password passwd passphrase changeme change token jwt key signing auth authentication access refresh bearer
	internal external service services services user users admin root system server client api app application backend
	here your yours my our the this that these is are was an and or not for from with without must be been at least in on of to it
	very super long longer short strong secure security safe random string text value bits bytes byte bit characters chars character
	please replace placeholder insert put set use default example sample test testing demo dev development prod production staging local
	private public shared common hmac sha hash hs256 sha256 minimum max min length enough generate generated openssl rand base64 hex
	anihub anilibria aniliberty anime animesite site website redis mongo mongodb database python node nodejs docker compose kubernetes
	qwertyuiop qwerty asdfghjkl asdfgh zxcvbnm zxcvbn letmein welcome hello world dragon monkey master iloveyou football baseball sunshine princess
	correct horse battery staple lorem ipsum dolor sit amet foobar foo bar baz qux
	deadbeef cafebabe abcdef abc xyz none null undefined true false todo fixme only do
	1234567890 0123456789 123456789 12345678 1234567 123456 12345 1234 123 256 512 128 2024 2025 2026 2027`

// wellKnown tells whether hardly anything is left of the secret without common
// words. A random secret loses a few letters to chance, a made-up one nearly all.
func wellKnown(secret string) bool {
	words := strings.Fields(commonWords)
	sort.Slice(words, func(i, j int) bool { return len(words[i]) > len(words[j]) })
	rest := strings.ToLower(secret)
	for _, w := range words {
		rest = strings.ReplaceAll(rest, w, " ")
	}
	left := 0
	for _, r := range rest {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 127 {
			left++
		}
	}
	return left <= 10 && left*2 <= len(secret)
}

// period is the length of the shortest beginning that, repeated, is the whole.
func period(s string) int {
	for p := 1; p < len(s); p++ {
		if s[p:] == s[:len(s)-p] {
			return p
		}
	}
	return len(s)
}

func distinct(s string) int {
	seen := map[byte]bool{}
	for _, c := range []byte(s) {
		seen[c] = true
	}
	return len(seen)
}

// sequence tells whether most characters follow their neighbour by one, as in the
// alphabet, or equal it.
func sequence(s string) bool {
	steps := 0
	for i := 1; i < len(s); i++ {
		if d := int(s[i]) - int(s[i-1]); d >= -1 && d <= 1 {
			steps++
		}
	}
	return steps*3 >= (len(s)-1)*2
}
