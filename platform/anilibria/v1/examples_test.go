package v1_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"anihub/platform/anilibria"

	"github.com/google/go-cmp/cmp"
)

func TestRealRelease(t *testing.T) {
	t.Parallel()
	c, asked := client(example(t, "releases_10292.json"))
	r, err := c.Release(t.Context(), anilibria.Ref{ID: 10292})
	if err != nil {
		t.Fatal(err)
	}
	if len(asked.skips) > 0 {
		t.Errorf("left out %v", asked.skips)
	}
	head := r
	head.Members, head.Episodes, head.Torrents = nil, nil, nil
	want := anilibria.Release{
		ID: 10292, Alias: "super-no-ura-de-yani-suu-futari",
		Name: anilibria.Name{Main: "История о перекуре за супермаркетом", English: "Super no Ura de Yani Suu Futari"},
		Type: "TV", Year: 2026, Season: "summer", PublishDay: 5,
		Description: "Описание релиза, первая строка.\nВторая строка (в реальных данных переводы строк — CRLF).",
		AgeRating:   "R16_PLUS",
		Poster: anilibria.Poster{
			Small:  assets + "/storage/releases/posters/10292/skZVsSqyR5z8ultCfi1pGkcmeB1BSBgY.webp",
			Medium: assets + "/storage/releases/posters/10292/bwemBFzo9wLYMQB5vsck9WKVxYy1N57J.webp",
			Large:  assets + "/storage/releases/posters/10292/bwemBFzo9wLYMQB5vsck9WKVxYy1N57J.webp",
		},
		Genres: []string{"Сейнен", "Романтика"}, EpisodesTotal: 12, EpisodeMinutes: 24, Favorites: 7680,
		Rating:  anilibria.Rating{Shikimori: 8.16},
		FreshAt: at("2026-09-26T12:50:50Z"), UpdatedAt: at("2026-09-26T12:52:32Z"), CreatedAt: at("2026-07-14T09:27:35Z"),
		ShikimoriID: 62076, MyAnimeListID: 62076,
	}
	if d := cmp.Diff(want, head); d != "" {
		t.Error(d)
	}
	first := r.Episodes[0]
	if len(r.Episodes) != 4 || first.Ordinal != 1 || first.Duration != 1434 || *first.Opening != (anilibria.Span{Start: 100, Stop: 190}) ||
		first.HLS1080 != "https://cache.libria.fun/videos/media/ts/10292/1/1080/61764c387876a4ccce2464e82c33924d.m3u8" {
		t.Errorf("%d episodes, first %+v", len(r.Episodes), first)
	}
	torrent := r.Torrents[0]
	if len(r.Torrents) != 2 || torrent.ID != 40079 || torrent.Codec != "HEVC" || torrent.Episodes != "1-11" || torrent.Size != 1953899463 ||
		!strings.HasPrefix(torrent.Magnet, "magnet:?xt=urn:btih:9838556f") {
		t.Errorf("%d torrents, first %+v", len(r.Torrents), torrent)
	}
	if r.Members[0] != (anilibria.Member{Nickname: "SlivciS", Role: "voicing"}) {
		t.Errorf("first member %+v", r.Members[0])
	}
}

func TestRealEdgeReleases(t *testing.T) {
	t.Parallel()
	c, _ := client(example(t, "edge_release_sparse.json"))
	sparse, err := c.Release(t.Context(), anilibria.Ref{Alias: "anonsirovannyy-reliz"})
	if err != nil {
		t.Fatal(err)
	}
	want := anilibria.Release{
		ID: 10400, Alias: "anonsirovannyy-reliz", Name: anilibria.Name{Main: "Анонсированный релиз"}, Year: 2026, PublishDay: 3,
		AgeRating: "R16_PLUS", IsOngoing: true, IsInProduction: true, UpdatedAt: at("2026-09-20T10:00:00Z"),
	}
	if d := cmp.Diff(want, sparse); d != "" {
		t.Error(d)
	}
	c, _ = client(example(t, "edge_release_geo_blocked.json"))
	blocked, err := c.Release(t.Context(), anilibria.Ref{ID: 8789})
	if err != nil || !blocked.BlockedByGeo || blocked.BlockedByRights || len(blocked.Episodes) != 0 ||
		blocked.ExternalPlayer != "https://aniqit.com/serial/29602/0b8ef757e0bf12bc2660f06c698ef4c9/720p?translations=false" {
		t.Errorf("%+v, %v", blocked, err)
	}
	// A projection without id and name is no release.
	c, _ = client(example(t, "edge_include_is_projection.json"))
	if _, err := c.Release(t.Context(), anilibria.Ref{ID: 10292}); err == nil {
		t.Error("a release without an id was taken")
	}
}

