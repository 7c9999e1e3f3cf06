package realtimesvc

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/realtime"
	"anihub/modules/users"
	"anihub/platform/eventlog"
)

type anybody struct{}

func (anybody) Validate(context.Context, string) (users.Validation, error) {
	return users.Validation{Valid: true, UserID: "u1", SessionID: "s1", ExpiresAt: time.Now().Add(time.Hour)}, nil
}

func (anybody) Subscriptions(context.Context, string) ([]users.Subscription, error) {
	return []users.Subscription{{TitleID: 7}}, nil
}

// Who leaves is forgotten everywhere.
func TestIndexForgets(t *testing.T) {
	t.Parallel()
	s, err := New(DefaultConfig(), Deps{
		Log: eventlog.NewMemory(10), Users: anybody{}, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.hub.begin(eventlog.Position{Epoch: "e"})
	var open []realtime.Conversation
	for range 2 * shards {
		conv, err := s.Open(t.Context(), realtime.Client{})
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, conv)
		for _, frame := range []string{
			`{"type":"auth","data":{"token":"x"}}`, `{"type":"subscribe_title","data":{"title_id":5}}`,
			`{"type":"subscribe_updates","data":{"types":["new_title"]}}`, `{"type":"unsubscribe_title","data":{"title_id":5}}`, `{"type":"ping"}`,
		} {
			if err := conv.Receive(t.Context(), []byte(frame)); err != nil {
				t.Fatal(err)
			}
		}
		for typ := ""; typ != typeUnsubscribed; {
			batch, err := conv.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			typ = batch[len(batch)-1].Type
		}
		if len(open) == 20 { // the limit of a user
			for _, c := range open {
				c.Close()
			}
			open = nil
		}
	}
	if len(open) == 0 {
		t.Fatal("nobody is left to leave")
	}
	for _, c := range open {
		c.Close()
	}
	for i := range s.hub.shards {
		sh := &s.hub.shards[i]
		n := len(sh.all) + len(sh.titles) + len(sh.users)
		for _, k := range sh.kinds {
			n += len(k)
		}
		if n != 0 {
			t.Errorf("shard %d still knows %d", i, n)
		}
	}
	if n := len(s.fleet.(*alone).own.open); n != 0 {
		t.Errorf("%d users are still counted", n)
	}
}

// A subscription that is made while the viewer leaves does not stay behind.
func TestSubscribeAfterLeaving(t *testing.T) {
	t.Parallel()
	s, err := New(DefaultConfig(), Deps{
		Log: eventlog.NewMemory(10), Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.hub.begin(eventlog.Position{Epoch: "e"})
	conv, err := s.Open(t.Context(), realtime.Client{})
	if err != nil {
		t.Fatal(err)
	}
	conv.Close()
	c := conv.(*conversation)
	c.subscribeNow(task{typ: cmdSubscribeTitle, wish: wish{titles: []int{5}, kinds: []kind{1}}})
	if n := s.hub.subscribers(1, 5); n != 0 || s.subscriptions.Load() != 0 {
		t.Errorf("%d subscribers, %d subscriptions after leaving", n, s.subscriptions.Load())
	}
	if c.become(users.Validation{UserID: "u1"}, nil) || len(c.shard.users) != 0 {
		t.Error("signed in after leaving")
	}
}

// What ended while too much ended is not known, and that is said.
func TestEndingsForgotten(t *testing.T) {
	t.Parallel()
	h := newHub()
	h.end(ending{user: "u1", session: "s1"})
	for range maxEndings - 1 {
		h.end(ending{user: "crowd"})
	}
	if _, found, known := h.endedSince(0, "u1", "s1"); !found || !known {
		t.Error("an ending that is remembered was not found")
	}
	h.end(ending{user: "crowd"})
	if _, _, known := h.endedSince(0, "u1", "s1"); known {
		t.Error("a forgotten ending counts as none")
	}
	if _, found, known := h.endedSince(h.endings(), "u1", "s1"); found || !known {
		t.Error("an ending before the look counts")
	}
}

func (anybody) Notifications(context.Context, string, users.InboxQuery) (users.InboxPage, error) {
	return users.InboxPage{}, nil
}
