package realtimetest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/realtime"
)

// Subject is an implementation of the door under test.
type Subject struct {
	Service realtime.Service
	Token   string // a good access token
	UserID  string // of this user
	Title   int    // who wants to be told about this title
}

// Contract is what every implementation of the door promises. open makes a fresh
// one with an empty log, and ends it with the test.
func Contract(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, Subject)
	}{
		{"hello", testHello},
		{"silence", testSilence},
		{"title", testTitle},
		{"updates", testUpdates},
		{"titles and types at once", testTogether},
		{"once", testOnce},
		{"since", testSince},
		{"missed by two subscriptions", testSinceTwice},
		{"resume", testResume},
		{"resume without a gap", testResumeLive},
		{"foreign epoch", testForeignEpoch},
		{"future position", testFuture},
		{"shape of events", testShapes},
		{"publish", testPublish},
		{"publish refuses", testRefuses},
		{"history", testHistory},
		{"history by position", testHistoryAfter},
		{"history refuses", testHistoryRefuses},
		{"errors", testErrors},
		{"too big", testTooBig},
		{"not text", testNotText},
		{"auth", testAuth},
		{"cancelled", testCancelled},
		{"watch", testWatch},
		{"close", testClose},
		{"stats", testStats},
		{"presence", testPresence},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, open(t))
		})
	}
}

type subscribed struct {
	TitleID   int `json:"title_id"`
	Types     []string
	Titles    []int
	Position  string
	Recovered bool
	Count     int
}

func testHello(t *testing.T, s Subject) {
	a, m := Open(t, s.Service)
	got := Data[struct {
		Protocol    int
		Session     string
		Epoch       string
		Position    string
		PingSeconds int `json:"ping_seconds"`
		Limits      map[string]int
	}](t, m)
	epoch, _, ok := strings.Cut(got.Position, ":")
	if got.Protocol != 1 || got.PingSeconds < 1 || got.Limits["frame_bytes"] != realtime.MaxFrame || !ok || epoch != got.Epoch {
		t.Errorf("hello is %s", m.Frame)
	}
	_, other := Open(t, s.Service)
	if o := Data[struct{ Session string }](t, other); o.Session == got.Session || len(o.Session) < 16 {
		t.Errorf("sessions %q and %q: must differ and not be guessable", got.Session, o.Session)
	}
	a.Quiet()
}

func testSilence(t *testing.T, s Subject) {
	v, _ := Open(t, s.Service)
	done := Publish(t, s.Service, Episode(5, 1))
	WaitTail(t, s.Service, done[0].Position)
	v.Quiet()
}

func testTitle(t *testing.T, s Subject) {
	v, _ := Open(t, s.Service)
	m := v.Do(`{"type":"subscribe_title","id":7,"data":{"title_id":5}}`, "subscribed")
	if got := Data[subscribed](t, m); got.TitleID != 5 || !got.Recovered || got.Count != 0 || got.Position == "" {
		t.Errorf("answer %s", m.Frame)
	}
	wantID(t, m, `7`)
	done := Publish(t, s.Service, Episode(5, 1), Episode(6, 1), Episode(5, 2))
	for _, i := range []int{0, 2} {
		if m := v.ExpectEvent(done[i].EventID); m.Position != done[i].Position {
			t.Errorf("position %s, want %s", m.Position, done[i].Position)
		}
	}
	m = v.Do(`{"type":"unsubscribe_title","id":"x","data":{"title_id":5}}`, "unsubscribed")
	wantID(t, m, `"x"`)
	done = Publish(t, s.Service, Episode(5, 3))
	WaitTail(t, s.Service, done[0].Position)
	v.Quiet()
}

func testUpdates(t *testing.T, s Subject) {
	v, _ := Open(t, s.Service)
	m := v.Do(`{"type":"subscribe_updates","data":{"types":["new_title","new_episode"]}}`, "subscribed")
	if got := Data[subscribed](t, m); !cmp.Equal(got.Types, []string{"new_episode", "new_title"}) {
		t.Errorf("answer %s", m.Frame)
	}
	done := Publish(t, s.Service, Episode(1, 1),
		realtime.Event{Type: realtime.StatusChange, TitleID: 2, Data: map[string]any{"new_status": "completed"}},
		realtime.Event{Type: realtime.NewTitle, TitleID: 3})
	v.ExpectEvent(done[0].EventID)
	v.ExpectEvent(done[2].EventID)
	WaitTail(t, s.Service, done[2].Position)
	v.Quiet()
}

