package realtimetest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/realtime"
)

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
