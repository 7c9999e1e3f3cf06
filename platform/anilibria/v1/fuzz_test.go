package v1_test

import (
	"strconv"
	"strings"
	"testing"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/anilibriatest"
	v1 "anihub/platform/anilibria/v1"
)

// A small body must not become a large heap: items are counted, and what is no
// episode is not kept.
func TestItemsAreBounded(t *testing.T) {
	t.Parallel()
	for name, item := range map[string]string{"empty": `{}`, "numbers": `1`, "episodes": `{"id":"%d","ordinal":1}`} {
		var b strings.Builder
		b.WriteString(`{"id":1,"name":{"main":"А"},"episodes":[`)
		for i := range 150_000 {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strings.ReplaceAll(item, "%d", strconv.Itoa(i)))
		}
		b.WriteString(`]}`)
		c, asked := client(b.String())
		r, err := c.Release(t.Context(), anilibria.Ref{ID: 1})
		if err != nil || len(r.Episodes) > 100_000 || len(r.Episodes)+asked.skips["episode"] != 150_000 {
			t.Errorf("%s: %d episodes, %d left out, %v", name, len(r.Episodes), asked.skips["episode"], err)
		}
	}
}

// FuzzDecode: whatever comes, no panic, and what is given out keeps its promises.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"release_edges.json", "list_edges.json", "latest_edges.json", "schedule_edges.json", "franchise_edges.json"} {
		f.Add(own(f, name))
	}
	for _, body := range []string{`{}`, `[]`, `null`, `{"data":[{}],"meta":{}}`, `{"is_alive":true}`, `{"id":9921,"name":{"main":"А"},"episodes":[{"id":"a","ordinal":1e308}]}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c := v1.New(&canned{body: body}, assets)
		ctx := t.Context()
		if r, err := c.Release(ctx, anilibria.Ref{ID: 9921}); err == nil {
			sound(t, r)
		}
		releases, err := c.Releases(ctx, []int{9901, 9902, 9905})
		seen := make(map[int]bool)
		for _, r := range releases {
			sound(t, r)
			if seen[r.ID] || err != nil {
				t.Errorf("release %d twice, or with %v", r.ID, err)
			}
			seen[r.ID] = true
		}
		_, _ = c.Latest(ctx, 50)
		_, _ = c.CatalogPage(ctx, 1, 50)
		_, _ = c.Schedule(ctx)
		_, _ = c.Franchise(ctx, 1)
		_ = c.Status(ctx)
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
		if e.ID == "" || seen[e.ID] || e.Ordinal < 0 || (i > 0 && e.SortOrder < r.Episodes[i-1].SortOrder) {
			t.Errorf("episode %+v", e)
		}
		seen[e.ID] = true
		for _, s := range []*anilibria.Span{e.Opening, e.Ending} {
			if s != nil && (s.Start < 0 || s.Stop <= s.Start) {
				t.Errorf("span %+v", *s)
			}
		}
		for _, u := range []string{e.HLS480, e.HLS720, e.HLS1080, e.Preview} {
			if u != "" && !strings.HasPrefix(u, "http://") && !strings.HasPrefix(u, "https://") {
				t.Errorf("address %q", u)
			}
		}
	}
}

func BenchmarkDecodePage(b *testing.B) {
	s := anilibriatest.New(anilibriatest.Generate(50, 1))
	body := listBody(b, s)
	ids := s.IDs()
	c := v1.New(&canned{body: body}, assets)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if got, err := c.Releases(b.Context(), ids); err != nil || len(got) != 50 {
			b.Fatal(len(got), err)
		}
	}
	b.ReportMetric(50*float64(b.N)/b.Elapsed().Seconds(), "titles/s")
}
