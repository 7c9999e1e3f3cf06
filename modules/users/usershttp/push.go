package usershttp

import (
	"context"

	"anihub/modules/users"
	"anihub/platform/rpc"
)

type removePushRequest struct{ UserID, Endpoint string }

var (
	pushKey       = rpc.Method[rpc.None, string]{Module: module, Name: "push_key", Safe: true}
	pushEndpoints = rpc.Method[string, []users.PushEndpoint]{Module: module, Name: "push_endpoints", Safe: true}
	addPush       = rpc.Method[users.NewPush, users.PushEndpoint]{Module: module, Name: "add_push", Safe: true}
	removePush    = rpc.Method[removePushRequest, rpc.None]{Module: module, Name: "remove_push", Safe: true}
)

func mountPush(s *rpc.Server, door users.Push) {
	pushKey.Handle(s, func(ctx context.Context, _ rpc.None) (string, error) { return door.PushKey(ctx) })
	pushEndpoints.Handle(s, door.PushEndpoints)
	addPush.Handle(s, door.AddPush)
	removePush.Handle(s, func(ctx context.Context, r removePushRequest) (rpc.None, error) {
		return rpc.None{}, door.RemovePush(ctx, r.UserID, r.Endpoint)
	})
}

// PushKey implements users.Push.
func (c *Client) PushKey(ctx context.Context) (string, error) {
	return call(ctx, c, pushKey, rpc.None{})
}

// PushEndpoints implements users.Push.
func (c *Client) PushEndpoints(ctx context.Context, userID string) ([]users.PushEndpoint, error) {
	return call(ctx, c, pushEndpoints, userID)
}

// AddPush implements users.Push.
func (c *Client) AddPush(ctx context.Context, p users.NewPush) (users.PushEndpoint, error) {
	return call(ctx, c, addPush, p)
}

// RemovePush implements users.Push.
func (c *Client) RemovePush(ctx context.Context, userID, endpoint string) error {
	_, err := call(ctx, c, removePush, removePushRequest{userID, endpoint})
	return err
}

// PushKey implements users.Push.
func (l local) PushKey(ctx context.Context) (string, error) {
	return pushKey.Here(l.rec, func() (string, error) { return l.door.PushKey(ctx) })
}

// PushEndpoints implements users.Push.
func (l local) PushEndpoints(ctx context.Context, userID string) ([]users.PushEndpoint, error) {
	return pushEndpoints.Here(l.rec, func() ([]users.PushEndpoint, error) { return l.door.PushEndpoints(ctx, userID) })
}

// AddPush implements users.Push.
func (l local) AddPush(ctx context.Context, p users.NewPush) (users.PushEndpoint, error) {
	return addPush.Here(l.rec, func() (users.PushEndpoint, error) { return l.door.AddPush(ctx, p) })
}

// RemovePush implements users.Push.
func (l local) RemovePush(ctx context.Context, userID, endpoint string) error {
	_, err := removePush.Here(l.rec, func() (rpc.None, error) { return rpc.None{}, l.door.RemovePush(ctx, userID, endpoint) })
	return err
}
