package anilibriatest

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An answer is built as a tree first, so that include and exclude can cut it, and
// is written in the order of its fields, which is the order of the real API.
// A node is nil, bool, int, int64, float64, string, object or []any.

type field struct {
	key   string
	value any
}

type object []field

// paths is a set of dot paths as a tree; a leaf (no children) stands for all below.
type paths map[string]paths

func newPaths(lists []string) paths {
	root := paths{}
	for _, list := range lists {
		for path := range strings.SplitSeq(list, ",") {
			if path = strings.TrimSpace(path); path != "" {
				root.add(path)
			}
		}
	}
	return root
}

func (p paths) add(path string) {
	at := p
	for key := range strings.SplitSeq(path, ".") {
		below, ok := at[key]
		if !ok {
			below = paths{}
			at[key] = below
		}
		at = below
	}
}

// only keeps what include names: a projection, it never adds anything.
func only(n any, include paths) any {
	if len(include) == 0 {
		return n
	}
	switch n := n.(type) {
	case object:
		kept := make(object, 0, len(include))
		for _, f := range n {
			if below, ok := include[f.key]; ok {
				kept = append(kept, field{f.key, only(f.value, below)})
			}
		}
		return kept
	case []any:
		kept := make([]any, len(n))
		for i, item := range n {
			kept[i] = only(item, include)
		}
		return kept
	default:
		return n
	}
}

// without drops what exclude names.
func without(n any, exclude paths) any {
	if len(exclude) == 0 {
		return n
	}
	switch n := n.(type) {
	case object:
		kept := make(object, 0, len(n))
		for _, f := range n {
			below, named := exclude[f.key]
			if named && len(below) == 0 {
				continue
			}
			kept = append(kept, field{f.key, without(f.value, below)})
		}
		return kept
	case []any:
		kept := make([]any, len(n))
		for i, item := range n {
			kept[i] = without(item, exclude)
		}
		return kept
	default:
		return n
	}
}

// appendJSON writes a node.
func appendJSON(b []byte, n any) []byte {
	switch n := n.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, n)
	case int:
		return strconv.AppendInt(b, int64(n), 10)
	case int64:
		return strconv.AppendInt(b, n, 10)
	case float64:
		return strconv.AppendFloat(b, n, 'f', -1, 64)
	case string:
		return appendString(b, n)
	case object:
		return appendObject(b, n)
	case []any:
		return appendArray(b, n)
	default:
		text, err := json.Marshal(n)
		if err != nil {
			return append(b, "null"...)
		}
		return append(b, text...)
	}
}

func appendObject(b []byte, o object) []byte {
	b = append(b, '{')
	for i, f := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, f.key)
		b = append(b, ':')
		b = appendJSON(b, f.value)
	}
	return append(b, '}')
}

func appendArray(b []byte, a []any) []byte {
	b = append(b, '[')
	for i, item := range a {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, item)
	}
	return append(b, ']')
}

func appendString(b []byte, s string) []byte {
	plain := utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) < 0
	if plain {
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"')
	}
	text, _ := json.Marshal(s) // a string always marshals
	return append(b, text...)
}

// orNull is nil for "".
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// numberOrNull is nil for 0.
func numberOrNull[N int | float64](n N) any {
	if n == 0 {
		return nil
	}
	return n
}
