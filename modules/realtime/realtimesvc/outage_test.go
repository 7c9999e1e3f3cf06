package realtimesvc_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimesvc"
	rt "anihub/modules/realtime/realtimetest"
	"anihub/modules/users"
	"anihub/platform/eventlog"
)

type reset struct {
	Epoch, Position string
	Recovered       bool
}

// While the log is away conversations stay open, and what is asked of the log is
// answered when it is back.
func TestOutage(t *testing.T) {
	t.Parallel()
	h := open(t)
	start, err := h.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var last realtime.Published
	for i := range 2000 { // more than the window keeps
		last = rt.Publish(t, h, rt.Episode(6, float64(i)))[0]
	}
	rt.WaitTail(t, h, last.Position)
	live, _ := rt.Open(t, h)
	live.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	late, _ := rt.Open(t, h)

	h.log.storm()
	live.Quiet()
	late.Send(fmt.Sprintf(`{"type":"subscribe_title","data":{"title_id":5,"since":%q}}`, start))
	late.Send(fmt.Sprintf(`{"type":"resume","data":{"position":%q}}`, start))
	late.Quiet() // a ping does not wait for the log
	live.Do(`{"type":"subscribe_title","data":{"title_id":7}}`, "subscribed")

	h.log.calm()
	done := rt.Publish(t, h, rt.Episode(5, 1), rt.Episode(7, 1))
	live.ExpectEvent(done[0].EventID)
	live.ExpectEvent(done[1].EventID)
	got := rt.Data[struct{ Recovered bool }](t, late.Expect("subscribed"))
	if !got.Recovered {
		t.Error("not recovered")
	}
	// Whether the event comes with the subscription, with the resume or after them,
	// it comes once.
	seen := 0
	for answered := false; seen == 0 || !answered; {
		m := late.Next()
		answered = answered || m.Type == "resumed"
		if m.EventID == done[0].EventID {
			seen++
		}
	}
	last = rt.Publish(t, h, rt.Episode(5, 2))[0]
	late.ExpectEvent(last.EventID)
	if seen != 1 {
		t.Errorf("event delivered %d times", seen)
	}
}

// When the log is a new one, everybody is told, nothing of the new one is lost,
// and an event that its publisher repeats is not told again.
func TestNewEpoch(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.users.admit("good", "u1", "s1")
	v, hello := rt.Open(t, h)
	v.Do(`{"type":"auth","data":{"token":"good"}}`, "auth_ok")
	v.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	before := rt.Publish(t, h, rt.Episode(5, 1))
	v.ExpectEvent(before[0].EventID)

	h.log.flood(100)
	again := rt.Publish(t, h, rt.Episode(5, 1), rt.Episode(5, 2))
	if again[0].Duplicate {
		t.Fatal("the new log knows the old event")
	}
	got := rt.Data[reset](t, v.Expect("reset"))
	if old := rt.Data[reset](t, hello); got.Epoch == old.Epoch || got.Recovered || !strings.HasPrefix(got.Position, got.Epoch+":") {
		t.Errorf("reset %+v after hello %+v", got, old)
	}
	v.Expect("auth_expired") // a logout may be among what was lost
	v.ExpectEvent(again[1].EventID)
	v.Do(`{"type":"auth","data":{"token":"good"}}`, "auth_ok")
	m := v.Do(fmt.Sprintf(`{"type":"resume","data":{"position":%q}}`, before[0].Position), "resumed")
	if r := rt.Data[reset](t, m); r.Recovered {
		t.Errorf("resumed from a lost epoch: %s", m.Frame)
	}
	v.Quiet()
}

// A backlog that the log has trimmed away is not recovered; the subscription holds.
func TestTrimmed(t *testing.T) {
	t.Parallel()
	small := &weatheredLog{log: eventlog.NewMemory(5)}
	first := open(t, func(_ *realtimesvc.Config, d *realtimesvc.Deps) { d.Log = small })
	start, err := first.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var last realtime.Published
	for i := range 20 {
		last = rt.Publish(t, first, rt.Episode(5, float64(i)))[0]
	}
	// A process that starts now has nothing in memory either.
	h := open(t, func(_ *realtimesvc.Config, d *realtimesvc.Deps) { d.Log = small })
	v, _ := rt.Open(t, h)
	m := v.Do(fmt.Sprintf(`{"type":"subscribe_title","data":{"title_id":5,"since":%q}}`, start), "subscribed")
	got := rt.Data[struct {
		Recovered bool
		Count     int
		Position  string
	}](t, m)
	if got.Recovered || got.Count != 0 || got.Position != last.Position {
		t.Errorf("answer %s", m.Frame)
	}
	done := rt.Publish(t, h, rt.Episode(5, 100))
	v.ExpectEvent(done[0].EventID)
	v.Quiet()
}

// Who is signed in is told what the inbox knows of what the log lost.
func TestTrimmedTellsOfTheInbox(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.users.admit("good", "u1", "s1")
	h.users.inbox = users.InboxPage{Items: make([]users.Notification, 3), Unread: 7}
	lost := `{"type":"resume","id":1,"data":{"position":"anotherepoch1:5"}}`
	anonymous, _ := rt.Open(t, h)
	if m := anonymous.Do(lost, "resumed"); strings.Contains(string(m.Frame), "inbox") {
		t.Errorf("a stranger is told %s", m.Frame)
	}
	mine, _ := rt.Open(t, h)
	mine.Do(signIn, "auth_ok")
	if m := mine.Do(lost, "resumed"); !strings.Contains(string(m.Data), `"recovered":false,"count":0,"inbox":{"missed":3,"unread":7}`) {
		t.Errorf("told %s", m.Frame)
	}
	h.users.err = errors.New("away")
	if m := mine.Do(lost, "resumed"); strings.Contains(string(m.Frame), "inbox") {
		t.Errorf("told %s by an inbox that is away", m.Frame)
	}
	if diff := cmp.Diff([]string{"u1 after anotherepoch1:5", "u1 after anotherepoch1:5"}, h.users.asked); diff != "" {
		t.Error(diff)
	}
}

// Records that cannot be told are passed over, and those of other topics too.
func TestBadRecords(t *testing.T) {
	t.Parallel()
	h := open(t)
	v, _ := rt.Open(t, h)
	v.Do(`{"type":"subscribe_updates","data":{"types":["new_episode"]}}`, "subscribed")
	for i, e := range []eventlog.Entry{
		{Topic: "event", Data: []byte(`not JSON`)},
		{Topic: "event", Data: []byte(`{"type":"from_the_future","title_id":1,"data":{}}`)},
		{Topic: "event", Data: []byte(`{"type":"new_episode","title_id":1}`)},
		{Topic: "session", Data: []byte(`[]`)},
		{Topic: "session", Data: []byte(`{}`)},
		{Topic: "cache", Data: []byte(`anything`)},
	} {
		e.ID = fmt.Sprint("bad", i)
		if _, _, err := h.log.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	done := rt.Publish(t, h, rt.Episode(5, 1))
	v.ExpectEvent(done[0].EventID)
	v.Quiet()
}
