package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/catalog"
	"anihub/modules/users"
)

// viewer is somebody signed in.
type viewer struct {
	*surface
	auth string
	id   string
}

func (s *surface) viewer(t testing.TB, login string) viewer {
	t.Helper()
	session, err := s.users.Register(t.Context(), users.Registration{Login: login, Email: login + "@example.org", Password: "a long password"})
	if err != nil {
		t.Fatal(err)
	}
	return viewer{s, "Bearer " + session.AccessToken, session.User.ID}
}

// ask makes a request that must be answered with this status.
func (v viewer) ask(t testing.TB, status int, method, path, body string) envelope {
	t.Helper()
	r := v.do(t, method, path, body, "Authorization", v.auth)
	e := answerOf(t, r)
	if r.StatusCode != status {
		t.Fatalf("%s %s %.200s: %d %+v, want %d", method, path, body, r.StatusCode, e.Error, status)
	}
	if r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s %s may be kept by caches", method, path)
	}
	return e
}

func (v viewer) get(t testing.TB, path string, into any) envelope {
	t.Helper()
	e := v.ask(t, 200, "GET", path, "")
	if err := json.Unmarshal(e.Data, into); err != nil {
		t.Fatalf("%s: %v in %s", path, err, e.Data)
	}
	return e
}

type listed struct {
	TitleID   int `json:"title_id"`
	Status    *string
	Score     *int
	Favorite  bool
	UpdatedAt *time.Time `json:"updated_at"`
	Title     *struct {
		ID    int
		Names struct{ RU string }
	}
}

func TestListsOverHTTP(t *testing.T) {
	t.Parallel()
	s := open(t)
	mira, other := s.viewer(t, "mira"), s.viewer(t, "other")
	first := mira.ask(t, 200, "PUT", "/api/users/lists/9901", `{"status":"watching","score":8}`)
	if again := mira.ask(t, 200, "PUT", "/api/users/lists/9901", `{"score":8,"status":"watching"}`); string(again.Data) != string(first.Data) {
		t.Errorf("again: %s after %s", again.Data, first.Data)
	}
	mira.ask(t, 200, "PUT", "/api/users/lists/9902", `{"status":"planned","score":null}`)
	mira.ask(t, 200, "PUT", "/api/users/lists/77", `{"status":"planned"}`) // the catalogue does not have it
	mira.ask(t, 200, "PUT", "/api/users/favorites/9901", "")
	var got []listed
	e := mira.get(t, "/api/users/lists?status=watching", &got)
	if len(got) != 1 || *got[0].Score != 8 || !got[0].Favorite || got[0].Title.Names.RU != "Фонарщик" || e.Pagination.Total != 1 {
		t.Errorf("watching: %s", e.Data)
	}
	e = mira.get(t, "/api/users/lists?page=2&limit=2", &got)
	if len(got) != 1 || e.Pagination.Total != 3 || e.Pagination.Pages != 2 {
		t.Errorf("page 2: %s %+v", e.Data, e.Pagination)
	}
	e = mira.get(t, "/api/users/lists?ids=77,9901,5", &got)
	if len(got) != 2 {
		t.Errorf("by id: %s", e.Data)
	}
	for _, l := range got {
		if (l.Title == nil) != (l.TitleID == 77) || l.UpdatedAt == nil {
			t.Errorf("%+v", l)
		}
	}
	if e = mira.get(t, "/api/users/favorites", &got); len(got) != 1 || got[0].TitleID != 9901 || got[0].Title == nil {
		t.Errorf("favourites: %s", e.Data)
	}
	for _, path := range []string{"/api/users/lists", "/api/users/favorites", "/api/users/progress", "/api/users/continue"} {
		if e = other.get(t, path, &got); string(e.Data) != "[]" {
			t.Errorf("another's %s: %s", path, e.Data)
		}
	}
	for range 2 {
		mira.ask(t, 200, "DELETE", "/api/users/lists/9901", "")
		mira.ask(t, 200, "DELETE", "/api/users/favorites/9901", "")
	}
	if e = mira.get(t, "/api/users/favorites", &got); len(got) != 0 {
		t.Errorf("favourites: %s", e.Data)
	}
}

