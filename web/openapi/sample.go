package openapi

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// Request is one example of a document, as it goes over the wire.
type Request struct {
	Operation string // its operationId
	Method    string
	Target    string // path and query
	Header    [][2]string
	Body      []byte // nil = none
}

// given is a parameter with a value.
type given struct {
	param object
	value any
}

// requests are the examples of an operation: one with what is required, one more for
// each example of what is optional, and one for each further body.
func (r reader) requests(method, path string, op object) ([]Request, error) {
	var base []given
	var more []given
	for _, one := range op.list("parameters") {
		p := r.deref(objectOf(one))
		values := examplesOf(p)
		if p.value("required") == true && len(values) > 0 {
			base = append(base, given{p, values[0]})
			values = values[1:]
		}
		for _, v := range values {
			more = append(more, given{p, v})
		}
	}
	bodies := examplesOf(op.object("requestBody").object("content").object("application/json"))
	if len(bodies) == 0 || op.object("requestBody").value("required") != true {
		bodies = append([]any{nil}, bodies...)
	}
	var out []Request
	for _, b := range bodies {
		q, err := request(method, path, op, base, b)
		if err != nil {
			return nil, err
		}
		out = append(out, q)
	}
	for _, m := range more {
		others := slices.DeleteFunc(slices.Clone(base), func(g given) bool { return g.param.text("name") == m.param.text("name") })
		q, err := request(method, path, op, append(others, m), bodies[0])
		if err != nil {
			return nil, err
		}
		out = append(out, q)
	}
	return out, nil
}

// examplesOf are the values of example or examples.
func examplesOf(o object) []any {
	if i := o.index("example"); i >= 0 {
		return []any{o[i].value}
	}
	var out []any
	for _, m := range o.object("examples") {
		out = append(out, objectOf(m.value).value("value"))
	}
	return out
}

func request(method, path string, op object, with []given, body any) (Request, error) {
	q := Request{Operation: op.text("operationId"), Method: strings.ToUpper(method)}
	var query []string
	for _, g := range with {
		name := g.param.text("name")
		switch g.param.text("in") {
		case "path":
			path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(bare(g.value)))
		case "header":
			q.Header = append(q.Header, [2]string{name, bare(g.value)})
		case "query":
			query = append(query, pairs(name, g)...)
		}
	}
	q.Target = path
	if len(query) > 0 {
		q.Target += "?" + strings.Join(query, "&")
	}
	if body == nil {
		return q, nil
	}
	q.Header = append(q.Header, [2]string{"Content-Type", "application/json"})
	var b bytes.Buffer
	err := write(&b, body)
	q.Body = b.Bytes()
	return q, err
}

// pairs writes a query parameter: a list once for each value, or with commas.
func pairs(name string, g given) []string {
	list, ok := g.value.([]any)
	if !ok {
		return []string{url.QueryEscape(name) + "=" + url.QueryEscape(bare(g.value))}
	}
	if g.param.value("explode") == false {
		words := make([]string, len(list))
		for i, v := range list {
			words[i] = url.QueryEscape(bare(v))
		}
		return []string{url.QueryEscape(name) + "=" + strings.Join(words, ",")}
	}
	var out []string
	for _, v := range list {
		out = append(out, url.QueryEscape(name)+"="+url.QueryEscape(bare(v)))
	}
	return out
}

// curl is the first example of an operation for the command line.
func (r reader) curl(method, path string, op object) (string, error) {
	all, err := r.requests(method, path, op)
	if err != nil {
		return "", err
	}
	q := all[0]
	if q.Body == nil && len(all) > 1 && all[1].Body != nil {
		q = all[1]
	}
	var b strings.Builder
	b.WriteString("curl ")
	if method != "GET" {
		b.WriteString("-X " + method + " ")
	}
	b.WriteString(shell(r.page.origin + q.Target))
	if len(op.list("security")) > 0 && !strings.Contains(needs(op), "cookie") {
		b.WriteString(" \\\n  -H \"Authorization: Bearer $TOKEN\"")
	}
	for _, h := range q.Header {
		b.WriteString(" \\\n  -H " + shell(h[0]+": "+h[1]))
	}
	if q.Body != nil {
		b.WriteString(" \\\n  -d " + shell(string(q.Body)))
	}
	return b.String(), nil
}

func shell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// sampleAnswer is a good answer as its schema lets it look.
func (r reader) sampleAnswer(op object) (sample, kind string, err error) {
	for _, m := range op.object("responses") {
		content := r.deref(objectOf(m.value)).object("content").object("application/json")
		if m.key[0] != '2' || content == nil {
			continue
		}
		body, err := json.MarshalIndent(r.sample(content.object("schema")), "", "  ")
		return string(body), m.key, err
	}
	return "", "", nil
}

// sample is a value that fits a schema: its example where it has one.
func (r reader) sample(schema object) any {
	schema = r.deref(schema)
	for _, key := range []string{"const", "examples", "enum", "default"} {
		i := schema.index(key)
		if i < 0 {
			continue
		}
		if list, ok := schema[i].value.([]any); ok && key != "default" {
			return list[0]
		}
		return schema[i].value
	}
	for _, key := range []string{"oneOf", "allOf"} {
		if all := schema.list(key); len(all) > 0 {
			return r.sampleOfParts(key, all)
		}
	}
	return r.sampleOfType(schema)
}

// sampleOfParts takes the first alternative, or all parts together.
func (r reader) sampleOfParts(key string, all []any) any {
	if key == "oneOf" {
		return r.sample(objectOf(all[0]))
	}
	var whole object
	for _, one := range all {
		v := r.sample(objectOf(one))
		o, ok := v.(object)
		if !ok {
			return v
		}
		whole = append(whole, o...)
	}
	return whole
}

func sampleText(format string) string {
	switch format {
	case "date-time":
		return "2026-09-26T12:50:50Z"
	case "uri":
		return "https://anilibria.top/…"
	default:
		return "…"
	}
}

func (r reader) sampleOfType(schema object) any {
	name := schema.text("type")
	if list := schema.list("type"); list != nil {
		name = text(list[0])
	}
	switch name {
	case "array":
		return []any{r.sample(schema.object("items"))}
	case "integer", "number":
		return 1
	case "boolean":
		return false
	case "string":
		return sampleText(schema.text("format"))
	case "null":
		return nil
	}
	out := object{}
	for _, p := range schema.object("properties") {
		out = append(out, member{p.key, r.sample(objectOf(p.value))})
	}
	if more := schema.object("additionalProperties"); more != nil {
		out = append(out, member{"1", r.sample(more)})
	}
	return out
}
