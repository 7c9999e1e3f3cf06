package v3

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// connection is one connection of the Socket. It is waiting for its greeting, then
// for the answers to its subscriptions, then ready.
type connection struct {
	socket  *Socket
	conn    *websocket.Conn
	pulse   *time.Timer // cuts the connection
	greeted bool
	awaited int // answers to subscriptions
	ready   atomic.Bool
}

// read takes frames until the connection ends.
func (c *connection) read(ctx context.Context) error {
	for {
		_, body, err := c.conn.Read(ctx)
		if err != nil {
			return c.ended(ctx, err)
		}
		c.heard()
		f, err := decodeFrame(body)
		c.socket.metrics.frames.WithLabelValues(f.kind).Inc()
		if err != nil {
			c.socket.log.DebugContext(ctx, "upstream frame cannot be read", "bytes", len(body), "err", err)
			continue
		}
		if err := c.take(ctx, f); err != nil {
			return err
		}
	}
}

// ended takes note of why there are no more frames.
func (c *connection) ended(ctx context.Context, err error) error {
	if errors.Is(err, websocket.ErrMessageTooBig) {
		c.socket.metrics.frames.WithLabelValues(frameGarbage).Inc()
	}
	if c.awaited > 0 && errors.Is(context.Cause(ctx), errNotReady) {
		c.socket.refused = true
	}
	return err
}

// heard puts the end of a connection off that is alive. Before it is ready, nothing
// but becoming ready does.
func (c *connection) heard() {
	if c.ready.Load() {
		c.pulse.Reset(silenceTime)
	}
}

// silence is what the pulse gives as its reason.
func (c *connection) silence() error {
	if c.ready.Load() {
		return errSilent
	}
	return errNotReady
}

// take acts on a frame that could be read.
func (c *connection) take(ctx context.Context, f frame) error {
	switch {
	case f.kind == frameGreeting && !c.greeted:
		c.greeted = true
		return c.subscribe(ctx)
	case f.kind == frameSubscribed && c.awaited > 0:
		c.awaited--
		c.settle(ctx)
	case f.kind == frameRefused && c.awaited > 0:
		c.socket.refused = true
		return fmt.Errorf("a subscription is refused: %w", f.refused)
	case f.changes != 0:
		c.socket.inbox.put(f.id, f.changes)
	}
	return nil
}

// subscribe asks for what is a hint. Where that once failed, everything comes, which
// is what happens without subscriptions.
func (c *connection) subscribe(ctx context.Context) error {
	if !c.socket.refused {
		for _, tree := range subscriptions() {
			if err := c.write(ctx, tree); err != nil {
				return err
			}
			c.awaited++
		}
	}
	c.pulse.Reset(readyTime)
	c.settle(ctx)
	return nil
}

func (c *connection) write(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	return c.conn.Write(ctx, websocket.MessageText, []byte(text))
}

// settle makes a connection ready that waits for no answer any more. Between the
// first subscription and the last some changes are not told, so what has been missed
// is looked for after all of them.
func (c *connection) settle(ctx context.Context) {
	if c.awaited > 0 {
		return
	}
	c.ready.Store(true)
	c.pulse.Reset(silenceTime)
	s := c.socket
	s.metrics.connected.Set(1)
	s.inbox.putCatchUp()
	if s.down {
		s.log.InfoContext(ctx, "upstream socket is back")
	}
	s.down = false
}
