package v1

import (
	"cmp"
	"net/url"
	"strings"
	"unicode"

	"anihub/platform/anilibria"
)

// line is text for one line: control characters and line ends become spaces.
func line(t text) string {
	s := string(t)
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
func prose(t text) string {
	s := strings.ReplaceAll(string(t), "\r\n", "\n")
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
func (c *Client) absolute(t text) string {
	s := line(t)
	switch {
	case s == "":
		return ""
	case strings.HasPrefix(s, "//"):
		s = "https:" + s
	case strings.HasPrefix(s, "/"):
		s = c.origin + s
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// stream is an address without the query, which tells of the country and the
// account of whoever asked (FACTS §6) and changes with each request.
func (c *Client) stream(t text) string {
	s := c.absolute(t)
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	return s
}

// videoID is the id of a video elsewhere; it becomes part of an address.
func videoID(t text) string {
	s := line(t)
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || !(unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_')
	}) {
		return ""
	}
	return s
}

// poster prefers the small webp to the original jpg, size by size.
func (c *Client) poster(w wireImage) anilibria.Poster {
	o := w.Optimized.is
	return anilibria.Poster{
		Small:  c.first(o.Thumbnail, w.Thumbnail, o.Preview, w.Preview, o.Src, w.Src),
		Medium: c.first(o.Preview, w.Preview, o.Src, w.Src, o.Thumbnail, w.Thumbnail),
		Large:  c.first(o.Src, w.Src, o.Preview, w.Preview, o.Thumbnail, w.Thumbnail),
	}
}

func (c *Client) preview(w wireImage) string { return c.poster(w).Medium }

func (c *Client) first(candidates ...text) string {
	var found string
	for _, t := range candidates {
		if found = cmp.Or(found, c.absolute(t)); found != "" {
			break
		}
	}
	return found
}
