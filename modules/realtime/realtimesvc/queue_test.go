package realtimesvc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimesvc"
	rt "anihub/modules/realtime/realtimetest"
	"anihub/platform/eventlog"
)

// big is an event that takes a good part of a queue.
func big(title, n int) realtime.Event {
	e := rt.Episode(title, float64(n))
	e.Data["filling"] = strings.Repeat("x", 12<<10)
	return e
}

func smallQueue(c *realtimesvc.Config, _ *realtimesvc.Deps) { c.QueueBytes = 64 << 10 }

// A viewer who does not read is closed with 4008; another is told everything.
func TestSlowConsumer(t *testing.T) {
	t.Parallel()
	h := open(t, smallQueue)
	slow, _ := rt.Open(t, h)
	slow.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	fast, _ := rt.Open(t, h)
	fast.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	for i := range 20 {
		done := rt.Publish(t, h, big(5, i))
		fast.ExpectEvent(done[0].EventID)
	}
	if c := slow.Closed(); c.Code != realtime.CloseSlow || c.Reason != "slow consumer" {
		t.Errorf("closed with %v", c)
	}
	st, err := h.Stats(t.Context())
	if err != nil || st.Dropped != 1 || st.Connections != 1 {
		t.Errorf("Stats = %+v, %v", st, err)
	}
	fast.Quiet()
}

// A backlog far over the limit of the queue is no reason to be closed, however
// slowly it is taken.
func TestBacklogIsReadAsTaken(t *testing.T) {
	t.Parallel()
	h := open(t, smallQueue)
	start, err := h.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const n = 400 // 4.8 MB: more than the window keeps in memory too
	var events []realtime.Event
	for i := range n {
		events = append(events, big(5, i))
	}
	rt.WaitTail(t, h, rt.Publish(t, h, events...)[n-1].Position)
	v, _ := rt.Open(t, h)
	m := v.Do(fmt.Sprintf(`{"type":"subscribe_title","data":{"title_id":5,"since":%q}}`, start), "subscribed")
	if got := rt.Data[struct{ Count int }](t, m); got.Count != n {
		t.Fatalf("answer %s", m.Frame)
	}
	for i := range n {
		if i%100 == 50 { // what happens meanwhile comes after it, in order
			rt.Publish(t, h, rt.Episode(5, float64(n+i)))
		}
		v.ExpectEvent(fmt.Sprintf("new_episode:5:%d", i))
	}
	for i := 50; i < n; i += 100 {
		v.ExpectEvent(fmt.Sprintf("new_episode:5:%d", n+i))
	}
	v.Quiet()
}

// Viewers who come back at once are served from memory.
func TestReturningViewersCostTheLogNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	start, err := h.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done := rt.Publish(t, h, rt.Episode(5, 1), rt.Episode(6, 1), rt.Episode(5, 2))
	rt.WaitTail(t, h, done[2].Position)
	for range 50 {
		v, _ := rt.Open(t, h)
		v.Do(fmt.Sprintf(`{"type":"subscribe_title","data":{"title_id":5,"since":%q}}`, start), "subscribed")
		v.ExpectEvent(done[0].EventID)
		v.ExpectEvent(done[2].EventID)
	}
	if h.log.reads > 1 { // one by the room's start
		t.Errorf("the log was read %d times", h.log.reads)
	}
}

// A process that has just started knows what was told before it.
func TestWindowIsFilledAtStart(t *testing.T) {
	t.Parallel()
	first := open(t)
	start, err := first.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done := rt.Publish(t, first, rt.Episode(5, 1), rt.Episode(5, 2))
	second := open(t, func(_ *realtimesvc.Config, d *realtimesvc.Deps) { d.Log = first.log })
	v, _ := rt.Open(t, second)
	first.log.storm()
	defer first.log.calm()
	v.Do(fmt.Sprintf(`{"type":"subscribe_title","data":{"title_id":5,"since":%q}}`, start), "subscribed")
	v.ExpectEvent(done[0].EventID)
	v.ExpectEvent(done[1].EventID)
}

