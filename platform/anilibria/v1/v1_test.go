package v1_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"anihub/platform/anilibria"

	"github.com/google/go-cmp/cmp"
)

func TestReleaseTakenAsItComes(t *testing.T) {
	t.Parallel()
	c, asked := client(own(t, "release_edges.json"))
	got, err := c.Release(t.Context(), anilibria.Ref{ID: 9921})
	if err != nil {
		t.Fatal(err)
	}
	want := anilibria.Release{
		ID: 9921, Alias: "aki-no-minato", Name: anilibria.Name{Main: "Осенняя  гавань", English: "Autumn Harbor"},
		Type: "TV", Year: 2024, Description: "Первая строка.\nВторая.\nТретья.",
		Poster: anilibria.Poster{Small: "https://static.example/p.jpg", Medium: "https://static.example/p.jpg", Large: "https://static.example/p.jpg"},
		Genres: []string{"Детектив", "Драма"}, IsOngoing: true, BlockedByGeo: true, EpisodeMinutes: 24,
		Rating: anilibria.Rating{Average: 8.5, Shikimori: 8}, ExternalPlayer: "https://kodik.info/serial/1/720p",
		UpdatedAt: at("2026-09-26T12:50:50Z"), ShikimoriID: 77,
		Members:  []anilibria.Member{{Nickname: "Kitsu"}},
		Torrents: []anilibria.Torrent{{ID: 5, Hash: "abcdef", Size: 1 << 40, Codec: "x264/AVC"}},
		Episodes: []anilibria.Episode{
			{ID: "e-1", Ordinal: 1, SortOrder: 1, YouTubeID: "r33GsAaDKvg"},
			{ID: "e-2", Ordinal: 2.5, SortOrder: 2, Ending: &anilibria.Span{Stop: 90}},
			{ID: "e-3", Ordinal: 3, SortOrder: 3, HLS480: "https://cdn.example/3.m3u8"},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]int{"episode": 9, "genre": 2, "member": 2, "torrent": 2}, asked.skips); d != "" {
		t.Error(d)
	}
	if q := asked.asked; q.Path != "anime/releases/9921" || q.Query.Get("exclude") != "torrents.release" {
		t.Errorf("asked %s %v", q.Path, q.Query)
	}
}

