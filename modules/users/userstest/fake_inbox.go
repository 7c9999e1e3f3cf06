package userstest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"anihub/modules/users"
)

// fakeInbox is what a user has beside the subscriptions.
type fakeInbox struct {
	read     map[string]bool
	webhooks []users.Webhook
	feed     string
}

// Tell puts a piece of news into the inboxes of those who subscribed to its title.
// Its Position is of the epoch fake.
func (f *Fake) Tell(n users.Notification) users.Notification {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.news = append(f.news, n)
	at := &f.news[len(f.news)-1]
	at.Position = fmt.Sprintf("fake:%d", len(f.news))
	if at.At.IsZero() {
		at.At = time.Now().UTC().Truncate(time.Millisecond)
	}
	return *at
}

// inboxOf is everything in an inbox, newest first.
func (f *Fake) inboxOf(u *fakeUser) []users.Notification {
	var out []users.Notification
	for _, n := range slices.Backward(f.news) {
		i := slices.IndexFunc(u.subscriptions, func(s users.Subscription) bool { return s.TitleID == n.TitleID })
		if i < 0 || n.At.Before(u.subscriptions[i].Since) {
			continue
		}
		n.Read = u.inbox.read[n.EventID]
		out = append(out, n)
	}
	return out
}

// offsetOf reads a position; -1 for one of another epoch.
func offsetOf(position, field string) (int, error) {
	epoch, rest, ok := strings.Cut(position, ":")
	n := -1
	if _, err := fmt.Sscanf(rest, "%d", &n); !ok || err != nil || n < 0 {
		return 0, users.ErrUnacceptable.Detail("field", field)
	}
	if epoch == "notice" {
		return 0, nil // before everything: the fake has no notices
	}
	if epoch != "fake" {
		return -1, nil
	}
	return n, nil
}

// Notifications implements users.Inbox.
func (f *Fake) Notifications(ctx context.Context, userID string, q users.InboxQuery) (users.InboxPage, error) {
	defer f.mu.Unlock()
	out := users.InboxPage{Items: []users.Notification{}}
	if err := f.enter(ctx); err != nil {
		return out, err
	}
	if q.Limit < 0 || q.Limit > users.MaxNotifications {
		return out, users.ErrUnacceptable.Detail("field", "limit")
	}
	after, before := 0, len(f.news)+1
	var err error
	if q.After != "" {
		if after, err = offsetOf(q.After, "after"); err != nil {
			return out, err
		}
	}
	if q.Before != "" {
		if before, err = offsetOf(q.Before, "before"); err != nil || before < 0 {
			return out, users.ErrUnacceptable.Detail("field", "before")
		}
	}
	u := f.users[userID]
	if u == nil {
		return out, nil
	}
	for _, n := range f.inboxOf(u) {
		if !n.Read {
			out.Unread++
		}
		at, _ := offsetOf(n.Position, "")
		if at > after && at < before && (q.Limit == 0 && len(out.Items) < 50 || len(out.Items) < q.Limit) {
			out.Items = append(out.Items, n)
		}
	}
	return out, nil
}

// MarkRead implements users.Inbox.
func (f *Fake) MarkRead(ctx context.Context, userID string, m users.ReadMark) (int, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return 0, err
	}
	if len(m.EventIDs) > users.MaxReadMarks {
		return 0, users.ErrUnacceptable.Detail("field", "event_ids")
	}
	u := f.users[userID]
	if u == nil {
		return 0, users.ErrNotFound
	}
	upTo := 0
	if m.UpTo != "" {
		var err error
		if upTo, err = offsetOf(m.UpTo, "up_to"); err != nil || upTo < 0 {
			return 0, users.ErrUnacceptable.Detail("field", "up_to")
		}
	}
	if u.inbox.read == nil {
		u.inbox.read = map[string]bool{}
	}
	unread := 0
	for _, n := range f.inboxOf(u) {
		if at, _ := offsetOf(n.Position, ""); at <= upTo || slices.Contains(m.EventIDs, n.EventID) {
			u.inbox.read[n.EventID] = true
		}
		if !u.inbox.read[n.EventID] {
			unread++
		}
	}
	return unread, nil
}

// Prefer implements users.Inbox.
func (f *Fake) Prefer(ctx context.Context, userID string, titleID int, p users.Preference) (users.Subscription, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return users.Subscription{}, err
	}
	if p.Quality != "" && !slices.Contains(users.Qualities(), p.Quality) {
		return users.Subscription{}, users.ErrUnacceptable.Detail("field", "quality")
	}
	for _, c := range p.Channels {
		if !slices.Contains(users.Channels(), c) {
			return users.Subscription{}, users.ErrUnacceptable.Detail("field", "channels")
		}
	}
	u := f.users[userID]
	if u == nil {
		return users.Subscription{}, users.ErrNotSubscribed
	}
	for i := range u.subscriptions {
		if s := &u.subscriptions[i]; s.TitleID == titleID {
			s.Preference = users.Preference{Quality: p.Quality, Channels: copied(p.Channels)}
			return copiedSubscription(*s), nil
		}
	}
	return users.Subscription{}, users.ErrNotSubscribed
}

// copied keeps nil and empty apart.
func copied(channels []string) []string {
	if channels == nil {
		return nil
	}
	out := append([]string{}, channels...)
	slices.Sort(out)
	return slices.Compact(out)
}

