package openapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// view is the page as the template wants it.
type view struct {
	Title, Summary, Description string
	JSON, Script                string
	Groups                      []group
	Types                       []typeView
	Async                       string     // where the AsyncAPI document is
	Realtime                    *asyncView // nil = none
}

// group is the operations of one tag.
type group struct {
	ID, Name, Description string
	Operations            []operation
}

type operation struct {
	ID, Method, Path   string
	Summary            string
	Description        string
	Needs              string // what credentials
	Parameters         []field
	Body               *typeView
	Curl               string
	Responses          []response
	Sample, SampleType string // a good answer as it may look
}

// field is a parameter, a header, or a property of a type.
type field struct {
	Name, Where string // Where: of parameters only
	Required    bool
	Optional    bool // said of what is not required, where most is
	Deprecated  bool
	Type        []piece
	Bounds      string
	Description string
}

// piece is a part of a type's name; Link is the type it names.
type piece struct{ Text, Link string }

type response struct {
	Status, Description string
	Good                bool
	Codes               []string
	Type                []piece
	Headers             string
}

type typeView struct {
	Name, Description string
	Type              []piece // when it is no object
	Fields            []field
}

// reader makes a view of a document.
type reader struct {
	doc  object
	page page
}

func newView(doc object, p page) (view, error) {
	r := reader{doc, p}
	info := doc.object("info")
	v := view{
		Title: info.text("title"), Summary: info.text("summary"), Description: info.text("description"),
		JSON: p.json, Script: p.script,
	}
	for _, one := range doc.list("tags") {
		tag := objectOf(one)
		g := group{ID: slug(tag.text("name")), Name: tag.text("name"), Description: tag.text("description")}
		for _, path := range doc.object("paths") {
			for _, method := range objectOf(path.value) {
				op := objectOf(method.value)
				if !slices.Contains(op.list("tags"), any(g.Name)) {
					continue
				}
				made, err := r.operation(method.key, path.key, op)
				if err != nil {
					return v, fmt.Errorf("%s %s: %w", method.key, path.key, err)
				}
				g.Operations = append(g.Operations, made)
			}
		}
		v.Groups = append(v.Groups, g)
	}
	for _, m := range doc.object("components").object("schemas") {
		v.Types = append(v.Types, r.namedType(m.key, objectOf(m.value)))
	}
	slices.SortFunc(v.Types, func(a, b typeView) int { return cmp.Compare(a.Name, b.Name) })
	return v, nil
}

func slug(name string) string { return strings.ToLower(strings.ReplaceAll(name, " ", "-")) }

// deref follows references.
func (r reader) deref(o object) object {
	for o.index("$ref") >= 0 {
		kind, id, _ := strings.Cut(strings.TrimPrefix(o.text("$ref"), refPrefix), "/")
		o = r.doc.object("components").object(kind).object(id)
	}
	return o
}

func (r reader) operation(method, path string, op object) (operation, error) {
	out := operation{
		ID: op.text("operationId"), Method: strings.ToUpper(method), Path: path,
		Summary: op.text("summary"), Description: op.text("description"), Needs: needs(op),
	}
	for _, one := range op.list("parameters") {
		p := r.deref(objectOf(one))
		f := r.field(p.text("name"), p.object("schema"), p.value("required") == true)
		f.Where, f.Deprecated = p.text("in"), p.value("deprecated") == true
		f.Description = cmp.Or(p.text("description"), f.Description)
		out.Parameters = append(out.Parameters, f)
	}
	if body := op.object("requestBody").object("content").object("application/json"); body != nil {
		b := r.typeView("", r.deref(body.object("schema")))
		out.Body = &b
	}
	for _, m := range op.object("responses") {
		out.Responses = append(out.Responses, r.response(m.key, r.deref(objectOf(m.value))))
	}
	var err error
	if out.Curl, err = r.curl(out.Method, path, op); err != nil {
		return out, err
	}
	out.Sample, out.SampleType, err = r.sampleAnswer(op)
	return out, err
}

// needs says in words what credentials an operation takes.
func needs(op object) string {
	var all []string
	for _, one := range op.list("security") {
		for _, scheme := range objectOf(one) {
			scopes, _ := json.Marshal(scheme.value)
			all = append(all, map[string]string{
				"accessToken":   "an access token",
				"refreshCookie": "the refresh cookie or the token in the body",
				"serviceToken":  "a service token with " + strings.Trim(string(scopes), `[]"`),
			}[scheme.key])
		}
	}
	return strings.Join(all, ", or ")
}

func (r reader) response(status string, resp object) response {
	out := response{Status: status, Description: resp.text("description"), Good: status < "400"}
	for i, m := range resp.object("headers") {
		if i > 0 {
			out.Headers += ", "
		}
		out.Headers += m.key
	}
	for _, media := range resp.object("content") {
		schema := objectOf(media.value).object("schema")
		if media.key != "application/json" {
			out.Type = append(out.Type, piece{Text: media.key + " "})
			continue
		}
		out.Codes = codesOf(schema)
		if out.Codes == nil {
			out.Type = r.typeName(schema)
		}
	}
	return out
}

// codesOf are the codes that a failure's schema allows.
func codesOf(schema object) []string {
	var out []string
	for _, part := range schema.list("allOf") {
		code := objectOf(part).object("properties").object("error").object("properties").object("code")
		for _, c := range code.list("enum") {
			out = append(out, text(c))
		}
	}
	return out
}

func (r reader) typeView(name string, schema object) typeView {
	out := typeView{Name: name, Description: schema.text("description")}
	if out.Fields = r.fields(schema); out.Fields == nil {
		out.Type = r.typeName(schema)
		if b := bounds(schema); b != "" {
			out.Type = append(out.Type, piece{Text: " " + b})
		}
	}
	return out
}

// namedType is a type of the list of types. Nearly everything in there is required,
// so that what is not is marked.
func (r reader) namedType(name string, schema object) typeView {
	out := r.typeView(name, schema)
	for i := range out.Fields {
		f := &out.Fields[i]
		f.Optional, f.Required = !f.Required, false
	}
	return out
}

// fields are the properties of an object, those it is made of included.
func (r reader) fields(schema object) []field {
	var out []field
	for _, part := range schema.list("allOf") {
		out = append(out, r.fields(r.deref(objectOf(part)))...)
	}
	required := schema.list("required")
	for _, p := range schema.object("properties") {
		out = append(out, r.field(p.key, objectOf(p.value), slices.Contains(required, any(p.key))))
	}
	return out
}

func (r reader) field(name string, schema object, required bool) field {
	return field{
		Name: name, Required: required, Type: r.typeName(schema), Bounds: bounds(r.deref(schema)),
		Description: cmp.Or(schema.text("description"), r.deref(schema).text("description")),
	}
}