// testTogether: what several subscriptions missed comes in one order, that of the log.
func testTogether(t *testing.T, s Subject) {
	published := Publish(t, s.Service, Episode(1, 1), Episode(2, 1), Episode(3, 1), Episode(1, 2),
		realtime.Event{Type: realtime.NewTitle, TitleID: 3})
	WaitTail(t, s.Service, published[4].Position)
	v, _ := Open(t, s.Service)
	m := v.Do(fmt.Sprintf(`{"type":"subscribe_updates","data":{"titles":[2,1],"types":["new_title"],"since":%q}}`, before(t, published[0])), "subscribed")
	got := Data[subscribed](t, m)
	if !cmp.Equal(got.Titles, []int{1, 2}) || !cmp.Equal(got.Types, []string{"new_title"}) || !got.Recovered || got.Count != 4 {
		t.Errorf("answer %s", m.Frame)
	}
	for _, n := range []int{0, 1, 3, 4} {
		v.ExpectEvent(published[n].EventID)
	}
	later := Publish(t, s.Service, Episode(3, 2), Episode(2, 2))
	v.ExpectEvent(later[1].EventID)
	v.Quiet()
}

// before is the position before that of an event.
func before(t *testing.T, p realtime.Published) string {
	t.Helper()
	epoch, text, _ := strings.Cut(p.Position, ":")
	offset, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s:%d", epoch, offset-1)
}

func testOnce(t *testing.T, s Subject) {
	v, _ := Open(t, s.Service)
	v.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	v.Do(`{"type":"subscribe_updates","data":{"types":["new_episode"]}}`, "subscribed")
	v.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	done := Publish(t, s.Service, Episode(5, 1), Episode(5, 1), Episode(5, 2))
	v.ExpectEvent(done[0].EventID)
	v.ExpectEvent(done[2].EventID)
	v.Quiet()
}

func testSince(t *testing.T, s Subject) {
	before, err := s.Service.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var events []realtime.Event
	for i := range 50 {
		events = append(events, Episode(5+i%2, float64(i)))
	}
	done := Publish(t, s.Service, events...)
	WaitTail(t, s.Service, done[49].Position)
	v, _ := Open(t, s.Service)
	m := v.Do(fmt.Sprintf(`{"type":"subscribe_title","data":{"title_id":5,"since":%q}}`, before), "subscribed")
	if got := Data[subscribed](t, m); !got.Recovered || got.Count != 25 || got.Position != done[49].Position {
		t.Fatalf("answer %s", m.Frame)
	}
	more := Publish(t, s.Service, Episode(5, 100))
	for i := 0; i < 50; i += 2 {
		v.ExpectEvent(done[i].EventID)
	}
	v.ExpectEvent(more[0].EventID)
	m = v.Do(fmt.Sprintf(`{"type":"subscribe_updates","data":{"types":["new_episode"],"since":%q}}`, done[39].Position), "subscribed")
	if got := Data[subscribed](t, m); got.Count != 5 {
		t.Errorf("answer %s, want the 5 events of title 6", m.Frame)
	}
	for i := 41; i < 50; i += 2 {
		v.ExpectEvent(done[i].EventID)
	}
	v.Quiet()
}

// testSinceTwice: what one subscription has delivered, another does not deliver
// again, whatever position it begins at.
func testSinceTwice(t *testing.T, s Subject) {
	v, _ := Open(t, s.Service)
	start, err := s.Service.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v.Do(`{"type":"subscribe_updates","data":{"types":["new_episode"]}}`, "subscribed")
	done := Publish(t, s.Service, Episode(5, 1), Episode(5, 2))
	v.ExpectEvent(done[0].EventID)
	v.ExpectEvent(done[1].EventID)
	m := v.Do(fmt.Sprintf(`{"type":"subscribe_title","data":{"title_id":5,"since":%q}}`, start), "subscribed")
	if got := Data[subscribed](t, m); got.Count != 0 || !got.Recovered {
		t.Errorf("answer %s", m.Frame)
	}
	v.Quiet()
}

