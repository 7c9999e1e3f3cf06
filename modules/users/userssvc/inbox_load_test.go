package userssvc_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimesvc"
	"anihub/modules/users"
)

// TestOneWriteForAHundredThousand: an episode of a title with 100,000 subscribers costs
// the store one write, the copy in the history, and none for any subscriber; all the
// same it is in each inbox.
func TestOneWriteForAHundredThousand(t *testing.T) {
	t.Parallel()
	n := newNewsroom()
	h := open(t, n.reading)
	run(t, h)
	first := signUp(t, h, "wanderer").User.ID
	subscribe := func(user string) {
		t.Helper()
		if _, err := h.Subscribe(t.Context(), user, 5); err != nil {
			t.Fatal(err)
		}
	}
	subscribe(first)
	raw := h.store.raw(t, "subscriptions")
	for i := range crowd {
		user := fmt.Sprintf("%020d", i)
		err := raw.Insert(t.Context(), user+":5", map[string]any{"user": user, "title": int64(5), "since": time.Now().Add(-time.Hour), "channels": nil})
		if err != nil {
			t.Fatal(err)
		}
	}
	last := signUp(t, h, "stranger").User.ID
	subscribe(last)
	room, err := realtimesvc.New(realtimesvc.DefaultConfig(), realtimesvc.Deps{
		Log: n.bell, Documents: h.store, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	before := h.store.written.Load()
	if _, err := room.Publish(t.Context(), []realtime.Event{episode(5, 1)}); err != nil {
		t.Fatal(err)
	}
	n.publish(t, episode(5, 1)) // the inboxes hear of it
	for _, user := range []string{first, last} {
		unread(t, h, user, 1)
	}
	if wrote := h.store.written.Load() - before; wrote != 1 {
		t.Errorf("%d writes", wrote)
	}
}

// tenThousand publishes 10,000 events of 2,000 titles.
func tenThousand(b *testing.B, n *newsroom) {
	b.Helper()
	var events []realtime.Event
	for i := range 10_000 {
		events = append(events, episode(1+i%2000, float64(i/2000)))
	}
	if _, err := n.Publish(context.Background(), events); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSubscriptions is the part of an inbox page that reads them.
func BenchmarkSubscriptions(b *testing.B) {
	h := open(b)
	user := signUp(b, h, "wanderer").User.ID
	for i := range 500 {
		if _, err := h.Subscribe(b.Context(), user, 1+i*4); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Subscriptions(b.Context(), user); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInboxPage is a page of a user with 500 subscriptions over 10,000 events, and
// what it asks of the store.
func BenchmarkInboxPage(b *testing.B) {
	n := newNewsroom()
	h := open(b, n.reading)
	run(b, h)
	user := signUp(b, h, "wanderer").User.ID
	for i := range 500 {
		if _, err := h.Subscribe(b.Context(), user, 1+i*4); err != nil {
			b.Fatal(err)
		}
	}
	time.Sleep(5 * time.Millisecond)
	tenThousand(b, n)
	for {
		p, err := h.Notifications(b.Context(), user, users.InboxQuery{})
		if err != nil {
			b.Fatal(err)
		}
		if p.Unread == 2500 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	asked := h.store.asked.Load()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Notifications(b.Context(), user, users.InboxQuery{Limit: 50}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(h.store.asked.Load()-asked)/float64(b.N), "store-calls/op")
}
