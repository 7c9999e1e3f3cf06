package usershttp

import (
	"context"

	"anihub/modules/users"
	"anihub/platform/rpc"
)

// mountInbox serves the inbox and the channels.
func mountInbox(s *rpc.Server, door users.Service) {
	notifications.Handle(s, func(ctx context.Context, r inboxRequest) (users.InboxPage, error) {
		return door.Notifications(ctx, r.UserID, r.Query)
	})
	markRead.Handle(s, func(ctx context.Context, r readRequest) (int, error) {
		return door.MarkRead(ctx, r.UserID, r.Mark)
	})
	prefer.Handle(s, func(ctx context.Context, r preferRequest) (users.Subscription, error) {
		return door.Prefer(ctx, r.UserID, r.TitleID, r.Preference)
	})
	webhooks.Handle(s, door.Webhooks)
	addWebhook.Handle(s, func(ctx context.Context, r addWebhookRequest) (users.Webhook, error) {
		return door.AddWebhook(ctx, r.UserID, r.Webhook)
	})
	removeWebhook.Handle(s, func(ctx context.Context, r webhookRequest) (rpc.None, error) {
		return rpc.None{}, door.RemoveWebhook(ctx, r.UserID, r.ID)
	})
	replayWebhook.Handle(s, func(ctx context.Context, r replayRequest) (users.Webhook, error) {
		return door.ReplayWebhook(ctx, r.UserID, r.ID, r.After)
	})
	issueFeedToken.Handle(s, door.IssueFeedToken)
	revokeFeedToken.Handle(s, func(ctx context.Context, userID string) (rpc.None, error) {
		return rpc.None{}, door.RevokeFeedToken(ctx, userID)
	})
	feedTitles.Handle(s, door.FeedTitles)
}
