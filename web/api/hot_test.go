package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
	"anihub/web/api"
)

// settled is a catalogue where nothing changes: who asks with the version he has is
// told so, at no cost. What is measured over it is the surface alone; the real door
// is measured in main's hot_test.go.
type settled struct{ catalog.Service }

const version = "settled"

func (s settled) Title(ctx context.Context, ref catalog.Ref, have string) (catalog.Answer[catalog.Title], error) {
	if have == version {
		return catalog.Answer[catalog.Title]{Unchanged: true, Version: have, Position: "epoch:17"}, nil
	}
	a, err := s.Service.Title(ctx, ref, have)
	a.Version = version
	return a, err
}

func (s settled) Titles(ctx context.Context, q catalog.Query, have string) (catalog.Answer[catalog.Page], error) {
	if have == version {
		return catalog.Answer[catalog.Page]{Unchanged: true, Version: have, Position: "epoch:17"}, nil
	}
	a, err := s.Service.Titles(ctx, q, have)
	a.Version = version
	return a, err
}

// hot is a request that has been answered before, for a reader who takes gzip.
func hot(t testing.TB, path string) (ask func(), w *sink) {
	t.Helper()
	s := build(t, func(echo.Context) error { return echo.ErrNotFound }, func(c catalog.Service) catalog.Service { return settled{c} },
		func(c *api.Config) { c.RateLimit = int(time.Minute) })
	s.level.Set(slog.LevelInfo)
	big := lamplighter()
	for i := range 40 {
		e := big.Player.Episodes[0]
		e.Ordinal = float64(i + 3)
		big.Player.Episodes = append(big.Player.Episodes, e)
	}
	s.catalog.Put(big)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = "192.0.2.1:1234"
	r.Header.Set("Accept-Encoding", "gzip")
	w = &sink{header: http.Header{}}
	ask = func() {
		clear(w.header)
		s.handler.ServeHTTP(w, r)
	}
	for range 100 { // the store of answers takes new ones in its own time
		ask()
	}
	if w.status != http.StatusOK || w.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%s: %d %v", path, w.status, w.header)
	}
	return ask, w
}

// TestAllocationsOfAHotAnswer: they are what the middle of the chain costs most.
func TestAllocationsOfAHotAnswer(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for path, most := range map[string]float64{
		v2 + "/titles/9901":     8,
		v2 + "/titles?limit=20": 14,
	} {
		ask, _ := hot(t, path)
		if got := testing.AllocsPerRun(2000, ask); got > most {
			t.Errorf("%s: %v allocations, at most %v", path, got, most)
		}
	}
}

// BenchmarkHot is a hot GET through the whole chain, door and socket excluded.
func BenchmarkHot(b *testing.B) {
	for name, path := range map[string]string{"title": v2 + "/titles/9901", "list": v2 + "/titles?limit=20"} {
		b.Run(name, func(b *testing.B) {
			ask, w := hot(b, path)
			b.ReportAllocs()
			for b.Loop() {
				ask()
			}
			if w.status != http.StatusOK {
				b.Fatal(w.status)
			}
		})
	}
}
