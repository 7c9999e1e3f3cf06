package userstest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/users"
)

// InboxSubject is an implementation under test with what makes news for it.
type InboxSubject struct {
	users.Service
	// Publish makes news of the episodes of a title, in order.
	Publish func(t *testing.T, titleID int, episodes ...float64)
}

// InboxContract holds the inbox and the channels to what the door promises. Each part
// gets a subject of its own, with no users and no news.
func InboxContract(t *testing.T, open func(t *testing.T) InboxSubject) {
	for _, p := range []struct {
		name string
		test func(*testing.T, InboxSubject)
	}{
		{"Inbox", inbox},
		{"InboxPages", inboxPages},
		{"InboxSince", inboxSince},
		{"InboxRead", inboxRead},
		{"InboxReadRaced", inboxReadRaced},
		{"InboxRefuses", inboxRefuses},
		{"Preference", preference},
		{"QuietHours", quietHours},
		{"Webhooks", webhooks},
		{"WebhooksRefused", webhooksRefused},
		{"FeedToken", feedToken},
		{"PushKey", pushKeys},
		{"Push", pushes},
		{"PushRefused", pushRefused},
		{"PushCrowd", pushCrowd},
		{"PushEnds", pushEnds},
		{"InboxCanceled", inboxCanceled},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.test(t, open(t))
		})
	}
}

func subscribed(t *testing.T, s users.Service, user string, titles ...int) {
	t.Helper()
	for _, id := range titles {
		if _, err := s.Subscribe(t.Context(), user, id); err != nil {
			t.Fatal(err)
		}
	}
}

