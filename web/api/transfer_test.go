package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogtest"
	"anihub/modules/users"
)

// away is a catalogue that cannot be asked.
type away struct{ catalog.Service }

func (away) Titles(context.Context, catalog.Query, string) (catalog.Answer[catalog.Page], error) {
	return catalog.Answer[catalog.Page]{}, catalog.ErrUnavailable
}

func (away) Title(context.Context, catalog.Ref, string) (catalog.Answer[catalog.Title], error) {
	return catalog.Answer[catalog.Title]{}, catalog.ErrUnavailable
}

type imported struct {
	Imported, Unchanged int
	Unknown             []struct {
		Title      *string
		Reason     string
		Candidates []int
	}
}

func (v viewer) upload(t testing.TB, query, file string) imported {
	t.Helper()
	var got imported
	e := v.ask(t, 200, "POST", "/api/users/lists/import?"+query, file)
	if err := json.Unmarshal(e.Data, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// held is a user's lists as text, by title.
func (v viewer) held(t testing.TB) map[int]string {
	t.Helper()
	p, err := v.users.Library(t.Context(), v.id, users.LibraryQuery{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[int]string{}
	for _, e := range p.Entries {
		out[e.TitleID] = fmt.Sprint(e.Status, " ", e.Score)
	}
	return out
}

func TestImport(t *testing.T) {
	t.Parallel()
	s := open(t)
	named := func(id int, kind, ru, en string, total, current int) catalog.Title {
		return catalog.Title{Summary: catalog.Summary{
			ID: id, Code: fmt.Sprint("t", id), Type: kind, Names: catalog.Names{RU: ru, EN: en, Alternative: "Other Name / Ещё имя " + fmt.Sprint(id)},
			Episodes: catalog.EpisodeCount{Total: total, Current: current}, Status: "completed",
		}}
	}
	s.catalog.Put(
		named(1, "TV", "Ёжик в тумане", "Hedgehog: In the Fog!", 12, 12),
		named(2, "TV", "Маяк", "Lighthouse", 12, 3),
		named(3, "MOVIE", "Маяк", "Lighthouse", 1, 1),
		named(4, "OVA", "Сад", "Garden", 2, 2), named(5, "OVA", "Сад", "Garden", 2, 2),
	)
	mira := s.viewer(t, "mira")
	const mal = `<myanimelist>
		<anime><series_title>hedgehog in the fog</series_title><my_status>Completed</my_status><my_score>10</my_score><my_watched_episodes>4</my_watched_episodes></anime>
		<anime><series_title>LIGHTHOUSE</series_title><series_type>TV</series_type><my_status>Watching</my_status><my_watched_episodes>50</my_watched_episodes></anime>
		<anime><series_title>Garden</series_title><series_type>OVA</series_type><my_status>Dropped</my_status></anime>
		<anime><series_title>Nowhere</series_title><my_status>Dropped</my_status></anime>
		<anime><series_title>Hedgehog</series_title><my_status>Loved</my_status></anime>
		<anime><series_title>!!!</series_title><my_status>Dropped</my_status></anime>
	</myanimelist>`
	for _, dry := range []bool{true, false} {
		got := mira.upload(t, fmt.Sprintf("format=mal&dry_run=%v", dry), mal)
		var why []string
		for _, u := range got.Unknown {
			why = append(why, fmt.Sprint(*u.Title, " ", u.Reason, " ", u.Candidates))
		}
		want := []string{"Garden ambiguous [4 5]", "Nowhere not_found []", "Hedgehog bad_status []", "!!! not_found []"}
		if diff := cmp.Diff(want, why); diff != "" || got.Imported != 2 || got.Unchanged != 0 {
			t.Errorf("%+v %s", got, diff)
		}
		var begun []episodes
		if mira.get(t, "/api/users/progress", &begun); dry && (len(mira.held(t)) != 0 || len(begun) != 0) {
			t.Errorf("a dry run left %v and %v", mira.held(t), begun)
		}
	}
	if diff := cmp.Diff(map[int]string{1: "watched 10", 2: "watching 0"}, mira.held(t)); diff != "" {
		t.Error(diff)
	}
	heads, err := s.users.ProgressOf(t.Context(), mira.id)
	if err != nil || len(heads) != 2 || heads[0].Watched+heads[1].Watched != 4+3 { // no more than there are
		t.Errorf("%+v, %v", heads, err)
	}
	// The next episode is the one to watch; when the others were, nobody knows.
	hedgehog := named(1, "TV", "Ёжик в тумане", "Hedgehog: In the Fog!", 12, 12)
	for n := 1; n <= 12; n++ {
		hedgehog.Player.Episodes = append(hedgehog.Player.Episodes, catalogtest.Episode(1, float64(n)))
	}
	s.catalog.Put(hedgehog)
	var next []going
	if e := mira.get(t, "/api/users/continue", &next); len(next) != 1 || next[0].Episode.Ordinal != 5 || next[0].NewEpisodes != 0 {
		t.Errorf("continue: %s", e.Data)
	}

	const shikimori = `[{"target_title":"Lighthouse","target_title_ru":"Маяк","target_type":"Anime","status":"completed","score":7},
		{"target_title":"X","target_title_ru":"ежик в тумане","status":"dropped","score":1},
		{"target_title":"Hedgehog In The Fog","target_title_ru":"Маяк","status":"dropped","score":1},
		{"target_title":"","target_title_ru":"еще имя 4","status":"planned","score":0},
		{"anihub_code":"t3","status":"planned","score":3},{"anihub_id":3,"status":"watching","score":3}]`
	got := mira.upload(t, "format=shikimori", shikimori)
	if got.Imported != 2 || got.Unchanged != 2 || len(got.Unknown) != 2 {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(map[int]string{1: "watched 10", 2: "watching 0", 3: "planned 3", 4: "planned 0"}, mira.held(t)); diff != "" {
		t.Error(diff)
	}
	if got = mira.upload(t, "format=shikimori&overwrite=true", shikimori); got.Imported != 1 || mira.held(t)[1] != "abandoned 1" {
		t.Errorf("%+v %v", got, mira.held(t))
	}
}

// What is exported and imported again is the same, for lists of titles that the
// catalogue knows and of others, in both formats.
func TestExportAndImportAreOne(t *testing.T) {
	t.Parallel()
	s := open(t)
	for n := range 40 {
		s.catalog.Put(catalogtest.Title(n + 1))
	}
	turn := 0
	rapid.Check(t, func(rt *rapid.T) {
		turn++
		from, to := s.fresh(t, turn), s.fresh(t, -turn)
		statuses := []string{users.Planned, users.Watching, users.Watched, users.Postponed, users.Abandoned}
		for _, id := range rapid.SliceOfNDistinct(rapid.IntRange(1, 60), 0, 25, rapid.ID).Draw(rt, "titles") {
			l := users.Listing{TitleID: id, Status: rapid.SampledFrom(statuses).Draw(rt, "status"), Score: rapid.IntRange(0, 10).Draw(rt, "score")}
			if _, err := s.users.List(t.Context(), from.id, l); err != nil {
				rt.Fatal(err)
			}
		}
		for _, f := range []string{"mal", "shikimori"} {
			r := s.do(t, "GET", "/api/users/lists/export?format="+f, "", "Authorization", from.auth)
			file := string(read(t, r))
			want := from.held(t)
			got := to.upload(t, "format="+f+"&overwrite=true", file)
			if got.Imported+got.Unchanged != len(want) || len(got.Unknown) != 0 || f == "shikimori" && got.Imported != 0 {
				rt.Fatalf("%s: %+v of %s", f, got, file)
			}
			if diff := cmp.Diff(want, to.held(t)); diff != "" {
				rt.Fatalf("%s: %s", f, diff)
			}
		}
	})
}

// fresh is a new viewer from an address of their own.
func (s *surface) fresh(t testing.TB, n int) viewer {
	t.Helper()
	login := strings.ReplaceAll(fmt.Sprint("viewer.", n), "-", "m")
	session, err := s.users.Register(t.Context(), users.Registration{
		Login: login, Email: login + "@example.org", Password: "a long password", Client: users.Client{Address: login},
	})
	if err != nil {
		t.Fatal(err)
	}
	return viewer{s, "Bearer " + session.AccessToken, session.User.ID}
}

func TestFilesAreDownloads(t *testing.T) {
	t.Parallel()
	s := open(t)
	mira, other := s.viewer(t, "mira"), s.viewer(t, "other")
	for id := 9880; id <= 9940; id++ { // more than one page of progress
		mira.ask(t, 200, "PUT", fmt.Sprintf("/api/users/progress/%d", id), `{"episodes":[{"episode":1,"seconds":61}]}`)
	}
	mira.ask(t, 200, "PUT", "/api/users/lists/9901", `{"status":"watching","score":8}`)
	mira.ask(t, 200, "PUT", "/api/users/favorites/9902", "")
	mira.ask(t, 200, "PUT", "/api/users/subscriptions/9903", "")
	other.ask(t, 200, "PUT", "/api/users/lists/4242", `{"status":"planned"}`)
	download := func(path, media string) string {
		t.Helper()
		r := s.do(t, "GET", "/api/users/"+path, "", "Authorization", mira.auth)
		if r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Disposition"), "attachment;") ||
			r.Header.Get("Content-Type") != media || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
		}
		file := string(read(t, r))
		if strings.Contains(file, "4242") {
			t.Errorf("%s tells of another", path)
		}
		return file
	}
	if f := download("lists/export?format=mal", "application/xml; charset=utf-8"); !strings.Contains(f, "<series_title>The Lamplighter</series_title>") {
		t.Error(f)
	}
	if f := download("lists/export?format=shikimori", "application/json"); !strings.Contains(f, `"target_title_ru": "Фонарщик"`) {
		t.Error(f)
	}
	var got struct {
		Profile       struct{ Login, Email string }
		Sessions      []struct{ Current bool }
		Subscriptions []listed
		Lists         []listed
		Favorites     []listed
		Progress      []episodes
	}
	f := download("export", "application/json")
	if err := json.Unmarshal([]byte(f), &got); err != nil {
		t.Fatal(err)
	}
	if got.Profile.Login != "mira" || len(got.Sessions) != 1 || !got.Sessions[0].Current || got.Subscriptions[0].TitleID != 9903 || *got.Lists[0].Score != 8 || got.Favorites[0].TitleID != 9902 || len(got.Progress) != 61 {
		t.Error(f)
	}
	for _, secret := range []string{"password", "hash", strings.TrimPrefix(mira.auth, "Bearer ")} {
		if strings.Contains(f, secret) {
			t.Errorf("the export holds %q", secret)
		}
	}
}
