package realtimetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/realtime"
)

func testErrors(t *testing.T, s Subject) {
	v, _ := Open(t, s.Service)
	for _, c := range []struct{ frame, code, id string }{
		{``, "BAD_FRAME", ""},
		{`{`, "BAD_FRAME", ""},
		{`[]`, "BAD_FRAME", ""},
		{`"ping"`, "BAD_FRAME", ""},
		{`{"id":1}`, "BAD_FRAME", `1`},
		{`{"type":5,"id":1}`, "BAD_FRAME", `1`},
		{`{"type":"ping","id":{}}`, "BAD_FRAME", ""},
		{`{"type":"ping","id":"` + strings.Repeat("x", 65) + `"}`, "BAD_FRAME", ""},
		{`{"type":"ping","extra":1}`, "BAD_FRAME", ""},
		{`{"type":"ping","data":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`, "BAD_FRAME", ""},
		{`{"type":"dance","id":"я"}`, "UNKNOWN_TYPE", `"я"`},
		{`{"type":"subscribe_title","id":2}`, "BAD_DATA", `2`},
		{`{"type":"subscribe_title","data":{"title_id":0}}`, "BAD_DATA", ""},
		{`{"type":"subscribe_title","data":{"title_id":1.5}}`, "BAD_DATA", ""},
		{`{"type":"subscribe_title","data":{"title_id":99999999999999999999}}`, "BAD_DATA", ""},
		{`{"type":"subscribe_title","data":{"title_id":"5"}}`, "BAD_DATA", ""},
		{`{"type":"subscribe_title","data":{"title_id":5,"sines":"a:1"}}`, "BAD_DATA", ""},
		{`{"type":"subscribe_title","data":{"title_id":5,"since":"yesterday"}}`, "BAD_POSITION", ""},
		{`{"type":"subscribe_updates","data":{"types":[]}}`, "BAD_DATA", ""},
		{`{"type":"subscribe_updates","data":{"types":["gossip"]}}`, "BAD_DATA", ""},
		{`{"type":"subscribe_updates","data":{}}`, "BAD_DATA", ""},
		{`{"type":"subscribe_updates","data":{"titles":[0]}}`, "BAD_DATA", ""},
		{`{"type":"subscribe_updates","data":{"titles":["5"]}}`, "BAD_DATA", ""},
		{`{"type":"resume","data":{}}`, "BAD_POSITION", ""},
		{`{"type":"auth","data":{"token":""}}`, "BAD_DATA", ""},
		{`{"type":"auth","id":3,"data":{"token":"worthless"}}`, "BAD_TOKEN", `3`},
	} {
		v.Send(c.frame)
		wantID(t, v.ExpectError(c.code), c.id)
	}
	m := v.Do(`{"type":"ping","id":-1.5e3}`, "pong")
	wantID(t, m, `-1.5e3`)
}

func testTooBig(t *testing.T, s Subject) {
	v, _ := Open(t, s.Service)
	v.Send(`{"type":"ping","data":"` + strings.Repeat("x", realtime.MaxFrame) + `"}`)
	if c := v.Closed(); c.Code != realtime.CloseTooBig {
		t.Errorf("closed with %v, want %d", c, realtime.CloseTooBig)
	}
}

func testNotText(t *testing.T, s Subject) {
	v, _ := Open(t, s.Service)
	v.Send("{\"type\":\"ping\",\"id\":\"\xff\"}")
	if c := v.Closed(); c.Code != realtime.CloseBadFrame {
		t.Errorf("closed with %v, want %d", c, realtime.CloseBadFrame)
	}
}

func testAuth(t *testing.T, s Subject) {
	other, _ := Open(t, s.Service)
	other.Do(fmt.Sprintf(`{"type":"subscribe_title","data":{"title_id":%d}}`, s.Title), "subscribed")
	v, _ := Open(t, s.Service)
	m := v.Do(fmt.Sprintf(`{"type":"auth","id":1,"data":{"token":%q}}`, s.Token), "auth_ok")
	wantID(t, m, `1`)
	got := Data[struct {
		UserID    string `json:"user_id"`
		ExpiresAt string `json:"expires_at"`
	}](t, m)
	if got.UserID != s.UserID || !strings.HasSuffix(got.ExpiresAt, "Z") {
		t.Errorf("answer %s", m.Frame)
	}
	// With the answer the user's titles are subscribed: what is told from now on is
	// theirs too, even before they ask for it.
	done := Publish(t, s.Service, Episode(s.Title, 1))
	other.ExpectEvent(done[0].EventID)
	v.ExpectEvent(done[0].EventID)
	v.Do(fmt.Sprintf(`{"type":"auth","data":{"token":%q}}`, s.Token), "auth_ok")
}

func testCancelled(t *testing.T, s Subject) {
	v, _ := Open(t, s.Service)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.conv.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Next with a cancelled context: %v", err)
	}
	v.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	waiting := make(chan error)
	ctx, cancel = context.WithCancel(t.Context())
	go func() {
		_, err := v.conv.Next(ctx)
		waiting <- err
	}()
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("Next while its context was cancelled: %v", err)
	}
	done := Publish(t, s.Service, Episode(5, 1))
	v.ExpectEvent(done[0].EventID)
	if _, err := s.Service.Publish(ctx, []realtime.Event{Episode(5, 2)}); !errors.Is(err, context.Canceled) {
		t.Errorf("Publish with a cancelled context: %v", err)
	}
}

