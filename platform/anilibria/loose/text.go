package loose

import (
	"net/url"
	"strings"
	"unicode"
)

// Line is text for one line: control characters and line ends become spaces.
func Line(s string) string {
	if strings.IndexFunc(s, unicode.IsControl) >= 0 {
		s = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, s)
	}
	return strings.TrimSpace(s)
}

// Prose is text of several lines with LF line ends; the upstream sends CRLF.
func Prose(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return '\n'
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// Absolute makes an address a browser may be sent to: relative paths belong to the
// assets, //host to https, and nothing but http and https survives.
func Absolute(origin, s string) string {
	s = Line(s)
	switch {
	case s == "":
		return ""
	case strings.HasPrefix(s, "//"):
		s = "https:" + s
	case strings.HasPrefix(s, "/"):
		s = origin + s
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// Magnet is a magnet link; anything else is none.
func Magnet(s string) string {
	if s = Line(s); strings.HasPrefix(s, "magnet:?") {
		return s
	}
	return ""
}

// Stream is an address without the query, which tells of the country and the
// account of whoever asked (FACTS §6) and changes with each request.
func Stream(origin, s string) string {
	s = Absolute(origin, s)
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	return s
}

// VideoID is the id of a video elsewhere; it becomes part of an address.
func VideoID(s string) string {
	s = Line(s)
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || (!unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_')
	}) {
		return ""
	}
	return s
}