func TestRealEdgeEpisodes(t *testing.T) {
	t.Parallel()
	r := withEpisodes(t, example(t, "edge_episodes.json"))
	byID := make(map[string]anilibria.Episode)
	for _, e := range r.Episodes {
		byID[e.ID] = e
	}
	if len(byID) != 9 {
		t.Fatalf("%d episodes of 9", len(byID))
	}
	for id, ok := range map[string]func(e anilibria.Episode) bool{
		"0f80531f-1499-4f11-a0df-f751019ffd01": func(e anilibria.Episode) bool { return e.Ordinal == 25.5 && e.SortOrder == 26 && e.Opening == nil },
		"9d614df9-2e69-4f2b-87b2-9f73d905afe8": func(e anilibria.Episode) bool {
			return e.Ordinal == 0.8 && e.Ending != nil && e.Ending.Stop == 1573
		},
		"9c44bb3d-6a77-4f90-9935-2fcecd36bd46": func(e anilibria.Episode) bool {
			return e.HLS480 == "" && e.RutubeID == "9cf5ed0d5780bdf8d0870bdc423cac6d" && e.Playable()
		},
		"9b8de133-1897-4a5f-9f76-467eca77c189": func(e anilibria.Episode) bool { return e.YouTubeID == "r33GsAaDKvg" && e.Preview == "" && e.Playable() },
		"95b10973-789e-11ec-ae92-0242ac120002": func(e anilibria.Episode) bool { return e.HLS480 != "" && e.HLS720 == "" && e.HLS1080 == "" },
		"9cee2a49-4cd4-47ca-9859-c9fca1d175c4": func(e anilibria.Episode) bool { return e.Opening != nil && e.Ending == nil },
		"9c932e19-bea3-4eae-bf0d-fb5aeaabcc58": func(e anilibria.Episode) bool { return e.Opening == nil && e.Ending == nil },
		"9b946215-33b8-4fbd-a416-71d518349ffd": func(e anilibria.Episode) bool { return e.Ordinal == 4 && e.SortOrder == 5 },
	} {
		if !ok(byID[id]) {
			t.Errorf("%+v", byID[id])
		}
	}
}

