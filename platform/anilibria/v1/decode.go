package v1

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// The tolerant pieces that the wire types are made of. null and absent are always
// the zero value; a value of a foreign type is an error, which loses the item it is
// in, unless that type is one PHP is known to put in its place ([] for an empty
// object, {} for an empty list, "12" for 12).

// text is a string or null.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	if isNull(b) {
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errType("a string", b)
	}
	*t = text(s)
	return nil
}

// number is a JSON number, a number in quotes, or null.
type number struct {
	value float64
	known bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(b []byte) error {
	if isNull(b) || string(b) == `""` {
		return nil
	}
	v, err := strconv.ParseFloat(string(bytes.Trim(b, `"`)), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return errType("a number", b)
	}
	*n = number{value: v, known: true}
	return nil
}

// whole is the number as a non-negative int; what does not fit is 0, unknown.
func (n number) whole() int {
	if n.value < 0 || n.value > 1<<53 {
		return 0
	}
	return int(n.value)
}

// flag is true, false, 0, 1 or null.
type flag bool

// UnmarshalJSON implements json.Unmarshaler.
func (f *flag) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "true", "1":
		*f = true
	case "false", "0", "null":
		*f = false
	default:
		return errType("true or false", b)
	}
	return nil
}

// moment is RFC 3339 or null; a date that cannot be read is an unknown date.
type moment struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (m *moment) UnmarshalJSON(b []byte) error {
	var s text
	if err := s.UnmarshalJSON(b); err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, string(s))
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		return nil
	}
	m.Time = at.UTC()
	return nil
}

// object is a T, null, or the [] that PHP makes of an empty map.
type object[T any] struct {
	is    T
	known bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *object[T]) UnmarshalJSON(b []byte) error {
	if isNull(b) || string(b) == "[]" {
		return nil
	}
	if b[0] != '{' {
		return errType("an object", b)
	}
	o.known = true
	return json.Unmarshal(b, &o.is)
}

// list is an array whose items are read one by one: an item that cannot be read is
// kept as an error instead of losing the list. null and {} are empty lists.
type list[T any] struct {
	items []T
	lost  []error
}

// UnmarshalJSON implements json.Unmarshaler.
func (l *list[T]) UnmarshalJSON(b []byte) error {
	if isNull(b) || string(b) == "{}" {
		return nil
	}
	if b[0] != '[' {
		return errType("an array", b)
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	l.items = make([]T, 0, len(raw))
	for i, one := range raw {
		var item T
		err := errors.New("is null")
		if !isNull(one) {
			err = json.Unmarshal(one, &item)
		}
		if err != nil {
			l.lost = append(l.lost, fmt.Errorf("[%d]: %w", i, err))
			continue
		}
		l.items = append(l.items, item)
	}
	return nil
}

// enveloped reads a list that comes bare or as {"data":[…]}: the description and
// the reality of v1 disagree on it from route to route (FACTS §3.2).
func enveloped[T any](body []byte) (list[T], error) {
	var l list[T]
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '{' {
		var envelope struct {
			Data *list[T] `json:"data"`
		}
		if err := json.Unmarshal(body, &envelope); err != nil {
			return l, err
		}
		if envelope.Data == nil {
			return l, errors.New("an object without data in place of a list")
		}
		return *envelope.Data, nil
	}
	if isNull(body) {
		return l, errType("a list", body)
	}
	return l, json.Unmarshal(body, &l)
}

func isNull(b []byte) bool { return string(b) == "null" }

// errType quotes a little of what came instead: enough to see, too little to flood
// a log.
func errType(want string, b []byte) error {
	return fmt.Errorf("want %s, got %.40q", want, b)
}
