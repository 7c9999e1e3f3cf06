// Package openapitest is the inspector of the OpenAPI documents: it holds what a
// surface really answers against what its document says, more strictly than clients
// need to: a field, a header, a status or a code that is not documented is an error.
package openapitest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"anihub/web/openapi"
)

// Inspector knows one document, and remembers what it has seen. It may be used by
// several goroutines.
type Inspector struct {
	doc     document
	routes  []*Route
	aliases map[string]string // documented prefix → the other one

	mu   sync.Mutex
	seen map[string]map[string]bool // operationId → statuses
}

// Route is one documented operation.
type Route struct {
	ID, Method, Path string
	Query            []string // names of its query parameters, sorted
	Secured          bool     // it wants credentials
	parameters       []map[string]any
	body             map[string]any // its schema, flat; nil = none
	examples         []any          // of the body
	responses        map[string]map[string]any
}

// New reads a document.
func New(r *openapi.Reference) (*Inspector, error) {
	plain, err := r.JSON()
	if err != nil {
		return nil, err
	}
	i := &Inspector{seen: map[string]map[string]bool{}}
	if err := json.Unmarshal(plain, &i.doc.root); err != nil {
		return nil, err
	}
	if i.aliases, err = r.Aliases(); err != nil {
		return nil, err
	}
	for path, item := range object(i.doc.root["paths"]) {
		for method, op := range object(item) {
			i.routes = append(i.routes, i.route(strings.ToUpper(method), path, object(op)))
		}
	}
	slices.SortFunc(i.routes, func(a, b *Route) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	return i, nil
}

func (i *Inspector) route(method, path string, op map[string]any) *Route {
	r := &Route{ID: text(op["operationId"]), Method: method, Path: path, responses: map[string]map[string]any{}}
	if content := object(object(object(op["requestBody"])["content"])["application/json"]); content != nil {
		r.body = object(i.doc.flat(content["schema"]))
		for _, name := range slices.Sorted(maps.Keys(object(content["examples"]))) {
			r.examples = append(r.examples, object(object(content["examples"])[name])["value"])
		}
	}
	for _, one := range list(op["security"]) {
		r.Secured = r.Secured || len(object(one)) > 0
	}
	for _, one := range list(op["parameters"]) {
		p := object(i.doc.flat(i.doc.deref(object(one))))
		r.parameters = append(r.parameters, p)
		if p["in"] == "query" {
			r.Query = append(r.Query, text(p["name"]))
		}
	}
	slices.Sort(r.Query)
	for status, resp := range object(op["responses"]) {
		r.responses[status] = i.doc.deref(object(resp))
	}
	return r
}

// Routes are the documented operations.
func (i *Inspector) Routes() []*Route { return i.routes }

// Codes are all codes of failures that the document names, sorted.
func (i *Inspector) Codes() []string {
	all := map[string]bool{}
	for _, r := range i.routes {
		for _, resp := range r.responses {
			schema := object(i.doc.flat(object(object(resp["content"])["application/json"])["schema"]))
			code := object(object(object(object(schema["properties"])["error"])["properties"])["code"])
			for _, c := range list(code["enum"]) {
				all[text(c)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Refuses tells whether an error's code and details are the refusal of a query parameter
// that does not exist, and accept just those that are documented.
func (r *Route) Refuses(parameter, code string, details map[string]any) error {
	var accepted []string
	for _, name := range list(details["accepted"]) {
		accepted = append(accepted, text(name))
	}
	slices.Sort(accepted)
	switch {
	case code != "BAD_PARAMETER" || details["parameter"] != parameter:
		return fmt.Errorf("%s: %s about %v, want a refusal of %s", r.ID, code, details["parameter"], parameter)
	case !slices.Equal(accepted, r.Query):
		return fmt.Errorf("%s: accepts %v, documented are %v", r.ID, accepted, r.Query)
	}
	return nil
}

// Find is the operation that a request belongs to; nil when there is none. HEAD
// belongs to GET.
func (i *Inspector) Find(method, path string) *Route {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for documented, alias := range i.aliases {
		if !strings.HasPrefix(path, documented+"/") && strings.HasPrefix(path, alias+"/") {
			path = documented + strings.TrimPrefix(path, alias)
		}
	}
	var best *Route
	for _, r := range i.routes {
		// What is written out goes before what is a parameter.
		if r.Method == method && fits(r.Path, path) && (best == nil || strings.Count(r.Path, "{") < strings.Count(best.Path, "{")) {
			best = r
		}
	}
	return best
}

func fits(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && (!strings.HasPrefix(want[i], "{") || got[i] == "") {
			return false
		}
	}
	return true
}

// Check compares an answer with the document; the body is not compressed. What the
// router refuses by itself (no such route, no such method) is as documented where
// nothing is documented.
func (i *Inspector) Check(method, path string, status int, header http.Header, body []byte) error {
	r := i.Find(method, path)
	if r == nil {
		if code := codeOf(body); code == "NOT_FOUND" || code == "METHOD_NOT_ALLOWED" || status == http.StatusNoContent {
			return nil
		}
		return fmt.Errorf("%s %s is not documented and answers %d", method, path, status)
	}
	key := fmt.Sprint(status)
	resp := r.responses[key]
	if resp == nil {
		return fmt.Errorf("%s: status %d (%s) is not documented", r.ID, status, codeOf(body))
	}
	i.note(r.ID, key)
	err := errors.Join(i.checkHeaders(resp, header), i.checkBody(resp, method, header, body))
	if err != nil {
		return fmt.Errorf("%s, %d: %w", r.ID, status, err)
	}
	return nil
}

func codeOf(body []byte) string {
	var failure struct{ Error struct{ Code string } }
	_ = json.Unmarshal(body, &failure) // what is no failure has no code
	return failure.Error.Code
}

func (i *Inspector) note(id, status string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.seen[id] == nil {
		i.seen[id] = map[string]bool{}
	}
	i.seen[id][status] = true
}

// Unseen are the documented successes that no Check has seen yet: "operation status".
func (i *Inspector) Unseen() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var out []string
	for _, r := range i.routes {
		for _, status := range slices.Sorted(maps.Keys(r.responses)) {
			if status < "400" && !i.seen[r.ID][status] {
				out = append(out, r.ID+" "+status)
			}
		}
	}
	return out
}

// general are headers that any answer may have; they are the surface's, not an
// operation's.
func general() []string {
	return []string{
		"Content-Type", "Content-Length", "Content-Encoding", "Content-Security-Policy", "X-Content-Type-Options",
		"Strict-Transport-Security", "Vary", "Date", "Connection", "Transfer-Encoding",
		"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers",
	}
}

func (i *Inspector) checkHeaders(resp map[string]any, header http.Header) error {
	var all []error
	known := general()
	for name, h := range object(resp["headers"]) {
		name = http.CanonicalHeaderKey(name)
		known = append(known, name)
		documented := i.doc.deref(object(h))
		values := header.Values(name)
		if len(values) == 0 && documented["required"] == true {
			all = append(all, fmt.Errorf("has no %s", name))
		}
		for _, v := range values {
			if err := i.doc.checkText(object(documented["schema"]), v); err != nil {
				all = append(all, fmt.Errorf("%s %q: %w", name, v, err))
			}
		}
	}
	for name := range header {
		if !slices.Contains(known, name) && resp["headers"] != nil {
			all = append(all, fmt.Errorf("header %s is not documented", name))
		}
	}
	return errors.Join(all...)
}

func (i *Inspector) checkBody(resp map[string]any, method string, header http.Header, body []byte) error {
	content := object(resp["content"])
	if method == http.MethodHead || content == nil {
		if method != http.MethodHead && len(body) > 0 {
			return fmt.Errorf("a body is not documented: %.100q", body)
		}
		return nil
	}
	media, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	documented, ok := content[media]
	if !ok {
		return fmt.Errorf("media type %q is not documented", media)
	}
	if media != "application/json" {
		return nil
	}
	return i.doc.check(object(object(documented)["schema"]), body)
}
