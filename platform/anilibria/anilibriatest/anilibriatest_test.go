package anilibriatest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"anihub/platform/anilibria/anilibriatest"
)

// get asks the handler itself; no socket is needed for what has no connection.
func get(t *testing.T, h http.Handler, path string) (int, http.Header, []byte) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://fake.test"+path, nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, w.Result().Header, body
}

func api(t *testing.T, h http.Handler, path string) any {
	t.Helper()
	code, _, body := get(t, h, anilibriatest.BasePath+"/"+path)
	if code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, code, body)
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

func at(v any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

func keys(v any) []string {
	var all []string
	for k := range v.(map[string]any) {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

func demo() *anilibriatest.Server {
	return anilibriatest.New(anilibriatest.CatalogueAt(time.Date(2026, 9, 26, 12, 0, 0, 0, time.UTC)))
}

func TestCatalogueIsWhole(t *testing.T) {
	t.Parallel()
	titles := anilibriatest.Catalogue()
	ids, aliases, airing, edges := map[int]bool{}, map[string]bool{}, 0, map[string]int{}
	note := func(name string, yes bool) {
		if yes {
			edges[name]++
		}
	}
	for _, x := range titles {
		if ids[x.ID] || aliases[x.Alias] || x.Main == "" {
			t.Errorf("title %d %q %q is not of its own", x.ID, x.Alias, x.Main)
		}
		ids[x.ID], aliases[x.Alias] = true, true
		if x.IsInProduction && len(x.Episodes) > 0 {
			airing++
		}
		if x.English != "" && (len([]rune(x.Description)) < 80 || x.Alternative == "" || len(x.Members) == 0) {
			t.Errorf("title %d is thin", x.ID)
		}
		note("no episodes", len(x.Episodes) == 0)
		note("geo", x.BlockedByGeo)
		note("rights", x.BlockedByRights)
		note("notice", x.Notification != "")
		note("external", x.ExternalPlayer != "")
		note("sparse", x.Season == "" && x.English == "")
		note("franchise", x.Franchise != "")
		note("torrents", len(x.Torrents) > 0)
		for i, e := range x.Episodes {
			note("fraction", e.Ordinal != float64(int(e.Ordinal)))
			note("no preview", e.NoPreview)
			note("no HLS", e.Quality == 0 && (e.RutubeID != "" || e.YouTubeID != ""))
			note("half a skip", e.Opening.Start == anilibriatest.Null || e.Opening.Stop == anilibriatest.Null)
			note("other order", e.SortOrder != 0 && e.SortOrder != i+1)
		}
	}
	if len(titles) < 64 || airing < 10 {
		t.Errorf("%d titles, %d airing", len(titles), airing)
	}
	for _, name := range []string{
		"no episodes", "geo", "rights", "notice", "external", "sparse", "franchise", "torrents",
		"fraction", "no preview", "no HLS", "half a skip", "other order",
	} {
		if edges[name] == 0 {
			t.Errorf("nobody stands for %q", name)
		}
	}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	s := demo()
	release := api(t, s, "anime/releases/9901")
	if at(release, "alias") != at(api(t, s, "anime/releases/tsubaki-dori-no-tentouya"), "alias") {
		t.Error("id and alias name different releases")
	}
	for _, path := range []string{
		"type.value", "name.main", "season.value", "shikimori.rating", "poster.optimized.preview", "age_rating.label", "publish_day.value",
		"genres.0.image.optimized.preview", "members.0.role.value", "episodes.0.preview.optimized.thumbnail", "episodes.0.hls_1080",
		"episodes.0.opening.stop", "torrents.0.release.alias", "torrents.0.codec.value",
	} {
		if at(release, path) == nil {
			t.Errorf("the release has no %s", path)
		}
	}
	if hls := at(release, "episodes.0.hls_720").(string); !strings.HasPrefix(hls, "http://fake.test/videos/media/ts/9901/1/720/") || !strings.Contains(hls, "?countryIso=") {
		t.Errorf("hls_720 %s", hls)
	}
	if fresh := at(release, "fresh_at").(string); !strings.HasSuffix(fresh, "+00:00") {
		t.Errorf("fresh_at %s", fresh)
	}
	for path, want := range map[string]string{
		"anime/releases/random?limit=2":                          "1.genres",
		"anime/releases/recommended?limit=1":                     "0.genres",
		"anime/releases/9901/members":                            "0.nickname",
		"anime/releases/list?ids=9901,9902&limit=50":             "data.1.episodes.0.id",
		"anime/releases/list/?aliases=aki-no-minato":             "data.0.members.0.id",
		"anime/catalog/references/genres":                        "34.name",
		"anime/catalog/references/types":                         "7.description",
		"anime/catalog/references/years":                         "0",
		"anime/catalog/references/sorting":                       "5.label",
		"anime/catalog/references/seasons":                       "3.value",
		"anime/catalog/references/age-ratings":                   "4.label",
		"anime/catalog/references/publish-statuses":              "1.value",
		"anime/catalog/references/production-statuses":           "1.value",
		"anime/schedule/week":                                    "0.release.publish_day.value",
		"anime/franchises":                                       "0.total_releases",
		"anime/franchises/release/9915":                          "0.franchise_releases.3.release.name.main",
		"anime/genres/29/releases?limit=1":                       "data.0.id",
		"anime/genres/29":                                        "total_releases",
		"anime/torrents?limit=2":                                 "data.1.release.id",
		"anime/torrents/release/9901":                            "0.magnet",
		"anime/torrents/" + strconv.Itoa(9901*4):                 "hash",
		"app/status":                                             "is_alive",
		"app/search/releases?query=" + url.QueryEscape("ГАВАНЬ"): "3.alias",
		"anime/releases/episodes/" + s.EpisodeID(9901, 3):        "release.episodes.2.id",
	} {
		if at(api(t, s, path), want) == nil {
			t.Errorf("%s has no %s", path, want)
		}
	}
	if found := api(t, s, "app/search/releases?query=zzzz").([]any); len(found) != 0 {
		t.Errorf("found %v", found)
	}
	if in := at(api(t, s, "anime/schedule/now"), "today"); in == nil {
		t.Error("schedule/now has no today")
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	s := demo()
	for path, want := range map[string]int{
		"anime/releases/1":                       404,
		"anime/releases/no-such":                 404,
		"anime/releases/99999999999999999999":    404,
		"anime/releases/episodes/x":              404,
		"anime/releases/9901/nothing":            404,
		"anime/nothing":                          404,
		"anime/releases/latest?limit=51":         422,
		"anime/releases/latest?limit=0":          422,
		"anime/releases/latest?limit=x":          422,
		"anime/catalog/releases?limit=51":        422,
		"anime/releases/list":                    422,
		"app/search/releases":                    422,
		"anime/torrents?limit=99999999999999999": 422,
	} {
		code, _, body := get(t, s, anilibriatest.BasePath+"/"+path)
		var message struct{ Message string }
		if err := json.Unmarshal(body, &message); err != nil || code != want || message.Message == "" {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	_, _, body := get(t, s, anilibriatest.BasePath+"/anime/releases/latest?limit=51")
	const real = `{"message":"The limit field must not be greater than 50.","errors":{"limit":["The limit field must not be greater than 50."]}}`
	if string(body) != real {
		t.Errorf("%s", body)
	}
}

func TestProjection(t *testing.T) {
	t.Parallel()
	s := demo()
	only := api(t, s, "anime/releases/9901?include=id,name.main,episodes.ordinal")
	if got := keys(only); !slices.Equal(got, []string{"episodes", "id", "name"}) || !slices.Equal(keys(at(only, "name")), []string{"main"}) {
		t.Errorf("include gave %v", only)
	}
	trap := api(t, s, "anime/releases/9901?include=episodes")
	if at(trap, "id") != nil || at(trap, "episodes.0.id") == nil {
		t.Error("include expanded instead of limiting")
	}
	less := api(t, s, "anime/releases/9901?exclude=torrents.release,genres")
	if at(less, "genres") != nil || at(less, "torrents.0.release") != nil || at(less, "torrents.0.hash") == nil {
		t.Error("exclude kept or lost too much")
	}
	both := api(t, s, "anime/releases/9901?include=id,alias&exclude=alias")
	if got := keys(both); !slices.Equal(got, []string{"id"}) {
		t.Errorf("exclude did not win: %v", got)
	}
	page := api(t, s, "anime/catalog/releases?include=id&limit=3")
	if got := keys(at(page, "data.0")); !slices.Equal(got, []string{"id"}) || at(page, "meta.pagination.total") == nil {
		t.Errorf("a page gave %v", page)
	}
}

func TestCatalogPages(t *testing.T) {
	t.Parallel()
	s := demo()
	total := len(s.IDs())
	var ids []int
	for page := 1; page <= (total+9)/10; page++ {
		answer := api(t, s, "anime/catalog/releases?limit=10&f%5Bsorting%5D=FRESH_AT_DESC&include=id&page="+strconv.Itoa(page))
		for _, item := range at(answer, "data").([]any) {
			ids = append(ids, int(at(item, "id").(float64)))
		}
		links := keys(at(answer, "meta.pagination.links"))
		if page == 1 && slices.Contains(links, "previous") || page > 1 && !slices.Contains(links, "previous") {
			t.Errorf("page %d links %v", page, links)
		}
	}
	if !slices.Equal(ids, s.IDs()) {
		t.Errorf("pages give %d ids, the catalogue %d", len(ids), total)
	}
	single := api(t, s, "anime/catalog/releases?f[search]=zzzz")
	if links := at(single, "meta.pagination.links").(map[string]any); len(links) != 0 || at(single, "meta.pagination.total_pages") != 1.0 {
		t.Errorf("an empty list: %v", single)
	}
	for query, check := range map[string]func(item any) bool{
		"f[types]=MOVIE":                                  func(x any) bool { return at(x, "type.value") == "MOVIE" },
		"f[seasons]=winter,spring":                        func(x any) bool { return at(x, "season.value") == "winter" || at(x, "season.value") == "spring" },
		"f[years][from_year]=2020&f[years][to_year]=2021": func(x any) bool { y := at(x, "year").(float64); return y >= 2020 && y <= 2021 },
		"f[genres]=29,14": func(x any) bool {
			return strings.Contains(mustJSON(x), `"Фэнтези"`) && strings.Contains(mustJSON(x), `"Экшен"`)
		},
		"f[publish_statuses]=IS_ONGOING":              func(x any) bool { return at(x, "is_ongoing") == true },
		"f[production_statuses]=IS_NOT_IN_PRODUCTION": func(x any) bool { return at(x, "is_in_production") == false },
		"f[age_ratings]=R18_PLUS":                     func(x any) bool { return at(x, "age_rating.is_adult") == true },
		"f[search]=" + url.QueryEscape("стеклянная"):  func(x any) bool { return strings.HasPrefix(at(x, "name.main").(string), "Стеклянная") },
	} {
		items := at(api(t, s, "anime/catalog/releases?limit=50&"+query), "data").([]any)
		if len(items) == 0 || len(items) == total {
			t.Errorf("%s: %d items", query, len(items))
		}
		for _, item := range items {
			if !check(item) {
				t.Errorf("%s: %v", query, at(item, "id"))
			}
		}
	}
	ignored := at(api(t, s, "anime/catalog/releases?f[years]=1996"), "meta.pagination.total")
	if int(ignored.(float64)) != total {
		t.Error("a list of f[years] was not ignored")
	}
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestPictures(t *testing.T) {
	t.Parallel()
	s := demo()
	release := api(t, s, "anime/releases/9901")
	for _, path := range []string{"poster.optimized.preview", "poster.src", "poster.thumbnail", "episodes.0.preview.optimized.src", "genres.0.image.preview"} {
		address := at(release, path)
		if address == nil {
			t.Fatalf("no %s", path)
		}
		code, h, body := get(t, s, address.(string))
		if code != 200 || h.Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(string(body), "<svg ") {
			t.Errorf("%s: %d %s", path, code, h.Get("Content-Type"))
		}
	}
	for _, path := range []string{"/storage/releases/posters/1/x.jpg", "/storage/x", "/storage/releases/posters/", "/videos/media/ts/1/1/720/x.m3u8"} {
		if code, _, _ := get(t, s, path); code != 404 {
			t.Errorf("%s: %d", path, code)
		}
	}
}
