package cache

import "strings"

// Prefix is before every key outside this process: in Redis, and as admins know
// them.
const Prefix = "anilibria:"

// maxKey is the longest key or pattern in bytes; the document store takes no more.
const maxKey = 512

// CanonicalKey is a key as the chain knows it: without the outer prefix.
func CanonicalKey(key string) string { return strings.TrimPrefix(key, Prefix) }

// canonicalPattern also reads "titles:" as "title:": both are natural to write,
// and the keys themselves are in the singular.
func canonicalPattern(p string) string {
	p = CanonicalKey(p)
	if rest, ok := strings.CutPrefix(p, "titles:"); ok {
		return "title:" + rest
	}
	return p
}

// literal tells whether a pattern stands for one key.
func literal(pattern string) bool { return !strings.Contains(pattern, "*") }

// glob matches "*" with any characters and everything else with itself. It only
// ever returns to the last star, so the work is bounded by the product of both
// lengths, whatever somebody writes.
func glob(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
