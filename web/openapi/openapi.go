// Package openapi is what AniHub says of its two HTTP surfaces: an OpenAPI 3.1
// document for each listener, an AsyncAPI 3.0 document for what goes over connections,
// and the same as a page for people.
//
// The documents are written by hand (docs/adr/0009), in spec/: a head for each, paths
// by noun, and the components they share. They are joined here, when somebody asks
// for them first. Tests hold them equal to the routers and execute their examples.
package openapi

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"anihub/web/envelope"
)

//go:embed spec/*.yaml
var spec embed.FS

// Reference is one document, ready to be served.
type Reference struct {
	made func() (*made, error)
}

// made is a document in all its forms.
type made struct {
	tree   object
	json   *envelope.File
	page   *envelope.File
	script *envelope.File
	policy string // Content-Security-Policy of the page
}

// Public is the document of the public listener.
func Public() *Reference {
	return newReference(page{
		origin: "http://localhost:8080", json: "/api/openapi.json", script: "/api/docs/reference.js", async: "/api/asyncapi.json",
	}, "public", "catalogue", "socketio", "feeds", "accounts", "custody", "library", "inbox", "service", "components", "schemas")
}

// Internal is the document of the internal listener. Its page has no script: it is
// fetched with a token and saved, not visited.
func Internal() *Reference {
	return newReference(page{origin: "http://127.0.0.1:8081", json: "/internal/openapi.json"},
		"internal", "sync", "admin", "operator", "components", "schemas")
}

func newReference(p page, parts ...string) *Reference {
	return &Reference{once(func() (*made, error) {
		tree, err := join(parts)
		if err != nil {
			return nil, err
		}
		return p.make(tree)
	})}
}

func once(made func() (*made, error)) func() (*made, error) { return sync.OnceValues(made) }

// JSON is the document as it is served.
func (r *Reference) JSON() ([]byte, error) {
	m, err := r.made()
	if err != nil {
		return nil, err
	}
	return m.json.Plain(), nil
}

// Aliases are the prefixes under which paths are served once more: older ones by the
// documented one.
func (r *Reference) Aliases() (map[string]string, error) {
	m, err := r.made()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, a := range m.tree.object("x-path-aliases") {
		out[a.key] = text(a.value)
	}
	return out, nil
}

// join reads the parts and makes one document of them: their paths one after
// another, and of the components what the paths reach.
func join(parts []string) (object, error) {
	var doc, paths, components object
	for _, name := range parts {
		source, err := spec.ReadFile("spec/" + name + ".yaml")
		if err != nil {
			return nil, err
		}
		tree, err := parse(source)
		if err != nil {
			return nil, fmt.Errorf("spec/%s.yaml: %w", name, err)
		}
		for _, m := range tree {
			switch m.key {
			case "x-shared": // anchors of that file
			case "paths":
				paths = append(paths, objectOf(m.value)...)
			case "components":
				components = merged(components, objectOf(m.value))
			default:
				doc = append(doc, m)
			}
		}
	}
	doc = append(doc, member{"paths", paths}, member{"components", components})
	return prune(doc), nil
}

// merged puts the kinds of components of two files together.
func merged(a, b object) object {
	for _, m := range b {
		if i := a.index(m.key); i >= 0 {
			a[i].value = append(objectOf(a[i].value), objectOf(m.value)...)
		} else {
			a = append(a, m)
		}
	}
	return a
}

// prune leaves out the components that nothing reaches.
func prune(doc object) object {
	reached := map[string]bool{}
	reach(doc.object("paths"), doc.object("components"), reached)
	var kept object
	for _, kind := range doc.object("components") {
		some := slices.DeleteFunc(slices.Clone(objectOf(kind.value)), func(m member) bool { return !reached[kind.key+"/"+m.key] })
		if len(some) > 0 {
			kept = append(kept, member{kind.key, some})
		}
	}
	out := slices.Clone(doc)
	out[out.index("components")].value = kept
	return out
}

// reach notes every component that v refers to, directly or not.
func reach(v any, components object, reached map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			reach(e, components, reached)
		}
	case object:
		for _, m := range v {
			if m.key == "$ref" {
				reachOne(strings.TrimPrefix(text(m.value), refPrefix), components, reached)
				continue
			}
			reach(m.value, components, reached)
		}
		for _, one := range v.list("security") {
			for _, scheme := range objectOf(one) {
				reached["securitySchemes/"+scheme.key] = true
			}
		}
	}
}

const refPrefix = "#/components/"

func reachOne(name string, components object, reached map[string]bool) {
	if reached[name] {
		return
	}
	reached[name] = true
	kind, id, _ := strings.Cut(name, "/")
	reach(components.object(kind).value(id), components, reached)
}

// Examples are the requests that the document shows, in its order.
func (r *Reference) Examples() ([]Request, error) {
	m, err := r.made()
	if err != nil {
		return nil, err
	}
	var out []Request
	for _, path := range m.tree.object("paths") {
		for _, method := range objectOf(path.value) {
			all, err := reader{doc: m.tree}.requests(method.key, path.key, objectOf(method.value))
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", method.key, path.key, err)
			}
			out = append(out, all...)
		}
	}
	return out, nil
}
