package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogtest"
	"anihub/modules/realtime/realtimetest"
	"anihub/modules/users"
	"anihub/modules/users/userstest"
	"anihub/platform/telemetry"
	"anihub/web/api"
)

// surface is the public surface over fakes of the doors.
type surface struct {
	handler http.Handler
	catalog *catalogtest.Fake
	users   *userstest.Fake
	live    *realtimetest.Fake
	health  *telemetry.Health
	log     *bytes.Buffer
	level   *slog.LevelVar // of the log; debug unless a test says otherwise
	metrics *prometheus.Registry
}

func open(t testing.TB, change ...func(*api.Config)) *surface {
	t.Helper()
	return openWith(t, func(echo.Context) error { return echo.ErrNotFound }, change...)
}

// openWith has something where there is no route.
func openWith(t testing.TB, site echo.HandlerFunc, change ...func(*api.Config)) *surface {
	t.Helper()
	return build(t, site, func(c catalog.Service) catalog.Service { return c }, change...)
}

// build lets the catalogue be wrapped.
func build(t testing.TB, site echo.HandlerFunc, wrap func(catalog.Service) catalog.Service, change ...func(*api.Config)) *surface {
	t.Helper()
	cfg := api.Config{AllowedOrigins: []string{"https://friend.example"}}
	for _, c := range change {
		c(&cfg)
	}
	s := &surface{
		level: &slog.LevelVar{}, catalog: catalogtest.NewFake(lamplighter(), seagulls()), users: userstest.NewFake(), live: realtimetest.NewFake(),
		health: telemetry.NewHealth(), log: &bytes.Buffer{}, metrics: prometheus.NewRegistry(),
	}
	s.level.Set(slog.LevelDebug)
	a, err := api.New(cfg, api.Deps{
		Catalog: wrap(s.catalog), Users: s.users, Realtime: s.live, Health: s.health,
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: s.level})), Registry: s.metrics,
		Tracer: noop.NewTracerProvider().Tracer(""), Version: "test", Started: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	if s.handler, err = a.Handler(site); err != nil {
		t.Fatal(err)
	}
	return s
}

func lamplighter() catalog.Title {
	at := time.Date(2026, 9, 26, 12, 50, 50, 0, time.UTC)
	return catalog.Title{
		Summary: catalog.Summary{
			ID: 9901, Code: "tsubaki-dori", Names: catalog.Names{RU: "Фонарщик", EN: "The Lamplighter"},
			Description: "Каждый вечер.\nСто сорок фонарей.", Type: "TV", Status: "ongoing",
			Genres: []string{"Фэнтези", "Романтика"}, Year: 2026, Season: "summer", Weekday: 5, AgeRating: "R12_PLUS",
			Episodes: catalog.EpisodeCount{Total: 12, Current: 2}, Poster: catalog.Poster{Medium: "https://img.example/m.webp"},
			Rating: 8.41, Popularity: 18240, FreshAt: at, UpdatedAt: at.Add(time.Minute),
		},
		Player: catalog.Player{Episodes: []catalog.Episode{
			{
				ID: "uuid-1", Ordinal: 1, Name: "Начало", Duration: 1440,
				Opening: &catalog.Span{Start: 100, Stop: 190},
				Sources: []catalog.Source{{Quality: "1080p", URL: "https://cdn.example/1/1080.m3u8", Type: "hls"}},
			},
			{ID: "uuid-2", Ordinal: 1.5, Sources: []catalog.Source{{URL: "https://rutube.ru/play/embed/x/", Type: "rutube"}}},
		}},
		Members: []catalog.Member{{Nickname: "Malevich", Role: "voicing"}},
		Franchise: []catalog.Franchise{{ID: "f", Name: "Улица", Titles: []catalog.FranchiseTitle{
			{ID: 9901, Code: "tsubaki-dori", Names: catalog.Names{RU: "Фонарщик"}, Year: 2026, Type: "TV"},
		}}},
		Torrents: []catalog.Torrent{{ID: 5, Hash: "abc", Quality: "1080p", Size: 1 << 30, Seeders: 3}},
	}
}

// seagulls is a title of which next to nothing is known.
func seagulls() catalog.Title {
	return catalog.Title{Summary: catalog.Summary{ID: 9902, Code: "kamome", Names: catalog.Names{RU: "Чайки"}, Status: "announced"}}
}

func (s *surface) do(t testing.TB, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	documented(t, r, w)
	return w.Result()
}

func (s *surface) get(t testing.TB, path string, headers ...string) *http.Response {
	t.Helper()
	return s.do(t, http.MethodGet, path, "", headers...)
}

func read(t testing.TB, r *http.Response) []byte {
	t.Helper()
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		in = z
	}
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type envelope struct {
	Success    bool
	Data       json.RawMessage
	Pagination struct{ Page, Limit, Total, Pages int }
	Meta       struct {
		Missing   []int
		Freshness struct {
			Level string
			Stale bool
		}
	}
	Error struct {
		Code, Message string
		Details       map[string]any
	}
	RequestID string `json:"request_id"`
	Timestamp time.Time
}

func answerOf(t testing.TB, r *http.Response) envelope {
	t.Helper()
	b := read(t, r)
	var e envelope
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatalf("not an envelope: %v in %.200q", err, b)
	}
	return e
}

// signIn registers somebody and returns their Authorization header.
func (s *surface) signIn(t testing.TB) string {
	t.Helper()
	session, err := s.users.Register(t.Context(), users.Registration{Login: "mira", Email: "mira@example.org", Password: "a long password"})
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + session.AccessToken
}

var update = flag.Bool("update", false, "write the golden files")

// golden compares JSON with testdata/name.json.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	file := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(file, pretty.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), pretty.String()); diff != "" {
		t.Errorf("%s: -want +got\n%s", file, diff)
	}
}

// TestEveryTypeTheBrowserSees is the public contract, field by field.
func TestEveryTypeTheBrowserSees(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.catalog.Air(catalogtest.Line{TitleID: 9901, Weekday: 5, NextEpisode: 3})
	auth := s.signIn(t)
	if r := s.do(t, "PUT", "/api/users/subscriptions/9901", "", "Authorization", auth); r.StatusCode != 200 {
		t.Fatal(r.Status)
	}
	const v2 = "/api/anilibria/v2"
	for name, path := range map[string]string{
		"title": v2 + "/titles/9901", "title_sparse": v2 + "/titles/9902", "titles": v2 + "/titles?facets=true",
		"schedule": v2 + "/schedule", "genres": v2 + "/genres", "batch": v2 + "/titles/batch?ids=9902,1,9901",
	} {
		data := struct {
			Data       json.RawMessage `json:"data"`
			Pagination json.RawMessage `json:"pagination,omitempty"`
			Facets     json.RawMessage `json:"facets,omitempty"`
		}{}
		if err := json.Unmarshal(read(t, s.get(t, path)), &data); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(data)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, got)
	}
}
