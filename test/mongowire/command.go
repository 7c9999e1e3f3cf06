package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// The parts of the wire protocol that the proxy looks at
// (https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/).
const (
	headerBytes = 16   // length, request id, response to, opcode
	opQuery     = 2004 // only the first hello of an old handshake
	opMsg       = 2013
	moreToCome  = 1 << 1 // "do not answer"
	checksum    = 1 << 0
)

// command is what a message asks for.
type command struct {
	name, collection, db string
}

// readers are the commands that change nothing. What is not here is let through
// one at a time.
var readers = map[string]bool{
	"": true, "hello": true, "isMaster": true, "ismaster": true, "ping": true,
	"buildInfo": true, "find": true, "getMore": true, "killCursors": true,
	"count": true, "listIndexes": true, "listCollections": true,
	"listDatabases": true, "endSessions": true, "aggregate": true,
	"distinct": true, "serverStatus": true, "connectionStatus": true,
	"getParameter": true, "explain": true, "collStats": true, "dbStats": true,
}

func (c command) reads() bool { return readers[c.name] }

func (c command) drops() bool { return c.name == "drop" || c.name == "dropDatabase" }

var errMessage = errors.New("a malformed message")

// parseCommand finds the command in an OP_MSG; another message is a command
// without a name. A message that wants no answer is refused: nothing could then
// tell when its write is done.
func parseCommand(msg []byte) (command, error) {
	switch op := binary.LittleEndian.Uint32(msg[12:]); op {
	case opQuery:
		return command{}, nil
	case opMsg:
	default:
		return command{}, fmt.Errorf("opcode %d is not served", op)
	}
	if len(msg) < headerBytes+4 {
		return command{}, errMessage
	}
	flags := binary.LittleEndian.Uint32(msg[headerBytes:])
	if flags&moreToCome != 0 {
		return command{}, errors.New("unacknowledged writes are not served")
	}
	sections := msg[headerBytes+4:]
	if flags&checksum != 0 && len(sections) >= 4 {
		sections = sections[:len(sections)-4]
	}
	return commandIn(sections)
}

// commandIn looks for the section of kind 0, which holds the command document;
// sections of kind 1 hold the documents of an insert or update.
func commandIn(sections []byte) (command, error) {
	for len(sections) > 5 {
		size := int(binary.LittleEndian.Uint32(sections[1:]))
		if size < 5 || size > len(sections)-1 {
			return command{}, errMessage
		}
		if sections[0] == 0 {
			return commandOf(sections[1 : 1+size])
		}
		sections = sections[1+size:]
	}
	return command{}, errMessage
}

// commandOf reads a command document: its first key is the command's name, whose
// value mostly is the collection; $db names the database.
func commandOf(doc []byte) (command, error) {
	var c command
	rest := doc[4 : len(doc)-1]
	for len(rest) > 0 {
		kind := rest[0]
		key, after, ok := bytes.Cut(rest[1:], []byte{0})
		if !ok {
			return c, errMessage
		}
		n := valueBytes(kind, after)
		if n < 0 || n > len(after) {
			return c, errMessage
		}
		text := ""
		if kind == 0x02 && n >= 5 {
			text = string(after[4 : n-1])
		}
		switch {
		case c.name == "":
			c.name, c.collection = string(key), text
		case string(key) == "$db":
			c.db = text
		}
		rest = after[n:]
	}
	return c, nil
}

// valueBytes is how long the BSON value of a kind at the head of b is, -1 when it
// cannot be told (https://bsonspec.org/spec.html).
func valueBytes(kind byte, b []byte) int {
	switch kind {
	case 0x0A: // null
		return 0
	case 0x08: // boolean
		return 1
	case 0x10: // int32
		return 4
	case 0x01, 0x09, 0x11, 0x12: // double, date, timestamp, int64
		return 8
	case 0x07: // object id
		return 12
	}
	if len(b) < 4 {
		return -1
	}
	n := int(binary.LittleEndian.Uint32(b))
	switch kind {
	case 0x02: // string
		return 4 + n
	case 0x03, 0x04: // document, array
		return n
	case 0x05: // binary
		return 5 + n
	}
	return -1
}
