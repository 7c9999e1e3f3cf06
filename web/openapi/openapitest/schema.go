package openapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// document finds what references mean and checks values.
type document struct {
	root     map[string]any
	compiled sync.Map // JSON of a schema → *jsonschema.Schema
}

func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// deref follows references.
func (d *document) deref(o map[string]any) map[string]any {
	for {
		ref, ok := o["$ref"].(string)
		if !ok {
			return o
		}
		o = d.root
		for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			o = object(o[part])
		}
	}
}

// flat is a schema without references and allOf: its parts become one.
func (d *document) flat(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = d.flat(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		if _, ok := v["$ref"]; ok {
			merge(out, object(d.flat(d.deref(v))))
		}
		for _, part := range list(v["allOf"]) {
			merge(out, object(d.flat(part)))
		}
		for key, value := range v {
			if key != "$ref" && key != "allOf" {
				merge(out, map[string]any{key: d.flat(value)})
			}
		}
		return out
	}
	return v
}

// merge adds the keywords of a schema to another: properties to properties, required
// to required; anything else replaces.
func merge(into, from map[string]any) {
	for key, value := range from {
		switch old := into[key].(type) {
		case map[string]any:
			both := maps.Clone(old)
			merge(both, object(value))
			into[key] = both
		case []any:
			into[key] = value
			if key == "required" {
				into[key] = append(slices.Clone(old), list(value)...)
			}
		default:
			into[key] = value
		}
	}
}

// closed refuses the properties that a flat schema does not name.
func closed(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = closed(v[i])
		}
	case map[string]any:
		for key := range v {
			if key != "enum" && key != "const" && key != "examples" {
				v[key] = closed(v[key])
			}
		}
		if object(v["properties"]) != nil && v["additionalProperties"] == nil && v["type"] != "string" {
			v["additionalProperties"] = false
		}
	}
	return v
}

// check holds JSON against a closed schema.
func (d *document) check(schema map[string]any, body []byte) error {
	s, err := d.compile(schema)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("is no JSON: %w", err)
	}
	return s.Validate(v)
}

// checkText holds a header's value against its schema.
func (d *document) checkText(schema map[string]any, text string) error {
	s, err := d.compile(schema)
	if err != nil {
		return err
	}
	var v any = text
	if schema["type"] == "integer" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		v = json.Number(strconv.Itoa(n))
	}
	return s.Validate(v)
}

func (d *document) compile(schema map[string]any) (*jsonschema.Schema, error) {
	key, err := json.Marshal(schema)
	if err != nil {
		return nil, err
	}
	known, _ := d.compiled.Load(string(key))
	if s, ok := known.(*jsonschema.Schema); ok {
		return s, nil
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	plain, err := json.Marshal(closed(d.flat(schema)))
	if err != nil {
		return nil, err
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil {
		return nil, err
	}
	if err := c.AddResource("schema.json", whole); err != nil {
		return nil, err
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		return nil, err
	}
	d.compiled.Store(string(key), s)
	return s, nil
}
