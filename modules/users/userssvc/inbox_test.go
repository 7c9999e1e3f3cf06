package userssvc_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimetest"
	"anihub/modules/users"
	"anihub/modules/users/userssvc"
	"anihub/modules/users/userstest"
	"anihub/platform/documents/mongowiretest"
	"anihub/platform/eventlog"
)

// newsroom is realtime for a test: a fake of it, and a log that rings.
type newsroom struct {
	*realtimetest.Fake
	bell *eventlog.Memory
}

func newNewsroom() *newsroom {
	return &newsroom{realtimetest.NewFake(), eventlog.NewMemory(1000)}
}

func (n *newsroom) publish(t testing.TB, events ...realtime.Event) []realtime.Published {
	t.Helper()
	done, err := n.Publish(context.Background(), events)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range done {
		if _, _, err := n.bell.Append(context.Background(), eventlog.Entry{ID: p.EventID, Topic: "event", Data: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	return done
}

func episode(title int, number float64) realtime.Event {
	return realtime.Event{Type: realtime.NewEpisode, TitleID: title, Episode: number, Data: map[string]any{"title": "Фонарщик"}}
}

// reading lets a room hear the news of a newsroom.
func (n *newsroom) reading(c *userssvc.Config, d *userssvc.Deps) {
	d.News, d.Bell = n, n.bell
}

// run runs a room until the test or stop ends it.
func run(t testing.TB, h *house) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func (n *newsroom) subject(t *testing.T, h *house) userstest.InboxSubject {
	run(t, h)
	return userstest.InboxSubject{Service: h, Publish: func(t *testing.T, titleID int, episodes ...float64) {
		for _, e := range episodes {
			n.publish(t, episode(titleID, e))
		}
	}}
}

func TestInboxContract(t *testing.T) {
	t.Parallel()
	userstest.InboxContract(t, func(t *testing.T) userstest.InboxSubject {
		n := newNewsroom()
		return n.subject(t, open(t, n.reading))
	})
}

func TestInboxContractOverMongo(t *testing.T) {
	t.Parallel()
	server := mongowiretest.Start(t)
	userstest.InboxContract(t, func(t *testing.T) userstest.InboxSubject {
		n := newNewsroom()
		return n.subject(t, openOn(t, &store{Store: server.Open(t)}, n.reading))
	})
}

// unread waits for an inbox of so many and returns it.
func unread(t *testing.T, s users.Service, user string, n int) users.InboxPage {
	t.Helper()
	for {
		p, err := s.Notifications(t.Context(), user, users.InboxQuery{Limit: users.MaxNotifications})
		if err != nil {
			t.Fatal(err)
		}
		if p.Unread == n {
			return p
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestInboxWithoutNews: a process that cannot hear the news says so, and does not show
// an empty inbox.
func TestInboxWithoutNews(t *testing.T) {
	t.Parallel()
	n := newNewsroom()
	n.Fail(realtime.ErrUnavailable)
	h := open(t, n.reading)
	run(t, h)
	mine := signUp(t, h, "wanderer")
	_, err := h.Notifications(t.Context(), mine.User.ID, users.InboxQuery{})
	if want := users.ErrUnavailable; err == nil || !want.Is(err) {
		t.Errorf("got %v", err)
	}
	n.Fail(nil)
	if _, err := h.Subscribe(t.Context(), mine.User.ID, 5); err != nil {
		t.Fatal(err)
	}
	n.publish(t, episode(5, 1))
	for {
		p, err := h.Notifications(t.Context(), mine.User.ID, users.InboxQuery{})
		if err == nil && p.Unread == 1 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestInboxAfterARestart reads the history again, and keeps what was read.
func TestInboxAfterARestart(t *testing.T) {
	t.Parallel()
	n := newNewsroom()
	h := open(t, n.reading)
	stop := run(t, h)
	mine := signUp(t, h, "wanderer")
	if _, err := h.Subscribe(t.Context(), mine.User.ID, 5); err != nil {
		t.Fatal(err)
	}
	first := n.publish(t, episode(5, 1), episode(5, 2))
	unread(t, h, mine.User.ID, 2)
	if _, err := h.MarkRead(t.Context(), mine.User.ID, users.ReadMark{UpTo: first[0].Position}); err != nil {
		t.Fatal(err)
	}
	stop()
	n.publish(t, episode(5, 3))
	again := openOn(t, h.store, n.reading)
	run(t, again)
	p := unread(t, again, mine.User.ID, 2)
	if len(p.Items) != 3 || !p.Items[2].Read {
		t.Errorf("inbox %+v", p)
	}
}

// TestTheftIsInTheInbox: who used a rotated token again made the session end, and its
// owner is told, whether or not the log could be.
func TestTheftIsInTheInbox(t *testing.T) {
	t.Parallel()
	n := newNewsroom()
	h := open(t, n.reading)
	run(t, h)
	mine := signUp(t, h, "wanderer")
	if _, err := h.Refresh(t.Context(), users.Refresh{Token: mine.RefreshToken, Client: from("192.0.2.1")}); err != nil {
		t.Fatal(err)
	}
	h.log.kill(true)
	for range 2 {
		_, _ = h.Refresh(t.Context(), users.Refresh{Token: mine.RefreshToken, Client: from("192.0.2.66")}) // refused
	}
	p := unread(t, h, mine.User.ID, 1)
	got := p.Items[0]
	if got.Type != users.NoticeSecurity || got.Reason != users.NoticeTokenReused || got.EventID == "" || got.TitleID != 0 || got.Numbered {
		t.Errorf("notice %+v", got)
	}
	h.log.kill(false)
	if _, err := h.Subscribe(t.Context(), mine.User.ID, 5); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Millisecond) // times are whole milliseconds
	n.publish(t, episode(5, 1))
	if p = unread(t, h, mine.User.ID, 2); p.Items[0].Type != realtime.NewEpisode || p.Items[1].Type != users.NoticeSecurity {
		t.Errorf("order: %+v", p.Items)
	}
	after, err := h.Notifications(t.Context(), mine.User.ID, users.InboxQuery{After: got.Position})
	if err != nil || len(after.Items) != 1 {
		t.Errorf("after the notice: %+v, %v", after, err)
	}
	left, err := h.MarkRead(t.Context(), mine.User.ID, users.ReadMark{EventIDs: []string{got.EventID}})
	if err != nil || left != 1 {
		t.Errorf("%d unread, %v", left, err)
	}
	left, err = h.MarkRead(t.Context(), mine.User.ID, users.ReadMark{UpTo: p.Items[0].Position})
	if err != nil || left != 0 {
		t.Errorf("%d unread, %v", left, err)
	}
}

// library says of each episode which qualities it has.
type library struct {
	mu  sync.Mutex
	has map[float64][]string
}

func (l *library) Qualities(_ context.Context, _ int, episode float64) ([]string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all, ok := l.has[episode]
	return all, ok
}

// TestQuality: an episode that is not good enough is no news yet; one of which nobody
// can tell is.
func TestQuality(t *testing.T) {
	t.Parallel()
	n := newNewsroom()
	l := &library{has: map[float64][]string{1: {"480p"}, 2: {"480p", "720p"}, 3: {"1080p"}, 4: {""}}}
	h := open(t, n.reading, func(_ *userssvc.Config, d *userssvc.Deps) { d.Titles = l })
	run(t, h)
	for least, want := range map[string]int{"": 6, "480p": 6, "720p": 5, "1080p": 4} {
		mine := signUp(t, h, "user"+least)
		if _, err := h.Subscribe(t.Context(), mine.User.ID, 5); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Prefer(t.Context(), mine.User.ID, 5, users.Preference{Quality: least}); err != nil {
			t.Fatal(err)
		}
		defer func() { unread(t, h, mine.User.ID, want) }()
	}
	status := realtime.Event{Type: realtime.StatusChange, TitleID: 5, Data: map[string]any{"new_status": "completed"}}
	n.publish(t, episode(5, 1), episode(5, 2), episode(5, 3), episode(5, 4), episode(5, 5), status)
}

// TestDevicesAreTold what was read on another.
func TestDevicesAreTold(t *testing.T) {
	t.Parallel()
	n := newNewsroom()
	h := open(t, n.reading)
	run(t, h)
	mine := signUp(t, h, "wanderer")
	if _, err := h.Subscribe(t.Context(), mine.User.ID, 5); err != nil {
		t.Fatal(err)
	}
	done := n.publish(t, episode(5, 1), episode(5, 2))
	unread(t, h, mine.User.ID, 2)
	for range 2 { // the second time there is nothing to tell
		if _, err := h.MarkRead(t.Context(), mine.User.ID, users.ReadMark{UpTo: done[0].Position}); err != nil {
			t.Fatal(err)
		}
	}
	h.devices.expect(t, users.ReadTopic+fmt.Sprintf(` {"user_id":%q,"data":{"event_ids":[],"up_to":%q,"unread":1}}`, mine.User.ID, done[0].Position))
}
