package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"anihub/modules/realtime"
	rt "anihub/modules/realtime/realtimetest"
)

func testHelloFirst(s *scene) {
	told := s.at.tell(s.t, number(5, 1, 3)...)
	e := s.by.open(s.t, s.at, wish{titles: []int{5}})
	h := s.expect(e, "hello")
	var d struct{ Epoch, Position, Session string }
	if err := json.Unmarshal(h.data, &d); err != nil {
		s.t.Fatal(err)
	}
	if d.Position != told[2].Position || !strings.HasPrefix(d.Position, d.Epoch+":") || len(d.Session) < 16 || h.position != "" {
		s.t.Errorf("hello %s, the log ends at %s", h.data, told[2].Position)
	}
	if e.last() != d.Position {
		s.t.Errorf("after hello a viewer is at %q", e.last())
	}
	s.expect(e, "subscribed")
}

// testNothingAsked: a stream is of everything then, a conversation of nothing.
func testNothingAsked(s *scene) {
	e, _ := s.open(wish{})
	done := s.at.tell(s.t, rt.Episode(5, 1), realtime.Event{Type: realtime.NewTitle, TitleID: 6})
	if _, stream := s.by.(overStream); stream {
		s.expectEvents(e, done...)
		return
	}
	ended := make(chan struct{})
	go func() { defer close(ended); s.at.end() }()
	defer func() { <-ended }()
	if why, before := s.expectEnd(e); why.code != realtime.CloseRestart || len(before) > 1 || len(before) == 1 && before[0].typ != "reconnect" {
		s.t.Errorf("heard %v before %v", before, why)
	}
}

func status(title int, to string) realtime.Event {
	return realtime.Event{Type: realtime.StatusChange, TitleID: title, Data: map[string]any{"new_status": to}}
}

func testOnlyAsked(s *scene) {
	byTitle, a := s.open(wish{titles: []int{5, 7}})
	if !a.Recovered || a.Count != 0 || a.Position == "" {
		s.t.Errorf("answered %+v", a)
	}
	byType, _ := s.open(wish{types: []string{realtime.NewTitle, realtime.StatusChange}})
	byBoth, _ := s.open(wish{titles: []int{6}, types: []string{realtime.NewTitle}})
	p := s.at.tell(s.t, rt.Episode(5, 1), rt.Episode(6, 1), realtime.Event{Type: realtime.NewTitle, TitleID: 8}, status(7, "completed"), rt.Episode(7, 1))
	s.expectEvents(byTitle, p[0], p[3], p[4])
	s.expectEvents(byType, p[2], p[3])
	s.expectEvents(byBoth, p[1], p[2])
	// Nothing else was on its way to any of them.
	p = s.at.tell(s.t, status(5, "ongoing"), realtime.Event{Type: realtime.NewTitle, TitleID: 9})
	s.expectEvents(byTitle, p[0])
	s.expectEvents(byType, p...)
	s.expectEvents(byBoth, p[1])
}

func testOnceThoughTwo(s *scene) {
	w := wish{titles: []int{5}, types: []string{realtime.NewEpisode}}
	live, _ := s.open(w)
	p := s.at.tell(s.t, rt.Episode(5, 1), rt.Episode(6, 1), rt.Episode(5, 1), rt.Episode(5, 2))
	if !p[2].Duplicate {
		s.t.Fatal("the same event is published twice")
	}
	want := []realtime.Published{p[0], p[1], p[3]}
	s.expectEvents(live, want...)
	w.since = strings.Replace(p[0].Position, ":1", ":0", 1)
	late, a := s.open(w)
	if a.Count != 3 || !a.Recovered {
		s.t.Errorf("answered %+v", a)
	}
	s.expectEvents(late, want...)
	p = s.at.tell(s.t, rt.Episode(5, 3))
	s.expectEvents(live, p...)
	s.expectEvents(late, p...)
}

// nasty is what a line of text or a frame must not be confused by.
const nasty = "Ёлка «Снег»\n\ndata: {}\r\nid: x:1\u2028\u2029 \x00 <script> \"кавычки\" \\ 🌸 e\u0301\u200f"

