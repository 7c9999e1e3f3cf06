package realtimesvc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimesvc"
	rt "anihub/modules/realtime/realtimetest"
	"anihub/platform/eventlog"
)

type titles map[int][2]string

func (l titles) Lookup(_ context.Context, id int) (string, string, bool) {
	v, ok := l[id]
	return v[0], v[1], ok
}

type street struct {
	mu    sync.Mutex
	heard map[string][]string
	err   error
}

func (p *street) Publish(_ context.Context, channel string, payload []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard[channel] = append(p.heard[channel], string(payload))
	return p.err
}

func TestPublishFillsIn(t *testing.T) {
	t.Parallel()
	out := &street{heard: map[string][]string{}}
	h := open(t, func(_ *realtimesvc.Config, d *realtimesvc.Deps) {
		d.Titles = titles{5: {"Лодка", "/p/5.webp"}}
		d.Publisher = out
	})
	v, _ := rt.Open(t, h)
	v.Do(`{"type":"subscribe_updates","data":{"types":["new_episode","new_title"]}}`, "subscribed")
	type shown struct {
		Title, Poster *string
		Timestamp     time.Time
	}
	rt.Publish(t, h, realtime.Event{Type: realtime.NewEpisode, TitleID: 5, Episode: 1})
	m := v.ExpectEvent("new_episode:5:1")
	if got := rt.Data[shown](t, m); *got.Title != "Лодка" || *got.Poster != "/p/5.webp" || time.Since(got.Timestamp) > time.Hour {
		t.Errorf("told %s", m.Frame)
	}
	if heard := out.heard["anilibria:new_episode"]; len(heard) != 1 || heard[0] != string(m.Frame) {
		t.Errorf("outside was told %q", heard)
	}
	rt.Publish(t, h, realtime.Event{Type: realtime.NewTitle, TitleID: 5, Data: map[string]any{"title": "Своё"}})
	if got := rt.Data[shown](t, v.ExpectEvent("new_title:5")); *got.Title != "Своё" || *got.Poster != "/p/5.webp" {
		t.Errorf("told %+v", got)
	}
	// A publisher that fails hinders nobody, and a duplicate is not repeated outside.
	out.err = errors.New("away")
	rt.Publish(t, h, realtime.Event{Type: realtime.NewTitle, TitleID: 6})
	rt.Publish(t, h, realtime.Event{Type: realtime.NewTitle, TitleID: 6})
	if got := rt.Data[shown](t, v.ExpectEvent("new_title:6")); got.Title != nil || got.Poster != nil {
		t.Errorf("invented %+v", got)
	}
	if n := len(out.heard["anilibria:new_title"]); n != 2 {
		t.Errorf("outside was told %d times", n)
	}
}

func TestDerivedIDs(t *testing.T) {
	t.Parallel()
	h := open(t)
	at := time.Date(2026, 7, 1, 12, 0, 0, 123_456_789, time.FixedZone("", 3*3600))
	status := func(s string) map[string]any { return map[string]any{"new_status": s} }
	for _, c := range []struct {
		event     realtime.Event
		duplicate bool
	}{
		{realtime.Event{Type: realtime.NewEpisode, TitleID: 1, Episode: 1, At: at}, false},
		{realtime.Event{Type: realtime.NewEpisode, TitleID: 1, Episode: 1, At: at.Add(time.Hour)}, true},
		{realtime.Event{Type: realtime.NewEpisode, TitleID: 1, Episode: 1.5, At: at}, false},
		{realtime.Event{Type: realtime.EpisodeUpdate, TitleID: 1, Episode: 1, At: at}, false},
		{realtime.Event{Type: realtime.EpisodeUpdate, TitleID: 1, Episode: 1, At: at.UTC()}, true},
		{realtime.Event{Type: realtime.EpisodeUpdate, TitleID: 1, Episode: 1, At: at.Add(time.Hour)}, false},
		{realtime.Event{Type: realtime.StatusChange, TitleID: 1, Data: status("ongoing")}, false},
		{realtime.Event{Type: realtime.StatusChange, TitleID: 1, Data: status("completed")}, false},
		{realtime.Event{Type: realtime.StatusChange, TitleID: 1, Data: status("completed")}, true},
		{realtime.Event{Type: realtime.NewTitle, TitleID: 1}, false},
		{realtime.Event{Type: realtime.NewTitle, TitleID: 1, Data: map[string]any{"title": "x"}}, true},
	} {
		if done := rt.Publish(t, h, c.event)[0]; done.Duplicate != c.duplicate {
			t.Errorf("%+v: %+v, want duplicate %v", c.event, done, c.duplicate)
		}
	}
}