func TestReleasesElementByElement(t *testing.T) {
	t.Parallel()
	c, asked := client(own(t, "list_edges.json"))
	got, err := c.Releases(t.Context(), []int{9901, 9902, 9904, 9905})
	if err != nil {
		t.Fatal(err)
	}
	want := []anilibria.Release{
		{ID: 9901, Alias: "a", Name: anilibria.Name{Main: "Первый"}},
		{ID: 9905, Alias: "e", Name: anilibria.Name{Main: "Пятый"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if asked.skips["release"] != 5 {
		t.Errorf("left out %v", asked.skips)
	}
	if q := asked.asked.Query; q.Get("ids") != "9901,9902,9904,9905" || q.Get("limit") != "50" || q.Get("page") != "1" || q.Get("exclude") != "torrents.release" {
		t.Errorf("asked %v", q)
	}
	if _, err := c.Releases(t.Context(), make([]int, 51)); !errors.Is(err, anilibria.ErrRefused) {
		t.Errorf("51 ids: %v", err)
	}
	asked.asked.Path = ""
	if none, err := c.Releases(t.Context(), nil); err != nil || none != nil || asked.asked.Path != "" {
		t.Errorf("no ids: %v, %v, asked %q", none, err, asked.asked.Path)
	}
	c, _ = client(`{"data":[],"meta":{"pagination":{"links":[]}}}`)
	if none, err := c.Releases(t.Context(), []int{1}); err != nil || len(none) != 0 {
		t.Errorf("an empty page: %v, %v", none, err)
	}
	for _, body := range []string{`{"data":null}`, `null`, `{}`, `{"data":"none"}`} {
		c, _ = client(body)
		if none, err := c.Releases(t.Context(), []int{1}); err == nil {
			t.Errorf("%s was taken for an answer: %v", body, none)
		}
	}
	c, _ = client(`{"data":[{"id":null},{}]}`)
	if got, err := c.Releases(t.Context(), []int{1}); err == nil {
		t.Errorf("nothing readable gave %v", got)
	}
}

func TestLatestElementByElement(t *testing.T) {
	t.Parallel()
	c, asked := client(own(t, "latest_edges.json"))
	got, err := c.Latest(t.Context(), 1000)
	want := []anilibria.Bump{
		{ID: 9901, FreshAt: at("2026-09-26T12:50:50Z"), EpisodeID: "e-1", EpisodeOrdinal: 6.5, EpisodeUpdated: at("2026-09-26T12:59:04Z")},
		{ID: 9902},
		{ID: 9903},
		{ID: 9904},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
	if asked.skips["bump"] != 4 || asked.asked.Query.Get("limit") != "50" {
		t.Errorf("left out %v, asked %v", asked.skips, asked.asked.Query)
	}
}

func TestScheduleAndFranchiseElementByElement(t *testing.T) {
	t.Parallel()
	c, asked := client(own(t, "schedule_edges.json"))
	items, err := c.Schedule(t.Context())
	want := []anilibria.ScheduleItem{
		{ReleaseID: 9901, Weekday: 1, NextEpisode: 10, Published: 9.5},
		{ReleaseID: 9902, Weekday: 7, NextEpisode: 4, Published: 3},
		{ReleaseID: 9903, Weekday: 3},
	}
	if d := cmp.Diff(want, items); d != "" || err != nil || asked.skips["scheduled"] != 3 {
		t.Error(d, err, asked.skips)
	}
	c, asked = client(own(t, "franchise_edges.json"))
	franchises, err := c.Franchise(t.Context(), 9921)
	wanted := []anilibria.Franchise{{ID: "f-1", Name: "Осенняя гавань", Releases: []anilibria.FranchiseRelease{
		{ReleaseID: 9921, Order: 1, Name: anilibria.Name{Main: "Осенняя гавань"}, Year: 2024, Type: "TV"},
		{ReleaseID: 9922, Order: 2},
		{ReleaseID: 9923, Order: 3},
	}}}
	if d := cmp.Diff(wanted, franchises); d != "" || err != nil || asked.skips["franchise"] != 4 {
		t.Error(d, err, asked.skips)
	}
}

func TestCatalogPages(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]*anilibria.CatalogPage{
		`{"data":[{"id":2},{"id":1},{"id":2},{"id":null},7],"meta":{"pagination":{"total":90,"current_page":2,"total_pages":2,"links":{}}}}`: {IDs: []int{2, 1}, Page: 2, Pages: 2, Total: 90},
		`{"data":[],"meta":{"pagination":{"total":0,"current_page":1,"total_pages":1,"links":[]}}}`:                                          {Page: 1, Pages: 1},
		`{"data":{},"meta":{"pagination":{"total":0,"current_page":1,"total_pages":1,"links":null}}}`:                                        {Page: 1, Pages: 1},
		`{"data":[{"id":2}]}`:                                                nil,
		`{"data":[{"id":2}],"meta":[]}`:                                      nil,
		`{"meta":{"pagination":{"total":1,"total_pages":1}}}`:                nil,
		`{"data":"x","meta":{"pagination":{"total":1,"total_pages":1}}}`:     nil,
		`{"data":[],"meta":{"pagination":{"total":"many","total_pages":1}}}`: nil,
		`[]`:   nil,
		`null`: nil,
	} {
		c, asked := client(body)
		got, err := c.CatalogPage(t.Context(), 0, 0)
		if (err == nil) != (want != nil) || (want != nil && !cmp.Equal(*want, got)) {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
		if q := asked.asked.Query; q.Get("page") != "1" || q.Get("limit") != "1" || q.Get("f[sorting]") != "FRESH_AT_DESC" || q.Get("include") != "id" {
			t.Errorf("asked %v", q)
		}
	}
}

func TestWhatCannotBeReadIsNoRelease(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"another id":      `{"id":2,"alias":"a","name":{"main":"А"}}`,
		"no id":           `{"alias":"a","name":{"main":"А"}}`,
		"half an id":      `{"id":1.5,"alias":"a","name":{"main":"А"}}`,
		"no name":         `{"id":1,"alias":"a"}`,
		"empty name":      `{"id":1,"alias":"a","name":{"main":" "}}`,
		"year of a map":   `{"id":1,"alias":"a","name":{"main":"А"},"year":{}}`,
		"episodes a text": `{"id":1,"alias":"a","name":{"main":"А"},"episodes":"none"}`,
		"name a list":     `{"id":1,"alias":"a","name":["А"]}`,
		"flag a text":     `{"id":1,"alias":"a","name":{"main":"А"},"is_ongoing":"perhaps"}`,
		"a list":          `[{"id":1,"name":{"main":"А"}}]`,
		"null":            `null`,
		"a number":        `1`,
		"empty":           ``,
		"truncated":       `{"id":1,"name":{"main":"А`,
		"deep":            strings.Repeat(`{"id":`, 20_000),
		"huge number":     `{"id":1e400,"name":{"main":"А"}}`,
		"HTML":            `<html>`,
	} {
		c, _ := client(body)
		if r, err := c.Release(t.Context(), anilibria.Ref{ID: 1}); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	body := `{"id":1,"alias":"Aki-no-Minato","name":{"main":"А"}}`
	for alias, want := range map[string]error{
		"aki-no-minato":          nil,
		"":                       anilibria.ErrNotFound,
		"latest":                 anilibria.ErrNotFound,
		"list":                   anilibria.ErrNotFound,
		"random":                 anilibria.ErrNotFound,
		"..":                     anilibria.ErrNotFound,
		"../status":              anilibria.ErrNotFound,
		"a/b":                    anilibria.ErrNotFound,
		"a?b":                    anilibria.ErrNotFound,
		"a%2fb":                  anilibria.ErrNotFound,
		"a b":                    anilibria.ErrNotFound,
		"a\x00b":                 anilibria.ErrNotFound,
		"86":                     anilibria.ErrNotFound, // taken for an id
		strings.Repeat("a", 256): anilibria.ErrNotFound,
	} {
		c, _ := client(body)
		if _, err := c.Release(t.Context(), anilibria.Ref{Alias: alias}); !errors.Is(err, want) {
			t.Errorf("%q: %v", alias, err)
		}
	}
	c, asked := client(body)
	if _, err := c.Release(t.Context(), anilibria.Ref{Alias: "другой"}); err == nil || errors.Is(err, anilibria.ErrNotFound) {
		t.Errorf("another alias: %v", err)
	}
	if asked.asked.Path != "anime/releases/%D0%B4%D1%80%D1%83%D0%B3%D0%BE%D0%B9" {
		t.Errorf("asked %s", asked.asked.Path)
	}
	if _, err := c.Release(t.Context(), anilibria.Ref{ID: -1}); !errors.Is(err, anilibria.ErrNotFound) {
		t.Errorf("id -1: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for from, to := range map[string]string{
		"/storage/a.webp":               assets + "/storage/a.webp",
		"//kodik.info/x?y=1":            "https://kodik.info/x?y=1",
		"https://a.example/x":           "https://a.example/x",
		"http://a.example/x":            "http://a.example/x",
		"HTTPS://a.example/x":           "https://a.example/x",
		"javascript:alert(1)":           "",
		"JaVaScRiPt:alert(1)":           "",
		"java\nscript:alert(1)":         "",
		" javascript:alert(1)":          "",
		"data:text/html,x":              "",
		"storage/a.webp":                "",
		"ftp://a.example/x":             "",
		"https://":                      "",
		"//":                            "",
		"///evil.example":               "",
		"https://u:p@a.example/":        "",
		"https://a.example/%zz":         "",
		"https://a.example/\"><script>": "https://a.example/%22%3E%3Cscript%3E",
	} {
		c, _ := client(fmt.Sprintf(`{"id":1,"name":{"main":"А"},"external_player":%q}`, from))
		r, err := c.Release(t.Context(), anilibria.Ref{ID: 1})
		if err != nil || r.ExternalPlayer != to {
			t.Errorf("%q: %q, %v", from, r.ExternalPlayer, err)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for body, ok := range map[string]bool{
		`{"is_alive":true}`: true, `{"is_alive":false}`: false, `{}`: false, `{"is_alive":"yes"}`: false, `[]`: false, `null`: false,
	} {
		c, _ := client(body)
		if err := c.Status(t.Context()); (err == nil) != ok {
			t.Errorf("%s: %v", body, err)
		}
	}
}