// A list is shown while the catalogue is away.
func TestListsWithoutTheCatalogue(t *testing.T) {
	t.Parallel()
	s := build(t, nil, func(c catalog.Service) catalog.Service { return away{c} })
	mira := s.viewer(t, "mira")
	mira.ask(t, 200, "PUT", "/api/users/lists/9901", `{"status":"watching"}`)
	mira.ask(t, 200, "PUT", "/api/users/progress/9901", `{"episodes":[{"episode":1,"seconds":5}]}`)
	var got []listed
	if e := mira.get(t, "/api/users/lists", &got); len(got) != 1 || got[0].Title != nil {
		t.Errorf("%s", e.Data)
	}
	if e := mira.get(t, "/api/users/continue", &got); len(got) != 0 {
		t.Errorf("%s", e.Data)
	}
	if r := s.do(t, "GET", "/api/users/lists/export?format=mal", "", "Authorization", mira.auth); r.StatusCode != 200 {
		t.Errorf("export: %d", r.StatusCode)
	}
	const byName, byID = `[{"target_title":"The Lamplighter","status":"planned"}]`, `[{"anihub_id":5,"status":"planned"}]`
	mira.ask(t, 503, "POST", "/api/users/lists/import?format=shikimori", byName)
	mira.ask(t, 200, "POST", "/api/users/lists/import?format=shikimori", byID)
}

type episodes struct {
	TitleID   int        `json:"title_id"`
	UpdatedAt *time.Time `json:"updated_at"`
	Episodes  []struct {
		Episode, Seconds float64
		Watched          bool
		UpdatedAt        string `json:"updated_at"`
	}
}

func TestProgressOverHTTP(t *testing.T) {
	t.Parallel()
	s := open(t)
	mira := s.viewer(t, "mira")
	const edit = `{"episodes":[{"episode":1,"seconds":61.5,"watched":false,"updated_at":"2026-05-01T22:00:00.250+02:00"},{"episode":1.5,"watched":true,"updated_at":null}]}`
	first := mira.ask(t, 200, "PUT", "/api/users/progress/9901", edit)
	var got episodes
	if err := json.Unmarshal(first.Data, &got); err != nil || len(got.Episodes) != 2 || got.Episodes[0].UpdatedAt != "2026-05-01T20:00:00.250Z" || !got.Episodes[1].Watched {
		t.Errorf("%s, %v", first.Data, err)
	}
	mira.ask(t, 200, "PUT", "/api/users/progress", `{"titles":[
		{"title_id":5,"episodes":[{"episode":3,"seconds":10,"updated_at":"2026-05-01T20:00:00Z"}]},
		{"title_id":9901,"episodes":[{"episode":1,"seconds":5,"updated_at":"2026-05-01T19:00:00Z"}]},
		{"title_id":5,"episodes":[{"episode":3,"seconds":20,"updated_at":"2026-05-01T20:00:00Z"},{"episode":3,"seconds":1,"updated_at":"2026-05-01T20:00:00Z"}]}]}`)
	var all []episodes
	e := mira.get(t, "/api/users/progress?limit=1", &all)
	if len(all) != 1 || all[0].TitleID != 9901 || all[0].Episodes[0].Seconds != 61.5 || e.Pagination.Total != 2 {
		t.Errorf("%s", e.Data)
	}
	if e = mira.get(t, "/api/users/progress?page=2&limit=1", &all); len(all) != 1 || all[0].Episodes[0].Seconds != 20 {
		t.Errorf("%s", e.Data)
	}
	if e = mira.get(t, "/api/users/progress?page=100000&limit=50", &all); len(all) != 0 {
		t.Errorf("%s", e.Data)
	}
	mira.get(t, "/api/users/progress/5", &got)
	if got.TitleID != 5 || len(got.Episodes) != 1 {
		t.Errorf("%+v", got)
	}
	if e = mira.get(t, "/api/users/progress/6", &got); string(e.Data) != `{"title_id":6,"updated_at":null,"episodes":[]}` {
		t.Errorf("never watched: %s", e.Data)
	}
}

