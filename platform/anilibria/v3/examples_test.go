package v3_test

import (
	"errors"
	"strings"
	"testing"

	"anihub/platform/anilibria"
	"anihub/platform/fault"

	"github.com/google/go-cmp/cmp"
)

func TestRealTitle(t *testing.T) {
	t.Parallel()
	c, asked := client(example(t, "v3/title_9000.json"))
	got, err := c.Release(t.Context(), anilibria.Ref{ID: 9000})
	if err != nil || len(asked.skips) > 0 {
		t.Fatal(err, asked.skips)
	}
	const poster = assets + "/storage/releases/posters/9000/NBPPaSwgJrcoO4eg__f003bb6841ce26560a643491c197878f.jpg"
	const media = "https://cache.libria.fun/videos/media/ts/9000/1/"
	want := anilibria.Release{
		ID: 9000, Alias: "kizumonogatari-iii-reiketsu-hen",
		Name: anilibria.Name{Main: "Истории Ран. Часть 3: Холодная кровь", English: "Kizumonogatari III: Reiketsu-hen"},
		Type: "MOVIE", Year: 2017, Season: "winter", PublishDay: 1, EpisodeMinutes: 83, Favorites: 1141,
		Description:  "Заключительная часть из трилогии полнометражных фильмов.\n\nОписание сокращено.",
		Notification: "Релиз завершен!",
		Poster:       anilibria.Poster{Small: poster, Medium: poster, Large: poster},
		Genres:       []string{"Вампиры", "Детектив", "Сверхъестественное", "Экшен"},
		FreshAt:      at(1624984055), UpdatedAt: at(1671901871),
		Members: []anilibria.Member{
			{Nickname: "BStrong", Role: "voicing"},
			{Nickname: "Gomer", Role: "voicing"},
			{Nickname: "MyAska", Role: "voicing"},
			{Nickname: "SlivciS", Role: "voicing"},
			{Nickname: "Sesha_Rim", Role: "translating"},
			{Nickname: "Yukigawa", Role: "translating"},
			{Nickname: "Aero", Role: "editing"},
			{Nickname: "Helge", Role: "decorating"},
			{Nickname: "im4x", Role: "timing"},
		},
		Episodes: []anilibria.Episode{{
			ID: "95db068f-789e-11ec-ae92-0242ac120002", Ordinal: 1, SortOrder: 1, UpdatedAt: at(1624983774),
			HLS480:  media + "480/8a7f4d218433f5a5fee1c6f5a02d278e.m3u8",
			HLS720:  media + "720/e313ea7c883c81fba86547414ec18b5e.m3u8",
			HLS1080: media + "1080/7f3c1729ebd24b93d4e0918510004606.m3u8",
		}},
		Torrents: []anilibria.Torrent{
			{
				ID: 15808, Hash: "769359d20c645989c338a1646f7c2dd6d44b8652", Label: "BDRip 1080p", Quality: "1080p", Type: "BDRip", Codec: "AVC",
				Episodes: "Фильм", Size: 4801286259, Seeders: 22, UpdatedAt: at(1624979760),
				Magnet: "magnet:?xt=urn:btih:769359d20c645989c338a1646f7c2dd6d44b8652&tr=http%3A%2F%2Ftr.libria.fun%3A2710%2Fannounce",
			},
			{
				ID: 15810, Hash: "00b80dfc7d920f3160ca3105c7d54d594f157dc7", Label: "BDRip 1080p HEVC", Quality: "1080p", Type: "BDRip", Codec: "HEVC",
				Episodes: "Фильм", Size: 864734373, Seeders: 31, UpdatedAt: at(1624989064),
				Magnet: "magnet:?xt=urn:btih:00b80dfc7d920f3160ca3105c7d54d594f157dc7&tr=http%3A%2F%2Ftr.libria.fun%3A2710%2Fannounce",
			},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// One title came in three forms: with the playlist as an object, as an array, and as
// v2 has it.
func TestRealFormsOfOneTitle(t *testing.T) {
	t.Parallel()
	ref := anilibria.Ref{Alias: "Kakkou-no-Iinazuke-season-2"}
	c, _ := client(example(t, "v3/title_10027_ongoing_late_schema.json"))
	late, err := c.Release(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	opening := late.Episodes[0].Opening
	if !late.IsInProduction || late.Season != "summer" || late.PublishDay != 5 || late.EpisodesTotal != 12 || len(late.Episodes) != 3 ||
		late.Episodes[2].ID != "9f781625-bc0e-48e7-8ad5-a4bdd45d1bc1" || opening == nil || *opening != (anilibria.Span{Start: 65, Stop: 135}) ||
		late.Episodes[0].Preview != assets+"/storage/releases/episodes/previews/10027/1/Vu94ycGGVsV6vFvY.jpg" || late.Torrents[0].Codec != "HEVC" {
		t.Errorf("%+v", late)
	}
	c, _ = client(example(t, "v3/title_playlist_type_array.json"))
	array, err := c.Release(t.Context(), ref)
	if d := cmp.Diff(late, array); d != "" || err != nil {
		t.Error(d, err)
	}
	c, _ = client(example(t, "v2/getTitle.json"))
	old, err := c.Release(t.Context(), ref)
	if err != nil || old.Episodes[1].ID != "10027-2" {
		t.Fatal(err, old.Episodes)
	}
	for i := range old.Episodes { // v2 has neither uuid nor name, and no magnet
		old.Episodes[i].ID, old.Episodes[i].Name = late.Episodes[i].ID, late.Episodes[i].Name
	}
	old.Torrents[0].Magnet = late.Torrents[0].Magnet
	if d := cmp.Diff(late, old); d != "" {
		t.Error(d)
	}
}

func TestRealAnnouncedTitle(t *testing.T) {
	t.Parallel()
	c, _ := client(example(t, "v3/title_no_episodes.json"))
	r, err := c.Release(t.Context(), anilibria.Ref{ID: 10200})
	if err != nil || len(r.Episodes) != 0 || len(r.Torrents) != 0 || r.PublishDay != 0 || r.Season != "" || r.EpisodesTotal != 0 || !r.IsInProduction {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRealLists(t *testing.T) {
	t.Parallel()
	c, asked := client(example(t, "v3/title_list.json"))
	releases, err := c.Releases(t.Context(), []int{9000, 10027})
	if err != nil || len(releases) != 2 || len(asked.asked) != 1 || asked.last().Query.Get("id_list") != "9000,10027" {
		t.Errorf("%d releases in %d questions, %v", len(releases), len(asked.asked), err)
	}
	c, asked = client(example(t, "v3/title_updates.json"))
	bumps, err := c.Latest(t.Context(), 2)
	want := []anilibria.Bump{
		{
			ID: 10027, FreshAt: at(1753383160), UpdatedAt: at(1753383260),
			EpisodeID: "9f781625-bc0e-48e7-8ad5-a4bdd45d1bc1", EpisodeOrdinal: 3, EpisodeUpdated: at(1753382260),
		},
		{
			ID: 9000, FreshAt: at(1624984055), UpdatedAt: at(1671901871),
			EpisodeID: "95db068f-789e-11ec-ae92-0242ac120002", EpisodeOrdinal: 1, EpisodeUpdated: at(1624983774),
		},
	}
	if d := cmp.Diff(want, bumps); d != "" || err != nil || asked.last().Query.Get("limit") != "2" {
		t.Error(d, err, asked.last().Query)
	}
	for name, want := range map[string]anilibria.CatalogPage{
		"v3/title_updates_filtered.json": {IDs: []int{10027, 9000}, Page: 1, Pages: 271, Total: 1355},
		"v3/title_updates_empty.json":    {Page: 1, Pages: 1},
	} {
		c, asked = client(example(t, name))
		page, err := c.CatalogPage(t.Context(), 3, 50)
		if d := cmp.Diff(want, page); d != "" || err != nil {
			t.Error(name, d, err)
		}
		if q := asked.last().Query; q.Get("page") != "3" || q.Get("items_per_page") != "50" || q.Has("limit") {
			t.Errorf("asked %v", q)
		}
	}
}

func TestRealScheduleAndFranchises(t *testing.T) {
	t.Parallel()
	c, _ := client(example(t, "v3/title_schedule_days_4_5.json"))
	items, err := c.Schedule(t.Context())
	if d := cmp.Diff([]anilibria.ScheduleItem{{ReleaseID: 10027, Weekday: 5}}, items); d != "" || err != nil {
		t.Error(d, err)
	}
	for _, name := range []string{"v3/title_franchises.json", "v3/franchise_list.json"} {
		c, _ = client(example(t, name))
		f, err := c.Franchise(t.Context(), 428)
		if err != nil || len(f) != 1 || f[0].ID == "" || f[0].Name == "" || len(f[0].Releases) != 1 || f[0].Releases[0].Order != 1 ||
			f[0].Releases[0].Name.English == "" || f[0].Releases[0].Alias == "" {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	c, _ = client(example(t, "v3/years.json"))
	if err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
}

// Errors come with their own status; a mirror that keeps copies sends them with 200.
func TestRealErrors(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]*fault.Error{
		"v3/error_404.json":               anilibria.ErrNotFound,
		"v3/error_412_unknown_param.json": anilibria.ErrRefused,
		"v3/error_500.json":               anilibria.ErrUnavailable,
		"v3/error_504_http500.json":       anilibria.ErrUnavailable,
		"v3/login_php_error.json":         anilibria.ErrGarbage,
		"v3/user.json":                    anilibria.ErrGarbage,
	} {
		c, _ := client(example(t, name))
		_, err := c.Release(t.Context(), anilibria.Ref{ID: 9000})
		_, list := c.Latest(t.Context(), 50)
		_, page := c.CatalogPage(t.Context(), 1, 50)
		for _, err := range []error{err, list, page} {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestEveryRealFile gives every captured payload to every decoder: whichever place
// the upstream sends it in, nothing panics, and what is given out is sound. Files of
// routes that AniHub asks must give something out.
func TestEveryRealFile(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"v3", "v2", "v1"} {
		for name, body := range files(t, dialect) {
			fruit := decodeAll(t, body)
			wanted := dialect != "v1" && (strings.HasPrefix(name, "title_") || strings.HasPrefix(name, "get") || strings.HasPrefix(name, "franchise"))
			if strings.HasSuffix(name, "_empty.json") || strings.HasPrefix(name, "title_list_filtered") {
				wanted = false // nothing in it, or titles without an id
			}
			if wanted && !fruit || fruit && strings.HasPrefix(name, "error_") {
				t.Errorf("%s/%s gives something out: %v", dialect, name, fruit)
			}
		}
	}
}

// decodeAll tells whether any decoder made something of a body.
func decodeAll(t *testing.T, body string) (fruit bool) {
	t.Helper()
	c, _ := client(body)
	ctx := t.Context()
	for _, ref := range []anilibria.Ref{{ID: 9000}, {ID: 10027}, {ID: 10200}, {Alias: "nobody"}} {
		if r, err := c.Release(ctx, ref); err == nil {
			sound(t, r)
			fruit = true
		}
	}
	releases, _ := c.Releases(ctx, []int{9000, 10027, 10200, 428, 390})
	for _, r := range releases {
		sound(t, r)
	}
	bumps, _ := c.Latest(ctx, 50)
	page, _ := c.CatalogPage(ctx, 1, 50)
	week, _ := c.Schedule(ctx)
	franchises, _ := c.Franchise(ctx, 428)
	return fruit || len(releases)+len(bumps)+len(page.IDs)+len(week)+len(franchises) > 0
}
