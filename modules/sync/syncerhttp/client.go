package syncerhttp

import (
	"context"
	"errors"

	syncer "anihub/modules/sync"
	"anihub/platform/rpc"
)

// Client implements syncer.Service over HTTP.
type Client struct{ peer *rpc.Peer }

var _ syncer.Service = (*Client)(nil)

// NewClient calls the module at the peer.
func NewClient(peer *rpc.Peer) *Client { return &Client{peer} }

// Start implements syncer.Service.
func (c *Client) Start(ctx context.Context, r syncer.Request) (syncer.Job, error) {
	return outward(start.Call(ctx, c.peer, r))
}

// Job implements syncer.Service.
func (c *Client) Job(ctx context.Context, id string) (syncer.Job, error) {
	return outward(job.Call(ctx, c.peer, idRequest{id}))
}

// Jobs implements syncer.Service.
func (c *Client) Jobs(ctx context.Context, limit int) ([]syncer.Job, error) {
	return outward(jobs.Call(ctx, c.peer, limitRequest{limit}))
}

// Wait implements syncer.Service.
func (c *Client) Wait(ctx context.Context, id string) (syncer.Job, error) {
	return outward(wait.Call(ctx, c.peer, idRequest{id}))
}

// Cancel implements syncer.Service.
func (c *Client) Cancel(ctx context.Context, id string) (syncer.Job, error) {
	return outward(cancel.Call(ctx, c.peer, idRequest{id}))
}

// Status implements syncer.Service.
func (c *Client) Status(ctx context.Context) (syncer.Status, error) {
	return outward(status.Call(ctx, c.peer, rpc.None{}))
}

// outward turns the plumbing's error into the door's.
func outward[T any](v T, err error) (T, error) {
	if errors.Is(err, rpc.ErrPeer) {
		return v, syncer.ErrUnavailable.With(err)
	}
	return v, err
}
