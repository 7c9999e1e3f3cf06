package users

import (
	"context"
	"time"
)

// Inbox is what a user was told: the news of the titles they subscribed to, from the
// subscription on, and notices about their account, of the last 90 days.
type Inbox interface {
	// Notifications are a page of it, newest first. ErrUnacceptable for a position that
	// is none, or that nothing is known of and Before needs.
	Notifications(ctx context.Context, userID string, q InboxQuery) (InboxPage, error)
	// MarkRead marks notifications as read, on all devices, and answers how many are
	// unread. What is read stays read; unknown ids are passed over. ErrUnacceptable for
	// a position that nothing is known of.
	MarkRead(ctx context.Context, userID string, m ReadMark) (unread int, err error)
	// Prefer says how to be told about a title that the user subscribed to.
	// ErrUnacceptable, ErrNotSubscribed.
	Prefer(ctx context.Context, userID string, titleID int, p Preference) (Subscription, error)
}

// InboxQuery selects notifications: those behind one position and before another;
// "" = no bound.
type InboxQuery struct {
	After, Before string
	Limit         int // 1–MaxNotifications; 0 = 50
}

// MaxNotifications is the most notifications of one page.
const MaxNotifications = 100

// InboxPage is a page of notifications.
type InboxPage struct {
	Items  []Notification
	Unread int // in the whole inbox
}

// Notification is one thing a user was told.
type Notification struct {
	EventID   string
	Position  string // what After, Before and UpTo take
	Type      string // of an event of realtime, or a notice: security, channel
	TitleID   int    // 0 = a notice
	Episode   float64
	Numbered  bool   // Episode means something
	Title     string // "" = not known
	Poster    string // "" = none
	NewStatus string // of a status_change
	Reason    string // of a notice, one of the Notice… reasons
	At        time.Time
	Read      bool
}

// The types of notices, beside those of the news.
const (
	NoticeSecurity = "security"
	NoticeChannel  = "channel"
)

// Why there is a notice.
const (
	NoticeTokenReused     = "refresh_token_reused" //nolint:gosec // a reason, no token
	NoticeWebhookDisabled = "webhook_disabled"     // it failed for a day
	NoticeWebhookGone     = "webhook_gone"         // it answered 410
)

// ReadMark says what was read: single events, and all up to a position.
type ReadMark struct {
	EventIDs []string // at most MaxReadMarks
	UpTo     string   // "" = none
}

// MaxReadMarks is the most events of one MarkRead.
const MaxReadMarks = 1000

// Preference is how a user wants to be told about a title.
type Preference struct {
	// Quality is the least that an episode must have before it is told of: 480p, 720p,
	// 1080p; "" = any.
	Quality string
	// Channels that tell beside the inbox, which always does; nil = all.
	Channels []string
}

// The channels.
const (
	ChannelWebhook = "webhook"
	ChannelFeed    = "feed"
	ChannelPush    = "push"
)

// Channels are all of them.
func Channels() []string { return []string{ChannelFeed, ChannelPush, ChannelWebhook} }

// Qualities are what Preference.Quality may be, the least first.
func Qualities() []string { return []string{"480p", "720p", "1080p"} }

// QuietHours are when channels keep silent; what happens meanwhile they tell behind
// them. From and To are hh:mm in TimeZone, an IANA name; From after To is a night.
type QuietHours struct{ From, To, TimeZone string }
