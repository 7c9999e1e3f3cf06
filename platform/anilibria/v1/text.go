package v1

import (
	"net/url"
	"strings"
	"unicode"
)

// line is text for one line: control characters and line ends become spaces.
func line(s string) string {
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

// prose is text of several lines with LF line ends; the upstream sends CRLF.
func prose(s string) string {
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

// absolute makes an address a browser may be sent to: relative paths belong to the
// assets, //host to https, and nothing but http and https survives.
func absolute(origin, s string) string {
	s = line(s)
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

// stream is an address without the query, which tells of the country and the
// account of whoever asked (FACTS §6) and changes with each request.
func stream(origin, s string) string {
	s = absolute(origin, s)
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	return s
}

// videoID is the id of a video elsewhere; it becomes part of an address.
func videoID(s string) string {
	s = line(s)
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || (!unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_')
	}) {
		return ""
	}
	return s
}
