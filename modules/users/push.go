package users

import (
	"context"
	"time"
)

// Push is how browsers are told while no page is open, through the push services of
// their makers (W3C Push API, RFC 8030).
type Push interface {
	// PushKey is the public key of this installation that a browser subscribes with:
	// P-256, uncompressed, in base64url. It stays the same.
	PushKey(ctx context.Context) (string, error)
	// PushEndpoints of a user, oldest first, without their keys.
	PushEndpoints(ctx context.Context, userID string) ([]PushEndpoint, error)
	// AddPush has a browser told until the session ends. Again is no error and takes
	// over the keys; an endpoint that was another user's is this one's alone from then
	// on. Over MaxPushEndpoints the one that was not added again for longest goes.
	// ErrUnacceptable, ErrNotFound when there is no such user or session.
	AddPush(ctx context.Context, p NewPush) (PushEndpoint, error)
	// RemovePush removes one; removing nothing is no error.
	RemovePush(ctx context.Context, userID, endpoint string) error
}

// MaxPushEndpoints of one user.
const MaxPushEndpoints = 20

// NewPush is what a browser says of its subscription.
type NewPush struct {
	UserID, SessionID string
	Endpoint          string
	P256DH            string    // key of the browser, as PushKey
	Auth              string    // 16 bytes in base64url
	ExpiresAt         time.Time // zero = it does not say
}

// PushEndpoint is a browser that is told.
type PushEndpoint struct {
	Endpoint  string
	SessionID string // it is told until this ends
	Failures  int    // in a row
	Delivered int64  // events that its push service took
	CreatedAt time.Time
	AddedAt   time.Time // again, last
}
