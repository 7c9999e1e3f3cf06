package v3_test

import (
	"path/filepath"
	"strings"
	"testing"

	"anihub/platform/anilibria"
)

// seed adds what is kept in testdata and, where they are, the real payloads.
func seed(f *testing.F, dialects ...string) {
	f.Helper()
	mine, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range mine {
		f.Add(read(f, name))
	}
	for _, dialect := range dialects {
		if folder() == "" {
			break
		}
		for _, body := range files(f, dialect) {
			f.Add(body)
		}
	}
}

// FuzzTitle: whatever comes in place of a title or of titles, no panic, and what is
// given out keeps its promises.
func FuzzTitle(f *testing.F) {
	seed(f, "v3", "v2")
	for _, body := range []string{`{}`, `[]`, `null`, `{"id":9921,"names":{"ru":"А"},"player":{"list":{"1e308":{}},"rutube":[{"episode":1,"rutube_id":"a"}]}}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c, _ := client(body)
		for _, ref := range []anilibria.Ref{{ID: 9921}, {ID: 9000}, {Alias: "a"}} {
			if r, err := c.Release(t.Context(), ref); err == nil {
				sound(t, r)
			}
		}
		ids := []int{9901, 9000, 10027}
		releases, err := c.Releases(t.Context(), ids)
		seen := make(map[int]bool)
		for _, r := range releases {
			sound(t, r)
			if seen[r.ID] || err != nil {
				t.Errorf("release %d twice, or with %v", r.ID, err)
			}
			seen[r.ID] = true
		}
	})
}

// FuzzLists: the same for the answers of which only a part is read.
func FuzzLists(f *testing.F) {
	seed(f, "v3", "v2")
	f.Fuzz(func(t *testing.T, body string) {
		c, _ := client(body)
		bumps, _ := c.Latest(t.Context(), 50)
		for _, b := range bumps {
			if b.ID <= 0 || b.EpisodeOrdinal < 0 || (b.EpisodeID == "" && b.EpisodeOrdinal != 0) {
				t.Errorf("bump %+v", b)
			}
		}
		if p, err := c.CatalogPage(t.Context(), 1, 50); err == nil && (p.Page < 1 || p.Pages < 1 || p.Total < 0) {
			t.Errorf("page %+v", p)
		}
		items, _ := c.Schedule(t.Context())
		for _, i := range items {
			if i.ReleaseID <= 0 || i.Weekday < 1 || i.Weekday > 7 {
				t.Errorf("scheduled %+v", i)
			}
		}
		franchises, _ := c.Franchise(t.Context(), 1)
		for _, x := range franchises {
			if x.ID == "" {
				t.Errorf("franchise %+v", x)
			}
		}
		_ = c.Status(t.Context())
	})
}

// sound holds a release to what the interface promises.
func sound(t *testing.T, r anilibria.Release) {
	t.Helper()
	if r.ID <= 0 || r.Name.Main == "" || r.PublishDay < 0 || r.PublishDay > 7 || strings.ContainsRune(r.Description, '\r') {
		t.Errorf("%+v", r)
	}
	seen := make(map[string]bool)
	for i, e := range r.Episodes {
		if e.ID == "" || seen[e.ID] || e.Ordinal < 0 || e.SortOrder != i+1 || (i > 0 && e.Ordinal < r.Episodes[i-1].Ordinal) {
			t.Errorf("episode %+v", e)
		}
		seen[e.ID] = true
		for _, s := range []*anilibria.Span{e.Opening, e.Ending} {
			if s != nil && (s.Start < 0 || s.Stop <= s.Start) {
				t.Errorf("span %+v", *s)
			}
		}
		for _, u := range []string{e.HLS480, e.HLS720, e.HLS1080} {
			web(t, u)
			if strings.ContainsAny(u, "?#") {
				t.Errorf("stream %q", u)
			}
		}
		web(t, e.Preview)
	}
	for _, u := range []string{r.Poster.Small, r.Poster.Medium, r.Poster.Large, r.ExternalPlayer} {
		web(t, u)
	}
}

func web(t *testing.T, u string) {
	t.Helper()
	if u != "" && !strings.HasPrefix(u, "http://") && !strings.HasPrefix(u, "https://") {
		t.Errorf("address %q", u)
	}
}
