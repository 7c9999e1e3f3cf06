package usershttp

import (
	"context"
	"errors"

	"anihub/modules/users"
	"anihub/platform/fault"
	"anihub/platform/rpc"
)

// Client is the users module in another process.
type Client struct{ peer *rpc.Peer }

var _ users.Service = (*Client)(nil)

// NewClient calls the module at the peer.
func NewClient(peer *rpc.Peer) *Client { return &Client{peer} }

// call makes a call and says in the door's words that the peer cannot be asked.
func call[Req, Resp any](ctx context.Context, c *Client, m rpc.Method[Req, Resp], req Req) (Resp, error) {
	resp, err := m.Call(ctx, c.peer, req)
	if errors.Is(err, rpc.ErrPeer) {
		var none Resp
		return none, users.ErrUnavailable.With(err).After(fault.Of(err).RetryAfter)
	}
	return resp, err
}

// Register implements users.Accounts.
func (c *Client) Register(ctx context.Context, r users.Registration) (users.Session, error) {
	return call(ctx, c, register, r)
}

// Login implements users.Accounts.
func (c *Client) Login(ctx context.Context, r users.Credentials) (users.Session, error) {
	return call(ctx, c, login, r)
}

// Refresh implements users.Accounts.
func (c *Client) Refresh(ctx context.Context, r users.Refresh) (users.Session, error) {
	return call(ctx, c, refresh, r)
}

// Logout implements users.Accounts.
func (c *Client) Logout(ctx context.Context, userID, sessionID string) error {
	_, err := call(ctx, c, logout, logoutRequest{userID, sessionID})
	return err
}

// Validate implements users.Accounts.
func (c *Client) Validate(ctx context.Context, token string) (users.Validation, error) {
	return call(ctx, c, validate, token)
}

// User implements users.Profiles.
func (c *Client) User(ctx context.Context, id string) (users.User, error) {
	return call(ctx, c, user, id)
}

// UpdateProfile implements users.Profiles.
func (c *Client) UpdateProfile(ctx context.Context, id string, p users.Profile) (users.User, error) {
	return call(ctx, c, updateProfile, profileRequest{id, p})
}

// SetRole implements users.Profiles.
func (c *Client) SetRole(ctx context.Context, who, role string, on bool) (users.User, error) {
	return call(ctx, c, setRole, roleRequest{who, role, on})
}

// SetBanned implements users.Profiles.
func (c *Client) SetBanned(ctx context.Context, who string, on bool) (users.User, error) {
	return call(ctx, c, setBanned, banRequest{who, on})
}

// Subscriptions implements users.Subscriptions.
func (c *Client) Subscriptions(ctx context.Context, userID string) ([]users.Subscription, error) {
	return call(ctx, c, subscriptions, userID)
}

// Subscribe implements users.Subscriptions.
func (c *Client) Subscribe(ctx context.Context, userID string, titleID int) (users.Subscription, error) {
	return call(ctx, c, subscribe, titleRequest{userID, titleID})
}

// Unsubscribe implements users.Subscriptions.
func (c *Client) Unsubscribe(ctx context.Context, userID string, titleID int) error {
	_, err := call(ctx, c, unsubscribe, titleRequest{userID, titleID})
	return err
}
