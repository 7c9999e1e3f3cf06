package userssvc

import (
	"context"
	"net/http"
	"time"

	"anihub/modules/users"
	"anihub/platform/documents"
)

// An outlet is a place outside of AniHub where a user is told of news: a webhook, the
// push service of a browser. The kinds differ in whom they call and in what an answer
// means (outlet); what is owed, when, and that it is acknowledged once is the same for
// all (outlets_work.go).

// Ledger is what is kept of the deliveries to an outlet. Its version is the fence:
// whoever was overtaken cannot write that he delivered something. It is exported because
// BSON passes over what is embedded and is not.
type Ledger struct {
	User         string    `bson:"user"`
	Cursor       int64     `bson:"cursor"` // order of the last event that was delivered, or of the last before it was made
	Failures     int       `bson:"failures"`
	NextAt       time.Time `bson:"next_at"`       // after a failure
	ClaimedUntil time.Time `bson:"claimed_until"` // a process is delivering
	Disabled     bool      `bson:"disabled"`
	Delivered    int64     `bson:"delivered"` // acknowledged deliveries
	CreatedAt    time.Time `bson:"created_at"`

	id      string
	version int64
}

func (l *Ledger) book() *Ledger { return l }

// outlet is a stored one.
type outlet interface {
	book() *Ledger
	// hears tells whether it is told of this type of news of a title subscribed to so.
	hears(typ string, sub users.Subscription) bool
	// admitted tells whether its user may still be told there.
	admitted(ctx context.Context, s *Service, a account) (bool, error)
	// request tells it of an event.
	request(ctx context.Context, s *Service, h *happened) (*http.Request, error)
	// patience is how many failures in a row it is forgiven when it answers so (0 =
	// not at all); none for an answer by which it is no more.
	patience(status int) int
	// abandon ends what that answer was one too many of.
	abandon(ctx context.Context, s *Service, status int) error
}

// channel is a kind of outlets.
type channel struct {
	name   string // one of the users.Channel…
	kept   documents.Collection
	read   func(documents.Document) (outlet, error)
	guard  guard
	client *http.Client
}

// webhookChannel calls each host for one user: it keeps no connections.
func webhookChannel(kept documents.Collection, cfg WebhooksConfig) *channel {
	g := guard{cfg.AllowPrivate}
	return &channel{users.ChannelWebhook, kept, func(d documents.Document) (outlet, error) {
		w, err := webhookOf(d, nil)
		return &w, err
	}, g, g.client(false)}
}

func pushChannel(kept documents.Collection, cfg PushConfig) *channel {
	g := guard{cfg.AllowPrivate}
	return &channel{users.ChannelPush, kept, func(d documents.Document) (outlet, error) {
		p, err := pushOf(d, nil)
		return &p, err
	}, g, g.client(true)}
}

// retries is how long each failure in a row delays the next attempt: a day in all.
func retries() []time.Duration {
	return []time.Duration{
		5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 8 * time.Hour,
	}
}
