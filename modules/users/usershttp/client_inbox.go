package usershttp

import (
	"context"

	"anihub/modules/users"
)

// Notifications implements users.Inbox.
func (c *Client) Notifications(ctx context.Context, userID string, q users.InboxQuery) (users.InboxPage, error) {
	return call(ctx, c, notifications, inboxRequest{userID, q})
}

// MarkRead implements users.Inbox.
func (c *Client) MarkRead(ctx context.Context, userID string, m users.ReadMark) (int, error) {
	return call(ctx, c, markRead, readRequest{userID, m})
}

// Prefer implements users.Inbox.
func (c *Client) Prefer(ctx context.Context, userID string, titleID int, p users.Preference) (users.Subscription, error) {
	return call(ctx, c, prefer, preferRequest{userID, titleID, p})
}

// Webhooks implements users.Channel.
func (c *Client) Webhooks(ctx context.Context, userID string) ([]users.Webhook, error) {
	return call(ctx, c, webhooks, userID)
}

// AddWebhook implements users.Channel.
func (c *Client) AddWebhook(ctx context.Context, userID string, w users.NewWebhook) (users.Webhook, error) {
	return call(ctx, c, addWebhook, addWebhookRequest{userID, w})
}

// RemoveWebhook implements users.Channel.
func (c *Client) RemoveWebhook(ctx context.Context, userID string, id string) error {
	_, err := call(ctx, c, removeWebhook, webhookRequest{userID, id})
	return err
}

// ReplayWebhook implements users.Channel.
func (c *Client) ReplayWebhook(ctx context.Context, userID string, id string, after string) (users.Webhook, error) {
	return call(ctx, c, replayWebhook, replayRequest{userID, id, after})
}

// IssueFeedToken implements users.Channel.
func (c *Client) IssueFeedToken(ctx context.Context, userID string) (string, error) {
	return call(ctx, c, issueFeedToken, userID)
}

// RevokeFeedToken implements users.Channel.
func (c *Client) RevokeFeedToken(ctx context.Context, userID string) error {
	_, err := call(ctx, c, revokeFeedToken, userID)
	return err
}

// FeedTitles implements users.Channel.
func (c *Client) FeedTitles(ctx context.Context, token string) ([]int, error) {
	return call(ctx, c, feedTitles, token)
}
