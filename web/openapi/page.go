package openapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"

	"anihub/web/envelope"
)

var (
	//go:embed reference.html
	pageTemplate string
	//go:embed reference.css
	pageStyle string
	//go:embed reference.js
	pageScript []byte
)

// page says how a document is shown.
type page struct {
	origin string // of the examples, where the page does not know better
	json   string // where the document is
	script string // where the script is; "" = none
	async  string // where the AsyncAPI document is, which the page shows as well; "" = nowhere
}

// make brings a document into all its forms.
func (p page) make(tree object) (*made, error) {
	plain, err := json.MarshalIndent(tree, "", " ")
	if err != nil {
		return nil, err
	}
	html, err := p.render(tree)
	if err != nil {
		return nil, err
	}
	m := &made{tree: tree, policy: p.policy()}
	var wrong [3]error
	m.json, wrong[0] = envelope.NewFile("application/json", plain)
	m.page, wrong[1] = envelope.NewFile("text/html; charset=utf-8", html)
	m.script, wrong[2] = envelope.NewFile("text/javascript; charset=utf-8", pageScript)
	return m, errors.Join(wrong[:]...)
}

// policy allows the one style that stands in the page, by its hash, and the script
// from here.
func (p page) policy() string {
	sum := sha256.Sum256([]byte(pageStyle))
	scripts := "'none'"
	if p.script != "" {
		scripts = "'self'"
	}
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; script-src " + scripts +
		"; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// render makes the page. It is self-contained but for the script.
func (p page) render(tree object) ([]byte, error) {
	t, err := template.New("reference").Funcs(template.FuncMap{
		"prose": prose, "line": line,
		"style": func() template.CSS { return template.CSS(pageStyle) }, //nolint:gosec // our own file
	}).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	v, err := newView(tree, p)
	if err != nil {
		return nil, err
	}
	if p.async != "" {
		messages, err := asyncTree()
		if err != nil {
			return nil, err
		}
		shown, err := newAsyncView(messages)
		if err != nil {
			return nil, err
		}
		v.Async, v.Realtime = p.async, &shown
	}
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