func TestSubscriptionLimit(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *realtimesvc.Config, _ *realtimesvc.Deps) { c.MaxSubscriptions = 3 })
	h.users.admit("good", "u1", "s1")
	h.users.titles = []int{10, 11, 12, 13}
	v, _ := rt.Open(t, h)
	v.Do(`{"type":"subscribe_updates","data":{"types":["new_episode","new_title"]}}`, "subscribed")
	v.Do(`{"type":"subscribe_title","data":{"title_id":1}}`, "subscribed")
	v.Send(`{"type":"subscribe_title","id":4,"data":{"title_id":2}}`)
	v.ExpectError("SUBSCRIPTION_LIMIT")
	v.Do(`{"type":"subscribe_title","data":{"title_id":1}}`, "subscribed") // has it already
	v.Do(`{"type":"unsubscribe_title","data":{"title_id":1}}`, "unsubscribed")
	v.Do(`{"type":"auth","data":{"token":"good"}}`, "auth_ok") // room for one of four
	v.Send(`{"type":"subscribe_title","data":{"title_id":2}}`)
	v.ExpectError("SUBSCRIPTION_LIMIT")
	st, err := h.Stats(t.Context())
	if err != nil || st.Subscriptions != 3 {
		t.Errorf("Stats = %+v, %v", st, err)
	}
}

func TestCommandLimit(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *realtimesvc.Config, _ *realtimesvc.Deps) { c.Commands, c.CommandsWindow = 5, time.Hour })
	v, _ := rt.Open(t, h)
	for range 5 {
		v.Do(`{"type":"ping"}`, "pong")
	}
	for range 5 {
		v.Send(`{"type":"ping","id":1}`)
		v.ExpectError("RATE_LIMITED")
	}
	v.Send(`{"type":"ping"}`)
	if c := v.Closed(); c.Code != realtime.CloseFlood {
		t.Errorf("closed with %v", c)
	}
}

// Who asks without ever taking an answer fills the queue like any other.
func TestAnswersNotTaken(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *realtimesvc.Config, _ *realtimesvc.Deps) { c.QueueBytes, c.Commands = 64<<10, 1_000_000 })
	for name, frame := range map[string]string{"pong": `{"type":"ping"}`, "subscribed": `{"type":"subscribe_title","data":{"title_id":5}}`} {
		conv, err := h.Open(t.Context(), realtime.Client{})
		if err != nil {
			t.Fatal(err)
		}
		defer conv.Close()
		var closed *realtime.Closed
		for range 10_000 {
			if err = conv.Receive(t.Context(), []byte(frame)); err != nil {
				break
			}
		}
		if !errors.As(err, &closed) {
			t.Errorf("%s: after 10,000 commands: %v", name, err)
		}
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *realtimesvc.Config, _ *realtimesvc.Deps) { c.DrainSeconds = 20 })
	const n = 40
	var all []*rt.Viewer
	for range n {
		v, _ := rt.Open(t, h)
		v.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
		all = append(all, v)
	}
	done := rt.Publish(t, h, rt.Episode(5, 1))
	rt.WaitTail(t, h, done[0].Position)
	h.stop()
	seen := map[int64]bool{}
	for _, v := range all {
		v.ExpectEvent(done[0].EventID) // what was queued still goes out
		m := v.Expect("reconnect")
		retry := rt.Data[struct {
			InMS int64 `json:"retry_in_ms"`
		}](t, m).InMS
		if c := v.Closed(); c.Code != realtime.CloseRestart || c.Reason != fmt.Sprintf(`{"retry_in_ms":%d}`, retry) {
			t.Errorf("closed with %v after %s", c, m.Frame)
		}
		if retry < 1 || retry > 21_000 || seen[retry] {
			t.Errorf("retry_in_ms %d: want different ones within 20 s", retry)
		}
		seen[retry] = true
	}
	if _, err := h.Open(t.Context(), realtime.Client{}); !errors.Is(err, realtime.ErrUnavailable) {
		t.Errorf("Open after the end: %v", err)
	}
}

func TestOpenBeforeTheLogIsKnown(t *testing.T) {
	t.Parallel()
	log := &weatheredLog{log: eventlog.NewMemory(10)}
	log.storm()
	h := open(t, func(_ *realtimesvc.Config, d *realtimesvc.Deps) { d.Log = log })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Open(ctx, realtime.Client{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Open: %v", err)
	}
	if _, err := h.Open(t.Context(), realtime.Client{}); !errors.Is(err, realtime.ErrUnavailable) {
		t.Errorf("Open: %v, want ErrUnavailable", err)
	}
	if _, err := h.Tail(t.Context()); !errors.Is(err, realtime.ErrUnavailable) {
		t.Errorf("Tail: %v, want ErrUnavailable", err)
	}
	if _, err := h.Publish(t.Context(), []realtime.Event{rt.Episode(1, 1)}); !errors.Is(err, realtime.ErrUnavailable) {
		t.Errorf("Publish: %v, want ErrUnavailable", err)
	}
	log.calm()
	rt.WaitFor(t, func() (string, bool) { // the log is asked again after a while
		_, err := h.Tail(t.Context())
		return fmt.Sprint("Tail: ", err), err == nil
	})
	v, _ := rt.Open(t, h)
	v.Quiet()
}
