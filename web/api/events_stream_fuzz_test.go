package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimesvc"
	"anihub/platform/eventlog"
	"anihub/platform/fault"
	"anihub/web/api"
)

// FuzzStream: whatever asks for a stream is refused as the client's mistake or becomes
// commands that a room takes.
func FuzzStream(f *testing.F) {
	for _, seed := range []struct{ query, last string }{
		{"", ""},
		{"titles=9000,9001&types=new_title", ""},
		{"titles=1&titles=2&titles[]=3,4,,5&titles=1", "k2f:17"},
		{"types=new_episode,episode_update,new_title,status_change&since=k2f:1", "k2f:18446744073709551615"},
		{"since=k2f:18446744073709551616", ""},
		{"since=a:1&since=a:2", ""},
		{"since=", "null"},
		{"titles=2147483647,2147483648", ""},
		{"titles=+1,%2B1,01,1e3,-1,0x1,٣", ""},
		{"titles=,,,&types=,", "a:0"},
		{"titles=" + strings.Repeat("1,", 1000), "x:1"},
		{"types=gossip", ""},
		{"types=new_episode%00", "a:1\t"},
		{"title=1", ""},
		{"token=secret&titles=1", ""},
		{"titles=%zz;types=x&&&=", "\xff:1"},
	} {
		f.Add(seed.query, seed.last)
	}
	room := fuzzedRoom(f)
	f.Fuzz(func(t *testing.T, query, last string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.URL = &url.URL{Path: "/api/anilibria/v2/events", RawQuery: query}
		r.Header["Last-Event-Id"] = []string{last}
		frames, err := api.StreamFrames(r)
		if status := fault.Status(err); err != nil && (status < 400 || status > 499) {
			t.Fatalf("%q: %v is a %d", query, err, status)
		}
		if err != nil {
			return
		}
		conv, err := room.Open(t.Context(), realtime.Client{})
		if err != nil {
			t.Fatal(err)
		}
		defer conv.Close()
		for _, frame := range frames {
			if err := conv.Receive(t.Context(), frame); err != nil {
				t.Fatalf("%s: %v", frame, err)
			}
		}
		for answered := false; !answered; {
			batch, err := conv.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range batch {
				answered = answered || m.Type == "subscribed"
				if m.Type == "error" && !strings.Contains(string(m.Frame), `"SUBSCRIPTION_LIMIT"`) {
					t.Fatalf("%q became %s, which is answered %s", query, frames, m.Frame)
				}
				answered = answered || m.Type == "error"
			}
		}
	})
}

func fuzzedRoom(f *testing.F) *realtimesvc.Service {
	f.Helper()
	room, err := realtimesvc.New(realtimesvc.DefaultConfig(), realtimesvc.Deps{
		Log: eventlog.NewMemory(10), Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- room.Run(ctx) }()
	f.Cleanup(func() { cancel(); <-ended })
	return room
}
