package cache

import (
	"regexp"
	"strings"
	"testing"
)

func TestGlob(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true},
		{"", "", true},
		{"", "a", false},
		{"title:*", "title:1", true},
		{"title:*", "titles:1", false},
		{"*:1", "title:1", true},
		{"*:1", "title:11", false},
		{"t*e:*1*", "title:9919", true},
		{"title:?", "title:1", false},
		{"title:[1]", "title:1", false},
		{"**a**", "bab", true},
		{strings.Repeat("*a", 200), strings.Repeat("a", 500) + "b", false},
	} {
		if got := glob(tt.pattern, tt.s); got != tt.want {
			t.Errorf("glob(%q, %q) = %v", tt.pattern, tt.s, got)
		}
	}
}

func TestCanonicalPattern(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"anilibria:title:*":  "title:*",
		"titles:*":           "title:*",
		"anilibria:titles:9": "title:9",
		"schedule":           "schedule",
		"titles":             "titles",
		"*":                  "*",
	} {
		if got := canonicalPattern(in); got != want {
			t.Errorf("canonicalPattern(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzGlob compares with a regular expression.
func FuzzGlob(f *testing.F) {
	f.Add("t*e:*1*", "title:9919")
	f.Add("***", "")
	f.Add("a*b*c", "abbc")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 40 || len(s) > 200 {
			return
		}
		parts := strings.Split(pattern, "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		re, err := regexp.Compile(`(?s)\A` + strings.Join(parts, `.*`) + `\z`)
		if err != nil || !isText(s) || !isText(pattern) {
			return
		}
		if got := glob(pattern, s); got != re.MatchString(s) {
			t.Errorf("glob(%q, %q) = %v", pattern, s, got)
		}
	})
}

// isText: regexp reads runes, glob bytes.
func isText(s string) bool { return strings.ToValidUTF8(s, "") == s }
