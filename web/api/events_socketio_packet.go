package api

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"strconv"
	"sync/atomic"

	"anihub/modules/realtime"
)

// The types of Engine.IO's packets (protocol revision 4): the first byte of each.
const (
	engineOpen    = '0'
	engineClose   = '1'
	enginePing    = '2'
	enginePong    = '3'
	engineMessage = '4'
	engineUpgrade = '5'
	engineNoop    = '6'
	engineBinary  = 'b' // in a payload: base64 follows
)

// The types of Socket.IO's packets (protocol revision 5): the first byte of a message.
const (
	sioConnect     = '0'
	sioDisconnect  = '1'
	sioEvent       = '2'
	sioAck         = '3'
	sioBinaryEvent = '5'
	sioBinaryAck   = '6'
)

// separator stands between the packets of one HTTP body.
const separator = 0x1e

// maxNamespace bounds the name of a namespace, which a refusal repeats.
const maxNamespace = 64

// packet is a message of Socket.IO: <type>[<attachments>-][<namespace>,][<id>][<JSON>].
type packet struct {
	kind      byte
	namespace string
	id        []byte // of what asks for an acknowledgement, or is one: digits; nil = none
	data      []byte // JSON, not looked at; nil = none
}

// parsePacket takes a message to pieces; false when it is none. What follows the
// attachments of a binary packet is not read: nobody here takes one.
func parsePacket(b []byte) (packet, bool) {
	if len(b) == 0 || b[0] < sioConnect || b[0] > sioBinaryAck {
		return packet{}, false
	}
	p := packet{kind: b[0], namespace: "/"}
	b = b[1:]
	if p.kind >= sioBinaryEvent {
		return p, true
	}
	if len(b) > 0 && b[0] == '/' {
		name, rest, _ := bytes.Cut(b, []byte{','})
		if !plainName(name) {
			return p, false
		}
		p.namespace, b = string(name), rest
	}
	digits := 0
	for digits < len(b) && b[digits] >= '0' && b[digits] <= '9' {
		digits++
	}
	if digits > 0 {
		n, err := strconv.ParseInt(string(b[:digits]), 10, 64)
		if err != nil {
			return p, false
		}
		p.id = strconv.AppendInt(nil, n, 10)
	}
	if b = b[digits:]; len(b) > 0 {
		p.data = b
	}
	return p, true
}

// plainName tells whether a namespace's name can be repeated in a packet of ours.
func plainName(name []byte) bool {
	plain := func(r rune) bool { return r <= ' ' || r >= 0x7f }
	return len(name) <= maxNamespace && !bytes.ContainsFunc(name, plain)
}

// frame is an event as the frame of a conversation: the acknowledgement's id becomes the
// command's. Whether it is a command, and a good one, is the conversation's to judge and to
// count: an argument too many is a field that no frame has.
func (p packet) frame() ([]byte, bool) {
	var args []json.RawMessage
	if json.Unmarshal(p.data, &args) != nil || len(args) == 0 {
		return nil, false
	}
	frame := make([]byte, 0, len(p.data)+len(p.id)+32)
	frame = append(append(frame, `{"type":`...), args[0]...)
	if p.id != nil {
		frame = append(append(frame, `,"id":`...), p.id...)
	}
	if len(args) > 1 {
		frame = append(append(frame, `,"data":`...), args[1]...)
	}
	if len(args) > 2 {
		frame = append(frame, `,"arguments":true`...)
	}
	return append(frame, '}'), true
}

// eventPacket emits data under a name, with more arguments behind it.
func eventPacket(name string, data []byte, more ...[]byte) []byte {
	b := make([]byte, 0, len(name)+len(data)+8)
	b = append(append(append(b, engineMessage, sioEvent, '[', '"'), name...), '"', ',')
	b = append(b, data...)
	for _, m := range more {
		b = append(append(b, ','), m...)
	}
	return append(b, ']')
}

// ackPacket answers the command of that id: with data, or with the error that it is.
func ackPacket(id json.RawMessage, m realtime.Message) []byte {
	b := make([]byte, 0, len(id)+len(m.Data)+16)
	b = append(append(append(b, engineMessage, sioAck), id...), '[')
	if m.Type == "error" {
		b = append(append(append(b, `{"error":`...), m.Data...), '}')
	} else {
		b = append(b, m.Data...)
	}
	return append(b, ']')
}

// refusal is the answer to a CONNECT that is not admitted: an Error of the client's, whose
// data is that of an error frame.
func refusal(m realtime.Message) []byte {
	var said struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(m.Data, &said) // what has no sentence is refused without one
	return append([]byte("44"), jsonOf(map[string]any{"message": said.Message, "data": json.RawMessage(m.Data)})...)
}

// idOf is the id of the command that a message answers; nil when it answers none.
func idOf(m realtime.Message) json.RawMessage {
	if m.EventID != "" {
		return nil
	}
	var answer struct {
		ID json.RawMessage `json:"id"`
	}
	_ = json.Unmarshal(m.Frame, &answer) // our own frames
	return answer.ID
}

func jsonOf(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts, numbers, and JSON that we made
	}
	return b
}

// packets keeps the news that was told last as packets, so that each is made once and not
// for each client: all are told the same at nearly the same time. One who is behind makes
// its own.
type packets struct {
	seed maphash.Seed
	kept [64]atomic.Pointer[keptPacket]
}

type keptPacket struct {
	position string
	bytes    []byte
}

func newPackets() *packets { return &packets{seed: maphash.MakeSeed()} }

// of is a message that answers nothing, as a packet. Its bytes are shared.
func (p *packets) of(m realtime.Message) []byte {
	if m.Position == "" {
		return eventPacket(m.Type, m.Data)
	}
	slot := &p.kept[maphash.String(p.seed, m.Position)%uint64(len(p.kept))]
	if k := slot.Load(); k != nil && k.position == m.Position {
		return k.bytes
	}
	meta := jsonOf(struct {
		EventID  string `json:"event_id"`
		Position string `json:"position"`
	}{m.EventID, m.Position})
	made := &keptPacket{m.Position, eventPacket(m.Type, m.Data, meta)}
	slot.Store(made)
	return made.bytes
}
