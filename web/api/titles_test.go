package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
)

const v2 = "/api/anilibria/v2"

func TestCatalogueRoutes(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, path := range []string{
		"/titles", "/titles/9901", "/titles/code/kamome", "/titles/batch?ids=9901", "/search?q=%D0%A4%D0%BE%D0%BD",
		"/franchise/9901", "/updates", "/popular?limit=1", "/random", "/schedule", "/genres", "/years", "/seasons", "/status",
		"/titles?genres=Фэнтези&genres=Романтика&year=2026&status=ongoing&sort=rating&order=desc&page=1&limit=5&type=TV&season=summer&age_rating=R12_PLUS&year_from=2000&year_to=2030",
		"/titles?genres[]=Фэнтези", "/titles?genres=Фэнтези,Романтика", "/titles?page=100000",
	} {
		for _, prefix := range []string{v2, "/api/anilibria"} {
			r := s.get(t, prefix+path)
			if e := answerOf(t, r); r.StatusCode != 200 || !e.Success {
				t.Errorf("%s%s: %d %s", prefix, path, r.StatusCode, e.Error.Code)
			}
			if head := s.do(t, http.MethodHead, prefix+path, ""); head.StatusCode != 200 {
				t.Errorf("HEAD %s%s: %d", prefix, path, head.StatusCode)
			}
		}
	}
}

func TestFiltersReachTheCatalogue(t *testing.T) {
	t.Parallel()
	s := open(t)
	for query, want := range map[string]int{
		"": 2, "?status=announced": 1, "?genres=Фэнтези": 1, "?genres=Фэнтези,Нет": 0, "?year=2026": 1,
		"?year_from=2027": 0, "?season=winter": 0, "?type=TV": 1, "?search=чайки": 1,
	} {
		if e := answerOf(t, s.get(t, v2+"/titles"+query)); e.Pagination.Total != want {
			t.Errorf("%q: %d titles, want %d", query, e.Pagination.Total, want)
		}
	}
}

// TestBadParameters: 4xx in the envelope, naming the parameter and what is accepted.
func TestBadParameters(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, c := range []struct {
		path      string
		status    int
		parameter string
	}{
		{"/titles/0", 400, "id"},
		{"/titles/-1", 400, "id"},
		{"/titles/abc", 400, "id"},
		{"/titles/99999999999999999999", 400, "id"},
		{"/titles/1.5", 400, "id"},
		{"/titles/+1", 400, "id"},
		{"/titles/01", 400, "id"},
		{"/titles/2147483648", 400, "id"},
		{"/titles/9901?x=1", 400, "x"},
		{"/titles/code/" + strings.Repeat("a", 300), 400, "code"},
		{"/titles/code/a%2e%2e", 400, "code"},
		{"/titles/code/%00", 400, "code"},
		{"/titles?page=0", 422, "page"},
		{"/titles?page=x", 400, "page"},
		{"/titles?page=", 400, "page"},
		{"/titles?page=1&page=2", 400, "page"},
		{"/titles?limit=101", 422, "limit"},
		{"/titles?limit=0", 422, "limit"},
		{"/titles?limit=-5", 422, "limit"},
		{"/titles?limit=99999999999999999999", 400, "limit"},
		{"/titles?year=12", 422, "year"},
		{"/titles?season=rainy", 422, "season"},
		{"/titles?type=tv", 422, "type"},
		{"/titles?status=hidden", 422, "status"},
		{"/titles?sort=random", 422, "sort"},
		{"/titles?order=up", 422, "order"},
		{"/titles?facets=maybe", 422, "facets"},
		{"/titles?age_rating=18", 422, "age_rating"},
		{"/titles?search=" + strings.Repeat("a", 101), 422, "search"},
		{"/titles?search=" + strings.Repeat("a", 10_000), 400, "search"},
		{"/titles?search=a%00b", 400, "search"},
		{"/titles?search=%ff", 400, "search"},
		{"/titles?genres=" + strings.Repeat("a,", 30), 422, "genres"},
		{"/titles?unknown=1", 400, "unknown"},
		{"/titles?$where=1", 400, "$where"},
		{"/titles/batch", 400, "ids"},
		{"/titles/batch?ids=", 400, "ids"},
		{"/titles/batch?ids=1,x", 400, "ids"},
		{"/titles/batch?ids=" + strings.Repeat("1,", 51), 422, "ids"},
		{"/search", 422, "q"},
		{"/search?q=a", 422, "q"},
		{"/search?q=" + strings.Repeat("я", 101), 422, "q"},
		{"/search?q=ab&limit=101", 422, "limit"},
		{"/updates?limit=0", 422, "limit"},
		{"/popular?page=x", 400, "page"},
		{"/random?seed=1", 400, "seed"},
		{"/schedule?day=1", 400, "day"},
		{"/genres?x", 400, "x"},
		{"/status?x", 400, "x"},
	} {
		r := s.get(t, v2+c.path)
		e := answerOf(t, r)
		if r.StatusCode != c.status || e.Success || e.Error.Code != "BAD_PARAMETER" || e.Error.Details["parameter"] != c.parameter {
			t.Errorf("%.60s: %d %+v, want %d naming %s", c.path, r.StatusCode, e.Error, c.status, c.parameter)
		}
		if e.RequestID == "" || e.RequestID != r.Header.Get("X-Request-ID") || e.Timestamp.IsZero() {
			t.Errorf("%.60s: request_id %q, header %q", c.path, e.RequestID, r.Header.Get("X-Request-ID"))
		}
	}
	if r := s.get(t, v2+"/titles?a=%zz"); r.StatusCode != 400 {
		t.Errorf("an unreadable query: %d", r.StatusCode)
	}
}

