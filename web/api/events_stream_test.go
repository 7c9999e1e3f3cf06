package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"anihub/modules/realtime"
	rt "anihub/modules/realtime/realtimetest"
	"anihub/web/api"
)

// sse is one event of a stream, and the id that a browser would have kept after it.
type sse struct {
	name, data, id string
	retry          string
}

// listener reads a stream as browsers do (HTML standard §9.2.6).
type listener struct {
	t    *testing.T
	resp *http.Response
	in   *bufio.Reader
	id   string
}

func (s *station) listen(t *testing.T, query string, header ...string) *listener {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*socketTime)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.url, "/ws")+"/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return &listener{t: t, resp: resp, in: bufio.NewReader(resp.Body)}
}

// next is the next event; comments are passed over.
func (l *listener) next() (e sse, err error) {
	for {
		line, err := l.in.ReadString('\n')
		if err != nil {
			return e, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			l.id = value
		case "event":
			e.name = value
		case "data":
			e.data += value
		case "retry":
			e.retry = value
		case "":
			if e.data != "" {
				e.id = l.id
				return e, nil
			}
		}
	}
}

func (l *listener) expect(name string) sse {
	l.t.Helper()
	e, err := l.next()
	if err != nil || e.name != name {
		l.t.Fatalf("got %+v, %v; want %s", e, err, name)
	}
	return e
}

func (l *listener) event(id string) sse {
	l.t.Helper()
	e := l.expect("new_episode")
	var f eventFrame
	if err := json.Unmarshal([]byte(e.data), &f); err != nil || f.EventID != id {
		l.t.Fatalf("got %+v, %v; want event %s", e, err, id)
	}
	return e
}

// TestStreamGoesOnWhereItStopped: a browser that reconnects with the id it kept gets what
// it missed, once and in order, whichever of its subscriptions missed it.
func TestStreamGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	l := s.listen(t, "?titles=1,2&types=new_title")
	if got := l.resp.Header.Get("Content-Type"); got != "text/event-stream" || l.resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", l.resp.Header)
	}
	hello := l.expect("hello")
	if hello.id == "" {
		t.Error("hello has no id: who hears nothing could not go on from here")
	}
	l.expect("subscribed")
	first := rt.Publish(t, s.rt, rt.Episode(1, 1), rt.Episode(3, 1))
	e := l.event(first[0].EventID)
	if e.id != first[0].Position {
		t.Errorf("id %q, want %q", e.id, first[0].Position)
	}
	_ = l.resp.Body.Close()
	missed := rt.Publish(t, s.rt, rt.Episode(2, 1), rt.Episode(3, 2), rt.Episode(1, 2))

	l = s.listen(t, "?titles=1,2&types=new_title", "Last-Event-ID", e.id)
	if hello := l.expect("hello"); hello.id != "" {
		t.Errorf("hello of a viewer who missed something has the id %q", hello.id)
	}
	l.expect("subscribed")
	for _, n := range []int{0, 2} {
		if e := l.event(missed[n].EventID); e.id != missed[n].Position {
			t.Errorf("id %q, want %q", e.id, missed[n].Position)
		}
	}
	live := rt.Publish(t, s.rt, rt.Episode(2, 2))
	l.event(live[0].EventID)
}

// TestStreamFrom: since in the URL is the same, and gives way to what the browser kept.
func TestStreamFrom(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	done := rt.Publish(t, s.rt, rt.Episode(1, 1), rt.Episode(1, 2), rt.Episode(1, 3))
	l := s.listen(t, "?types=new_episode&since="+done[0].Position)
	l.expect("hello")
	l.expect("subscribed")
	l.event(done[1].EventID)
	l = s.listen(t, "?types=new_episode&since="+done[0].Position, "Last-Event-ID", done[1].Position)
	l.expect("hello")
	l.expect("subscribed")
	l.event(done[2].EventID)
	l = s.listen(t, "?types=new_episode&since=elsewhere:3")
	l.expect("hello")
	if e := l.expect("subscribed"); !strings.Contains(e.data, `"recovered":false`) || e.id == "" {
		t.Errorf("a position of another log: %+v", e)
	}
}

