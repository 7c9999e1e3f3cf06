package usershttp

import (
	"context"

	"anihub/modules/users"
	"anihub/platform/rpc"
)

// Notifications implements users.Inbox.
func (l local) Notifications(ctx context.Context, userID string, q users.InboxQuery) (users.InboxPage, error) {
	return notifications.Here(l.rec, func() (users.InboxPage, error) { return l.door.Notifications(ctx, userID, q) })
}

// MarkRead implements users.Inbox.
func (l local) MarkRead(ctx context.Context, userID string, m users.ReadMark) (int, error) {
	return markRead.Here(l.rec, func() (int, error) { return l.door.MarkRead(ctx, userID, m) })
}

// Prefer implements users.Inbox.
func (l local) Prefer(ctx context.Context, userID string, titleID int, p users.Preference) (users.Subscription, error) {
	return prefer.Here(l.rec, func() (users.Subscription, error) { return l.door.Prefer(ctx, userID, titleID, p) })
}

// Webhooks implements users.Channel.
func (l local) Webhooks(ctx context.Context, userID string) ([]users.Webhook, error) {
	return webhooks.Here(l.rec, func() ([]users.Webhook, error) { return l.door.Webhooks(ctx, userID) })
}

// AddWebhook implements users.Channel.
func (l local) AddWebhook(ctx context.Context, userID string, w users.NewWebhook) (users.Webhook, error) {
	return addWebhook.Here(l.rec, func() (users.Webhook, error) { return l.door.AddWebhook(ctx, userID, w) })
}

// RemoveWebhook implements users.Channel.
func (l local) RemoveWebhook(ctx context.Context, userID string, id string) error {
	_, err := removeWebhook.Here(l.rec, func() (rpc.None, error) { return rpc.None{}, l.door.RemoveWebhook(ctx, userID, id) })
	return err
}

// ReplayWebhook implements users.Channel.
func (l local) ReplayWebhook(ctx context.Context, userID string, id string, after string) (users.Webhook, error) {
	return replayWebhook.Here(l.rec, func() (users.Webhook, error) { return l.door.ReplayWebhook(ctx, userID, id, after) })
}

// IssueFeedToken implements users.Channel.
func (l local) IssueFeedToken(ctx context.Context, userID string) (string, error) {
	return issueFeedToken.Here(l.rec, func() (string, error) { return l.door.IssueFeedToken(ctx, userID) })
}

// RevokeFeedToken implements users.Channel.
func (l local) RevokeFeedToken(ctx context.Context, userID string) error {
	_, err := revokeFeedToken.Here(l.rec, func() (rpc.None, error) { return rpc.None{}, l.door.RevokeFeedToken(ctx, userID) })
	return err
}

// FeedTitles implements users.Channel.
func (l local) FeedTitles(ctx context.Context, token string) ([]int, error) {
	return feedTitles.Here(l.rec, func() ([]int, error) { return l.door.FeedTitles(ctx, token) })
}
