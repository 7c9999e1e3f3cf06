package v1

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

// scan reads valid JSON in one pass. Decoding element by element with
// encoding/json reads the same bytes once more on each level; a full catalogue of
// 2,000 titles is 35 MB, so here every byte is looked at twice: by json.Valid and
// by this.
//
// null and absent are always the zero value. A value of a foreign type is an error,
// which loses the item it is in and nothing else, unless it is what PHP is known to
// put in that place: [] for an empty object, {} for an empty list, "12" for 12.
type scan struct {
	b     []byte
	i     int
	err   error // the first foreign type in the item that is being read
	items int   // how many items of lists may still be kept
}

// itemsMax is how many items one answer may hold, all lists together. Fifty of the
// longest series have 18,000 episodes; a hostile body could hold ten million items.
const itemsMax = 100_000

var errSyntax = errors.New("no valid JSON")

// newScan checks the syntax once, so that nothing after it has to.
func newScan(body []byte) (scan, error) {
	if !json.Valid(body) {
		return scan{}, errSyntax
	}
	return scan{b: body, items: itemsMax}, nil
}

// peek is the first byte of the next value, 0 at the end.
func (s *scan) peek() byte {
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
func (s *scan) raw() []byte {
	first := s.peek()
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
func (s *scan) quoted() {
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
func (s *scan) nested() {
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

func (s *scan) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// foreign takes a value that is not of the wanted type: null and the stand-in are
// empty, anything else is an error.
func (s *scan) foreign(want, standIn string) {
	raw := s.raw()
	empty := len(raw) <= 8 && standIn != "" && string(bytes.Join(bytes.Fields(raw), nil)) == standIn
	if empty || string(raw) == "null" {
		return
	}
	s.fail(errType(want, raw))
}

// object calls field for each key, which reads the value or leaves it.
func (s *scan) object(field func(key []byte)) {
	if s.peek() != '{' {
		s.foreign("an object", "[]")
		return
	}
	for s.i++; ; {
		switch s.peek() {
		case '}':
			s.i++
			return
		case ',':
			s.i++
			continue
		case 0:
			return
		}
		key := bytes.Trim(s.raw(), `"`)
		s.peek()
		s.i++ // the colon
		s.each(func() { field(key) })
	}
}

// array calls item for each element, which reads it or leaves it.
func (s *scan) array(item func()) {
	if s.peek() != '[' {
		s.foreign("a list", "{}")
		return
	}
	for s.i++; ; {
		switch s.peek() {
		case ']':
			s.i++
			return
		case ',':
			s.i++
			continue
		case 0:
			return
		}
		s.each(item)
	}
}

// each steps over the next value when read has not taken it.
func (s *scan) each(read func()) {
	s.peek()
	at := s.i
	if read(); s.i == at {
		s.raw()
	}
}

// text is a string.
func (s *scan) text() string {
	if s.peek() != '"' {
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

// number is a number, or one in quotes.
type number struct {
	value float64
	known bool
}

func (s *scan) number() number {
	raw := s.raw()
	if string(raw) == "null" || string(raw) == `""` {
		return number{}
	}
	var v float64
	err := errSyntax
	if len(raw) <= numberMax {
		v, err = strconv.ParseFloat(string(bytes.Trim(raw, `"`)), 64)
	}
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		s.fail(errType("a number", raw))
		return number{}
	}
	return number{value: v, known: true}
}

// whole is the number as a non-negative int; what does not fit is 0, unknown.
func (n number) whole() int {
	if n.value < 0 || n.value > 1<<53 {
		return 0
	}
	return int(n.value)
}

// whole reads a number and takes its whole part.
func (s *scan) whole() int { return s.number().whole() }

// flag is true, false, 0 or 1.
func (s *scan) flag() bool {
	switch raw := s.raw(); string(raw) {
	case "true", "1":
		return true
	case "false", "0", "null":
	default:
		s.fail(errType("true or false", raw))
	}
	return false
}

// moment is RFC 3339; a date that cannot be read is an unknown date.
func (s *scan) moment() time.Time {
	at, err := time.Parse(time.RFC3339, s.text())
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		return time.Time{}
	}
	return at.UTC()
}

// value is the "value" of the many {value, description} pairs.
func (s *scan) value() string {
	v, _ := s.labelled()
	return v
}

func (s *scan) labelled() (value, label string) {
	s.object(func(key []byte) {
		switch string(key) {
		case "value":
			value = line(s.text())
		case "label":
			label = line(s.text())
		}
	})
	return value, label
}

// list is what was read of an array.
type list[T any] struct {
	kept []T
	lost int
	err  error // of the first one that was lost
}

func (l *list[T]) lose(err error) {
	if l.lost++; l.err == nil {
		l.err = err
	}
}

// readList reads an array item by item. An item that has a foreign type in it, is
// null, or that read refuses is lost; the others stay.
func readList[T any](s *scan, read func() (T, error)) list[T] {
	var l list[T]
	s.array(func() {
		outer := s.err
		s.err = nil
		item, err := read()
		if err = cmpErr(s.err, err); err == nil && s.items == 0 {
			err = errTooMany
		}
		if s.err = outer; err != nil {
			l.lose(err)
			return
		}
		s.items--
		l.kept = append(l.kept, item)
	})
	return l
}

var errTooMany = fmt.Errorf("more than %d items in one answer", itemsMax)

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// errType quotes a little of what came instead: enough to see, too little to flood
// a log.
func errType(want string, b []byte) error {
	return fmt.Errorf("want %s, got %.40q", want, b)
}
