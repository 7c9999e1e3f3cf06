package api

import (
	"context"
	"net"
	"sync"
)

// corkFrom is the size of a body that net/http, whose buffer has 4 KB for it and its head,
// would write in two pieces. A second system call costs more than copying the whole.
const corkFrom = 3 << 10

// Corked is a listener whose connections can put off what is written to them, so that an
// answer goes out in one piece. The server's ConnContext must be ConnContext.
func Corked(l net.Listener) net.Listener { return corkedListener{l} }

type corkedListener struct{ net.Listener }

// Accept implements net.Listener.
func (l corkedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &corked{Conn: c}, nil
}

type corkKey struct{}

// ConnContext is http.Server's: it lets requests find their connection.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, corkKey{}, c)
}

// corked is a connection. It is written by the goroutine of its request alone.
type corked struct {
	net.Conn
	held *[]byte // what is put off; nil = nothing is
}

// Write implements net.Conn.
func (c *corked) Write(p []byte) (int, error) {
	if c.held == nil {
		return c.Conn.Write(p)
	}
	*c.held = append(*c.held, p...)
	return len(p), nil
}

// holding are buffers of what is put off.
var holding = sync.Pool{New: func() any { return new([]byte) }} //nolint:gochecknoglobals // as pools are

// maxHolding is the largest buffer that is kept for the next answer.
const maxHolding = 256 << 10

// cork puts off what is written on a request's connection until release; ok is false where
// that cannot be.
func cork(ctx context.Context) (release func(), ok bool) {
	c, ok := ctx.Value(corkKey{}).(*corked)
	if !ok || c.held != nil {
		return nil, false
	}
	c.held, ok = holding.Get().(*[]byte)
	return c.release, ok
}

func (c *corked) release() {
	held := c.held
	c.held = nil
	_, _ = c.Conn.Write(*held) // a reader who is gone cannot be told
	if cap(*held) <= maxHolding {
		*held = (*held)[:0]
		holding.Put(held)
	}
}
