package v3_test

import (
	"errors"
	"strings"
	"testing"

	"anihub/platform/anilibria"
	v3 "anihub/platform/anilibria/v3"

	"github.com/google/go-cmp/cmp"
)

func TestTitleTakenAsItComes(t *testing.T) {
	t.Parallel()
	c, asked := client(own(t, "title_edges.json"))
	got, err := c.Release(t.Context(), anilibria.Ref{ID: 9921})
	if err != nil {
		t.Fatal(err)
	}
	want := anilibria.Release{
		ID: 9921, Alias: "aki-no-minato", Name: anilibria.Name{Main: "Осенняя  гавань", English: "Autumn Harbor"},
		Type: "TV", Year: 2024, Description: "Первая строка.\nВторая.\nТретья.",
		Poster: anilibria.Poster{Small: "https://static.example/p.jpg", Medium: "https://static.example/p.jpg", Large: "https://static.example/p.jpg"},
		Genres: []string{"Детектив", "Драма"}, BlockedByRights: true, EpisodeMinutes: 24, FreshAt: at(1753383160),
		ExternalPlayer: "https://kodik.info/serial/1/720p",
		Members:        []anilibria.Member{{Nickname: "Kitsu", Role: "voicing"}, {Nickname: "Violin", Role: "timing"}},
		Torrents:       []anilibria.Torrent{{ID: 5, Hash: "abcdef", Size: 1 << 40, Label: "BDRip 1080p", Quality: "1080p", Codec: "AV1", Episodes: "1-9"}},
		Episodes: []anilibria.Episode{
			{ID: "e-1", Ordinal: 1, SortOrder: 1, Preview: assets + "/storage/1.jpg", UpdatedAt: at(1753382260), RutubeID: "9cf5ed0d5780bdf8d0870bdc423cac6d"},
			{ID: "e-2", Ordinal: 2.5, SortOrder: 2, HLS720: "https://cdn.example/2.m3u8"},
			{ID: "e-3", Ordinal: 3, SortOrder: 3, Ending: &anilibria.Span{Stop: 90}, HLS480: "https://cache.libria.fun/videos/3.m3u8"},
			{ID: "9921-9", Ordinal: 9, SortOrder: 4, HLS480: "https://cache.libria.fun/videos/9.m3u8"},
			{ID: "9921-12", Ordinal: 12, SortOrder: 5, RutubeID: "aa", UpdatedAt: at(1753382260)},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]int{"episode": 10, "genre": 2, "member": 2, "torrent": 2}, asked.skips); d != "" {
		t.Error(d)
	}
	if q := asked.last(); q.Path != "title" || q.Query.Encode() != "id=9921" {
		t.Errorf("asked %s %v", q.Path, q.Query)
	}
}

