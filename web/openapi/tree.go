package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"
)

// object is a mapping in the order of its source, which is the order in which people
// read it. Values are object, []any, string, int, float64, bool or nil.
type object []member

type member struct {
	key   string
	value any
}

func (o object) index(key string) int {
	return slices.IndexFunc(o, func(m member) bool { return m.key == key })
}

// value is the value of a key; nil when there is none.
func (o object) value(key string) any {
	if i := o.index(key); i >= 0 {
		return o[i].value
	}
	return nil
}

// object is the mapping under a key; empty when there is none.
func (o object) object(key string) object { return objectOf(o.value(key)) }

func (o object) list(key string) []any {
	l, _ := o.value(key).([]any)
	return l
}

func (o object) text(key string) string { return text(o.value(key)) }

func objectOf(v any) object {
	o, _ := v.(object)
	return o
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// MarshalJSON keeps the order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := errors.Join(write(&b, m.key), b.WriteByte(':'), write(&b, m.value)); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// write encodes without making \u003c of what is no HTML.
func write(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // Encode's newline
	return nil
}

// parse reads a YAML mapping. Aliases and merge keys are carried out, so that the
// result needs neither.
func parse(source []byte) (object, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(source, &n); err != nil {
		return nil, err
	}
	v, err := valueOf(&n)
	if err != nil {
		return nil, err
	}
	o, ok := v.(object)
	if !ok {
		return nil, errors.New("is no mapping")
	}
	return o, nil
}

func valueOf(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.DocumentNode:
		return valueOf(n.Content[0])
	case yaml.AliasNode:
		return valueOf(n.Alias)
	case yaml.MappingNode:
		return mapping(n)
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, c := range n.Content {
			var err error
			if out[i], err = valueOf(c); err != nil {
				return nil, err
			}
		}
		return out, nil
	default:
		return scalar(n)
	}
}

func scalar(n *yaml.Node) (any, error) {
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, err
	}
	switch v.(type) {
	case nil, string, int, float64, bool:
		return v, nil
	}
	return nil, fmt.Errorf("line %d: %q must be quoted: it is read as %T", n.Line, n.Value, v)
}

// mapping carries out merge keys: what stands in the mapping itself goes before what
// is merged in, and what is merged first before what is merged later.
func mapping(n *yaml.Node) (object, error) {
	var own, more object
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		v, err := valueOf(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		if key.Value == "<<" && key.Style == 0 {
			more = append(more, mergedIn(v)...)
			continue
		}
		if own.index(key.Value) >= 0 {
			return nil, fmt.Errorf("line %d: %q stands here twice", key.Line, key.Value)
		}
		own = append(own, member{key.Value, v})
	}
	for _, m := range more {
		if own.index(m.key) < 0 {
			own = append(own, m)
		}
	}
	if len(more) > 0 && !slices.ContainsFunc(own, func(m member) bool { return !isStatus(m.key) }) {
		slices.SortStableFunc(own, func(a, b member) int { return bytes.Compare([]byte(a.key), []byte(b.key)) })
	}
	return own, nil
}

func mergedIn(v any) object {
	if o, ok := v.(object); ok {
		return o
	}
	var out object
	all, _ := v.([]any)
	for _, one := range all {
		out = append(out, objectOf(one)...)
	}
	return out
}

func isStatus(key string) bool { return len(key) == 3 && key[0] >= '1' && key[0] <= '5' }