func page(t *testing.T, s users.Service, user string, q users.InboxQuery) users.InboxPage {
	t.Helper()
	out, err := s.Notifications(t.Context(), user, q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	return out
}

// holds waits for an inbox to have so many: a process hears of news in a moment.
func holds(t *testing.T, s users.Service, user string, n int) users.InboxPage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		out, err := s.Notifications(ctx, user, users.InboxQuery{Limit: users.MaxNotifications})
		if err != nil {
			t.Fatalf("waiting for %d notifications: %v", n, err)
		}
		if len(out.Items) >= n {
			if len(out.Items) > n {
				t.Fatalf("%d notifications, want %d", len(out.Items), n)
			}
			return out
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func episodes(p users.InboxPage) string {
	var all []string
	for _, n := range p.Items {
		all = append(all, fmt.Sprintf("%d/%g", n.TitleID, n.Episode))
	}
	return strings.Join(all, " ")
}

// inbox: newest first, of the subscribed titles only, and each user their own.
func inbox(t *testing.T, s InboxSubject) {
	mine, other := signUp(t, s, "wanderer"), signUp(t, s, "stranger")
	if got := page(t, s, mine.User.ID, users.InboxQuery{}); len(got.Items) != 0 || got.Unread != 0 || got.Items == nil {
		t.Errorf("a new inbox: %+v", got)
	}
	subscribed(t, s, mine.User.ID, 5, 6)
	subscribed(t, s, other.User.ID, 7)
	s.Publish(t, 5, 1)
	s.Publish(t, 7, 1)
	s.Publish(t, 6, 1.5)
	got := holds(t, s, mine.User.ID, 2)
	if episodes(got) != "6/1.5 5/1" || got.Unread != 2 {
		t.Errorf("inbox %s, %d unread", episodes(got), got.Unread)
	}
	n := got.Items[1]
	if n.Type != "new_episode" || n.EventID == "" || n.Position == "" || n.At.IsZero() || n.Read || !n.Numbered || n.Title == "" {
		t.Errorf("notification %+v", n)
	}
	if got := holds(t, s, other.User.ID, 1); episodes(got) != "7/1" {
		t.Errorf("the other's: %s", episodes(got))
	}
	if got := page(t, s, "nosuchuserxxxxxxxxxx", users.InboxQuery{}); len(got.Items) != 0 {
		t.Errorf("nobody's: %+v", got)
	}
}

func inboxPages(t *testing.T, s InboxSubject) {
	mine := signUp(t, s, "wanderer")
	subscribed(t, s, mine.User.ID, 5)
	s.Publish(t, 5, 1, 2, 3, 4, 5, 6, 7)
	all := holds(t, s, mine.User.ID, 7).Items
	var back []users.Notification
	q := users.InboxQuery{Limit: 3}
	for {
		p := page(t, s, mine.User.ID, q)
		if p.Unread != 7 {
			t.Errorf("%d unread on a page", p.Unread)
		}
		if len(p.Items) == 0 {
			break
		}
		back = append(back, p.Items...)
		q.Before = p.Items[len(p.Items)-1].Position
	}
	if diff := cmp.Diff(all, back); diff != "" {
		t.Errorf("page by page: -want +got\n%s", diff)
	}
	newer := page(t, s, mine.User.ID, users.InboxQuery{After: all[2].Position})
	if diff := cmp.Diff(all[:2], newer.Items); diff != "" {
		t.Errorf("after the third: -want +got\n%s", diff)
	}
	between := page(t, s, mine.User.ID, users.InboxQuery{After: all[5].Position, Before: all[1].Position})
	if diff := cmp.Diff(all[2:5], between.Items); diff != "" {
		t.Errorf("between: -want +got\n%s", diff)
	}
	if got := page(t, s, mine.User.ID, users.InboxQuery{After: "elsewhere:7"}); len(got.Items) != 7 {
		t.Errorf("after an epoch that is over: %d", len(got.Items))
	}
}

// inboxSince: what aired before the subscription is no news.
func inboxSince(t *testing.T, s InboxSubject) {
	first, second := signUp(t, s, "wanderer"), signUp(t, s, "stranger")
	subscribed(t, s, first.User.ID, 5)
	s.Publish(t, 5, 1)
	holds(t, s, first.User.ID, 1)
	time.Sleep(5 * time.Millisecond) // times are whole milliseconds
	subscribed(t, s, second.User.ID, 5)
	s.Publish(t, 5, 2)
	holds(t, s, first.User.ID, 2)
	if got := holds(t, s, second.User.ID, 1); episodes(got) != "5/2" {
		t.Errorf("inbox %s", episodes(got))
	}
	if err := s.Unsubscribe(t.Context(), second.User.ID, 5); err != nil {
		t.Fatal(err)
	}
	holds(t, s, second.User.ID, 0)
}

// inboxRead: read is read on all devices, and stays so.
func inboxRead(t *testing.T, s InboxSubject) {
	mine := signUp(t, s, "wanderer")
	id := mine.User.ID
	subscribed(t, s, id, 5)
	s.Publish(t, 5, 1, 2, 3, 4, 5)
	all := holds(t, s, id, 5).Items
	read := func(m users.ReadMark, want int) {
		t.Helper()
		for range 2 { // again changes nothing
			unread, err := s.MarkRead(t.Context(), id, m)
			if err != nil || unread != want {
				t.Errorf("%+v: %d unread, %v; want %d", m, unread, err, want)
			}
		}
		if got := page(t, s, id, users.InboxQuery{}); got.Unread != want {
			t.Errorf("%+v: the inbox has %d unread, want %d", m, got.Unread, want)
		}
	}
	read(users.ReadMark{}, 5)
	read(users.ReadMark{EventIDs: []string{all[0].EventID, "new_episode:999:1", "nonsense"}}, 4)
	read(users.ReadMark{UpTo: all[3].Position}, 2)
	read(users.ReadMark{UpTo: all[4].Position}, 2) // what is read stays read
	got := page(t, s, id, users.InboxQuery{}).Items
	for i, want := range []bool{true, false, false, true, true} {
		if got[i].Read != want {
			t.Errorf("number %d: read %v", i, got[i].Read)
		}
	}
	read(users.ReadMark{EventIDs: []string{all[1].EventID}, UpTo: all[2].Position}, 0)
	s.Publish(t, 5, 6)
	if got := holds(t, s, id, 6); got.Unread != 1 || got.Items[0].Read {
		t.Errorf("what came since: %+v", got.Items[0])
	}
}

// inboxReadRaced: devices that mark at once lose nothing of each other.
func inboxReadRaced(t *testing.T, s InboxSubject) {
	mine := signUp(t, s, "wanderer")
	subscribed(t, s, mine.User.ID, 5)
	s.Publish(t, 5, 1, 2, 3, 4)
	all := holds(t, s, mine.User.ID, 4).Items
	done := make(chan error, len(all))
	for _, n := range all {
		go func() {
			_, err := s.MarkRead(t.Context(), mine.User.ID, users.ReadMark{EventIDs: []string{n.EventID}})
			done <- err
		}()
	}
	for range all {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if got := page(t, s, mine.User.ID, users.InboxQuery{}); got.Unread != 0 {
		t.Errorf("%d unread", got.Unread)
	}
}

func inboxRefuses(t *testing.T, s InboxSubject) {
	mine := signUp(t, s, "wanderer")
	for what, q := range map[string]users.InboxQuery{
		"after": {After: "nonsense"}, "before": {Before: "x:-1"}, "limit": {Limit: users.MaxNotifications + 1},
	} {
		_, err := s.Notifications(t.Context(), mine.User.ID, q)
		is(t, what, err, users.ErrUnacceptable)
		if got := field(err); got != what {
			t.Errorf("%s: blames %v", what, got)
		}
	}
	for what, m := range map[string]users.ReadMark{
		"up_to": {UpTo: "nonsense"}, "event_ids": {EventIDs: make([]string, users.MaxReadMarks+1)},
	} {
		_, err := s.MarkRead(t.Context(), mine.User.ID, m)
		is(t, what, err, users.ErrUnacceptable)
		if got := field(err); got != what {
			t.Errorf("%s: blames %v", what, got)
		}
	}
	_, err := s.MarkRead(t.Context(), mine.User.ID, users.ReadMark{UpTo: "elsewhere:7"})
	is(t, "up to an epoch that nobody knows", err, users.ErrUnacceptable)
	_, err = s.MarkRead(t.Context(), "nosuchuserxxxxxxxxxx", users.ReadMark{})
	is(t, "nobody", err, users.ErrNotFound)
}

func preference(t *testing.T, s InboxSubject) {
	mine := signUp(t, s, "wanderer")
	id := mine.User.ID
	_, err := s.Prefer(t.Context(), id, 5, users.Preference{})
	is(t, "no subscription", err, users.ErrNotSubscribed)
	subscribed(t, s, id, 5)
	for what, p := range map[string]users.Preference{
		"quality": {Quality: "4k"}, "channels": {Channels: []string{"pigeon"}},
	} {
		_, err := s.Prefer(t.Context(), id, 5, p)
		is(t, what, err, users.ErrUnacceptable)
		if got := field(err); got != what {
			t.Errorf("%s: blames %v", what, got)
		}
	}
	for _, p := range []users.Preference{
		{Quality: "720p", Channels: []string{users.ChannelFeed}}, {Channels: []string{}}, {}, {Quality: "1080p"},
	} {
		got, err := s.Prefer(t.Context(), id, 5, p)
		if err != nil {
			t.Fatal(err)
		}
		subscribed(t, s, id, 5) // again changes nothing
		all, err := s.Subscriptions(t.Context(), id)
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		if diff := cmp.Diff(p, got.Preference); diff != "" {
			t.Errorf("answer: -want +got\n%s", diff)
		}
		if diff := cmp.Diff(got, all[0]); diff != "" {
			t.Errorf("list: -want +got\n%s", diff)
		}
	}
}

func quietHours(t *testing.T, s InboxSubject) {
	mine := signUp(t, s, "wanderer")
	set := func(h users.QuietHours) (users.User, error) {
		return s.UpdateProfile(t.Context(), mine.User.ID, users.Profile{Quiet: &h})
	}
	night := users.QuietHours{From: "23:30", To: "08:00", TimeZone: "Europe/Moscow"}
	u, err := set(night)
	if err != nil || u.Quiet == nil || *u.Quiet != night {
		t.Fatalf("%+v, %v", u.Quiet, err)
	}
	for _, h := range []users.QuietHours{
		{From: "24:00", To: "08:00", TimeZone: "UTC"},
		{From: "8:00", To: "08:00", TimeZone: "UTC"},
		{From: "01:00", To: "01:00", TimeZone: "UTC"},
		{From: "01:00", To: "02:00", TimeZone: "Moon/Base"},
		{From: "01:00", To: "02:00"},
		{TimeZone: "UTC"},
	} {
		_, err := set(h)
		is(t, fmt.Sprint(h), err, users.ErrUnacceptable)
		if got := field(err); got != "quiet_hours" {
			t.Errorf("%v: blames %v", h, got)
		}
	}
	if u, err = s.User(t.Context(), mine.User.ID); err != nil || u.Quiet == nil || *u.Quiet != night {
		t.Errorf("%+v, %v", u.Quiet, err)
	}
	if u, err = set(users.QuietHours{}); err != nil || u.Quiet != nil {
		t.Errorf("none any more: %+v, %v", u.Quiet, err)
	}
}

func inboxCanceled(t *testing.T, s InboxSubject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, call := range map[string]func() error{
		"Notifications":  func() error { _, err := s.Notifications(ctx, "x", users.InboxQuery{}); return err },
		"MarkRead":       func() error { _, err := s.MarkRead(ctx, "x", users.ReadMark{}); return err },
		"Prefer":         func() error { _, err := s.Prefer(ctx, "x", 1, users.Preference{}); return err },
		"Webhooks":       func() error { _, err := s.Webhooks(ctx, "x"); return err },
		"AddWebhook":     func() error { _, err := s.AddWebhook(ctx, "x", users.NewWebhook{}); return err },
		"RemoveWebhook":  func() error { return s.RemoveWebhook(ctx, "x", "y") },
		"ReplayWebhook":  func() error { _, err := s.ReplayWebhook(ctx, "x", "y", "z:1"); return err },
		"IssueFeedToken": func() error { _, err := s.IssueFeedToken(ctx, "x"); return err },
		"RevokeFeed":     func() error { return s.RevokeFeedToken(ctx, "x") },
		"FeedTitles":     func() error { _, err := s.FeedTitles(ctx, "x"); return err },
		"PushKey":        func() error { _, err := s.PushKey(ctx); return err },
		"PushEndpoints":  func() error { _, err := s.PushEndpoints(ctx, "x"); return err },
		"AddPush":        func() error { _, err := s.AddPush(ctx, users.NewPush{}); return err },
		"RemovePush":     func() error { return s.RemovePush(ctx, "x", "y") },
	} {
		is(t, what, call(), context.Canceled)
	}
}
