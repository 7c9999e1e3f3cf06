package usershttp

import (
	"anihub/modules/users"
	"anihub/platform/rpc"
)

// What is sent where the inbox and the channels take several values.
type (
	inboxRequest struct {
		UserID string
		Query  users.InboxQuery
	}
	readRequest struct {
		UserID string
		Mark   users.ReadMark
	}
	preferRequest struct {
		UserID     string
		TitleID    int
		Preference users.Preference
	}
	addWebhookRequest struct {
		UserID  string
		Webhook users.NewWebhook
	}
	webhookRequest struct {
		UserID string
		ID     string
	}
	replayRequest struct {
		UserID string
		ID     string
		After  string
	}
)

// The methods of the inbox and the channels. Adding a webhook twice makes two, and
// a feed token issued twice voids one that was handed out.
var (
	notifications   = rpc.Method[inboxRequest, users.InboxPage]{Module: module, Name: "notifications", Safe: true}
	markRead        = rpc.Method[readRequest, int]{Module: module, Name: "mark_read", Safe: true}
	prefer          = rpc.Method[preferRequest, users.Subscription]{Module: module, Name: "prefer", Safe: true}
	webhooks        = rpc.Method[string, []users.Webhook]{Module: module, Name: "webhooks", Safe: true}
	addWebhook      = rpc.Method[addWebhookRequest, users.Webhook]{Module: module, Name: "add_webhook"}
	removeWebhook   = rpc.Method[webhookRequest, rpc.None]{Module: module, Name: "remove_webhook", Safe: true}
	replayWebhook   = rpc.Method[replayRequest, users.Webhook]{Module: module, Name: "replay_webhook", Safe: true}
	issueFeedToken  = rpc.Method[string, string]{Module: module, Name: "issue_feed_token"}
	revokeFeedToken = rpc.Method[string, rpc.None]{Module: module, Name: "revoke_feed_token", Safe: true}
	feedTitles      = rpc.Method[string, []int]{Module: module, Name: "feed_titles", Safe: true}
)
