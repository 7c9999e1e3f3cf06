package v3_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/anilibriatest"
	v3 "anihub/platform/anilibria/v3"

	"github.com/prometheus/client_golang/prometheus"
)

var catchUp = anilibria.Event{CatchUp: true}

const aired = anilibria.EpisodeAdded | anilibria.EpisodeChanged | anilibria.TitleChanged

func TestSocketTellsWhatChanges(t *testing.T) {
	wired(t, func(t *testing.T, b *bench) {
		b.expect(t, catchUp)
		if _, subscribed := b.fake.Sockets(); subscribed != 1 || b.count(t, "upstream_socket_connected") != 1 {
			t.Error("the socket has not subscribed, or does not say that it is connected")
		}
		b.air(t, 9901)
		if err := b.fake.SetStatus(9902, false, false); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := b.fake.AddTorrent(9901, anilibriatest.Torrent{ID: 7}); err != nil {
			t.Fatal(err)
		}
		// Nobody has taken the first hint of 9901 yet: the second is one with it.
		b.expect(t, anilibria.Event{ReleaseID: 9901, Changes: aired | anilibria.TorrentsChanged},
			anilibria.Event{ReleaseID: 9902, Changes: anilibria.TitleChanged})
		if err := b.fake.Reupload(9901, 10); err != nil {
			t.Fatal(err)
		}
		b.expect(t, anilibria.Event{ReleaseID: 9901, Changes: anilibria.EpisodeReplaced | anilibria.EpisodeChanged | anilibria.TitleChanged})
		id := b.fake.AddTitle(anilibriatest.Title{Main: "Новый"})
		b.expect(t, anilibria.Event{ReleaseID: id, Changes: anilibria.TitleChanged})
		if b.count(t, "upstream_socket_frames_total", "encode_progress") != 0 || b.count(t, "upstream_socket_frames_total", "playlist_update") != 4 {
			t.Error("the subscriptions do not hold, or frames are not counted")
		}
		agent := b.fake.LastHeader(anilibriatest.RouteSocket).Get("User-Agent")
		if !strings.HasPrefix(agent, "AniHub/") {
			t.Errorf("User-Agent %s", agent)
		}
	})
}

// U10: the socket is cut, and what happened meanwhile is caught up with.
func TestSocketReconnects(t *testing.T) {
	wired(t, func(t *testing.T, b *bench) {
		b.expect(t, catchUp)
		time.Sleep(5 * time.Minute) // pings keep it alive
		if b.cable.count() != 1 {
			t.Fatalf("%d connections in five quiet minutes", b.cable.count())
		}
		b.fake.DropSockets()
		b.air(t, 9901) // nobody is told
		time.Sleep(2 * time.Second)
		b.expect(t, catchUp)
		b.air(t, 9902)
		b.expect(t, anilibria.Event{ReleaseID: 9902, Changes: aired})
		if n := strings.Count(b.logs.String(), "socket is lost") + strings.Count(b.logs.String(), "socket is back"); n != 2 {
			t.Errorf("logs:\n%s", b.logs)
		}
		if b.count(t, "upstream_socket_connections_total", "ok") != 2 || b.count(t, "upstream_socket_connected") != 1 {
			t.Error("the reconnect is not counted")
		}
	})
}

// While the server is away the waits grow, differ, and stay under a minute; the log
// has one line.
func TestSocketBacksOff(t *testing.T) {
	wired(t, func(t *testing.T, b *bench) {
		b.expect(t, catchUp)
		time.Sleep(5 * time.Minute)
		b.cable.cut(errors.New("no route"))
		b.fake.DropSockets()
		time.Sleep(30 * time.Minute)
		b.cable.mu.Lock()
		dials := b.cable.dials[1:]
		b.cable.mu.Unlock()
		longest, distinct := time.Duration(0), map[time.Duration]bool{}
		for i := 1; i < len(dials); i++ {
			wait := dials[i].Sub(dials[i-1])
			if bound := time.Second << min(i+1, 6); wait > min(bound, time.Minute) {
				t.Errorf("wait %d is %s", i, wait)
			}
			longest = max(longest, wait)
			distinct[wait] = true
		}
		if len(dials) < 30 || longest < 10*time.Second || len(distinct) < len(dials)/2 {
			t.Errorf("%d attempts, longest wait %s, %d different", len(dials), longest, len(distinct))
		}
		if n := strings.Count(b.logs.String(), "level=WARN"); n != 1 || b.count(t, "upstream_socket_connected") != 0 {
			t.Errorf("%d warnings:\n%s", n, b.logs)
		}
		b.cable.cut(nil)
		time.Sleep(time.Minute)
		b.expect(t, catchUp)
		for range 3 { // a connection that lasted wipes the failures out
			time.Sleep(2 * time.Minute)
			b.fake.DropSockets()
			time.Sleep(time.Second)
			b.expect(t, catchUp)
		}
	})
}

// A server that greets and hangs up at once is not asked at full speed.
func TestSocketBacksOffFromShortConnections(t *testing.T) {
	wired(t, func(t *testing.T, b *bench) {
		for range 600 {
			time.Sleep(time.Second)
			b.fake.DropSockets()
		}
		if n := b.cable.count(); n > 60 {
			t.Errorf("%d connections in ten minutes", n)
		}
	})
}

// U10: the connection stands, but nothing comes any more.
func TestSocketNoticesSilence(t *testing.T) {
	wired(t, func(t *testing.T, b *bench) {
		b.expect(t, catchUp)
		b.fake.BreakSockets(anilibriatest.SocketFault{Silent: true})
		b.air(t, 9901)
		time.Sleep(76 * time.Second)
		if n := b.cable.count(); n != 2 {
			t.Errorf("%d connections after 76 seconds of silence", n)
		}
		time.Sleep(30 * time.Second)
		if b.cable.count() < 3 {
			t.Error("a connection without a greeting is kept")
		}
		b.expect(t)
		b.fake.HealSockets()
		time.Sleep(time.Minute)
		b.expect(t, catchUp)
	})
}