func testEventsSay(s *scene) {
	e, _ := s.open(wish{types: newsTypes()})
	episode := rt.Episode(5, 25.5)
	episode.Data["title"], episode.Data["more"] = nasty, map[string]any{nasty: []any{nasty, nil, 1.5, true}}
	update := rt.Episode(5, 2)
	update.Type = realtime.EpisodeUpdate
	update.Data = nil
	fresh := realtime.Event{Type: realtime.NewTitle, TitleID: 6, At: episode.At, Data: map[string]any{"title": nasty, "genres": []string{"Фэнтези", nasty}}}
	change := status(7, "completed")
	change.At = episode.At
	done := s.at.tell(s.t, episode, update, fresh, change)
	const at = "2026-07-01T12:00:00Z"
	for i, want := range []map[string]any{
		{
			"title_id": 5.0, "episode": 25.5, "title": nasty, "episode_name": "Прилив", "poster": "/posters/1.webp", "timestamp": at,
			"more": map[string]any{nasty: []any{nasty, nil, 1.5, true}},
		},
		{"title_id": 5.0, "episode": 2.0, "title": nil, "episode_name": nil, "poster": nil, "timestamp": at},
		{"title_id": 6.0, "title": nasty, "poster": nil, "genres": []any{"Фэнтези", nasty}, "timestamp": at},
		{"title_id": 7.0, "old_status": nil, "new_status": "completed", "timestamp": at},
	} {
		h := s.expect(e, newsTypes()[i])
		var got map[string]any
		if err := json.Unmarshal(h.data, &got); err != nil {
			s.t.Fatal(err)
		}
		s.same(h.typ, got, want)
		if h.id != done[i].EventID || h.position != done[i].Position {
			s.t.Errorf("%s: id %q at %q, want %+v", h.typ, h.id, h.position, done[i])
		}
	}
}

func newsTypes() []string {
	return []string{realtime.NewEpisode, realtime.EpisodeUpdate, realtime.NewTitle, realtime.StatusChange}
}

// testEachPosition: whoever stops after any event hears exactly the rest.
func testEachPosition(s *scene) {
	w := wish{titles: []int{5}, types: []string{realtime.NewTitle}}
	e, _ := s.open(w)
	all := s.at.tell(s.t, slices.Concat(number(5, 1, 3), []realtime.Event{{Type: realtime.NewTitle, TitleID: 5}, rt.Episode(6, 1)}, number(5, 4, 2))...)
	mine := slices.Delete(slices.Clone(all), 4, 5)
	for i, p := range mine {
		s.expectEvents(e, p)
		if e.last() != p.Position {
			s.t.Errorf("after %s a viewer is at %s", p.Position, e.last())
		}
		w.since = e.last()
		again, a := s.open(w)
		rest := mine[i+1:]
		if !a.Recovered || a.Count != len(rest) {
			s.t.Errorf("from %s: %+v, want %d", w.since, a, len(rest))
		}
		s.expectEvents(again, rest...)
		defer again.cut()
	}
}

func testAcrossACut(s *scene) {
	w := wish{titles: []int{5, 6}}
	e, _ := s.open(w)
	s.expectEvents(e, s.at.tell(s.t, number(5, 1, 3)...)...)
	other := s.instance()
	for round, at := range []*instance{s.at, other, s.at, other} {
		e.cut()
		w.since = e.last()
		missed := s.at.tell(s.t, rt.Episode(5, float64(10+round)), rt.Episode(7, float64(10+round)), rt.Episode(6, float64(10+round)))
		rt.WaitTail(s.t, other, missed[2].Position)
		var a answered
		e, a = s.openAt(at, w)
		if !a.Recovered || a.Count != 2 {
			s.t.Errorf("round %d: %+v", round, a)
		}
		s.expectEvents(e, missed[0], missed[2])
		live := s.at.tell(s.t, rt.Episode(6, float64(100+round)))
		s.expectEvents(e, live...)
	}
}

// testAcrossInstances: while events happen a viewer is cut off again and again, in the
// middle of what was missed too, and comes back now here and now there.
func testAcrossInstances(s *scene) {
	const n = 300
	w := wish{titles: []int{5}}
	e, _ := s.open(w)
	other := s.instance()
	var publishing sync.WaitGroup
	publishing.Go(func() {
		for _, p := range number(5, 1, n) {
			if _, err := s.at.Publish(s.t.Context(), []realtime.Event{p}); err != nil {
				s.t.Errorf("Publish: %v", err)
			}
		}
	})
	defer publishing.Wait()
	var ids []string
	for visit := 0; len(ids) < n; visit++ {
		for quota := 1 + visit*7%40; quota > 0 && len(ids) < n; {
			h, err := e.next()
			if err != nil {
				s.t.Fatalf("after %d: %v", len(ids), err)
			}
			if h.typ == realtime.NewEpisode {
				ids = append(ids, h.id)
				quota--
			}
			if strings.Contains(string(h.data), `"recovered":false`) {
				s.t.Fatalf("lost: %s %s", h.typ, h.data)
			}
		}
		e.cut()
		w.since = e.last()
		e = s.by.open(s.t, []*instance{s.at, other}[visit%2], w)
	}
	for i, id := range ids {
		if want := fmt.Sprintf("new_episode:5:%d", i+1); id != want {
			s.t.Fatalf("heard %s as number %d", id, i+1)
		}
	}
}

