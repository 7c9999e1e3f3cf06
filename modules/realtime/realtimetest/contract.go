package realtimetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
		{"errors", testErrors},
		{"too big", testTooBig},
		{"not text", testNotText},
		{"auth", testAuth},
		{"cancelled", testCancelled},
		{"close", testClose},
		{"stats", testStats},
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

func testShapes(t *testing.T, s Subject) {
	v, _ := Open(t, s.Service)
	v.Do(`{"type":"subscribe_updates","data":{"types":["new_episode","episode_update","new_title","status_change"]}}`, "subscribed")
	at := Episode(0, 0).At
	Publish(t, s.Service,
		Episode(5, 25.5),
		realtime.Event{Type: realtime.EpisodeUpdate, TitleID: 5, Episode: 2, At: at, Data: map[string]any{"quality": "1080"}},
		realtime.Event{Type: realtime.NewTitle, TitleID: 8, At: at, Data: map[string]any{"title": "Мост", "genres": []string{"драма"}}},
		realtime.Event{Type: realtime.StatusChange, TitleID: 9, At: at, Data: map[string]any{"old_status": "ongoing", "new_status": "completed"}},
	)
	for _, want := range []struct{ id, data string }{
		{"new_episode:5:25.5", `{"title_id":5,"episode":25.5,"title":"Звёздный причал","episode_name":"Прилив","poster":"/posters/1.webp","timestamp":"2026-07-01T12:00:00Z"}`},
		{"episode_update:5:2:1782907200000", `{"title_id":5,"episode":2,"title":null,"episode_name":null,"poster":null,"quality":"1080","timestamp":"2026-07-01T12:00:00Z"}`},
		{"new_title:8", `{"title_id":8,"title":"Мост","poster":null,"genres":["драма"],"timestamp":"2026-07-01T12:00:00Z"}`},
		{"status_change:9:completed", `{"title_id":9,"old_status":"ongoing","new_status":"completed","timestamp":"2026-07-01T12:00:00Z"}`},
	} {
		m := v.ExpectEvent(want.id)
		var frame struct {
			Type     string
			EventID  string `json:"event_id"`
			Position string
			Data     json.RawMessage
		}
		if err := json.Unmarshal(m.Frame, &frame); err != nil {
			t.Fatal(err)
		}
		if frame.Type != m.Type || frame.EventID != m.EventID || frame.Position != m.Position || string(frame.Data) != string(m.Data) {
			t.Errorf("message %+v differs from its frame %s", m, m.Frame)
		}
		if diff := cmp.Diff(decoded(t, want.data), decoded(t, string(m.Data))); diff != "" {
			t.Errorf("%s: -want +got\n%s", want.id, diff)
		}
	}
}

func testPublish(t *testing.T, s Subject) {
	v, _ := Open(t, s.Service)
	v.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	data := map[string]any{"title": "Один"}
	e := realtime.Event{ID: "mine-1", Type: realtime.NewEpisode, TitleID: 5, Episode: 1, Data: data}
	done := Publish(t, s.Service, e)
	data["title"] = "Другой"
	if done[0].EventID != "mine-1" || done[0].Duplicate || done[0].Subscribers != 1 {
		t.Errorf("published %+v", done[0])
	}
	if got := Data[struct{ Title string }](t, v.ExpectEvent("mine-1")); got.Title != "Один" {
		t.Errorf("the event shares the caller's map: %q", got.Title)
	}
	again := Publish(t, s.Service, e)
	if !again[0].Duplicate || again[0].Position != done[0].Position || again[0].Subscribers != 0 {
		t.Errorf("published again: %+v, first %+v", again[0], done[0])
	}
	v.Quiet()
	if none := Publish(t, s.Service); len(none) != 0 {
		t.Errorf("publishing nothing: %v", none)
	}
}

func testRefuses(t *testing.T, s Subject) {
	good := Episode(5, 1)
	with := func(change func(*realtime.Event)) realtime.Event {
		e := Episode(5, 2)
		change(&e)
		return e
	}
	for name, c := range map[string]struct {
		event realtime.Event
		want  error
	}{
		"unknown type":   {with(func(e *realtime.Event) { e.Type = "gossip" }), realtime.ErrUnknownType},
		"no title":       {with(func(e *realtime.Event) { e.TitleID = 0 }), realtime.ErrBadEvent},
		"episode":        {with(func(e *realtime.Event) { e.Episode = -1 }), realtime.ErrBadEvent},
		"id":             {with(func(e *realtime.Event) { e.ID = "a b" }), realtime.ErrBadEvent},
		"long id":        {with(func(e *realtime.Event) { e.ID = strings.Repeat("x", 129) }), realtime.ErrBadEvent},
		"title no text":  {with(func(e *realtime.Event) { e.Data = map[string]any{"title": 5} }), realtime.ErrBadEvent},
		"poster":         {with(func(e *realtime.Event) { e.Data = map[string]any{"poster": "javascript:alert(1)"} }), realtime.ErrBadEvent},
		"big data":       {with(func(e *realtime.Event) { e.Data = map[string]any{"x": strings.Repeat("x", 20<<10)} }), realtime.ErrBadEvent},
		"no new status":  {realtime.Event{Type: realtime.StatusChange, TitleID: 5}, realtime.ErrBadEvent},
		"genres no list": {realtime.Event{Type: realtime.NewTitle, TitleID: 5, Data: map[string]any{"genres": "драма"}}, realtime.ErrBadEvent},
	} {
		_, err := s.Service.Publish(t.Context(), []realtime.Event{good, c.event})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if done := Publish(t, s.Service, good); done[0].Duplicate {
		t.Error("an event was published together with one that was refused")
	}
}

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
		{`{"type":"subscribe_title","data":{"title_id":5,"sinse":"a:1"}}`, "BAD_DATA", ""},
		{`{"type":"subscribe_title","data":{"title_id":5,"since":"yesterday"}}`, "BAD_POSITION", ""},
		{`{"type":"subscribe_updates","data":{"types":[]}}`, "BAD_DATA", ""},
		{`{"type":"subscribe_updates","data":{"types":["gossip"]}}`, "BAD_DATA", ""},
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
	// The answer to a command behind auth: by then the user's titles are subscribed.
	v.Do(`{"type":"unsubscribe_title","data":{"title_id":1}}`, "unsubscribed")
	done := Publish(t, s.Service, Episode(s.Title, 1))
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