func testResume(t *testing.T, s Subject) {
	first, _ := Open(t, s.Service)
	first.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	done := Publish(t, s.Service, Episode(5, 1))
	last := first.ExpectEvent(done[0].EventID).Position
	first.Close()

	done = Publish(t, s.Service, Episode(5, 2), Episode(6, 1), Episode(7, 1), Episode(5, 3))
	WaitTail(t, s.Service, done[3].Position)
	v, _ := Open(t, s.Service)
	v.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	v.Do(`{"type":"subscribe_title","data":{"title_id":6}}`, "subscribed")
	live := Publish(t, s.Service, Episode(6, 2))
	v.ExpectEvent(live[0].EventID)
	m := v.Do(fmt.Sprintf(`{"type":"resume","id":1,"data":{"position":%q}}`, last), "resumed")
	if got := Data[subscribed](t, m); !got.Recovered || got.Count != 3 {
		t.Errorf("answer %s", m.Frame)
	}
	wantID(t, m, `1`)
	for _, i := range []int{0, 1, 3} {
		v.ExpectEvent(done[i].EventID)
	}
	m = v.Do(fmt.Sprintf(`{"type":"resume","data":{"position":%q}}`, last), "resumed")
	if got := Data[subscribed](t, m); got.Count != 0 {
		t.Errorf("a second resume delivers again: %s", m.Frame)
	}
	live = Publish(t, s.Service, Episode(5, 4))
	v.ExpectEvent(live[0].EventID)
	v.Quiet()
}

// testResumeLive resumes while events happen: none is lost, none comes twice.
func testResumeLive(t *testing.T, s Subject) {
	const n = 200
	start, err := s.Service.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ids := make(chan string, n)
	go func() {
		defer close(ids)
		for i := range n {
			done, err := s.Service.Publish(t.Context(), []realtime.Event{Episode(5, float64(i))})
			if err != nil {
				t.Errorf("Publish: %v", err)
				return
			}
			ids <- done[0].EventID
		}
	}()
	v, _ := Open(t, s.Service)
	v.Send(`{"type":"subscribe_title","data":{"title_id":5}}`)
	v.Send(fmt.Sprintf(`{"type":"resume","data":{"position":%q}}`, start))
	v.Send(fmt.Sprintf(`{"type":"subscribe_updates","data":{"types":["new_episode"],"since":%q}}`, start))
	got := make(map[string]int)
	for len(got) < n {
		if m := v.Next(); m.EventID != "" {
			got[m.EventID]++
		}
	}
	for id := range ids {
		if got[id] != 1 {
			t.Errorf("event %s was delivered %d times", id, got[id])
		}
	}
	v.Quiet()
}

func testForeignEpoch(t *testing.T, s Subject) {
	done := Publish(t, s.Service, Episode(5, 1))
	WaitTail(t, s.Service, done[0].Position)
	v, _ := Open(t, s.Service)
	m := v.Do(`{"type":"subscribe_title","data":{"title_id":5,"since":"elsewhere:3"}}`, "subscribed")
	if got := Data[subscribed](t, m); got.Recovered || got.Count != 0 || got.Position != done[0].Position {
		t.Errorf("answer %s", m.Frame)
	}
	m = v.Do(`{"type":"resume","data":{"position":"elsewhere:3"}}`, "resumed")
	if got := Data[subscribed](t, m); got.Recovered || got.Count != 0 {
		t.Errorf("answer %s", m.Frame)
	}
	done = Publish(t, s.Service, Episode(5, 2))
	v.ExpectEvent(done[0].EventID)
	v.Quiet()
}

func testFuture(t *testing.T, s Subject) {
	done := Publish(t, s.Service, Episode(5, 1))
	WaitTail(t, s.Service, done[0].Position)
	epoch, _, _ := strings.Cut(done[0].Position, ":")
	v, _ := Open(t, s.Service)
	m := v.Do(fmt.Sprintf(`{"type":"subscribe_title","data":{"title_id":5,"since":"%s:1000"}}`, epoch), "subscribed")
	if got := Data[subscribed](t, m); got.Recovered || got.Count != 0 {
		t.Errorf("answer %s", m.Frame)
	}
	done = Publish(t, s.Service, Episode(5, 2))
	v.ExpectEvent(done[0].EventID)
}
