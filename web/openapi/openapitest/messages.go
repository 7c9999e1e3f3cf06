package openapitest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"anihub/web/openapi"
)

// Messages knows the AsyncAPI document, and remembers which messages it has seen. It may be
// used by several goroutines.
type Messages struct {
	doc document

	mu   sync.Mutex
	seen map[string]bool
}

// Command is what a client may send, with the frames that the document shows.
type Command struct {
	Type     string
	Replies  []string // types of what answers it
	Examples [][]byte
}

// NewMessages reads the document.
func NewMessages() (*Messages, error) {
	plain, err := openapi.Realtime().JSON()
	if err != nil {
		return nil, err
	}
	m := &Messages{seen: map[string]bool{}}
	return m, json.Unmarshal(plain, &m.doc.root)
}

func (m *Messages) messages() map[string]any {
	return object(object(m.doc.root["components"])["messages"])
}

// Channels are the names of the channels, sorted.
func (m *Messages) Channels() []string {
	return slices.Sorted(maps.Keys(object(m.doc.root["channels"])))
}

// operations of a channel with an action, sorted by their names.
func (m *Messages) operations(channel, action string) []map[string]any {
	all := object(m.doc.root["operations"])
	var out []map[string]any
	for _, name := range slices.Sorted(maps.Keys(all)) {
		op := object(all[name])
		if op["action"] == action && text(object(op["channel"])["$ref"]) == "#/channels/"+channel {
			out = append(out, op)
		}
	}
	return out
}

// Commands are what the server receives over a channel.
func (m *Messages) Commands(channel string) []Command {
	var out []Command
	for _, op := range m.operations(channel, "receive") {
		for _, name := range names(op["messages"]) {
			c := Command{Type: name, Replies: names(object(op["reply"])["messages"])}
			for _, one := range list(object(m.messages()[name])["examples"]) {
				frame, err := json.Marshal(object(one)["payload"])
				if err != nil {
					panic(err) // it came out of JSON
				}
				c.Examples = append(c.Examples, frame)
			}
			out = append(out, c)
		}
	}
	return out
}

