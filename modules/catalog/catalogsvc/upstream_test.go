package catalogsvc_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
	"anihub/platform/anilibria"
	"anihub/platform/anilibria/anilibriatest"
	v1 "anihub/platform/anilibria/v1"
)

// overHTTP is a room over the real driver, its guard, and the fake upstream.
func overHTTP(t *testing.T, titles []anilibriatest.Title) (*room, *anilibriatest.Server) {
	t.Helper()
	fake := anilibriatest.New(titles)
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	cfg := anilibria.DefaultConfig()
	cfg.BaseURLs = []string{server.URL + anilibriatest.BasePath}
	cfg.Breaker.Failures = 1000 // faults here are about what is kept, not about the guard
	cfg.AttemptTimeout, cfg.Timeout = 20*time.Second, time.Minute
	guard, err := anilibria.NewGuard(cfg, quiet(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guard.Close)
	h := newHouse(t)
	r := h.build(t, catalogsvc.DefaultConfig(), v1.New(guard, server.URL))
	r.start(t)
	return r, fake
}

func TestOverTheRealDriver(t *testing.T) {
	t.Parallel()
	r, fake := overHTTP(t, anilibriatest.Generate(60, 1))
	all := fake.IDs()
	for part := range slices.Chunk(all, 50) {
		out := refresh(t, r, catalog.Refresh{IDs: part, Silent: true, Background: true})
		if len(out.Changed) != len(part) || len(out.Failed)+len(out.Missing)+len(out.Events) > 0 {
			t.Fatalf("first pass: %+v", out)
		}
	}
	for part := range slices.Chunk(all, 50) {
		if out := refresh(t, r, catalog.Refresh{IDs: part}); len(out.Changed)+len(out.Events) > 0 {
			t.Fatalf("second pass: %+v", out)
		}
	}
	p, err := r.Titles(t.Context(), catalog.Query{Limit: 100, Status: "ongoing"}, "")
	list := must(t, p, err).Value.Titles
	if p.Value.Total == 0 {
		t.Fatal("nothing is ongoing")
	}
	id := list[0].ID
	aired, err := fake.AirEpisode(id)
	must(t, aired, err)
	out := refresh(t, r, catalog.Refresh{IDs: []int{id}})
	if len(out.Events) != 1 || out.Events[0].Type != catalog.NewEpisode || out.Events[0].Episode != aired.Ordinal {
		t.Errorf("aired %v: %+v", aired.Ordinal, out)
	}
	if err := fake.Reupload(id, aired.Ordinal); err != nil {
		t.Fatal(err)
	}
	// The fake counts time in seconds, so only the files tell the upload apart.
	out = refresh(t, r, catalog.Refresh{IDs: []int{id}})
	if len(out.Events) != 1 || out.Events[0].Type != catalog.EpisodeUpdate {
		t.Errorf("uploaded again: %+v", out)
	}
	if err := fake.AddTorrent(id, anilibriatest.Torrent{ID: 99, Quality: "1080p", Episodes: "1"}); err != nil {
		t.Fatal(err)
	}
	out = refresh(t, r, catalog.Refresh{IDs: []int{id}})
	if len(out.Events) != 0 || len(out.Changed) != 1 {
		t.Errorf("a torrent: %+v", out)
	}
	a, err := r.Title(t.Context(), catalog.Ref{ID: id}, "")
	for _, e := range must(t, a, err).Value.Player.Episodes {
		for _, s := range e.Sources {
			if !strings.HasPrefix(s.URL, "http") || strings.Contains(s.URL, "countryIso") {
				t.Errorf("source %q", s.URL)
			}
		}
	}
	d, err := r.Schedule(t.Context(), "")
	if days := must(t, d, err).Value; len(days) != 7 || !slices.ContainsFunc(days, func(d catalog.Day) bool { return len(d.Titles) > 0 }) {
		t.Errorf("schedule = %+v", days)
	}
}

// Whatever nonsense the upstream answers, what is stored stays.
func TestGarbageChangesNothing(t *testing.T) {
	t.Parallel()
	r, fake := overHTTP(t, anilibriatest.Generate(3, 2))
	all := fake.IDs()
	refresh(t, r, catalog.Refresh{IDs: all, Silent: true})
	before, err := r.Titles(t.Context(), catalog.Query{}, "")
	must(t, before, err)
	for name, f := range map[string]anilibriatest.Fault{
		"HTML":        {HTML: true},
		"truncated":   {Truncate: true},
		"wrong types": {WrongTypes: true},
		"an array":    {Body: "[]"},
		"null":        {Body: "null"},
		"empty":       {Body: "{}"},
		"no list":     {Body: `{"data":null,"meta":null}`},
		"blocked":     {Status: 403},
		"broken":      {Status: 500},
	} {
		fake.Break(anilibriatest.All, f)
		for _, asked := range [][]int{all, all[:1]} {
			out := refresh(t, r, catalog.Refresh{IDs: asked})
			if len(out.Changed)+len(out.Events)+len(out.Missing) > 0 || len(out.Failed) != len(asked) {
				t.Errorf("%s, %d ids: %+v", name, len(asked), out)
			}
		}
		fake.Heal(anilibriatest.All)
		now, err := r.Titles(t.Context(), catalog.Query{}, before.Version)
		if !must(t, now, err).Unchanged {
			t.Errorf("%s changed the index", name)
		}
	}
	if out := refresh(t, r, catalog.Refresh{IDs: all}); len(out.Changed)+len(out.Events)+len(out.Failed) > 0 {
		t.Errorf("afterwards: %+v", out)
	}
}
