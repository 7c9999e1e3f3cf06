package v1_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"anihub/platform/anilibria"
)

// TestEveryRealFile gives every captured payload to every decoder: whichever place
// the upstream sends it in, nothing panics, and what is given out is sound. Files
// of routes that AniHub asks must give something out.
func TestEveryRealFile(t *testing.T) {
	t.Parallel()
	readme := shared(t, filepath.Join("examples", "README.md")) // skips where they are not kept
	if readme == "" {
		t.Fatal("the payloads have lost their README")
	}
	var files []string
	for _, up := range []string{"../../../..", "../../../../.."} {
		found, err := filepath.Glob(filepath.Join(up, "shared", "upstream", "examples", "v1", "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 40 {
		t.Fatalf("only %d payloads", len(files))
	}
	fruitful := map[string]bool{}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fruitful[filepath.Base(file)] = decodeAll(t, string(body))
	}
	for _, name := range []string{
		"releases_10292.json", "releases_list_ids.json", "releases_latest_limit_2.json", "releases_latest_projection.json",
		"catalog_releases_page_1.json", "catalog_releases_page_2.json", "catalog_releases_include_id.json",
		"schedule_week.json", "franchises_release_8789.json", "edge_release_sparse.json", "edge_release_geo_blocked.json",
		"releases_random_limit_1.json", "releases_recommended_limit_1.json", "franchises.json",
	} {
		if !fruitful[name] {
			t.Errorf("%s gives nothing out", name)
		}
	}
	for name, gives := range fruitful {
		if gives && strings.HasPrefix(name, "error_") {
			t.Errorf("%s gives something out", name)
		}
	}
}

// decodeAll tells whether any decoder made something of a body.
func decodeAll(t *testing.T, body string) (fruit bool) {
	t.Helper()
	c, _ := client(body)
	ctx := t.Context()
	for _, id := range []int{10292, 8986, 8789, 9000, 10293, 10400} {
		if r, err := c.Release(ctx, anilibria.Ref{ID: id}); err == nil {
			sound(t, r)
			fruit = true
		}
	}
	for _, alias := range []string{"super-no-ura-de-yani-suu-futari", "nobody"} {
		if r, err := c.Release(ctx, anilibria.Ref{Alias: alias}); err == nil {
			sound(t, r)
			fruit = true
		}
	}
	releases, _ := c.Releases(ctx, []int{10292, 10293, 8986, 8789, 9000, 9196, 10027})
	for _, r := range releases {
		sound(t, r)
	}
	bumps, _ := c.Latest(ctx, 50)
	page, _ := c.CatalogPage(ctx, 1, 50)
	week, _ := c.Schedule(ctx)
	franchises, _ := c.Franchise(ctx, 8789)
	return fruit || len(releases)+len(bumps)+len(page.IDs)+len(week)+len(franchises) > 0
}