func TestPublishRefusesNumbers(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, n := range []float64{math.NaN(), math.Inf(1), -0.5, 1e9} {
		if _, err := h.Publish(t.Context(), []realtime.Event{rt.Episode(1, n)}); !errors.Is(err, realtime.ErrBadEvent) {
			t.Errorf("episode %v: %v", n, err)
		}
	}
	e := rt.Episode(1, 1)
	e.At = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := h.Publish(t.Context(), []realtime.Event{e}); !errors.Is(err, realtime.ErrBadEvent) {
		t.Errorf("year 12026: %v", err)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	h := open(t, smallQueue)
	v, _ := rt.Open(t, h)
	start, err := h.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	done := rt.Publish(t, h, rt.Episode(5, 1), rt.Episode(5, 1))
	v.ExpectEvent(done[0].EventID)
	rt.WaitTail(t, h, done[0].Position)
	v.Send(`{`)
	v.ExpectError("BAD_FRAME")
	late, _ := rt.Open(t, h)
	late.Do(`{"type":"subscribe_title","data":{"title_id":5,"since":"`+start+`"}}`, "subscribed")
	late.ExpectEvent(done[0].EventID)
	late.Quiet()
	late.Close()
	want := map[string]float64{
		"realtime_connections":                              1,
		"realtime_subscriptions":                            1,
		"realtime_deliveries_total":                         1,
		"realtime_replayed_total":                           1,
		"realtime_slow_consumers_total":                     0,
		"realtime_fanout_seconds":                           1,
		"realtime_instances":                                1,
		"realtime_errors_total{code=BAD_FRAME}":             1,
		"realtime_events_published_total{type=new_episode}": 1,
	}
	if diff := cmp.Diff(want, gathered(t, h.reg)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// gathered is every metric by name and label; of a histogram how often it observed.
func gathered(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += fmt.Sprintf("{%s=%s}", l.GetName(), l.GetValue())
			}
			all[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

func TestConfig(t *testing.T) {
	t.Parallel()
	if err := realtimesvc.DefaultConfig().Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	for want, change := range map[string]func(*realtimesvc.Config){
		"queue_bytes: must be 65536 to 67108864, is 5":        func(c *realtimesvc.Config) { c.QueueBytes = 5 },
		"max_subscriptions: must be 1 to 100000, is 0":        func(c *realtimesvc.Config) { c.MaxSubscriptions = 0 },
		"max_connections_per_user: must be 1 to 100000, is 0": func(c *realtimesvc.Config) { c.MaxConnectionsPerUser = 0 },
		"commands: must be 1 to 1000000, is -1":               func(c *realtimesvc.Config) { c.Commands = -1 },
		"commands_window: must be 1s to 1h, is 1ms":           func(c *realtimesvc.Config) { c.CommandsWindow = time.Millisecond },
		"ping: must be 1s to 1h, is 0s":                       func(c *realtimesvc.Config) { c.Ping = 0 },
		"pong: must be 1s to 1h, is 2h0m0s":                   func(c *realtimesvc.Config) { c.Pong = 2 * time.Hour },
		"drain_seconds: must be 0 to 3600, is -1":             func(c *realtimesvc.Config) { c.DrainSeconds = -1 },
	} {
		c := realtimesvc.DefaultConfig()
		change(&c)
		if err := c.Validate(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		d := realtimesvc.Deps{Log: eventlog.NewMemory(1), Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry()}
		if _, err := realtimesvc.New(c, d); err == nil {
			t.Errorf("New accepted %s", want)
		}
	}
	if _, err := realtimesvc.New(realtimesvc.DefaultConfig(), realtimesvc.Deps{}); err == nil {
		t.Error("New accepted no log")
	}
}

func TestRunOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	rt.Open(t, h)
	if err := h.Run(t.Context()); err == nil {
		t.Error("a second Run was accepted")
	}
}

func TestFramesAreJSON(t *testing.T) {
	t.Parallel()
	h := open(t)
	v, hello := rt.Open(t, h)
	v.Do(`{"type":"subscribe_updates","data":{"types":["new_title"]}}`, "subscribed")
	e := realtime.Event{ID: `q"\<&>`, Type: realtime.NewTitle, TitleID: 1, Data: map[string]any{"title": "</script>\u2028"}}
	rt.Publish(t, h, e)
	m := v.ExpectEvent(e.ID)
	for _, m := range []realtime.Message{hello, m} {
		if !json.Valid(m.Frame) || !json.Valid(m.Data) || strings.ContainsAny(string(m.Frame), "\n<") {
			t.Errorf("frame %s", m.Frame)
		}
	}
}