func TestRealLists(t *testing.T) {
	t.Parallel()
	c, asked := client(example(t, "releases_list_ids.json"))
	releases, err := c.Releases(t.Context(), []int{10292})
	if err != nil || len(releases) != 1 || len(releases[0].Episodes) != 4 || asked.asked.Query.Get("limit") != "50" {
		t.Errorf("list: %d releases, %v, %v", len(releases), asked.asked.Query, err)
	}
	c, asked = client(example(t, "releases_latest_limit_2.json"))
	bumps, err := c.Latest(t.Context(), 2)
	if err != nil || len(bumps) != 2 || bumps[0].EpisodeID != "a2d6969d-46dd-45c9-81a4-c9791e26700e" || bumps[0].EpisodeOrdinal != 12 ||
		!bumps[0].EpisodeUpdated.Equal(at("2026-09-26T12:59:04Z")) || !bumps[0].UpdatedAt.Before(bumps[0].EpisodeUpdated) {
		t.Errorf("latest: %+v, %v", bumps, err)
	}
	if asked.asked.Query.Get("limit") != "2" || !strings.Contains(asked.asked.Query.Get("include"), "latest_episode.id") {
		t.Errorf("latest asked %v", asked.asked.Query)
	}
	c, _ = client(example(t, "releases_latest_projection.json"))
	projected, err := c.Latest(t.Context(), 50)
	if err != nil || len(projected) != 1 || projected[0] != bumps[0] {
		t.Errorf("projection %+v, %v; whole %+v", projected, err, bumps[0])
	}
	c, asked = client(example(t, "catalog_releases_include_id.json"))
	page, err := c.CatalogPage(t.Context(), 1, 50)
	want := anilibria.CatalogPage{IDs: []int{10292, 10293, 10188, 10276}, Page: 1, Pages: 39, Total: 1939}
	if d := cmp.Diff(want, page); d != "" || err != nil {
		t.Error(d, err)
	}
	if q := asked.asked.Query; q.Get("f[sorting]") != "FRESH_AT_DESC" || q.Get("include") != "id" || q.Get("page") != "1" {
		t.Errorf("catalog asked %v", q)
	}
	for name, want := range map[string]anilibria.CatalogPage{
		"catalog_releases_page_2.json": {Page: 2, Pages: 970, Total: 1939},
		"catalog_releases_empty.json":  {Page: 1, Pages: 1},
	} {
		c, _ = client(example(t, name))
		page, err := c.CatalogPage(t.Context(), 2, 50)
		if page.IDs = nil; err != nil || !cmp.Equal(want, page) {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
}

func TestRealScheduleAndFranchise(t *testing.T) {
	t.Parallel()
	c, _ := client(example(t, "schedule_week.json"))
	items, err := c.Schedule(t.Context())
	want := []anilibria.ScheduleItem{
		{ReleaseID: 8986, Weekday: 1, NextEpisode: 21, Published: 20},
		{ReleaseID: 8452, Weekday: 7, NextEpisode: 355},
		{ReleaseID: 10292, Weekday: 5, Published: 12},
	}
	if d := cmp.Diff(want, items); d != "" || err != nil {
		t.Error(d, err)
	}
	c, _ = client(example(t, "franchises_release_8789.json"))
	franchises, err := c.Franchise(t.Context(), 8789)
	if err != nil || len(franchises) != 1 || franchises[0].NameEnglish != "JUJUTSU KAISEN" || len(franchises[0].Releases) != 2 {
		t.Fatalf("%+v, %v", franchises, err)
	}
	if second := franchises[0].Releases[1]; second.ReleaseID != 9313 || second.Order != 2 || second.Type != "MOVIE" || second.Year != 2021 ||
		second.Name.Alternative != "Магическая, Битва, 0" || !strings.HasPrefix(second.Poster.Medium, assets+"/storage/") {
		t.Errorf("%+v", second)
	}
	c, _ = client(example(t, "app_status.json"))
	if err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
}

// What belongs to another route, or is an error with status 200, is never taken
// for the thing that was asked for.
func TestRealPayloadsInTheWrongPlace(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"error_403.json", "error_404.json", "error_422_limit.json", "error_422_openapi_shape.json", "error_429.json", "error_500.json",
		"error_503.json", "app_status.json", "references_years.json", "releases_episode_by_uuid.json", "genres_5.json", "schedule_now.json",
		"accounts_me_views_timecodes.json", "app_search_releases_empty.json", "media_videos_limit_1.json", "accounts_auth_logout.json",
	} {
		c, _ := client(example(t, name))
		if r, err := c.Release(t.Context(), anilibria.Ref{ID: 10292}); err == nil {
			t.Errorf("%s: a release %+v", name, r)
		}
		if p, err := c.CatalogPage(t.Context(), 1, 50); err == nil {
			t.Errorf("%s: a page %+v", name, p)
		}
	}
	for _, name := range []string{"error_404.json", "error_500.json", "app_status.json", "references_years.json"} {
		c, _ := client(example(t, name))
		if _, err := c.Latest(t.Context(), 50); err == nil {
			t.Errorf("%s: a list of bumps", name)
		}
		if list, err := c.Releases(t.Context(), []int{1}); err == nil {
			t.Errorf("%s: releases %v", name, list)
		}
	}
}

// The counts are those of FACTS §3.7, taken over the sample that is kept here.
func TestRealEpisodes(t *testing.T) {
	t.Parallel()
	packed, err := gzip.NewReader(strings.NewReader(shared(t, "real-episodes-2026-07.json.gz")))
	if err != nil {
		t.Fatal(err)
	}
	var releases map[string]json.RawMessage
	if err := json.NewDecoder(packed).Decode(&releases); err != nil {
		t.Fatal(err)
	}
	var got, want tally
	for id, episodes := range releases {
		want.raw(t, episodes)
		r := withEpisodes(t, string(episodes))
		for _, e := range r.Episodes {
			got.add(e)
		}
		if !bytes.Contains(episodes, []byte(id)) && len(r.Episodes) > 0 {
			t.Errorf("release %s holds episodes of another one", id)
		}
	}
	if len(releases) != 306 || got != want {
		t.Errorf("%d releases\n got %+v\nwant %+v", len(releases), got, want)
	}
	t.Logf("%d releases, %+v", len(releases), got)
}

type tally struct {
	episodes, fractions, previews, sd, hd, fhd, noHLS, rutube, youtube, openings, endings, named, reordered int
}

func (n *tally) add(e anilibria.Episode) {
	n.episodes++
	count(&n.fractions, e.Ordinal != float64(int(e.Ordinal)))
	count(&n.previews, e.Preview != "")
	count(&n.sd, e.HLS480 != "")
	count(&n.hd, e.HLS720 != "")
	count(&n.fhd, e.HLS1080 != "")
	count(&n.noHLS, e.HLS480+e.HLS720+e.HLS1080 == "")
	count(&n.rutube, e.RutubeID != "")
	count(&n.youtube, e.YouTubeID != "")
	count(&n.openings, e.Opening != nil)
	count(&n.endings, e.Ending != nil)
	count(&n.named, e.Name != "")
	count(&n.reordered, float64(e.SortOrder) != e.Ordinal)
}

// raw counts the same in the JSON as it came, with plain maps.
func (n *tally) raw(t *testing.T, episodes []byte) {
	t.Helper()
	var all []map[string]any
	if err := json.Unmarshal(episodes, &all); err != nil {
		t.Fatal(err)
	}
	both := func(v any) bool {
		span := v.(map[string]any)
		start, ok1 := span["start"].(float64)
		stop, ok2 := span["stop"].(float64)
		return ok1 && ok2 && stop > start
	}
	for _, e := range all {
		n.episodes++
		ordinal := e["ordinal"].(float64)
		count(&n.fractions, ordinal != float64(int(ordinal)))
		count(&n.previews, e["preview"].(map[string]any)["preview"] != nil)
		count(&n.sd, e["hls_480"] != nil)
		count(&n.hd, e["hls_720"] != nil)
		count(&n.fhd, e["hls_1080"] != nil)
		count(&n.noHLS, e["hls_480"] == nil && e["hls_720"] == nil && e["hls_1080"] == nil)
		count(&n.rutube, e["rutube_id"] != nil)
		count(&n.youtube, e["youtube_id"] != nil)
		count(&n.openings, both(e["opening"]))
		count(&n.endings, both(e["ending"]))
		name, _ := e["name"].(string)
		count(&n.named, strings.TrimSpace(name) != "")
		count(&n.reordered, e["sort_order"].(float64) != ordinal)
	}
}

func count(n *int, yes bool) {
	if yes {
		*n++
	}
}

// withEpisodes decodes a list of episodes within a release.
func withEpisodes(t *testing.T, episodes string) anilibria.Release {
	t.Helper()
	c, asked := client(`{"id":1,"alias":"a","name":{"main":"А"},"episodes":` + episodes + `}`)
	r, err := c.Release(t.Context(), anilibria.Ref{ID: 1})
	if err != nil {
		t.Fatal(err)
	}
	if n := asked.skips["episode"]; n > 0 {
		t.Errorf("%d episodes left out", n)
	}
	for _, e := range r.Episodes {
		for _, u := range []string{e.HLS480, e.HLS720, e.HLS1080} {
			if strings.ContainsAny(u, "?#") || (u != "" && !strings.HasPrefix(u, "https://")) {
				t.Errorf("episode %s streams from %q", strconv.FormatFloat(e.Ordinal, 'f', -1, 64), u)
			}
		}
		if strings.Contains(e.Preview, "://") && !strings.HasPrefix(e.Preview, assets) {
			t.Errorf("preview %q", e.Preview)
		}
	}
	return r
}

func at(s string) time.Time {
	when, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(errors.New(s))
	}
	return when
}