func TestUnknownRoutesAndMethods(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, c := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", "/api/nothing", 404, "NOT_FOUND"},
		{"POST", "/api/nothing", 404, "NOT_FOUND"},
		{"GET", v2 + "/titles/1/2/3", 404, "NOT_FOUND"},
		{"GET", "/internal/stats", 404, "NOT_FOUND"},
		{"GET", "/metrics", 404, "NOT_FOUND"},
		{"POST", v2 + "/titles", 405, "METHOD_NOT_ALLOWED"},
		{"DELETE", v2 + "/titles/1", 405, "METHOD_NOT_ALLOWED"},
		{"GET", "/api/auth/login", 405, "METHOD_NOT_ALLOWED"},
		{"BREW", v2 + "/titles", 405, "METHOD_NOT_ALLOWED"},
		{"GET", v2 + "/titles/1", 404, "TITLE_NOT_FOUND"},
	} {
		r := s.do(t, c.method, c.path, "")
		if e := answerOf(t, r); r.StatusCode != c.status || e.Error.Code != c.code || e.Success {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.path, r.StatusCode, e.Error.Code, c.status, c.code)
		}
	}
	if r := s.do(t, "POST", v2+"/titles", ""); r.Header.Get("Allow") == "" {
		t.Error("405 without Allow")
	}
}

// TestEveryCatalogueAnswerSaysWhereItCameFrom: provenance is in the head and in the
// body, on every route that answers from the catalogue.
func TestFranchise(t *testing.T) {
	t.Parallel()
	s := open(t)
	var got []struct {
		Name   string
		Titles []struct{ ID int }
	}
	if err := json.Unmarshal(answerOf(t, s.get(t, v2+"/franchise/9901")).Data, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Name != "Улица" || len(got[0].Titles) != 1 || got[0].Titles[0].ID != 9901 {
		t.Errorf("got %+v", got)
	}
	if e := answerOf(t, s.get(t, v2+"/franchise/9902")); string(e.Data) != "[]" {
		t.Errorf("a title without one: %s", e.Data)
	}
	for path, status := range map[string]int{"/franchise/1": 404, "/franchise/x": 400, "/franchise/9901?x=1": 400} {
		if r := s.get(t, v2+path); r.StatusCode != status {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

// TestStatusOfACatalogueThatCannotAnswer.
func TestStatusOfACatalogueThatCannotAnswer(t *testing.T) {
	t.Parallel()
	down := func(c catalog.Service) catalog.Service { return unavailable{c} }
	s := build(t, func(echo.Context) error { return echo.ErrNotFound }, down)
	r := s.get(t, v2+"/status")
	if e := answerOf(t, r); r.StatusCode != 200 || !strings.Contains(string(e.Data), `"titles":0`) || r.Header.Get("Cache-Status") != "" {
		t.Errorf("%d %s %v", r.StatusCode, e.Data, r.Header)
	}
}

type unavailable struct{ catalog.Service }

func (unavailable) Titles(context.Context, catalog.Query, string) (catalog.Answer[catalog.Page], error) {
	return catalog.Answer[catalog.Page]{}, catalog.ErrUnavailable
}

func TestMissingOfABatchAreNamed(t *testing.T) {
	t.Parallel()
	e := answerOf(t, open(t).get(t, v2+"/titles/batch?ids=9902,77,9901,9902"))
	var got []struct{ ID int }
	if err := json.Unmarshal(e.Data, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].ID != 9902 || got[1].ID != 9901 || len(e.Meta.Missing) != 1 || e.Meta.Missing[0] != 77 {
		t.Errorf("got %v, missing %v", got, e.Meta.Missing)
	}
}

func TestUpstreamDown(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.catalog.Down(true)
	r := s.get(t, v2+"/titles/4711")
	e := answerOf(t, r)
	if r.StatusCode != 503 || e.Error.Code != "CATALOG_UNAVAILABLE" || r.Header.Get("Retry-After") == "" {
		t.Errorf("an unknown title: %d %+v Retry-After %q", r.StatusCode, e.Error, r.Header.Get("Retry-After"))
	}
	if r := s.get(t, v2+"/titles/9901"); r.StatusCode != 200 {
		t.Errorf("a known title: %d", r.StatusCode)
	}
}

func TestErrorsSpeakTheReadersLanguage(t *testing.T) {
	t.Parallel()
	s := open(t)
	for accept, want := range map[string]string{
		"": "Такого тайтла нет.", "ru": "Такого тайтла нет.", "en": "There is no such title.", "en-GB,en;q=0.9": "There is no such title.",
		"ru-RU,ru;q=0.9,en;q=0.8": "Такого тайтла нет.", "de,en;q=0.5,ru;q=0.4": "There is no such title.", "fr": "Такого тайтла нет.",
		"en;q=0,ru": "Такого тайтла нет.", ";;;q=x,,": "Такого тайтла нет.",
	} {
		if e := answerOf(t, s.get(t, v2+"/titles/1", "Accept-Language", accept)); e.Error.Message != want {
			t.Errorf("%q: %q, want %q", accept, e.Error.Message, want)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, q := range []string{"page=1", "genres=a,b&genres[]=c", "search=%D1%8F", "a=%zz", "=&=&", "limit=-1;page=2", "sort=\x00"} {
		f.Add(q)
	}
	s := open(f)
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range []string{"/titles", "/search", "/titles/batch"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+v2+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.URL.RawQuery = query
			w := newRecorder()
			s.handler.ServeHTTP(w, r)
			if w.Code >= 500 {
				t.Errorf("%s?%s: %d", path, query, w.Code)
			}
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s?%s: not JSON", path, query)
			}
		}
	})
}

// TestListKeyHasEveryPartOfTheQuery: two queries that ask for different pages must
// never share an answer, whatever is added to Query one day.
// TestDifferentlySpeltRequestsShareAnAnswer.
