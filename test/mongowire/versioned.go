package main

import (
	"bufio"
	"bytes"
	"net"

	"github.com/FerretDB/wire"
	"github.com/FerretDB/wire/wirebson"
)

// FerretDB finds a document by its _id in the index and goes through the whole table for
// everything else, also for "this _id, if its version is still 4". The proxy looks at the
// document itself and lets the update through by _id alone. Nobody else writes meanwhile, so
// looking and writing are one step for all clients, as they are in MongoDB.

// nobody is an _id that no document has: what is updated by it is not found.
const nobody = "mongowire: nobody"

// byID rewrites the update of one document that is named by _id and more; other messages are
// returned as they are.
func byID(b net.Conn, cmd command, msg []byte) ([]byte, error) {
	if cmd.name != "update" {
		return msg, nil
	}
	header, body, err := wire.ReadMessage(bufio.NewReader(bytes.NewReader(msg)))
	if err != nil {
		return nil, err
	}
	m, _ := body.(*wire.OpMsg)
	if m == nil {
		return msg, nil
	}
	update := onlyUpdate(m)
	if update == nil {
		return msg, nil
	}
	filter := fields(update.Get("q"))
	id, _ := filter["_id"].(string)
	if len(filter) < 2 || id == "" {
		return msg, nil
	}
	stored, err := lookUp(b, cmd, id)
	if err != nil {
		return nil, err
	}
	for name, want := range filter {
		if !scalar(want) {
			return msg, nil
		}
		if stored[name] != want {
			id = nobody
		}
	}
	if err := update.Replace("q", wirebson.MustDocument("_id", id)); err != nil {
		return nil, err
	}
	whole := decoded(m.RawSection0())
	whole.Remove("updates")
	if err := whole.Add("updates", wirebson.MustArray(update)); err != nil {
		return nil, err
	}
	return encoded(header.RequestID, whole)
}

// onlyUpdate is the one update of a command; nil when there are more, or when it is more
// than a replacement of what is there.
func onlyUpdate(m *wire.OpMsg) *wirebson.Document {
	var all []wirebson.RawDocument
	for _, s := range m.Sections() {
		if s.Kind == 1 && s.Identifier == "updates" {
			all = append(all, s.Documents()...)
		}
	}
	if list, ok := decoded(m.RawSection0()).Get("updates").(wirebson.RawArray); ok {
		array, err := list.Decode()
		for i := 0; err == nil && i < array.Len(); i++ {
			if d, ok := array.Get(i).(wirebson.RawDocument); ok {
				all = append(all, d)
			}
		}
	}
	if len(all) != 1 {
		return nil
	}
	update := decoded(all[0])
	if update.Get("upsert") == true || update.Get("multi") == true {
		return nil
	}
	return update
}

// decoded is an empty document for what cannot be read: FerretDB will say what is wrong.
func decoded(raw wirebson.RawDocument) *wirebson.Document {
	d, err := raw.Decode()
	if err != nil {
		return wirebson.MakeDocument(0)
	}
	return d
}

// fields are those of a document.
func fields(v any) map[string]any {
	raw, ok := v.(wirebson.RawDocument)
	if !ok {
		return nil
	}
	d, out := decoded(raw), map[string]any{}
	for i := range d.Len() {
		name, value := d.GetByIndex(i)
		out[name] = value
	}
	return out
}

func scalar(v any) bool {
	switch v.(type) {
	case string, int32, int64, bool:
		return true
	}
	return false
}

// lookUp reads a document by its _id; nil when there is none.
func lookUp(b net.Conn, cmd command, id string) (map[string]any, error) {
	ask, err := encoded(0, wirebson.MustDocument(
		"find", cmd.collection, "filter", wirebson.MustDocument("_id", id), "limit", int32(1), "singleBatch", true, "$db", cmd.db,
	))
	if err != nil {
		return nil, err
	}
	answer, err := exchange(b, ask)
	if err != nil {
		return nil, err
	}
	_, body, err := wire.ReadMessage(bufio.NewReader(bytes.NewReader(answer)))
	if err != nil {
		return nil, err
	}
	m, ok := body.(*wire.OpMsg)
	if !ok {
		return nil, errMessage
	}
	list, ok := fields(fields(m.RawSection0())["cursor"])["firstBatch"].(wirebson.RawArray)
	if !ok {
		return nil, nil // an error: the update will meet it as well
	}
	batch, err := list.Decode()
	if err != nil || batch.Len() == 0 {
		return nil, err
	}
	return fields(batch.Get(0)), nil
}

// encoded is a message that asks for a command.
func encoded(request int32, doc *wirebson.Document) ([]byte, error) {
	m, err := wire.NewOpMsg(doc)
	if err != nil {
		return nil, err
	}
	body, err := m.MarshalBinary()
	if err != nil {
		return nil, err
	}
	head := wire.MsgHeader{MessageLength: int32(headerBytes + len(body)), RequestID: request, OpCode: wire.OpCodeMsg}
	b, err := head.MarshalBinary()
	return append(b, body...), err
}