func TestReleasesElementByElement(t *testing.T) {
	t.Parallel()
	c, asked := client(own(t, "list_edges.json"))
	got, err := c.Releases(t.Context(), []int{9901, 9902, 9904, 9905, 9906})
	want := []anilibria.Release{
		{ID: 9901, Alias: "a", Name: anilibria.Name{Main: "Первый"}, IsInProduction: true},
		{ID: 9905, Alias: "e", Name: anilibria.Name{Main: "Пятый"}},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
	if asked.skips["release"] != 7 || len(asked.asked) != 1 {
		t.Errorf("left out %v in %d questions", asked.skips, len(asked.asked))
	}
	if _, err := c.Releases(t.Context(), make([]int, 51)); !errors.Is(err, anilibria.ErrRefused) {
		t.Errorf("51 ids: %v", err)
	}
	c, asked = client(`[]`)
	if none, err := c.Releases(t.Context(), nil); err != nil || none != nil || len(asked.asked) != 0 {
		t.Errorf("no ids: %v, %v, %d asked", none, err, len(asked.asked))
	}
	if none, err := c.Releases(t.Context(), []int{1}); err != nil || len(none) != 0 || len(asked.asked) != 1 {
		t.Errorf("an empty list: %v, %v", none, err)
	}
	for _, body := range []string{`{"list":null}`, `null`, `{}`, `{"list":"none"}`, `[{"id":null},{}]`, `<html>`} {
		c, _ = client(body)
		if none, err := c.Releases(t.Context(), []int{1}); !errors.Is(err, anilibria.ErrGarbage) {
			t.Errorf("%s was taken for an answer: %v, %v", body, none, err)
		}
	}
}

// A host may answer fewer titles than were asked for, or refuse the whole list for
// one that is not there. Neither makes a title absent.
func TestReleasesAreAllAskedFor(t *testing.T) {
	t.Parallel()
	one := func(id string) string { return `{"id":` + id + `,"code":"c` + id + `","names":{"ru":"А"}}` }
	const missing = `{"error":{"code":404,"message":"Title not found!"}}`
	for name, c := range map[string]struct {
		answers []string
		asked   string
		found   int
	}{
		"by portions":           {[]string{"[" + one("1") + "," + one("2") + "]", "[" + one("3") + "]"}, "1,2,3 3", 3},
		"one does not exist":    {[]string{"[" + one("1") + "," + one("2") + "]", "[]"}, "1,2,3 3", 2},
		"one spoils the list":   {[]string{missing, "[" + one("1") + "]", missing, missing, "[" + one("3") + "]"}, "1,2,3 1 2,3 2 3", 2},
		"the rest is garbage":   {[]string{"[" + one("1") + "," + one("2") + "]", `{"list":7}`}, "1,2,3 3", 2},
		"a page and not a list": {[]string{`{"list":[` + one("1") + "," + one("2") + "," + one("3") + `]}`}, "1,2,3", 3},
	} {
		client, asked := client(c.answers...)
		got, err := client.Releases(t.Context(), []int{1, 2, 3})
		var lists []string
		for _, q := range asked.asked {
			lists = append(lists, q.Query.Get("id_list"))
		}
		if text := strings.Join(lists, " "); err != nil || len(got) != c.found || text != c.asked {
			t.Errorf("%s: %d releases, %v, asked %s", name, len(got), err, text)
		}
	}
	// An outage in the middle is an outage, not an absence.
	client, _ := client("["+one("1")+"]", `{"error":{"code":503,"message":"!"}}`)
	if got, err := client.Releases(t.Context(), []int{1, 2}); !errors.Is(err, anilibria.ErrUnavailable) || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestListsElementByElement(t *testing.T) {
	t.Parallel()
	c, asked := client(own(t, "updates_edges.json"))
	bumps, err := c.Latest(t.Context(), 1000)
	want := []anilibria.Bump{
		{ID: 9901, FreshAt: at(1753383160), EpisodeID: "e-6", EpisodeOrdinal: 6.5, EpisodeUpdated: at(30)},
		{ID: 9903, EpisodeID: "y", EpisodeOrdinal: 2},
		{ID: 9904},
	}
	if d := cmp.Diff(want, bumps); d != "" || err != nil || asked.skips["bump"] != 4 || asked.last().Query.Get("limit") != "50" {
		t.Error(d, err, asked.skips, asked.last().Query)
	}
	page, err := c.CatalogPage(t.Context(), 0, 0)
	wanted := anilibria.CatalogPage{IDs: []int{9901, 9903, 9904}, Page: 2, Pages: 2, Total: 90}
	if d := cmp.Diff(wanted, page); d != "" || err != nil || asked.last().Query.Get("page") != "1" || asked.last().Query.Get("items_per_page") != "1" {
		t.Error(d, err, asked.last().Query)
	}
	c, asked = client(own(t, "schedule_edges.json"))
	items, err := c.Schedule(t.Context())
	days := []anilibria.ScheduleItem{{ReleaseID: 9901, Weekday: 1}, {ReleaseID: 9902, Weekday: 7}}
	if d := cmp.Diff(days, items); d != "" || err != nil || asked.skips["scheduled"] != 4 {
		t.Error(d, err, asked.skips)
	}
	c, asked = client(own(t, "franchise_edges.json"))
	franchises, err := c.Franchise(t.Context(), 9921)
	families := []anilibria.Franchise{{ID: "f-1", Name: "Осенняя гавань", Releases: []anilibria.FranchiseRelease{
		{ReleaseID: 9921, Order: 1, Alias: "a", Name: anilibria.Name{Main: "Осенняя гавань"}},
		{ReleaseID: 9922, Order: 2, Alias: "b"},
	}}}
	if d := cmp.Diff(families, franchises); d != "" || err != nil || asked.skips["franchise"] != 4 {
		t.Error(d, err, asked.skips)
	}
	c, _ = client(`{"error":{"code":404,"message":"Title \"1\" not found!"}}`)
	if none, err := c.Franchise(t.Context(), 1); err != nil || none != nil {
		t.Errorf("a title that is not there has franchises %v, %v", none, err)
	}
}

func TestPagesNeedTheirPagination(t *testing.T) {
	t.Parallel()
	for body, ok := range map[string]bool{
		`{"list":[],"pagination":{"pages":0,"current_page":0,"total_items":0}}`: true,
		`{"list":{},"pagination":{"pages":0,"current_page":0,"total_items":0}}`: true,
		`{"list":[{"id":1}]}`:                                               false,
		`{"list":[{"id":1}],"pagination":[]}`:                               false,
		`{"list":[{"id":1}],"pagination":{"pages":"many","total_items":1}}`: false,
		`{"pagination":{"pages":1,"total_items":1}}`:                        false,
		`[{"id":1}]`: false,
		`null`:       false,
	} {
		c, _ := client(body)
		if p, err := c.CatalogPage(t.Context(), 1, 50); (err == nil) != ok {
			t.Errorf("%s: %+v, %v", body, p, err)
		}
	}
}

func TestWhatCannotBeReadIsNoRelease(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"another id":     `{"id":2,"code":"a","names":{"ru":"А"}}`,
		"half an id":     `{"id":1.5,"code":"a","names":{"ru":"А"}}`,
		"no id":          `{"code":"a","names":{"ru":"А"}}`,
		"no name":        `{"id":1,"code":"a"}`,
		"year of a map":  `{"id":1,"names":{"ru":"А"},"season":{"year":{}}}`,
		"player a text":  `{"id":1,"names":{"ru":"А"},"player":"none"}`,
		"list a text":    `{"id":1,"names":{"ru":"А"},"player":{"list":"none"}}`,
		"a list":         `[{"id":1,"names":{"ru":"А"}}]`,
		"a page":         `{"list":[{"id":1,"names":{"ru":"А"}}]}`,
		"an odd error":   `{"error":"x"}`,
		"an empty error": `{"id":1,"names":{"ru":"А"},"error":{}}`,
		"null":           `null`,
		"truncated":      `{"id":1,"names":{"ru":"А`,
		"deep":           strings.Repeat(`{"id":`, 20_000),
		"HTML":           `<html>`,
	} {
		c, _ := client(body)
		if r, err := c.Release(t.Context(), anilibria.Ref{ID: 1}); !errors.Is(err, anilibria.ErrGarbage) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	c, _ := client(`{"id":1,"names":{"ru":"А"},"status":{"code":3}}`)
	if r, err := c.Release(t.Context(), anilibria.Ref{ID: 1}); !errors.Is(err, anilibria.ErrNotFound) {
		t.Errorf("a hidden title: %+v, %v", r, err)
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	body := `{"id":1,"code":"86","names":{"ru":"А"}}`
	for alias, want := range map[string]error{
		"86": nil, "other": anilibria.ErrGarbage, "": anilibria.ErrNotFound, "a b": anilibria.ErrNotFound,
		"a\x00b": anilibria.ErrNotFound, strings.Repeat("a", 256): anilibria.ErrNotFound,
	} {
		c, asked := client(body)
		if _, err := c.Release(t.Context(), anilibria.Ref{Alias: alias}); !errors.Is(err, want) {
			t.Errorf("%q: %v", alias, err)
		}
		if len(asked.asked) > 0 && asked.last().Query.Get("code") != alias {
			t.Errorf("asked %v", asked.last().Query)
		}
	}
	c, _ := client(body)
	if _, err := c.Release(t.Context(), anilibria.Ref{ID: -1}); !errors.Is(err, anilibria.ErrNotFound) {
		t.Errorf("id -1: %v", err)
	}
}

// A host is a bare name and means https, except the one that serves the assets.
func TestStreamHosts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ assets, host, path, want string }{
		{assets, `"cache.libria.fun"`, "/v.m3u8", "https://cache.libria.fun/v.m3u8"},
		{assets, `"https://cache.libria.fun/"`, "/v.m3u8", "https://cache.libria.fun/v.m3u8"},
		{"http://127.0.0.1:4000", `"127.0.0.1:4000"`, "/v.m3u8", "http://127.0.0.1:4000/v.m3u8"},
		{assets, `"assets.example"`, "/v.m3u8?x", "https://assets.example/v.m3u8"},
		{assets, `null`, "/v.m3u8", ""},
		{assets, `"a b"`, "/v.m3u8", ""},
		{assets, `"u:p@a.example"`, "/v.m3u8", ""},
		{assets, `"javascript://x"`, "/v.m3u8", ""},
		{assets, `"cache.libria.fun"`, "v.m3u8", ""},
		{assets, `"cache.libria.fun"`, "https://other.example/v.m3u8", "https://other.example/v.m3u8"},
	} {
		body := `{"id":1,"names":{"ru":"А"},"player":{"list":{"1":{"uuid":"e","hls":{"sd":"` + c.path + `"}}},"host":` + c.host + `}}`
		r, err := v3.New(&canned{bodies: []string{body}}, c.assets).Release(t.Context(), anilibria.Ref{ID: 1})
		if err != nil || r.Episodes[0].HLS480 != c.want {
			t.Errorf("%s %s: %+v, %v", c.host, c.path, r.Episodes, err)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		`[1996,2025]`: nil, `[]`: anilibria.ErrUnavailable, `{}`: anilibria.ErrGarbage, `["x"]`: anilibria.ErrGarbage, `null`: anilibria.ErrUnavailable,
	} {
		c, _ := client(body)
		if err := c.Status(t.Context()); !errors.Is(err, want) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
