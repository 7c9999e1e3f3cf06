package openapitest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Probe is a request at a bound that the document names, or just beyond it. A good one
// must not be refused as malformed (400 or 422), a bad one must be.
type Probe struct {
	What   string // "limit=101"
	Good   bool
	Target string    // path and query
	Header [2]string // name and value; "" = none
	Body   []byte
}

// Probes are the requests that try the bounds of an operation's parameters and body,
// one at a time.
func (r *Route) Probes() ([]Probe, error) {
	var out []Probe
	for _, p := range r.parameters {
		for _, v := range values(object(p["schema"])) {
			probe := Probe{Good: v.good, Body: r.goodBody()}
			if probe.Target, probe.What = r.target(p, v); p["in"] == "header" {
				probe.Header = [2]string{text(p["name"]), strings.ReplaceAll(strings.Join(v.texts, ""), "я", "a")}
			}
			out = append(out, probe)
		}
	}
	if r.body == nil {
		return out, nil
	}
	for i := range r.examples {
		if object(r.examples[i]) == nil {
			continue // a list has no fields
		}
		more, err := r.bodies(object(r.examples[i]))
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// Example is the operation's address with what it requires by example.
func (r *Route) Example() string {
	target, _ := r.target(map[string]any{}, value{})
	return target
}

// ExampleBody is the first example of its body; "" when it takes none.
func (r *Route) ExampleBody() string { return string(r.goodBody()) }

func (r *Route) goodBody() []byte {
	if len(r.examples) == 0 {
		return nil
	}
	b, err := json.Marshal(r.examples[0])
	if err != nil {
		return nil
	}
	return b
}

// target is the operation's address with one parameter set to a value, and what else
// it requires by example.
func (r *Route) target(p map[string]any, v value) (target, what string) {
	path, query := r.Path, url.Values{}
	for _, other := range r.parameters {
		name, chosen := text(other["name"]), exampleOf(other)
		if name == p["name"] && other["in"] == p["in"] {
			chosen = v.texts
		} else if other["required"] != true {
			continue
		}
		switch other["in"] {
		case "path":
			path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(strings.Join(chosen, ",")))
		case "query":
			query[name] = chosen
		}
	}
	what = fmt.Sprintf("%v=%.40q", p["name"], v.texts)
	if len(query) == 0 {
		return path, what
	}
	return path + "?" + query.Encode(), what
}

func exampleOf(p map[string]any) []string {
	v := p["example"]
	for _, name := range slices.Sorted(maps.Keys(object(p["examples"]))) {
		v = object(object(p["examples"])[name])["value"]
	}
	if all := list(v); all != nil {
		out := make([]string, len(all))
		for i := range all {
			out[i] = fmt.Sprint(all[i])
		}
		return out
	}
	return []string{fmt.Sprint(v)}
}

// value is what a parameter may be given: several texts for a list.
type value struct {
	texts []string
	good  bool
}

// values are those at and just beyond the bounds of a schema.
func values(schema map[string]any) []value {
	one := func(good bool, texts ...string) value { return value{texts, good} }
	if words := list(schema["enum"]); words != nil {
		out := []value{one(false, "no-such-word"), one(false, "")}
		for _, w := range words {
			out = append(out, one(true, fmt.Sprint(w)))
		}
		return out
	}
	var out []value
	switch schema["type"] {
	case "boolean":
		return []value{one(true, "true"), one(true, "false"), one(false, "perhaps")}
	case "integer":
		out = append(out, one(false, "1.5"), one(false, "x"))
		if low, ok := schema["minimum"].(float64); ok {
			out = append(out, one(true, whole(low)), one(false, whole(low-1)))
		}
		if high, ok := schema["maximum"].(float64); ok {
			out = append(out, one(true, whole(high)), one(false, whole(high+1)))
		}
	case "string":
		if low, ok := schema["minLength"].(float64); ok {
			out = append(out, one(true, strings.Repeat("я", int(low))), one(false, strings.Repeat("я", int(low)-1)))
		}
		high, ok := schema["maxLength"].(float64)
		if schema["pattern"] != nil {
			return []value{one(true, strings.Repeat("a", int(high))), one(false, strings.Repeat("a", int(high)+1)), one(false, "a b"), one(false, "я")}
		}
		if ok && schema["minLength"] != nil || ok && high >= 100 {
			out = append(out, one(true, strings.Repeat("я", int(high))), one(false, strings.Repeat("я", int(high)+1)))
		}
	case "array":
		if high, ok := schema["maxItems"].(float64); ok {
			out = append(out, one(true, numbered(int(high))...), one(false, numbered(int(high)+1)...))
		}
		if schema["minItems"] != nil {
			out = append(out, one(false))
		}
	}
	return out
}

func whole(f float64) string { return fmt.Sprintf("%.0f", f) }

func numbered(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(i + 1)
	}
	return out
}

// bodies are an example with one field at a time changed.
func (r *Route) bodies(example map[string]any) ([]Probe, error) {
	var out []Probe
	add := func(what string, good bool, changed map[string]any) error {
		b, err := json.Marshal(changed)
		target, _ := r.target(map[string]any{}, value{})
		out = append(out, Probe{What: what, Good: good, Target: target, Body: b})
		return err
	}
	if err := add("an unknown field", false, with(example, "no_such", 1)); err != nil {
		return nil, err
	}
	for _, name := range list(r.body["required"]) {
		changed := maps.Clone(example)
		delete(changed, text(name))
		if err := add("without "+text(name), false, changed); err != nil {
			return nil, err
		}
	}
	for name, schema := range object(r.body["properties"]) {
		for _, v := range fieldValues(object(schema)) {
			if err := add(fmt.Sprintf("%s=%.40v", name, v.value), v.good, with(example, name, v.value)); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func with(o map[string]any, key string, v any) map[string]any {
	out := maps.Clone(o)
	out[key] = v
	return out
}

type fieldValue struct {
	value any
	good  bool
}

// fieldValues are JSON values at and beyond the bounds of a property.
func fieldValues(schema map[string]any) []fieldValue {
	out := []fieldValue{{[]any{[]any{}}, false}}
	if words := list(schema["enum"]); words != nil {
		out = append(out, fieldValue{"no-such-word", false})
		for _, w := range words {
			out = append(out, fieldValue{w, true})
		}
		return out
	}
	if low, ok := schema["minimum"].(float64); ok {
		out = append(out, fieldValue{low, true}, fieldValue{low - 1, false})
	}
	if high, ok := schema["maximum"].(float64); ok {
		out = append(out, fieldValue{high, true}, fieldValue{high + 1, false})
	}
	if schema["format"] == "email" {
		return append(out, fieldValue{"nobody", false}, fieldValue{strings.Repeat("a", 255) + "@example.org", false})
	}
	if low, ok := schema["minLength"].(float64); ok {
		out = append(out, fieldValue{strings.Repeat("a", int(low)), true}, fieldValue{strings.Repeat("a", int(low)-1), false})
	}
	if high, ok := schema["maxLength"].(float64); ok {
		out = append(out, fieldValue{strings.Repeat("a", int(high)), true}, fieldValue{strings.Repeat("a", int(high)+1), false})
	}
	if schema["format"] == "date-time" {
		out = append(out, fieldValue{"2026-09-26T12:50:50Z", true}, fieldValue{"yesterday", false})
	}
	return out
}
