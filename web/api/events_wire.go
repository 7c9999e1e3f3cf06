package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/labstack/echo/v4"

	"anihub/modules/realtime"
)

// Buffers that a WebSocket keeps. There are thousands of sockets, most of them silent, and
// what clients say is short. The library writes control frames alone, of 131 bytes at most.
const (
	wireReads  = 512
	wireWrites = 256
)

// wire is a WebSocket and the connection under it. The library reads, pings and closes.
// What is told is written past it, because that is most of what this process does: a frame
// in one piece, from a buffer that sockets share, within a time that the connection knows.
type wire struct {
	ws    *websocket.Conn
	under *timedConn
}

// accept upgrades a request; nil when it was answered otherwise. What it returns outlives
// the request: who serves it in a goroutine of its own frees the request's stack and
// buffers.
func (e *Events) accept(c echo.Context, protocols ...string) *wire {
	u := &upgrade{ResponseWriter: c.Response(), within: e.cfg.WriteTimeout}
	// The origin was checked, so that a refusal has our error envelope.
	ws, err := websocket.Accept(u, c.Request(), &websocket.AcceptOptions{
		Subprotocols: protocols, InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		e.log.DebugContext(c.Request().Context(), "no upgrade", "err", err)
		return nil
	}
	ws.SetReadLimit(realtime.MaxFrame)
	return &wire{ws, u.conn}
}

func (w *wire) read() (websocket.MessageType, []byte, error) {
	return w.ws.Read(context.Background())
}

// frames are buffers that a frame is put together in.
var frames = sync.Pool{New: func() any { return new([]byte) }} //nolint:gochecknoglobals // as pools are

// maxPooled is the largest buffer that is kept for the next frame.
const maxPooled = 32 << 10

// write sends a text, which must be UTF-8.
func (w *wire) write(text []byte) error {
	buf, ok := frames.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	*buf = appendFrame((*buf)[:0], text)
	_, err := w.under.Write(*buf)
	if cap(*buf) <= maxPooled {
		frames.Put(buf)
	}
	return err
}

// appendFrame appends a text frame of a server, final and unmasked (RFC 6455 §5.2).
func appendFrame(b, text []byte) []byte {
	const finText = 0x81
	switch n := len(text); {
	case n < 126:
		b = append(b, finText, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, finText, 126), uint16(n)) //nolint:gosec // it fits
	default:
		b = binary.BigEndian.AppendUint64(append(b, finText, 127), uint64(n)) //nolint:gosec // a length
	}
	return append(b, text...)
}

// cut ends the connection without a word.
func (w *wire) cut() { _ = w.under.Close() }

// close says why, and gives the client until then to take it.
func (w *wire) close(code int, reason string, until time.Time) {
	// The library waits for its own time twice; a deadline of the connection holds for
	// both.
	w.under.last(until)
	_ = w.ws.Close(websocket.StatusCode(code), reason) // a client that is gone reads no reason
}

// upgrade takes the connection from a request and gives it buffers of our size.
type upgrade struct {
	http.ResponseWriter
	within time.Duration
	conn   *timedConn
}

// Hijack implements http.Hijacker. What the client said before it was answered is not lost.
func (u *upgrade) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, had, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	u.conn = &timedConn{Conn: conn, within: u.within}
	early, err := had.Peek(had.Reader.Buffered())
	if err != nil {
		return nil, nil, err
	}
	in := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn), max(wireReads, len(early)))
	// The library keeps what is buffered and reads the rest from the connection.
	_, err = in.Peek(len(early))
	return u.conn, bufio.NewReadWriter(in, bufio.NewWriterSize(u.conn, wireWrites)), err
}

// timedConn gives each write a time, and lets one frame through at a time: ours, and those
// of the library, which writes each in one piece.
type timedConn struct {
	net.Conn
	within time.Duration

	mu     sync.Mutex
	until  time.Time
	ending bool // until is not moved any more
	closed bool // a close frame was the last one
}

// Write implements net.Conn. It has between half of the time and the whole of it: a
// deadline costs as much as a short write does, and is not set anew for each.
func (t *timedConn) Write(frame []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return 0, net.ErrClosed
	}
	const finClose = 0x88
	t.closed = len(frame) > 0 && frame[0] == finClose
	if now := time.Now(); t.until.Sub(now) < t.within/2 && !t.ending {
		t.until = now.Add(t.within)
		if err := t.SetWriteDeadline(t.until); err != nil {
			return 0, err
		}
	}
	return t.Conn.Write(frame)
}

// last is the deadline of all that is still to come, of a write that is under way too.
func (t *timedConn) last(until time.Time) {
	_ = t.SetDeadline(until) // where there is none, the library's own time has to do
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ending = true
	_ = t.SetDeadline(until)
}
