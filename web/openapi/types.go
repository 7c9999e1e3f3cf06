package openapi

import (
	"encoding/json"
	"fmt"
	"strings"
)

// typeName is a schema as people read it: "integer", "Title[]", "Span or null".
func (r reader) typeName(schema object) []piece {
	if ref := schema.text("$ref"); ref != "" {
		name := ref[strings.LastIndexByte(ref, '/')+1:]
		return []piece{{name, "#type-" + name}}
	}
	if all := schema.list("allOf"); len(all) > 0 && schema.index("properties") < 0 {
		return r.typeName(objectOf(all[0]))
	}
	if all := schema.list("oneOf"); len(all) > 0 {
		var out []piece
		for i, one := range all {
			if i > 0 {
				out = append(out, piece{Text: " or "})
			}
			out = append(out, r.typeName(objectOf(one))...)
		}
		return out
	}
	if c := schema.index("const"); c >= 0 {
		return []piece{{Text: quoted(schema[c].value)}}
	}
	return r.basicName(schema)
}

func (r reader) basicName(schema object) []piece {
	names, ok := schema.value("type").([]any)
	if !ok {
		names = []any{schema.value("type")}
	}
	var out []piece
	for i, n := range names {
		if i > 0 {
			out = append(out, piece{Text: " or "})
		}
		switch name := text(n); {
		case name == "array":
			out = append(append(out, r.typeName(schema.object("items"))...), piece{Text: "[]"})
		case name == "object" && schema.object("additionalProperties") != nil:
			out = append(append(out, piece{Text: "map of "}), r.typeName(schema.object("additionalProperties"))...)
		case name == "":
			out = append(out, piece{Text: "anything"})
		default:
			out = append(out, piece{Text: name})
		}
	}
	return out
}

// bounds says what values are accepted, beyond the type.
func bounds(schema object) string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if e := schema.list("enum"); e != nil {
		words := make([]string, len(e))
		for i, v := range e {
			words[i] = bare(v)
		}
		add("%s", strings.Join(words, ", "))
	}
	lows, highs := schema.value("minimum"), schema.value("maximum")
	switch {
	case lows != nil && highs != nil:
		add("%v to %v", lows, highs)
	case lows != nil:
		add("from %v", lows)
	case highs != nil:
		add("to %v", highs)
	}
	if v := lengths(schema); v != "" {
		add("%s", v)
	}
	for _, b := range []struct{ key, words string }{{"maxItems", "at most %v"}, {"pattern", "matches %v"}, {"format", "%v"}} {
		if v := schema.value(b.key); v != nil && v != "password" {
			add(b.words, v)
		}
	}
	if i := schema.index("default"); i >= 0 {
		add("default %s", bare(schema[i].value))
	}
	return strings.Join(out, "; ")
}

// lengths says how long a text is, in characters.
func lengths(schema object) string {
	low, high := schema.value("minLength"), schema.value("maxLength")
	switch {
	case low != nil && high != nil:
		return fmt.Sprintf("%v to %v characters", low, high)
	case high != nil:
		return fmt.Sprintf("at most %v characters", high)
	case low != nil:
		return "not empty"
	}
	return ""
}

func bare(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return quoted(v)
}

func quoted(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