func testClose(t *testing.T, s Subject) {
	v, _ := Open(t, s.Service)
	v.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	ended := make(chan error)
	go func() {
		_, err := v.conv.Next(t.Context())
		ended <- err
	}()
	v.Close()
	v.Close()
	var closed *realtime.Closed
	if err := <-ended; !errors.As(err, &closed) || closed.Code != realtime.CloseNormal {
		t.Errorf("Next after Close: %v", err)
	}
	if err := v.conv.Receive(t.Context(), []byte(`{"type":"ping"}`)); !errors.As(err, &closed) {
		t.Errorf("Receive after Close: %v", err)
	}
	waitStats(t, s.Service, func(st realtime.Stats) bool { return st.Connections == 0 && st.Subscriptions == 0 })
	if done := Publish(t, s.Service, Episode(5, 1)); done[0].Subscribers != 0 {
		t.Errorf("told %d subscribers after all left", done[0].Subscribers)
	}
}

func testStats(t *testing.T, s Subject) {
	v, _ := Open(t, s.Service)
	v.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	v.Do(`{"type":"subscribe_updates","data":{"types":["new_title","new_episode"]}}`, "subscribed")
	done := Publish(t, s.Service, Episode(5, 1))
	v.ExpectEvent(done[0].EventID)
	waitStats(t, s.Service, func(st realtime.Stats) bool {
		return cmp.Equal(st, realtime.Stats{Connections: 1, Subscriptions: 3, Delivered: 1, Position: done[0].Position})
	})
}

// testWatch: a transport that waits nowhere is told when there is something to take.
func testWatch(t *testing.T, s Subject) {
	conv, err := s.Service.Open(t.Context(), realtime.Client{})
	if err != nil {
		t.Fatal(err)
	}
	defer conv.Close()
	told := make(chan struct{}, 1)
	conv.Watch(func() {
		select {
		case told <- struct{}{}:
		default:
		}
	})
	var queue []realtime.Message
	next := func() (realtime.Message, error) {
		for len(queue) == 0 {
			batch, err := conv.Take(t.Context())
			if err != nil {
				return realtime.Message{}, err
			}
			if queue = append(queue, batch...); len(batch) > 0 {
				break
			}
			select {
			case <-told:
			case <-time.After(patience):
				t.Fatal("nobody is told of what comes next")
			}
		}
		m := queue[0]
		queue = queue[1:]
		return m, nil
	}
	expect := func(typ string) {
		t.Helper()
		if m, err := next(); err != nil || m.Type != typ {
			t.Fatalf("%s, %v; want %s", m.Frame, err, typ)
		}
	}
	expect("hello")
	if err := conv.Receive(t.Context(), []byte(`{"type":"subscribe_title","data":{"title_id":5}}`)); err != nil {
		t.Fatal(err)
	}
	expect("subscribed")
	Publish(t, s.Service, Episode(5, 1), Episode(5, 2))
	expect(realtime.NewEpisode)
	expect(realtime.NewEpisode)
	if batch, err := conv.Take(t.Context()); len(batch) != 0 || err != nil {
		t.Errorf("%d messages, %v, when there is nothing", len(batch), err)
	}
	conv.Close()
	var closed *realtime.Closed
	if _, err := next(); !errors.As(err, &closed) || closed.Code != realtime.CloseNormal {
		t.Errorf("after the end: %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := conv.Take(over); !errors.Is(err, context.Canceled) && !errors.As(err, &closed) {
		t.Errorf("with a context that is over: %v", err)
	}
}

// testPresence: who is subscribed to a title is counted once, and not when it is news of a
// type that is subscribed to.
func testPresence(t *testing.T, s Subject) {
	a, _ := Open(t, s.Service)
	a.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	a.Do(`{"type":"subscribe_updates","data":{"titles":[5,6],"types":["new_episode"]}}`, "subscribed")
	b, _ := Open(t, s.Service)
	b.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	want := realtime.Presence{Instances: 1, Titles: map[int]int{5: 2, 6: 1}}
	if got, err := s.Service.Presence(t.Context()); err != nil || !cmp.Equal(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	b.Do(`{"type":"unsubscribe_title","data":{"title_id":5}}`, "unsubscribed")
	a.Close()
	WaitFor(t, func() (string, bool) {
		got, err := s.Service.Presence(t.Context())
		return fmt.Sprintf("%+v, %v after all left", got, err), err == nil && len(got.Titles) == 0
	})
}

func waitStats(t *testing.T, s realtime.Service, good func(realtime.Stats) bool) {
	t.Helper()
	WaitFor(t, func() (string, bool) {
		st, err := s.Stats(t.Context())
		return fmt.Sprintf("Stats = %+v, %v", st, err), err == nil && good(st)
	})
}

// wantID checks the id that an answer carries; "" = none.
func wantID(t *testing.T, m realtime.Message, want string) {
	t.Helper()
	var frame struct{ ID json.RawMessage }
	if err := json.Unmarshal(m.Frame, &frame); err != nil {
		t.Fatalf("%s: %v", m.Frame, err)
	}
	if string(frame.ID) != want {
		t.Errorf("%s carries id %s, want %s", m.Frame, frame.ID, want)
	}
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