// long is an episode that takes a good part of a small queue.
func long(title, n int) realtime.Event {
	e := rt.Episode(title, float64(n))
	e.Data["filling"] = strings.Repeat("я", 6<<10)
	return e
}

func testBacklog(s *scene) {
	const n = 100 // 1.2 MB where 64 KiB may wait
	start := s.at.tell(s.t, rt.Episode(6, 1))[0].Position
	var events []realtime.Event
	for i := range n {
		events = append(events, long(5, i))
	}
	want := s.at.tell(s.t, events...)
	e, a := s.open(wish{titles: []int{5}, since: start})
	if !a.Recovered || a.Count != n {
		s.t.Fatalf("answered %+v", a)
	}
	s.expectEvents(e, want[:n/2]...)
	live := s.at.tell(s.t, rt.Episode(5, 1000)) // comes behind all that
	s.expectEvents(e, want[n/2:]...)
	s.expectEvents(e, live...)
}

func testNotHeld(s *scene) {
	p := s.at.tell(s.t, number(5, 1, 3)...)
	epoch, _, _ := strings.Cut(p[0].Position, ":")
	for name, since := range map[string]string{
		"another epoch": "elsewhere:1", "the future": epoch + ":1000", "a far future": epoch + ":18446744073709551615",
	} {
		e, a := s.open(wish{titles: []int{5}, since: since})
		if a.Recovered || a.Count != 0 || a.Position != p[len(p)-1].Position {
			s.t.Errorf("%s: answered %+v, the log ends at %s", name, a, p[len(p)-1].Position)
		}
		p = s.at.tell(s.t, rt.Episode(5, float64(10+len(name))))
		s.expectEvents(e, p...) // the subscription holds
		if e.last() != p[0].Position {
			s.t.Errorf("%s: a viewer is at %s", name, e.last())
		}
	}
}

func testNoPosition(s *scene) {
	for _, since := range []string{"yesterday", "a:b", ":5", "abc:-1", "abc:01", "abc:18446744073709551616", "ABC:5", strings.Repeat("a", 70) + ":1"} {
		s.expectRefusal(wish{titles: []int{5}, since: since}, "BAD_POSITION", "BAD_PARAMETER")
	}
}

func testReplaced(s *scene) {
	w := wish{titles: []int{5}}
	e, _ := s.open(w)
	old := s.at.tell(s.t, number(5, 1, 3)...)
	s.expectEvents(e, old...)
	s.log.change()
	fresh := s.at.tell(s.t, rt.Episode(5, 3), rt.Episode(5, 4)) // the first was told already
	var d struct {
		Position  string
		Recovered bool
	}
	h := s.expect(e, "reset")
	if err := json.Unmarshal(h.data, &d); err != nil || d.Recovered || e.last() != d.Position || d.Position == old[2].Position {
		s.t.Errorf("reset %s, %v; a viewer is at %s", h.data, err, e.last())
	}
	w.since = e.last() // who is cut off right now has lost nothing of the new log
	again, a := s.open(w)
	if !a.Recovered {
		s.t.Errorf("from the position of the reset: %+v", a)
	}
	s.expectEvents(e, fresh[1])
	for {
		h, err := again.next()
		if err != nil {
			s.t.Fatal(err)
		}
		if h.id == fresh[1].EventID {
			break
		}
	}
	w.since = old[2].Position
	if _, a := s.open(w); a.Recovered {
		s.t.Errorf("from a position of the old log: %+v", a)
	}
}

func testInstanceEnds(s *scene) {
	const n = 5
	w := wish{titles: []int{5}}
	var all []ear
	for range n {
		e, _ := s.open(w)
		all = append(all, e)
	}
	told := s.at.tell(s.t, rt.Episode(5, 1))
	for _, e := range all {
		s.expectEvents(e, told...)
	}
	other := s.instance()
	ended := make(chan struct{})
	go func() { defer close(ended); s.at.end() }()
	retries := map[string]bool{}
	for _, e := range all {
		why, before := s.expectEnd(e)
		if why.code != realtime.CloseRestart || !strings.Contains(why.reason, `{"retry_in_ms":`) {
			s.t.Errorf("parted with %v", why)
		}
		if !s.stream() && (len(before) != 1 || before[0].typ != "reconnect" || string(before[0].data) != why.reason) {
			s.t.Errorf("heard %v before %v", before, why)
		}
		retries[why.reason] = true
	}
	<-ended
	if len(retries) != n {
		s.t.Errorf("%d times to come back for %d viewers", len(retries), n)
	}
	missed := other.tell(s.t, rt.Episode(5, 2))
	for _, e := range all {
		w.since = e.last()
		again, _ := s.openAt(other, w)
		s.expectEvents(again, missed...)
	}
}

