package realtimehttp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"anihub/modules/realtime"
	"anihub/platform/fault"
	"anihub/platform/rpc"
)

// Client is the door of a realtime module in another process.
type Client struct{ peer *rpc.Peer }

var _ realtime.Service = (*Client)(nil)

// NewClient calls the module at the peer.
func NewClient(peer *rpc.Peer) *Client { return &Client{peer: peer} }

// Publish implements realtime.Service.
func (c *Client) Publish(ctx context.Context, events []realtime.Event) ([]realtime.Published, error) {
	req := publishRequest{Events: make([]event, len(events))}
	for i, e := range events {
		w, err := packEvent(e)
		if err != nil {
			return nil, err
		}
		req.Events[i] = w
	}
	done, err := publish.Call(ctx, c.peer, req)
	return done, unavailable(err)
}

// History implements realtime.Service.
func (c *Client) History(ctx context.Context, q realtime.HistoryQuery) ([]realtime.News, error) {
	out, err := history.Call(ctx, c.peer, q)
	return out, unavailable(err)
}

// Tail implements realtime.Service.
func (c *Client) Tail(ctx context.Context) (string, error) {
	at, err := tail.Call(ctx, c.peer, rpc.None{})
	return at, unavailable(err)
}

// Stats implements realtime.Service.
func (c *Client) Stats(ctx context.Context) (realtime.Stats, error) {
	st, err := stats.Call(ctx, c.peer, rpc.None{})
	return st, unavailable(err)
}

// Presence implements realtime.Service.
func (c *Client) Presence(ctx context.Context) (realtime.Presence, error) {
	p, err := present.Call(ctx, c.peer, rpc.None{})
	return p, unavailable(err)
}

// Open implements realtime.Service.
func (c *Client) Open(ctx context.Context, who realtime.Client) (realtime.Conversation, error) {
	stream, err := open.Call(ctx, c.peer, who)
	if err != nil {
		return nil, unavailable(err)
	}
	stop := context.AfterFunc(ctx, stream.Close)
	first, err := stream.Next()
	if !stop() {
		stream.Close()
		return nil, context.Cause(ctx)
	}
	if err == nil && first.ID == "" {
		err = rpc.ErrPeer.Because("a conversation without a name")
	}
	if err != nil {
		stream.Close()
		return nil, unavailable(err)
	}
	return &conversation{peer: c.peer, stream: stream, id: first.ID}, nil
}

// conversation is one that another process holds.
type conversation struct {
	peer   *rpc.Peer
	stream *rpc.Reader[item]
	id     string
	next   chan step // of Next and Take: a read that is under way

	mu      sync.Mutex
	over    *realtime.Closed
	watcher func()
}

type step struct {
	item item
	err  error
}

// Next implements realtime.Conversation.
func (c *conversation) Next(ctx context.Context) ([]realtime.Message, error) {
	if err := c.readAhead(ctx); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case s := <-c.next:
		c.next = nil
		return c.take(s)
	}
}

// Take implements realtime.Conversation.
func (c *conversation) Take(ctx context.Context) ([]realtime.Message, error) {
	if err := c.readAhead(ctx); err != nil {
		return nil, err
	}
	select {
	case s := <-c.next:
		c.next = nil
		return c.take(s)
	default:
		return nil, nil
	}
}

// readAhead begins a read unless one is under way. It cannot be given up without giving up
// the stream: when a call does not wait for it, the next one takes what it brings. Its
// errors are the caller's ctx and why the conversation ended.
func (c *conversation) readAhead(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if why := c.ended(); why != nil {
		return why
	}
	if c.next != nil {
		return nil
	}
	next := make(chan step, 1)
	c.next = next
	go func() {
		i, err := c.stream.Next()
		next <- step{i, err}
		c.tellWatcher()
	}()
	return nil
}

// Watch implements realtime.Conversation.
func (c *conversation) Watch(f func()) {
	c.mu.Lock()
	c.watcher = f
	c.mu.Unlock()
	f()
}

func (c *conversation) tellWatcher() {
	c.mu.Lock()
	f := c.watcher
	c.mu.Unlock()
	if f != nil {
		f()
	}
}

func (c *conversation) take(s step) ([]realtime.Message, error) {
	if s.err == nil && s.item.Closed != nil {
		return nil, c.end(s.item.Closed)
	}
	batch, err := unpackMessages(s.item.Messages)
	if s.err != nil || err != nil {
		return nil, c.end(broken())
	}
	if why := c.ended(); why != nil {
		return nil, why
	}
	return batch, nil
}

// Receive implements realtime.Conversation.
func (c *conversation) Receive(ctx context.Context, raw []byte) error {
	if why := c.ended(); why != nil {
		return why
	}
	// A frame that is too big is as bad cut as whole, and cheaper to send.
	r, err := receive.Call(ctx, c.peer, frame{c.id, raw[:min(len(raw), realtime.MaxFrame+1)]})
	if err != nil {
		return unavailable(err)
	}
	if r.Closed != nil {
		return r.Closed
	}
	return nil
}

// Close implements realtime.Conversation. The serving side learns of it by the
// end of the stream.
func (c *conversation) Close() {
	_ = c.end(&realtime.Closed{Code: realtime.CloseNormal})
}

// ended is why the conversation is over, nil while it is not.
func (c *conversation) ended() *realtime.Closed {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over
}

// end ends the conversation, for the first reason that was given.
func (c *conversation) end(why *realtime.Closed) *realtime.Closed {
	c.mu.Lock()
	if c.over == nil {
		c.over = why
	}
	why = c.over
	c.mu.Unlock()
	c.stream.Close()
	c.tellWatcher()
	return why
}

// broken tells a viewer to come back: the process that served the conversation is
// gone. All its viewers are told at once, so each is given another time.
func broken() *realtime.Closed {
	in := 500*time.Millisecond + rand.N(4500*time.Millisecond)
	return &realtime.Closed{Code: realtime.CloseRestart, Reason: fmt.Sprintf(`{"retry_in_ms":%d}`, in.Milliseconds())}
}

// unavailable is a failure of the wire in the words of the door.
func unavailable(err error) error {
	if errors.Is(err, rpc.ErrPeer) {
		return realtime.ErrUnavailable.With(err).After(fault.Of(err).RetryAfter)
	}
	return err
}
