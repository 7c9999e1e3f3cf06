package cataloghttp

import (
	"context"
	"errors"

	"anihub/modules/catalog"
	"anihub/platform/fault"
	"anihub/platform/rpc"
)

// Client is the door of a catalogue in another process.
type Client struct {
	peer *rpc.Peer
	m    methods
}

var _ catalog.Service = (*Client)(nil)

// NewClient calls the catalogue at the peer.
func NewClient(peer *rpc.Peer) *Client { return &Client{peer: peer, m: wire()} }

// Title is one title with everything.
func (c *Client) Title(ctx context.Context, ref catalog.Ref, have string) (catalog.Answer[catalog.Title], error) {
	return call(ctx, c.peer, c.m.title, titleRequest{ref, have})
}

// Titles is a page of titles.
func (c *Client) Titles(ctx context.Context, q catalog.Query, have string) (catalog.Answer[catalog.Page], error) {
	return call(ctx, c.peer, c.m.titles, titlesRequest{q, have})
}

// Schedule is what airs on which weekday.
func (c *Client) Schedule(ctx context.Context, have string) (catalog.Answer[[]catalog.Day], error) {
	return call(ctx, c.peer, c.m.schedule, haveRequest{have})
}

// Facets counts the whole catalogue.
func (c *Client) Facets(ctx context.Context, have string) (catalog.Answer[catalog.Facets], error) {
	return call(ctx, c.peer, c.m.facets, haveRequest{have})
}

// Refresh fetches titles and stores what changed.
func (c *Client) Refresh(ctx context.Context, r catalog.Refresh) (catalog.Refreshed, error) {
	return call(ctx, c.peer, c.m.refresh, r)
}

// Pending are stored events that nobody confirmed.
func (c *Client) Pending(ctx context.Context, limit int) ([]catalog.Event, error) {
	out, err := call(ctx, c.peer, c.m.pending, pendingRequest{limit})
	return out.Events, err
}

// Confirm forgets pending events.
func (c *Client) Confirm(ctx context.Context, list []catalog.Event) error {
	_, err := call(ctx, c.peer, c.m.confirm, events{list})
	return err
}

func call[Req, Resp any](ctx context.Context, p *rpc.Peer, m rpc.Method[Req, Resp], r Req) (Resp, error) {
	resp, err := m.Call(ctx, p, r)
	if errors.Is(err, rpc.ErrPeer) {
		err = catalog.ErrUnavailable.With(err).After(fault.Of(err).RetryAfter)
	}
	return resp, err
}