// What is wrong with a request is said with a code, in both languages, and is never
// our fault.
func TestBadRequestsAboutTitles(t *testing.T) {
	t.Parallel()
	s := open(t)
	mira := s.viewer(t, "mira")
	many := func(n int, item string) string { return strings.Repeat(item+",", n-1) + item }
	const edit = `{"episode":1,"seconds":1}`
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"PUT", "lists/0", `{"status":"planned"}`, 400, "BAD_PARAMETER"},
		{"PUT", "lists/-1", `{"status":"planned"}`, 400, "BAD_PARAMETER"},
		{"PUT", "lists/99999999999999999999", `{"status":"planned"}`, 400, "BAD_PARAMETER"},
		{"PUT", "lists/1%00", `{"status":"planned"}`, 400, "BAD_PARAMETER"},
		{"PUT", "lists/$gt", `{"status":"planned"}`, 400, "BAD_PARAMETER"},
		{"PUT", "lists/import", `{"status":"planned"}`, 400, "BAD_PARAMETER"},
		{"PUT", "lists/1", `{"status":"loved"}`, 422, "UNACCEPTABLE"},
		{"PUT", "lists/1", `{"status":"planned","score":0}`, 422, "UNACCEPTABLE"},
		{"PUT", "lists/1", `{"status":"planned","score":11}`, 422, "UNACCEPTABLE"},
		{"PUT", "lists/1", `{"status":"planned","score":-1}`, 422, "UNACCEPTABLE"},
		{"PUT", "lists/1", `{"status":"planned","score":7.5}`, 400, "BAD_BODY"},
		{"PUT", "lists/1", `{"status":"planned","score":"8"}`, 400, "BAD_BODY"},
		{"PUT", "lists/1", `{"status":{"$gt":""}}`, 400, "BAD_BODY"},
		{"PUT", "lists/1", `{"status":"planned","user_id":"x"}`, 400, "BAD_BODY"},
		{"PUT", "lists/1", `{"score":5}`, 400, "BAD_BODY"},
		{"PUT", "lists/1", ``, 415, "UNSUPPORTED_MEDIA_TYPE"},
		{"PUT", "lists/1", `{"status":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "BODY_TOO_LARGE"},
		{"PUT", "favorites/0", ``, 400, "BAD_PARAMETER"},
		{"DELETE", "favorites/x", ``, 400, "BAD_PARAMETER"},
		{"GET", "lists?status=loved", ``, 422, "BAD_PARAMETER"},
		{"GET", "lists?limit=0", ``, 422, "BAD_PARAMETER"},
		{"GET", "lists?limit=101", ``, 422, "BAD_PARAMETER"},
		{"GET", "lists?page=0", ``, 422, "BAD_PARAMETER"},
		{"GET", "lists?user_id=x", ``, 400, "BAD_PARAMETER"},
		{"GET", "lists?ids=1,x", ``, 400, "BAD_PARAMETER"},
		{"GET", "favorites?status=planned", ``, 400, "BAD_PARAMETER"},
		{"GET", "progress?limit=51", ``, 422, "BAD_PARAMETER"},
		{"GET", "continue?limit=51", ``, 422, "BAD_PARAMETER"},
		{"GET", "continue?page=1", ``, 400, "BAD_PARAMETER"},
		{"GET", "export?format=mal", ``, 400, "BAD_PARAMETER"},
		{"GET", "progress/0", ``, 400, "BAD_PARAMETER"},
		{"PUT", "progress/1", `{}`, 400, "BAD_BODY"},
		{"PUT", "progress/1", `{"episodes":[]}`, 400, "BAD_BODY"},
		{"PUT", "progress/1", `{"episodes":[{}]}`, 400, "BAD_BODY"},
		{"PUT", "progress/1", `{"episodes":[{"seconds":1}]}`, 400, "BAD_BODY"},
		{"PUT", "progress/1", `{"episodes":[{"episode":1,"seconds":NaN}]}`, 400, "BAD_BODY"},
		{"PUT", "progress/1", `{"episodes":[{"episode":1,"seconds":1e999}]}`, 400, "BAD_BODY"},
		{"PUT", "progress/1", `{"episodes":[{"episode":1,"seconds":-1}]}`, 422, "UNACCEPTABLE"},
		{"PUT", "progress/1", `{"episodes":[{"episode":1,"seconds":1e300}]}`, 422, "UNACCEPTABLE"},
		{"PUT", "progress/1", `{"episodes":[{"episode":-1,"seconds":1}]}`, 422, "UNACCEPTABLE"},
		{"PUT", "progress/1", `{"episodes":[{"episode":1}]}`, 422, "UNACCEPTABLE"},
		{"PUT", "progress/1", `{"episodes":[{"episode":1,"seconds":1,"updated_at":"yesterday"}]}`, 400, "BAD_BODY"},
		{"PUT", "progress/1", `{"episodes":[{"episode":1,"seconds":1,"updated_at":5}]}`, 400, "BAD_BODY"},
		{"PUT", "progress/1", `{"episodes":[{"episode":1,"seconds":1,"__proto__":{}}]}`, 400, "BAD_BODY"},
		{"PUT", "progress/1", `{"title_id":2,"episodes":[` + edit + `]}`, 400, "BAD_BODY"},
		{"PUT", "progress/1", `{"episodes":[` + many(5001, edit) + `]}`, 422, "UNACCEPTABLE"},
		{"PUT", "progress/1", `{"episodes":[` + many(1<<20/len(edit), edit) + `]}`, 413, "BODY_TOO_LARGE"},
		{"PUT", "progress", `{"titles":[]}`, 400, "BAD_BODY"},
		{"PUT", "progress", `{"titles":[{"episodes":[` + edit + `]}]}`, 422, "UNACCEPTABLE"},
		{"PUT", "progress", `{"titles":[{"title_id":-5,"episodes":[` + edit + `]}]}`, 422, "UNACCEPTABLE"},
		{"PUT", "progress", `{"titles":[{"title_id":1e10,"episodes":[` + edit + `]}]}`, 400, "BAD_BODY"},
		{"PUT", "progress", `{"titles":[{"title_id":10000000000,"episodes":[` + edit + `]}]}`, 422, "UNACCEPTABLE"},
		{"PUT", "progress", `{"titles":[{"title_id":1.5,"episodes":[` + edit + `]}]}`, 400, "BAD_BODY"},
		{"PUT", "progress", `{"titles":[{"title_id":1,"episodes":null}]}`, 422, "UNACCEPTABLE"},
		{"PUT", "progress", `{"titles":[` + many(501, `{"title_id":1,"episodes":[`+edit+`]}`) + `]}`, 422, "UNACCEPTABLE"},
		{"POST", "lists/import", `[]`, 400, "BAD_PARAMETER"},
		{"POST", "lists/import?format=csv", `[]`, 422, "BAD_PARAMETER"},
		{"POST", "lists/import?format=mal&dry_run=perhaps", `[]`, 422, "BAD_PARAMETER"},
		{"POST", "lists/import?format=mal", `[]`, 400, "BAD_LIST_FILE"},
		{"POST", "lists/import?format=mal", ``, 400, "BAD_LIST_FILE"},
		{"POST", "lists/import?format=shikimori", `<myanimelist/>`, 400, "BAD_LIST_FILE"},
		{"POST", "lists/import?format=shikimori", strings.Repeat(" ", 4<<20+1), 413, "LIST_FILE_TOO_LARGE"},
		{"GET", "lists/export", ``, 400, "BAD_PARAMETER"},
		{"GET", "lists/export?format=xml", ``, 422, "BAD_PARAMETER"},
	} {
		path := "/api/users/" + c.path
		e := mira.ask(t, c.status, c.method, path, c.body)
		if e.Error.Code != c.code || len(e.Error.Details) == 0 && c.status != 415 {
			t.Errorf("%s %s %.80s: %+v, want %s", c.method, c.path, c.body, e.Error, c.code)
		}
		english := answerOf(t, s.do(t, c.method, path, c.body, "Authorization", mira.auth, "Accept-Language", "en"))
		if english.Error.Message == e.Error.Message || english.Error.Message == "" {
			t.Errorf("%s is said as %q in both languages", c.code, e.Error.Message)
		}
	}
	for _, path := range []string{"lists", "favorites", "progress"} {
		var left []any
		if mira.get(t, "/api/users/"+path, &left); len(left) != 0 {
			t.Errorf("%s: %v", path, left)
		}
	}
}

func TestRoutesOfTitlesNeedASession(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, c := range []string{
		"GET favorites", "PUT favorites/1", "DELETE favorites/1", "GET lists", "PUT lists/1", "DELETE lists/1", "GET lists/export?format=mal",
		"POST lists/import?format=mal", "GET progress", "PUT progress", "GET progress/1", "PUT progress/1", "GET continue", "GET export",
	} {
		method, path, _ := strings.Cut(c, " ")
		if r := s.do(t, method, "/api/users/"+path, ""); r.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d", c, r.StatusCode)
		}
	}
}

type going struct {
	TitleID     int `json:"title_id"`
	Episode     struct{ Ordinal float64 }
	Seconds     float64
	NewEpisodes int `json:"new_episodes"`
}

func TestContinue(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Date(2026, 5, n, 12, 0, 0, 0, time.UTC) }
	// aired is a title with one episode a day from the 1st on.
	aired := func(id, episodes int) catalog.Title {
		out := catalog.Title{Summary: catalog.Summary{ID: id, Code: fmt.Sprint("t", id), Status: "ongoing"}}
		for n := 1; n <= episodes; n++ {
			out.Player.Episodes = append(out.Player.Episodes, catalog.Episode{
				ID: fmt.Sprint(id, "-", n), Ordinal: float64(n), Duration: 1400, UpdatedAt: day(n), Ending: &catalog.Span{Start: 1300, Stop: 1390},
			})
		}
		return out
	}
	edit := func(episode, seconds float64, watched bool, at time.Time) string {
		return fmt.Sprintf(`{"episode":%g,"seconds":%g,"watched":%v,"updated_at":%q}`, episode, seconds, watched, at.Format(time.RFC3339))
	}
	s := open(t)
	s.catalog.Put(aired(1, 3), aired(2, 3), aired(3, 5), aired(4, 3), aired(5, 3), aired(6, 1), aired(7, 2))
	mira := s.viewer(t, "mira")
	for id, edits := range map[int]string{
		1:  edit(2, 600, false, day(10)),                                  // in the middle
		2:  edit(3, 1400, true, day(11)),                                  // nothing left
		3:  edit(2, 1350, false, day(2)) + "," + edit(1, 0, true, day(1)), // at the credits; 3, 4 and 5 came out since
		4:  edit(1, 50, true, day(9)) + "," + edit(2, 30, false, day(8)),  // the next was begun
		5:  edit(1, 50, false, day(12)),                                   // given up
		6:  edit(3, 50, false, day(13)),                                   // the episode is gone
		7:  edit(1, 1400, false, day(3)) + "," + edit(2, 0, false, day(4)),
		77: edit(1, 50, false, day(14)), // not in the catalogue
	} {
		mira.ask(t, 200, "PUT", fmt.Sprintf("/api/users/progress/%d", id), `{"episodes":[`+edits+`]}`)
	}
	mira.ask(t, 200, "PUT", "/api/users/lists/5", `{"status":"abandoned"}`)
	var got []going
	e := mira.get(t, "/api/users/continue", &got)
	ep := func(n float64) struct{ Ordinal float64 } { return struct{ Ordinal float64 }{n} }
	want := []going{{1, ep(2), 600, 0}, {4, ep(2), 30, 0}, {3, ep(3), 0, 3}, {7, ep(2), 0, 0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s %s", diff, e.Data)
	}
	s.catalog.Put(aired(2, 4)) // the 4th of May comes out late
	if mira.get(t, "/api/users/continue?limit=2", &got); len(got) != 2 {
		t.Errorf("%+v", got)
	}
	late := aired(2, 4)
	late.Player.Episodes[3].UpdatedAt = day(20)
	s.catalog.Put(late)
	mira.get(t, "/api/users/continue", &got)
	if diff := cmp.Diff(going{2, ep(4), 0, 1}, got[0]); diff != "" {
		t.Errorf("a new episode comes first: %s", diff)
	}
}