// testDoesNotRead: who does not read is parted with, delays nobody, and has missed nothing
// on coming back.
func testDoesNotRead(s *scene) {
	w := wish{titles: []int{5}, narrow: true}
	slow, _ := s.open(w)
	w.narrow = false
	fast, _ := s.open(w)
	var all []realtime.Published
	for n := 0; ; n++ {
		if st, err := s.at.Stats(s.t.Context()); err != nil || st.Dropped == 1 {
			break
		}
		if n == 1000 {
			s.t.Fatal("12 MB later the slow one is still served")
		}
		p := s.at.tell(s.t, long(5, n))
		s.expectEvents(fast, p...)
		all = append(all, p...)
	}
	why, before := s.expectEnd(slow)
	if why.code != realtime.CloseSlow || why.reason != "slow consumer" {
		s.t.Errorf("parted with %v", why)
	}
	for i, h := range before {
		if h.id != all[i].EventID {
			s.t.Fatalf("number %d was %s, want %s", i, h.id, all[i].EventID)
		}
	}
	if w.since = slow.last(); len(before) == 0 { // a position of nothing: hello's, which the answer has too
		w.since = strings.Replace(all[0].Position, ":1", ":0", 1)
	}
	again, a := s.open(w)
	if !a.Recovered || a.Count != len(all)-len(before) {
		s.t.Errorf("answered %+v after %d of %d", a, len(before), len(all))
	}
	s.expectEvents(again, all[len(before):]...)
	s.expectEvents(fast, s.at.tell(s.t, rt.Episode(5, 5000))...)
}

func testBeats(s *scene) {
	e, _ := s.open(wish{titles: []int{5}})
	heard := make(chan heard)
	go func() {
		h, err := e.next() // answers pings meanwhile
		if err != nil {
			s.t.Errorf("next: %v", err)
		}
		heard <- h
	}()
	done := rt.Publish(s.t, s.at, rt.Episode(6, 1))
	rt.WaitTail(s.t, s.at, done[0].Position)
	s.untilBeats(e, 2)
	p := s.at.tell(s.t, rt.Episode(5, 1))
	if h := <-heard; h.id != p[0].EventID {
		s.t.Errorf("heard %s %q", h.typ, h.id)
	}
}

func (s *scene) untilBeats(e ear, n int) {
	rt.WaitFor(s.t, func() (string, bool) { return fmt.Sprintf("%d beats", e.beats()), e.beats() >= n })
}

func testLimits(s *scene) {
	var most []int
	for id := range 1000 {
		most = append(most, 1<<31-1-id)
	}
	e, _ := s.open(wish{titles: most})
	p := s.at.tell(s.t, rt.Episode(5, 1), rt.Episode(most[0], 1), rt.Episode(most[999], 1))
	s.expectEvents(e, p[1:]...)
	s.expectRefusal(wish{titles: append(most, 1)}, "SUBSCRIPTION_LIMIT", "BAD_PARAMETER")
	for name, w := range map[string]wish{
		"an unknown type": {types: []string{"gossip"}}, "one of two": {types: []string{realtime.NewTitle, "gossip"}},
		"title 0": {titles: []int{5, 0}}, "a title below": {titles: []int{-1}}, "a title too large": {titles: []int{1 << 31}},
		"many types": {types: slices.Repeat(newsTypes(), 5)},
	} {
		s.t.Log(name)
		s.expectRefusal(w, "BAD_DATA", "BAD_PARAMETER")
	}
}

func testThousand(s *scene) {
	e, _ := s.open(wish{types: []string{realtime.NewEpisode}})
	told := make(chan []realtime.Published, 1)
	go func() {
		done, err := s.at.Publish(s.t.Context(), number(5, 1, 1000))
		if err != nil {
			s.t.Errorf("Publish: %v", err)
		}
		told <- done
	}()
	var got []heard
	for range 1000 {
		got = append(got, s.expect(e, realtime.NewEpisode))
	}
	for i, p := range <-told {
		if got[i].id != p.EventID || got[i].position != p.Position {
			s.t.Fatalf("number %d is %s at %s, want %+v", i, got[i].id, got[i].position, p)
		}
	}
}