// U10: duplicates and disorder are one hint; garbage and frames that are too long
// are counted.
func TestSocketFaults(t *testing.T) {
	wired(t, func(t *testing.T, b *bench) {
		b.expect(t, catchUp)
		b.fake.BreakSockets(anilibriatest.SocketFault{Duplicate: true, Reorder: true})
		b.air(t, 9901)
		b.expect(t, anilibria.Event{ReleaseID: 9901, Changes: aired})
		b.fake.BreakSockets(anilibriatest.SocketFault{Garbage: true})
		b.air(t, 9902)
		b.expect(t, anilibria.Event{ReleaseID: 9902, Changes: aired})
		if n := b.count(t, "upstream_socket_frames_total", "garbage"); n < 20 || b.cable.count() != 1 {
			t.Errorf("%v frames of garbage, %d connections", n, b.cable.count())
		}
		b.fake.BreakSockets(anilibriatest.SocketFault{Huge: 5 << 20})
		before := b.count(t, "upstream_socket_frames_total", "garbage")
		b.air(t, 9903)
		time.Sleep(5 * time.Second)
		b.expect(t, catchUp)
		if b.count(t, "upstream_socket_frames_total", "garbage") != before+1 || b.cable.count() != 2 {
			t.Errorf("%d connections after a frame of 5 MB", b.cable.count())
		}
	})
}

// Where subscriptions are refused, or not answered, everything is listened to.
func TestSocketWithoutSubscriptions(t *testing.T) {
	for name, fault := range map[string]anilibriatest.SocketFault{"refused": {Refuse: true}, "unanswered": {NoReplies: true}} {
		t.Run(name, func(t *testing.T) {
			wired(t, func(t *testing.T, b *bench) {
				time.Sleep(15 * time.Second)
				b.expect(t, catchUp)
				if _, subscribed := b.fake.Sockets(); subscribed != 0 || b.cable.count() != 2 {
					t.Errorf("%d subscribed, %d connections", subscribed, b.cable.count())
				}
				b.air(t, 9901)
				b.expect(t, anilibria.Event{ReleaseID: 9901, Changes: aired})
				if b.count(t, "upstream_socket_frames_total", "encode_progress") == 0 {
					t.Error("not everything comes")
				}
			}, fault)
		})
	}
}

// An address that greets with something else is no upstream.
func TestSocketWantsItsGreeting(t *testing.T) {
	wired(t, func(t *testing.T, b *bench) {
		time.Sleep(5 * time.Second)
		b.air(t, 9901) // what comes is a hint, but nothing says that all of it comes
		b.expect(t, anilibria.Event{ReleaseID: 9901, Changes: aired})
		time.Sleep(15 * time.Second)
		if b.cable.count() < 2 {
			t.Error("a connection without a greeting is kept")
		}
		b.fake.HealSockets()
		b.fake.Break(anilibriatest.RouteSocket, anilibriatest.Fault{Status: 503})
		b.fake.DropSockets()
		time.Sleep(2 * time.Minute)
		b.expect(t)
		if b.count(t, "upstream_socket_connections_total", "failed") == 0 {
			t.Error("a refused handshake is not counted")
		}
		b.fake.Heal(anilibriatest.RouteSocket)
		time.Sleep(time.Minute)
		b.expect(t, catchUp)
	}, anilibriatest.SocketFault{Greeting: "hello"})
}

// A taker that is slow holds nothing up: releases wait once each, and a flood turns
// into catching up.
func TestSocketFlood(t *testing.T) {
	wired(t, func(t *testing.T, b *bench) {
		b.expect(t, catchUp)
		for i := range 1500 {
			b.fake.AddTitle(anilibriatest.Title{ID: 30_000 + i, Main: "А"})
			if i%100 == 0 {
				synctest.Wait()
			}
		}
		got := b.takes(t)
		if len(got) != 500 || !got[0].CatchUp || got[1].ReleaseID != 31_001 || got[499].ReleaseID != 31_499 {
			t.Errorf("%d events, first %+v", len(got), got[:2])
		}
	})
}

// The same over real sockets, with nothing put in between. No time is asserted.
func TestSocketOverTheWire(t *testing.T) {
	t.Parallel()
	fake := anilibriatest.New(anilibriatest.Catalogue())
	server := httptest.NewServer(fake)
	defer server.Close()
	c := anilibria.DefaultConfig()
	c.Driver, c.BaseURLs = anilibria.DriverV3, []string{server.URL + anilibriatest.V3Path}
	c.WebSocketURL = "ws" + strings.TrimPrefix(server.URL, "http") + anilibriatest.V3Path + "/webSocket/"
	s, err := v3.NewSocket(c, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	next := func() anilibria.Event {
		t.Helper()
		e, err := s.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for range 2 {
		if e := next(); !e.CatchUp {
			t.Errorf("first of a connection came %+v", e)
		}
		if _, err := fake.AirEpisode(9901); err != nil {
			t.Fatal(err)
		}
		for changes := anilibria.Change(0); !changes.Has(anilibria.TitleChanged); { // the last frame of an episode
			e := next()
			if changes |= e.Changes; e.ReleaseID != 9901 {
				t.Errorf("an event %+v", e)
			}
		}
		fake.DropSockets()
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := s.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	c.WebSocketURL = "http://a"
	if _, err := v3.NewSocket(c, slog.New(slog.DiscardHandler), prometheus.NewRegistry()); err == nil {
		t.Error("a socket was made of an address that is none")
	}
}
