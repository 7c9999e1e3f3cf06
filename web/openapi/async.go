package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"anihub/web/envelope"
)

// Realtime is the AsyncAPI document: what goes over the public listener's connections. Its
// page is that of Public, which shows both.
func Realtime() *Reference {
	return &Reference{once(func() (*made, error) {
		tree, err := asyncTree()
		if err != nil {
			return nil, err
		}
		plain, err := json.MarshalIndent(tree, "", " ")
		if err != nil {
			return nil, err
		}
		m := &made{tree: tree}
		m.json, err = envelope.NewFile("application/json", plain)
		return m, err
	})}
}

// asyncTree reads the document.
func asyncTree() (object, error) {
	source, err := spec.ReadFile("spec/asyncapi.yaml")
	if err != nil {
		return nil, err
	}
	tree, err := parse(source)
	if err != nil {
		return nil, fmt.Errorf("spec/asyncapi.yaml: %w", err)
	}
	return slices.DeleteFunc(tree, func(m member) bool { return m.key == "x-shared" }), nil
}

// asyncView is the AsyncAPI document as the page shows it.
type asyncView struct {
	Description              string
	Channels                 []channelView
	Commands, Messages       []messageView
	ErrorCodes, CloseReasons []meaning
}

// meaning is a code and what it says.
type meaning struct{ Code, Words string }

type channelView struct{ ID, Address, Title, Summary, Description string }

type messageView struct {
	ID, Type, Summary, Description string
	Fields                         []field
	Replies                        []string // types of what answers a command
	Only                           string   // the channels that carry it, when not all of them do
	Samples                        []sampleView
}

type sampleView struct{ Summary, Frame string }

// newAsyncView shows each message once, whichever channels carry it.
func newAsyncView(doc object) (asyncView, error) {
	r := reader{doc: doc}
	schemas := doc.object("components").object("schemas")
	v := asyncView{
		Description:  doc.object("info").text("description"),
		ErrorCodes:   meanings(schemas.object("Error").object("properties").object("code")),
		CloseReasons: meanings(schemas.object("CloseCode")),
	}
	for _, m := range doc.object("channels") {
		c := objectOf(m.value)
		v.Channels = append(v.Channels, channelView{
			"channel-" + m.key, c.text("address"), c.text("title"), c.text("summary"), c.text("description"),
		})
	}
	for _, m := range doc.object("components").object("messages") {
		one, err := r.message(m.key, objectOf(m.value))
		if err != nil {
			return v, fmt.Errorf("message %s: %w", m.key, err)
		}
		if len(one.Replies) > 0 {
			v.Commands = append(v.Commands, one)
		} else {
			v.Messages = append(v.Messages, one)
		}
	}
	return v, nil
}

func meanings(schema object) []meaning {
	var out []meaning
	for _, code := range schema.list("enum") {
		out = append(out, meaning{bare(code), schema.object("x-meanings").text(bare(code))})
	}
	return out
}

func (r reader) message(name string, m object) (messageView, error) {
	out := messageView{
		ID: "message-" + name, Type: name, Summary: m.text("summary"), Description: m.text("description"),
		Replies: r.replies(name), Only: r.carriers(name),
	}
	data := r.deref(m.object("payload").object("properties").object("data"))
	required := data.list("required")
	for _, p := range data.object("properties") {
		f := r.field(p.key, r.deref(objectOf(p.value)), slices.Contains(required, any(p.key)))
		if f.Optional, f.Required = !f.Required, false; p.key == "code" {
			f.Bounds = "" // shown below
		}
		out.Fields = append(out.Fields, f)
	}
	for _, one := range m.list("examples") {
		var b bytes.Buffer
		if err := write(&b, objectOf(one).value("payload")); err != nil {
			return out, err
		}
		out.Samples = append(out.Samples, sampleView{objectOf(one).text("summary"), b.String()})
	}
	return out, nil
}

// replies are the types of the messages that answer a command.
func (r reader) replies(name string) []string {
	for _, o := range r.doc.object("operations") {
		op := objectOf(o.value)
		if op.text("action") != "receive" || lastOf(op.list("messages")) != name {
			continue
		}
		var out []string
		for _, reply := range op.object("reply").list("messages") {
			out = append(out, refName(reply))
		}
		return out
	}
	return nil
}

// carriers names the channels that carry a message of the server's, when not all do.
func (r reader) carriers(name string) string {
	var with []string
	channels := r.doc.object("channels")
	for _, m := range channels {
		if c := objectOf(m.value); c.object("messages").index(name) >= 0 {
			with = append(with, c.text("title"))
		}
	}
	if len(with) == len(channels) {
		return ""
	}
	return strings.Join(with, " and ")
}

func lastOf(refs []any) string {
	if len(refs) == 0 {
		return ""
	}
	return refName(refs[len(refs)-1])
}

// refName is the last part of a reference.
func refName(ref any) string {
	target := objectOf(ref).text("$ref")
	return target[strings.LastIndexByte(target, '/')+1:]
}
