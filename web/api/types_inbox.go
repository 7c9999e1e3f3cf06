package api

import (
	"anihub/modules/users"
	"anihub/web/envelope"
)

// The JSON types of the inbox and the channels.

type notificationsJSON struct {
	Success bool               `json:"success"`
	Data    []notificationJSON `json:"data"`
	Meta    unreadJSON         `json:"meta"`
}

type unreadJSON struct {
	Unread int `json:"unread"`
}

type notificationJSON struct {
	EventID   string   `json:"event_id"`
	Position  string   `json:"position"`
	Type      string   `json:"type"`
	TitleID   *int     `json:"title_id"`
	Episode   *float64 `json:"episode"`
	Title     *string  `json:"title"`
	Poster    *string  `json:"poster"`
	NewStatus *string  `json:"new_status"`
	Reason    *string  `json:"reason"`
	At        *string  `json:"at"`
	Read      bool     `json:"read"`
}

func notification(n users.Notification) notificationJSON {
	out := notificationJSON{
		EventID: n.EventID, Position: n.Position, Type: n.Type, TitleID: positive(n.TitleID), Title: text(n.Title),
		Poster: text(n.Poster), NewStatus: text(n.NewStatus), Reason: text(n.Reason), At: envelope.Moment(n.At), Read: n.Read,
	}
	if n.Numbered {
		out.Episode = &n.Episode
	}
	return out
}

type quietHoursJSON struct {
	From     string `json:"from"`
	To       string `json:"to"`
	TimeZone string `json:"time_zone"`
}

func quietHours(q *users.QuietHours) *quietHoursJSON {
	if q == nil {
		return nil
	}
	return &quietHoursJSON{q.From, q.To, q.TimeZone}
}

type webhookJSON struct {
	ID        string   `json:"id"`
	URL       string   `json:"url"`
	Types     []string `json:"types"`
	Disabled  bool     `json:"disabled"`
	Failures  int      `json:"failures"`
	Delivered int64    `json:"delivered"`
	CreatedAt *string  `json:"created_at"`
	NextAt    *string  `json:"next_at"`
}

type newWebhookJSON struct {
	webhookJSON
	Secret string `json:"secret"`
}

func webhook(w users.Webhook) webhookJSON {
	return webhookJSON{
		ID: w.ID, URL: w.URL, Types: orEmpty(w.Types), Disabled: w.Disabled, Failures: w.Failures,
		Delivered: w.Delivered, CreatedAt: envelope.Moment(w.CreatedAt), NextAt: envelope.Moment(w.NextAt),
	}
}

type pushKeyJSON struct {
	PublicKey string `json:"public_key"`
}

type pushEndpointJSON struct {
	Endpoint  string  `json:"endpoint"`
	Failures  int     `json:"failures"`
	Delivered int64   `json:"delivered"`
	CreatedAt *string `json:"created_at"`
	AddedAt   *string `json:"added_at"`
}

func pushEndpoint(p users.PushEndpoint) pushEndpointJSON {
	return pushEndpointJSON{p.Endpoint, p.Failures, p.Delivered, envelope.Moment(p.CreatedAt), envelope.Moment(p.AddedAt)}
}

type feedTokenJSON struct {
	Token string        `json:"token"`
	Feeds feedLinksJSON `json:"feeds"`
}

type feedLinksJSON struct {
	RSS  string `json:"rss"`
	Atom string `json:"atom"`
	JSON string `json:"json"`
	ICS  string `json:"ics"`
}
