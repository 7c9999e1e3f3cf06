// Package loose reads the JSON of an upstream that is looser than its own
// description: null and absent are the same, numbers come in quotes, empty objects as
// lists. Both dialects of AniLibria are read with it; it knows neither.
package loose

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// Scan reads valid JSON in one pass. Decoding element by element with
// encoding/json reads the same bytes once more on each level; a full catalogue of
// 2,000 titles is 35 MB, so here every byte is looked at twice: by json.Valid and
// by this.
//
// null and absent are always the zero value. A value of a foreign type is an error,
// which loses the item it is in and nothing else, unless it is what PHP is known to
// put in that place: [] for an empty object, {} for an empty list, "12" for 12.
type Scan struct {
	b     []byte
	i     int
	Err   error // the first foreign type in the item that is being read
	items int   // how many items of lists may still be kept
}

// itemsMax is how many items one answer may hold, all lists together. Fifty of the
// longest series have 18,000 episodes; a hostile body could hold ten million items.
const itemsMax = 100_000

var errSyntax = errors.New("no valid JSON")

// New checks the syntax once, so that nothing after it has to.
func New(body []byte) (Scan, error) {
	if !json.Valid(body) {
		return Scan{}, errSyntax
	}
	return Scan{b: body, items: itemsMax}, nil
}

// Peek is the first byte of the next value, 0 at the end.
func (s *Scan) Peek() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// raw takes the next value as it stands.
func (s *Scan) raw() []byte {
	first := s.Peek()
	from := s.i
	switch first {
	case '"':
		s.quoted()
	case '{', '[':
		s.nested()
	default:
		for s.i < len(s.b) && bytes.IndexByte([]byte(",]} \t\r\n"), s.b[s.i]) < 0 {
			s.i++
		}
	}
	return s.b[from:s.i]
}

// quoted goes over a string.
func (s *Scan) quoted() {
	for s.i++; s.i < len(s.b); s.i++ {
		switch s.b[s.i] {
		case '\\':
			s.i++
		case '"':
			s.i++
			return
		}
	}
}

// nested goes over an object or array without recursion.
func (s *Scan) nested() {
	depth := 0
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case '"':
			s.quoted()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.i++
		if depth == 0 {
			return
		}
	}
}

func (s *Scan) fail(err error) {
	if s.Err == nil {
		s.Err = err
	}
}

// foreign takes a value that is not of the wanted type: null and the stand-in are
// empty, anything else is an error.
func (s *Scan) foreign(want, standIn string) {
	raw := s.raw()
	empty := len(raw) <= 8 && standIn != "" && string(bytes.Join(bytes.Fields(raw), nil)) == standIn
	if empty || string(raw) == "null" {
		return
	}
	s.fail(errType(want, raw))
}

// Object calls field for each key, which reads the value or leaves it.
func (s *Scan) Object(field func(key []byte)) {
	if s.Peek() != '{' {
		s.foreign("an object", "[]")
		return
	}
	s.inside('}', func() {
		key := bytes.Trim(s.raw(), `"`)
		s.Peek()
		s.i++ // the colon
		s.each(func() { field(key) })
	})
}

// array calls item for each element, which reads it or leaves it.
func (s *Scan) array(item func()) {
	if s.Peek() != '[' {
		s.foreign("a list", "{}")
		return
	}
	s.inside(']', func() { s.each(item) })
}

// inside takes what stands between an opening bracket, which comes next, and its end.
func (s *Scan) inside(end byte, element func()) {
	for s.i++; ; {
		switch s.Peek() {
		case end:
			s.i++
			return
		case ',':
			s.i++
		case 0:
			return
		default:
			element()
		}
	}
}

// each steps over the next value when read has not taken it.
func (s *Scan) each(read func()) {
	s.Peek()
	at := s.i
	if read(); s.i == at {
		s.raw()
	}
}

// Text is a string.
func (s *Scan) Text() string {
	if s.Peek() != '"' {
		s.foreign("a text", "")
		return ""
	}
	raw := s.raw()
	if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var t string
	if err := json.Unmarshal(raw, &t); err != nil {
		s.fail(err)
	}
	return t
}

// numberMax is longer than any number has digits.
const numberMax = 64

// Number is a number, or one in quotes.
type Number struct {
	Value float64
	Known bool
}

// Number is a number, one in quotes, or unknown.
func (s *Scan) Number() Number {
	raw := s.raw()
	if string(raw) == "null" || string(raw) == `""` {
		return Number{}
	}
	var v float64
	err := errSyntax
	if len(raw) <= numberMax {
		v, err = strconv.ParseFloat(string(bytes.Trim(raw, `"`)), 64)
	}
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		s.fail(errType("a number", raw))
		return Number{}
	}
	return Number{Value: v, Known: true}
}

// Whole is the number as a non-negative int; what does not fit is 0, unknown.
func (n Number) Whole() int {
	if n.Value < 0 || n.Value > 1<<53 {
		return 0
	}
	return int(n.Value)
}

// Whole reads a number and takes its whole part.
func (s *Scan) Whole() int { return s.Number().Whole() }

// Flag is true, false, 0 or 1.
func (s *Scan) Flag() bool {
	switch raw := s.raw(); string(raw) {
	case "true", "1":
		return true
	case "false", "0", "null":
	default:
		s.fail(errType("true or false", raw))
	}
	return false
}

// Moment is RFC 3339; a date that cannot be read is an unknown date.
func (s *Scan) Moment() time.Time {
	at, err := time.Parse(time.RFC3339, s.Text())
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		return time.Time{}
	}
	return at.UTC()
}

// errType quotes a little of what came instead: enough to see, too little to flood
// a log.
func errType(want string, b []byte) error {
	return fmt.Errorf("want %s, got %.40q", want, b)
}
