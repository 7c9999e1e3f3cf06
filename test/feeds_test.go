package test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"anihub/platform/anilibria/anilibriatest"
)

const feedPath = "/api/anilibria/v2/feed.json"

// feedIDs are the ids of the feed's items, newest first, and its ETag.
func (p *process) feedIDs() (ids []string, etag string) {
	p.t.Helper()
	status, header, body := p.get(feedPath + "?limit=100")
	var f struct{ Items []struct{ ID string } }
	if err := json.Unmarshal([]byte(body), &f); err != nil || status != 200 {
		p.t.Fatalf("feed: %d %v %.200s", status, err, body)
	}
	for _, i := range f.Items {
		ids = append(ids, i.ID)
	}
	return ids, header.Get("Etag")
}

// TestFeedsOutliveEverything: with upstream, documents and Redis dead the feeds and
// the calendar answer, also from a process that begins then, and no reader is shown an
// item twice or misses one.
func TestFeedsOutliveEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := "ANIHUB_PLATFORM_STORAGE_DATA_DIR=" + t.TempDir()
	p := start(t, []string{"serve"}, w.env(dir)...)
	w.alive(p)
	routes := []string{feedPath, "/api/anilibria/v2/feed.rss", "/api/anilibria/feed.atom", "/api/anilibria/v2/schedule.ics"}
	recommended := titlePath(w.ids[0]) + "/recommended"
	if a := p.read(recommended); a.status != 200 || len(a.list(t)) == 0 {
		t.Fatalf("recommended: %d %.200s", a.status, a.body)
	}
	before, _ := p.feedIDs()

	if _, err := w.u.AirEpisode(9901); err != nil {
		t.Fatal(err)
	}
	var after []string
	eventually(t, "the new episode is in the feed", func() bool {
		p.take(9901)
		after, _ = p.feedIDs()
		return len(after) > 0 && !slices.Contains(before, after[0])
	})
	if fresh := slices.DeleteFunc(slices.Clone(after), func(id string) bool { return slices.Contains(before, id) }); len(fresh) != 1 {
		t.Errorf("one episode is %d new items", len(fresh))
	}

	w.end()
	answer := func(when string, p *process) {
		t.Helper()
		for _, path := range routes {
			status, header, body := p.get(path)
			if status != 200 || header.Get("Cache-Status") == "" || len(body) < 100 {
				t.Errorf("%s: %s: %d %.200s", when, path, status, body)
			}
		}
		if ids, _ := p.feedIDs(); !slices.Equal(ids, after) {
			t.Errorf("%s: the items are not those of before", when)
		}
	}
	answer("in the dark", p)
	if a := p.read(recommended); a.status != 200 || len(a.list(t)) == 0 {
		t.Errorf("recommended in the dark: %d", a.status)
	}
	p.kill()
	p = start(t, []string{"serve"}, w.env(dir)...)
	eventually(t, "a process that begins in the dark answers", func() bool {
		status, _, _ := p.get(feedPath)
		return status == 200
	})
	answer("begun in the dark", p)
}

// TestFeedsInABrowser holds the feeds against the parsers of Chromium, which are none
// of ours, and drives the row of recommendations.
func TestFeedsInABrowser(t *testing.T) {
	t.Parallel()
	if out := drive(t, "feeds.mjs", "5s"); strings.Count(out, "ok ") != 4 {
		t.Errorf("not the four steps:\n%s", out)
	}
}

// TestTheOldDialectHasNoRecommendations and says so without a question.
func TestTheOldDialectHasNoRecommendations(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, anilibriatest.Catalogue())
	base := strings.TrimSuffix(u.base, anilibriatest.BasePath) + anilibriatest.V3Path
	p := start(t, []string{"serve"}, together(u.quiet(), []string{
		"ANIHUB_PLATFORM_ANILIBRIA_DRIVER=v3", "ANIHUB_PLATFORM_ANILIBRIA_BASE_URLS=" + base,
	})...)
	p.ready()
	if a := p.read(titlePath(9901) + "/recommended"); a.status != 200 || string(a.Data) != "[]" {
		t.Errorf("recommended: %d %.200s", a.status, a.body)
	}
	if n := u.Calls(anilibriatest.RouteRecommended); n != 0 {
		t.Errorf("%d calls", n)
	}
}
