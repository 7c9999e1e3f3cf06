package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/realtime"
	rt "anihub/modules/realtime/realtimetest"
	"anihub/web/api"
)

// script is a conversation that says one thing after another and ends.
type script struct {
	*rt.Fake
	left []realtime.Message
}

func (s *script) Open(context.Context, realtime.Client) (realtime.Conversation, error) { return s, nil }

func (s *script) Receive(context.Context, []byte) error { return nil }
func (s *script) Close()                                {}

func (s *script) Next(context.Context) ([]realtime.Message, error) {
	if len(s.left) == 0 {
		return nil, &realtime.Closed{Code: realtime.CloseSlow}
	}
	m := s.left[0]
	s.left = s.left[1:]
	return []realtime.Message{m}, nil
}

// Take and Watch are for other transports.
func (s *script) Take(ctx context.Context) ([]realtime.Message, error) { return s.Next(ctx) }
func (s *script) Watch(func())                                         {}

func said(typ, data string) realtime.Message {
	return realtime.Message{Type: typ, Data: json.RawMessage(data), Frame: fmt.Appendf(nil, `{"type":%q,"data":%s}`, typ, data)}
}

func newsAt(offset int) realtime.Message {
	m := said(realtime.NewEpisode, "{}")
	m.EventID, m.Position = fmt.Sprint(offset), fmt.Sprintf("x:%d", offset)
	return m
}

// TestStreamIDs: an id is a place up to which nothing is missing. What comes live before
// the answer that says what was missed, which only a race brings about, lies behind that.
func TestStreamIDs(t *testing.T) {
	t.Parallel()
	hello := said("hello", `{"position":"x:9"}`)
	answer := func(typ string, count int) realtime.Message {
		return said(typ, fmt.Sprintf(`{"position":"x:10","recovered":true,"count":%d}`, count))
	}
	for name, c := range map[string]struct {
		token, since string
		said         []realtime.Message
		ids          []string // kept after each of them
	}{
		"from now on":         {"", "", []realtime.Message{hello, answer("subscribed", 0), newsAt(11)}, []string{"x:9", "x:10", "x:11"}},
		"nothing missed":      {"", "x:5", []realtime.Message{hello, answer("subscribed", 0), newsAt(11)}, []string{"", "x:10", "x:11"}},
		"two missed":          {"", "x:5", []realtime.Message{hello, answer("subscribed", 2), newsAt(6), newsAt(7), newsAt(11)}, []string{"", "", "x:6", "x:7", "x:11"}},
		"one came before":     {"t", "x:5", []realtime.Message{hello, said("auth_ok", "{}"), newsAt(10), answer("resumed", 2), newsAt(6), newsAt(7), newsAt(11)}, []string{"", "", "", "", "", "", "x:11"}},
		"before, none missed": {"t", "x:5", []realtime.Message{hello, said("auth_ok", "{}"), newsAt(10), answer("resumed", 0), newsAt(11)}, []string{"", "", "", "x:10", "x:11"}},
		"lost meanwhile":      {"", "x:5", []realtime.Message{hello, answer("subscribed", 2), newsAt(6), said("reset", `{"position":"y:0"}`)}, []string{"", "", "x:6", "y:0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events, err := api.NewEvents(api.EventsConfig{}, &script{rt.NewFake(), c.said}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
			if err != nil {
				t.Fatal(err)
			}
			e := echo.New()
			e.GET("/events", events.Stream)
			server := httptest.NewServer(e)
			defer server.Close()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/events?titles=1&since="+c.since, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.token != "" {
				r.Header.Set("Authorization", "Bearer "+c.token)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			l := newListener(t, resp)
			var ids []string
			for range c.said {
				e, err := l.next()
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, e.id)
			}
			if diff := cmp.Diff(c.ids, ids); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
