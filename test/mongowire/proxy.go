package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// maxMessage is the largest message a MongoDB server takes (48,000,000 bytes in
// its hello) and some room.
const maxMessage = 64 << 20

// proxy stands before FerretDB, whose updates, conditional deletes and unique
// inserts are not atomic: it reads a row, decides, and writes it. The proxy lets
// one command that may write through at a time, whichever client it is from, and
// waits for its reply before the next; commands that only read pass freely.
type proxy struct {
	backend string
	write   sync.Mutex
	index   func(ctx context.Context, db, collection string) error // after a write to it
	forget  func()                                                 // collections were dropped
}

// serve accepts clients until ctx ends, and returns when the last one is gone.
func (p *proxy) serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var clients sync.WaitGroup
	defer clients.Wait()
	for {
		c, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil: // out of descriptors, or a client that left at once
			fmt.Fprintln(os.Stderr, "mongowire: accept:", err)
			time.Sleep(10 * time.Millisecond)
		default:
			clients.Go(func() { p.client(ctx, c) })
		}
	}
}

// client serves one connection: each has its own to FerretDB.
func (p *proxy) client(ctx context.Context, c net.Conn) {
	defer func() { _ = c.Close() }()
	b, err := new(net.Dialer).DialContext(ctx, "tcp", p.backend)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mongowire:", err)
		return
	}
	defer func() { _ = b.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.Close(); _ = b.Close() })
	defer stop()
	for {
		msg, err := readMessage(c)
		if err != nil {
			return // the client left
		}
		reply, err := p.pass(ctx, b, msg)
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, io.EOF) {
				fmt.Fprintln(os.Stderr, "mongowire:", err)
			}
			return
		}
		if _, err := c.Write(reply); err != nil {
			return
		}
	}
}

// pass sends one message to FerretDB and reads the whole reply, alone if the
// command may write. The reply goes to the client after the lock is released, so
// that a client that does not read holds up nobody.
func (p *proxy) pass(ctx context.Context, b net.Conn, msg []byte) ([]byte, error) {
	cmd, err := parseCommand(msg)
	if err != nil {
		return nil, err
	}
	if cmd.reads() {
		return exchange(b, msg)
	}
	p.write.Lock()
	defer p.write.Unlock()
	if msg, err = byID(b, cmd, msg); err != nil {
		return nil, err
	}
	reply, err := exchange(b, msg)
	if err != nil {
		return nil, err
	}
	if cmd.drops() {
		p.forget()
		return reply, nil
	}
	if cmd.collection != "" {
		if err := p.index(ctx, cmd.db, cmd.collection); err != nil {
			fmt.Fprintln(os.Stderr, "mongowire: index:", err) // slower, not wrong
		}
	}
	return reply, nil
}

func exchange(b net.Conn, msg []byte) ([]byte, error) {
	if _, err := b.Write(msg); err != nil {
		return nil, err
	}
	return readMessage(b)
}

// readMessage reads one message whole, header included.
func readMessage(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n < headerBytes || n > maxMessage {
		return nil, fmt.Errorf("a message of %d bytes", n)
	}
	msg := make([]byte, n)
	copy(msg, head[:])
	_, err := io.ReadFull(r, msg[len(head):])
	return msg, err
}