// Sends are the types of what the server sends over a channel, answers included, sorted.
func (m *Messages) Sends(channel string) []string {
	var out []string
	for _, op := range m.operations(channel, "send") {
		out = append(out, names(op["messages"])...)
	}
	for _, c := range m.Commands(channel) {
		out = append(out, c.Replies...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// names are the last parts of a list of references.
func names(refs any) []string {
	var out []string
	for _, r := range list(refs) {
		ref := text(object(r)["$ref"])
		out = append(out, ref[strings.LastIndexByte(ref, '/')+1:])
	}
	return out
}

// ErrorCodes are the codes that an error message may have, sorted.
func (m *Messages) ErrorCodes() []string {
	code := object(object(object(object(object(m.doc.root["components"])["schemas"])["Error"])["properties"])["code"])
	return meant(code)
}

// CloseCodes are the codes that a connection may end with, sorted.
func (m *Messages) CloseCodes() []string {
	return meant(object(object(object(m.doc.root["components"])["schemas"])["CloseCode"]))
}

// meant are the values of an enumeration, each of which is explained.
func meant(schema map[string]any) []string {
	var out []string
	for _, v := range list(schema["enum"]) {
		code := fmt.Sprint(v)
		if text(object(schema["x-meanings"])[code]) == "" {
			code += " (not explained)"
		}
		out = append(out, code)
	}
	slices.Sort(out)
	return out
}

// Check holds a frame against the message of its type, which the channel must carry.
func (m *Messages) Check(channel string, frame []byte) error {
	var head struct{ Type string }
	if err := json.Unmarshal(frame, &head); err != nil {
		return fmt.Errorf("%.100q: %w", frame, err)
	}
	ref, ok := object(object(object(m.doc.root["channels"])[channel])["messages"])[head.Type]
	if !ok {
		return fmt.Errorf("%s does not carry %q", channel, head.Type)
	}
	if err := m.doc.check(object(m.doc.deref(object(ref))["payload"]), frame); err != nil {
		return fmt.Errorf("%s %.300s: %w", head.Type, frame, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen[head.Type] = true
	return nil
}

// Unseen are the documented messages that no Check has seen, sorted.
func (m *Messages) Unseen() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m.messages())) {
		if !m.seen[name] {
			out = append(out, name)
		}
	}
	return out
}

// Valid checks what AsyncAPI 3.0 asks of the parts that the document uses: the fields that
// must be there, references that lead somewhere, operations whose messages are those of
// their channel, and examples that fit their schemas.
func (m *Messages) Valid() error {
	var all []error
	fail := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	if m.doc.root["asyncapi"] != "3.0.0" || text(object(m.doc.root["info"])["title"]) == "" || text(object(m.doc.root["info"])["version"]) == "" {
		fail("asyncapi, info.title and info.version are required")
	}
	for name, s := range object(m.doc.root["servers"]) {
		if text(object(s)["host"]) == "" || text(object(s)["protocol"]) == "" {
			fail("server %s: host and protocol are required", name)
		}
	}
	m.references(m.doc.root, "#", fail)
	used := map[string]bool{}
	for name, o := range object(m.doc.root["operations"]) {
		m.operation(name, object(o), used, fail)
	}
	for channel, c := range object(m.doc.root["channels"]) {
		if text(object(c)["address"]) == "" {
			fail("channel %s has no address", channel)
		}
		for name := range object(object(c)["messages"]) {
			if !used[channel+"/"+name] {
				fail("no operation of channel %s has the message %s", channel, name)
			}
		}
	}
	for name, one := range m.messages() {
		m.examples(name, object(one), fail)
	}
	return errors.Join(all...)
}

// references checks that each leads to something.
func (m *Messages) references(v any, at string, fail func(string, ...any)) {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			m.references(e, fmt.Sprintf("%s/%d", at, i), fail)
		}
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok && (len(v) != 1 || !strings.HasPrefix(ref, "#/") || m.doc.deref(v) == nil) {
			fail("%s: %s leads nowhere, or does not stand alone", at, ref)
		}
		for key, e := range v {
			m.references(e, at+"/"+key, fail)
		}
	}
}

func (m *Messages) operation(name string, op map[string]any, used map[string]bool, fail func(string, ...any)) {
	channel := text(object(op["channel"])["$ref"])
	if op["action"] != "send" && op["action"] != "receive" || !strings.HasPrefix(channel, "#/channels/") {
		fail("operation %s: action %v over %s", name, op["action"], channel)
	}
	reply := object(op["reply"])
	if op["action"] == "receive" && text(object(reply["channel"])["$ref"]) != channel {
		fail("operation %s: its reply goes elsewhere", name)
	}
	for _, one := range slices.Concat(list(op["messages"]), list(reply["messages"])) {
		ref := text(object(one)["$ref"])
		if !strings.HasPrefix(ref, channel+"/messages/") {
			fail("operation %s: %s is no message of its channel", name, ref)
		}
		used[strings.Replace(strings.TrimPrefix(ref, "#/channels/"), "/messages", "", 1)] = true
	}
}

func (m *Messages) examples(name string, message map[string]any, fail func(string, ...any)) {
	if text(message["summary"]) == "" || len(list(message["examples"])) == 0 {
		fail("message %s: a summary and an example are wanted", name)
	}
	schema := object(message["payload"])
	if object(object(schema["properties"])["type"])["const"] != name {
		fail("message %s has another type", name)
	}
	for _, one := range list(message["examples"]) {
		frame, err := json.Marshal(object(one)["payload"])
		if err == nil {
			err = m.doc.check(schema, frame)
		}
		if err != nil {
			fail("example of %s: %w", name, err)
		}
	}
}
