package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

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
	return newListener(t, resp)
}

func newListener(t *testing.T, resp *http.Response) *listener {
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

// TestStreamSince: what the browser kept goes before the URL, with which it comes back; and
// while something that was missed is still to come no id says otherwise.
func TestStreamSince(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	done := rt.Publish(t, s.rt, rt.Episode(1, 1), rt.Episode(1, 2), rt.Episode(1, 3))
	l := s.listen(t, "?types=new_episode&since="+done[0].Position)
	if got := l.resp.Header.Get("Content-Type"); got != "text/event-stream" || l.resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", l.resp.Header)
	}
	for _, name := range []string{"hello", "subscribed"} {
		if e := l.expect(name); e.id != "" {
			t.Errorf("%s of a viewer who missed something has the id %q", name, e.id)
		}
	}
	for _, p := range done[1:] {
		if e := l.event(p.EventID); e.id != p.Position {
			t.Errorf("id %q, want %q", e.id, p.Position)
		}
	}
	l = s.listen(t, "?types=new_episode&since="+done[0].Position, "Last-Event-ID", done[1].Position)
	l.expect("hello")
	l.expect("subscribed")
	l.event(done[2].EventID)
	l = s.listen(t, "?types=new_episode&since=elsewhere:3")
	l.expect("hello")
	if e := l.expect("subscribed"); !strings.Contains(e.data, `"recovered":false`) || e.id != done[2].Position {
		t.Errorf("a position of another log: %+v", e)
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
		"too many together":    {"?types=new_title&titles=" + numbers(1000), nil, 422},
		"too many titles":      {"?titles=" + strings.Repeat("1,", 1001) + "1", nil, 422},
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

// numbers is a list from 1.
func numbers(n int) string {
	var all []string
	for i := range n {
		all = append(all, strconv.Itoa(i+1))
	}
	return strings.Join(all, ",")
}
