package main

import (
	"encoding/binary"
	"testing"
)

// element is one element of a BSON document, its value given as bytes.
func element(kind byte, key string, value ...byte) []byte {
	return append(append(append([]byte{kind}, key...), 0), value...)
}

func text(s string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(s)+1))
	return append(append(b, s...), 0)
}

func document(elements ...[]byte) []byte {
	b := make([]byte, 4)
	for _, e := range elements {
		b = append(b, e...)
	}
	b = append(b, 0)
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	return b
}

// message is an OP_MSG of sections.
func message(flags uint32, sections ...[]byte) []byte {
	b := make([]byte, headerBytes)
	binary.LittleEndian.PutUint32(b[12:], opMsg)
	b = binary.LittleEndian.AppendUint32(b, flags)
	for _, s := range sections {
		b = append(b, s...)
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	return b
}

func body(doc []byte) []byte { return append([]byte{0}, doc...) }

// sequence is a section of kind 1: its length, its name, its documents.
func sequence(name string, docs ...[]byte) []byte {
	b := append([]byte(name), 0)
	for _, d := range docs {
		b = append(b, d...)
	}
	b = append(binary.LittleEndian.AppendUint32(nil, uint32(len(b)+4)), b...)
	return append([]byte{1}, b...)
}

func TestParseCommand(t *testing.T) {
	insert := document(
		element(0x02, "insert", text("things")...),
		element(0x08, "ordered", 1),
		element(0x12, "txnNumber", 1, 0, 0, 0, 0, 0, 0, 0),
		element(0x03, "lsid", document(element(0x05, "id", 1, 0, 0, 0, 4, 7))...),
		element(0x02, "$db", text("anihub")...),
	)
	docs := sequence("documents", document(element(0x02, "find", text("no command")...)))
	ping := document(element(0x10, "ping", 1, 0, 0, 0), element(0x02, "$db", text("admin")...))
	for _, x := range []struct {
		what  string
		msg   []byte
		want  command
		reads bool
	}{
		{"insert", message(0, body(insert), docs), command{"insert", "things", "anihub"}, false},
		{"its documents first", message(0, docs, body(insert)), command{"insert", "things", "anihub"}, false},
		{"with a checksum", append(message(checksum, body(insert), docs), 1, 2, 3, 4), command{"insert", "things", "anihub"}, false},
		{"ping", message(0, body(ping)), command{"ping", "", "admin"}, true},
	} {
		got, err := parseCommand(x.msg)
		if err != nil || got != x.want || got.reads() != x.reads {
			t.Errorf("%s: got %+v, reads %v, %v", x.what, got, got.reads(), err)
		}
	}
	if _, err := parseCommand(message(moreToCome, body(insert))); err == nil {
		t.Error("a write without an answer is served")
	}
}

// FuzzParseCommand: the proxy survives whatever is sent to it.
func FuzzParseCommand(f *testing.F) {
	f.Add(message(0, body(document(element(0x02, "find", text("things")...)))))
	f.Add(message(checksum, sequence("documents", document()), body(document(element(0x0A, "hello")))))
	f.Add(make([]byte, headerBytes))
	f.Fuzz(func(t *testing.T, msg []byte) {
		if len(msg) >= headerBytes { // readMessage gives no less
			_, _ = parseCommand(msg)
		}
	})
}