// TestStreamOfAUser: the token brings the user's own titles, with what they missed.
func TestStreamOfAUser(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	s.rt.Admit("good", "u1", 7)
	done := rt.Publish(t, s.rt, rt.Episode(7, 1), rt.Episode(8, 1), rt.Episode(7, 2))
	l := s.listen(t, "?since="+done[0].Position, "Authorization", "Bearer good")
	l.expect("hello")
	l.expect("auth_ok")
	l.expect("resumed")
	if e := l.event(done[2].EventID); e.id != done[2].Position {
		t.Errorf("id %q, want %q", e.id, done[2].Position)
	}
}

func TestStreamRefuses(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	for name, tt := range map[string]struct {
		query  string
		header []string
		status int
	}{
		"nothing":              {"", nil, 200},
		"an unknown name":      {"?title=1", nil, 400},
		"a title that is 0":    {"?titles=0", nil, 400},
		"a title that is text": {"?titles=one", nil, 400},
		"an unknown type":      {"?types=gossip", nil, 400},
		"no position":          {"?titles=1&since=yesterday", nil, 400},
		"an id of nobody's":    {"?titles=1", []string{"Last-Event-ID", "\"; drop"}, 400},
		"too many titles":      {"?titles=" + strings.Repeat("1,", 1001) + "1", nil, 400},
		"a foreign page":       {"?titles=1", []string{"Origin", "https://evil.example"}, 403},
		"a friendly page":      {"?titles=1", []string{"Origin", "https://anihub.example"}, 200},
	} {
		l := s.listen(t, tt.query, tt.header...)
		if l.resp.StatusCode != tt.status {
			t.Errorf("%s: %d, want %d", name, l.resp.StatusCode, tt.status)
		}
		_ = l.resp.Body.Close()
	}
	s.waitOpen(t, 0)
}

// TestStreamEnds: a drain ends streams with the time to come back after, each another
// one; who is banned is told so.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	a, b := s.listen(t, "?titles=1"), s.listen(t, "?titles=1")
	for _, l := range []*listener{a, b} {
		l.expect("hello")
		l.expect("subscribed")
	}
	ctx, cancel := context.WithTimeout(t.Context(), socketTime)
	defer cancel()
	if err := s.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	ends := map[string]bool{}
	for _, l := range []*listener{a, b} {
		e := l.expect("close")
		if !strings.Contains(e.data, `"code":1012`) || e.retry == "" {
			t.Errorf("end %+v", e)
		}
		ends[e.retry] = true
		if _, err := l.next(); !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
	}
	if len(ends) != 2 {
		t.Errorf("both come back after %v ms", ends)
	}

	s = openStation(t, nil)
	l := s.listen(t, "?titles=1")
	l.expect("hello")
	l.expect("subscribed")
	s.rt.End(realtime.CloseBanned, "banned")
	if e := l.expect("close"); !strings.Contains(e.data, fmt.Sprint(realtime.CloseBanned)) || e.retry != "" {
		t.Errorf("end %+v", e)
	}
}

// TestStreamBeats: a viewer who hears nothing gets a comment, and one who has gone is
// found by it.
func TestStreamBeats(t *testing.T) {
	t.Parallel()
	s := openStation(t, func(c *api.EventsConfig) { c.PingEvery = 20 * time.Millisecond })
	l := s.listen(t, "?titles=1")
	beats := 0
	for beats < 3 {
		line, err := l.in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, ":") {
			beats++
		}
	}
	_ = l.resp.Body.Close()
	s.waitOpen(t, 0)
}

// TestStreamStalledIsCut: one who takes nothing does not hold a stream.
func TestStreamStalledIsCut(t *testing.T) {
	t.Parallel()
	s := openStation(t, func(c *api.EventsConfig) { c.WriteTimeout = 100 * time.Millisecond })
	l := s.listen(t, "?titles=1")
	l.expect("hello")
	l.expect("subscribed")
	big := rt.Episode(1, 1)
	for n := 0; s.Open() > 0; n++ {
		big.Episode, big.Data = float64(n), map[string]any{"episode_name": strings.Repeat("long ", 2000)}
		rt.Publish(t, s.rt, big)
		if n > 20_000 {
			t.Fatal("it is still open")
		}
	}
}
