package test

import (
	"bufio"
	"context"
	wire "encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Opcodes of RFC 6455 §5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

const (
	bitFin  = 0x80
	bitRSV1 = 0x40
)

// rawSocket is a client's end of a WebSocket without a library: thousands of them cost one
// goroutine each, and they can say what a library would not.
type rawSocket struct {
	conn net.Conn
	in   *bufio.Reader
}

// closedError is the close frame that ended a socket.
type closedError struct {
	code   int
	reason string
}

func (c closedError) Error() string { return fmt.Sprintf("closed %d %q", c.code, c.reason) }

// socketPath is where a site talks WebSocket.
const socketPath = "/api/anilibria/v2/ws"

// dialRaw opens a socket at the url of a site. Header lines are added to the handshake.
func dialRaw(ctx context.Context, site string, header ...string) (*rawSocket, error) {
	return dialRawAt(ctx, site, socketPath, header...)
}

func dialRawAt(ctx context.Context, site, path string, header ...string) (*rawSocket, error) {
	host := strings.TrimPrefix(site, "http://")
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	s := &rawSocket{conn, bufio.NewReaderSize(conn, 1024)}
	if err := s.shake(host, path, header); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *rawSocket) shake(host, path string, header []string) error {
	_ = s.conn.SetDeadline(time.Now().Add(30 * time.Second))
	lines := append([]string{
		"GET " + path + " HTTP/1.1", "Host: " + host, "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	}, header...)
	if _, err := io.WriteString(s.conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("no upgrade: %s", resp.Status)
	}
	return s.conn.SetDeadline(time.Time{})
}

// say sends a text frame.
func (s *rawSocket) say(text string) error { return s.write(bitFin|opText, []byte(text)) }

// write sends a frame under a mask of zeros, which is a mask.
func (s *rawSocket) write(first byte, payload []byte) error {
	head := []byte{first, 0x80}
	switch n := len(payload); {
	case n < 126:
		head[1] |= byte(n)
	case n < 1<<16:
		head[1] |= 126
		head = wire.BigEndian.AppendUint16(head, uint16(n))
	default:
		head[1] |= 127
		head = wire.BigEndian.AppendUint64(head, uint64(n))
	}
	head = append(head, 0, 0, 0, 0)
	_, err := s.conn.Write(append(head, payload...))
	return err
}

// read returns the next text, and answers pings meanwhile. closedError is the end.
func (s *rawSocket) read() ([]byte, error) {
	for {
		op, payload, err := s.frame()
		switch {
		case err != nil:
			return nil, err
		case op == opText:
			return payload, nil
		case op == opPing:
			err = s.write(bitFin|opPong, payload)
		case op == opClose && len(payload) >= 2:
			_ = s.write(bitFin|opClose, payload[:2])
			return nil, closedError{int(wire.BigEndian.Uint16(payload)), string(payload[2:])}
		case op == opClose:
			return nil, closedError{code: 1005}
		}
		if err != nil {
			return nil, err
		}
	}
}

var errFrame = errors.New("not a frame of a server")

func (s *rawSocket) frame() (op byte, payload []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(s.in, head[:2]); err != nil {
		return 0, nil, err
	}
	op, n := head[0]&0xF, uint64(head[1])
	switch {
	case head[0]&0x70 != 0 || n > 127:
		return 0, nil, errFrame
	case n == 126:
		_, err = io.ReadFull(s.in, head[:2])
		n = uint64(wire.BigEndian.Uint16(head[:2]))
	case n == 127:
		_, err = io.ReadFull(s.in, head[:8])
		n = wire.BigEndian.Uint64(head[:8])
	}
	if err != nil || n > 1<<20 {
		return 0, nil, errors.Join(err, errFrame)
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(s.in, payload)
	return op, payload, err
}

func (s *rawSocket) close() { _ = s.conn.Close() }