func copiedSubscription(s users.Subscription) users.Subscription {
	s.Channels = copied(s.Channels)
	return s
}

// Webhooks implements users.Channel.
func (f *Fake) Webhooks(ctx context.Context, userID string) ([]users.Webhook, error) {
	defer f.mu.Unlock()
	out := []users.Webhook{}
	if err := f.enter(ctx); err != nil {
		return out, err
	}
	if u := f.users[userID]; u != nil {
		for _, w := range u.inbox.webhooks {
			w.Types = append([]string{}, w.Types...)
			out = append(out, w)
		}
	}
	return out, nil
}

// AddWebhook implements users.Channel. The fake delivers nothing.
func (f *Fake) AddWebhook(ctx context.Context, userID string, n users.NewWebhook) (users.Webhook, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return users.Webhook{}, err
	}
	for _, t := range n.Types {
		if !slices.Contains([]string{"episode_update", "new_episode", "new_title", "status_change"}, t) {
			return users.Webhook{}, users.ErrUnacceptable.Detail("field", "types")
		}
	}
	host, ok := strings.CutPrefix(n.URL, "https://")
	if !ok || len(n.URL) > users.MaxWebhookURL || strings.ContainsAny(host, "@# ") || strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "[::1]") || host == "" {
		return users.Webhook{}, users.ErrUnacceptable.Detail("field", "url")
	}
	u := f.users[userID]
	switch {
	case u == nil:
		return users.Webhook{}, users.ErrNotFound
	case len(u.inbox.webhooks) >= users.MaxWebhooks:
		return users.Webhook{}, users.ErrUnacceptable.Detail("field", "url")
	}
	w := users.Webhook{ID: fakeID(), URL: n.URL, Types: copied(append([]string{}, n.Types...)), CreatedAt: time.Now().UTC().Truncate(time.Millisecond)}
	u.inbox.webhooks = append(u.inbox.webhooks, w)
	w.Types, w.Secret = append([]string{}, w.Types...), "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	return w, nil
}

// RemoveWebhook implements users.Channel.
func (f *Fake) RemoveWebhook(ctx context.Context, userID, id string) error {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return err
	}
	if u := f.users[userID]; u != nil {
		u.inbox.webhooks = slices.DeleteFunc(u.inbox.webhooks, func(w users.Webhook) bool { return w.ID == id })
	}
	return nil
}

// ReplayWebhook implements users.Channel.
func (f *Fake) ReplayWebhook(ctx context.Context, userID, id, after string) (users.Webhook, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return users.Webhook{}, err
	}
	if at, err := offsetOf(after, "after"); err != nil || at < 0 {
		return users.Webhook{}, users.ErrUnacceptable.Detail("field", "after")
	}
	if u := f.users[userID]; u != nil {
		for _, w := range u.inbox.webhooks {
			if w.ID == id {
				w.Types = append([]string{}, w.Types...)
				return w, nil
			}
		}
	}
	return users.Webhook{}, users.ErrNoWebhook
}

// IssueFeedToken implements users.Channel.
func (f *Fake) IssueFeedToken(ctx context.Context, userID string) (string, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return "", err
	}
	u := f.users[userID]
	if u == nil {
		return "", users.ErrNotFound
	}
	u.inbox.feed = (fakeID() + fakeID())[:32]
	return u.inbox.feed, nil
}

// RevokeFeedToken implements users.Channel.
func (f *Fake) RevokeFeedToken(ctx context.Context, userID string) error {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return err
	}
	if u := f.users[userID]; u != nil {
		u.inbox.feed = ""
	}
	return nil
}

// FeedTitles implements users.Channel.
func (f *Fake) FeedTitles(ctx context.Context, token string) ([]int, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	for _, u := range f.users {
		if u.inbox.feed == "" || u.inbox.feed != token || u.Banned {
			continue
		}
		out := []int{}
		for _, s := range u.subscriptions {
			if s.Channels == nil || slices.Contains(s.Channels, users.ChannelFeed) {
				out = append(out, s.TitleID)
			}
		}
		slices.Sort(out)
		return out, nil
	}
	return nil, users.ErrNoFeed
}

// keepQuiet is the part of UpdateProfile about quiet hours.
func (u *fakeUser) keepQuiet(h *users.QuietHours) error {
	if h == nil {
		return nil
	}
	if *h == (users.QuietHours{}) {
		u.Quiet = nil
		return nil
	}
	_, bad := time.Parse("15:04", h.From)
	_, also := time.Parse("15:04", h.To)
	_, zone := time.LoadLocation(h.TimeZone)
	if bad != nil || also != nil || zone != nil || h.TimeZone == "" || h.From == h.To || len(h.From)+len(h.To) != 10 {
		return users.ErrUnacceptable.Detail("field", "quiet_hours")
	}
	own := *h
	u.Quiet = &own
	return nil
}

// FakeInbox is the fake with what makes news for it.
func FakeInbox(f *Fake) InboxSubject {
	return InboxSubject{Service: f, Publish: func(_ *testing.T, titleID int, episodes ...float64) {
		for _, e := range episodes {
			f.Tell(users.Notification{
				EventID: fmt.Sprintf("new_episode:%d:%g", titleID, e), Type: "new_episode", TitleID: titleID,
				Episode: e, Numbered: true, Title: "Фонарщик",
			})
		}
	}}
}
