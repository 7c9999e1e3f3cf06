package users

import (
	"context"
	"time"
)

// Channel are the ways to be told that lead out of AniHub.
type Channel interface {
	// Webhooks of a user, oldest first, without their secrets.
	Webhooks(ctx context.Context, userID string) ([]Webhook, error)
	// AddWebhook makes one; its Secret is told this once. ErrUnacceptable for the URL,
	// the types and over MaxWebhooks, ErrNotFound when there is no such user.
	AddWebhook(ctx context.Context, userID string, w NewWebhook) (Webhook, error)
	// RemoveWebhook removes one; removing nothing is no error.
	RemoveWebhook(ctx context.Context, userID, id string) error
	// ReplayWebhook delivers again what came after a position, and enables a webhook
	// that was disabled. ErrNoWebhook, ErrUnacceptable.
	ReplayWebhook(ctx context.Context, userID, id, after string) (Webhook, error)
	// IssueFeedToken makes the token of the user's feeds; the one before it is void.
	// ErrNotFound.
	IssueFeedToken(ctx context.Context, userID string) (string, error)
	// RevokeFeedToken voids it; voiding nothing is no error.
	RevokeFeedToken(ctx context.Context, userID string) error
	// FeedTitles are the titles of the feeds with this token, in ascending order.
	// ErrNoFeed.
	FeedTitles(ctx context.Context, token string) ([]int, error)
}

// Limits of webhooks.
const (
	MaxWebhooks   = 10   // of a user
	MaxWebhookURL = 2048 // bytes
)

// NewWebhook asks for a webhook.
type NewWebhook struct {
	URL   string
	Types []string // of events; empty = all
}

// Webhook is an address that is told of the news of its user's titles.
type Webhook struct {
	ID        string
	URL       string
	Types     []string // sorted; empty = all
	Secret    string   // whsec_…, from AddWebhook only
	Disabled  bool     // it failed for a day
	Failures  int      // in a row; 0 = the last delivery was taken, or there was none
	Delivered int64    // events whose delivery was acknowledged
	CreatedAt time.Time
	NextAt    time.Time // when a failed delivery is tried again; zero = none waits
}
