package api_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRecommended(t *testing.T) {
	t.Parallel()
	s := newsstand(t)
	s.catalog.Recommend(3, 9, 4, 12345, 3)
	for _, path := range []string{v2 + "/titles/3/recommended", "/api/anilibria/titles/3/recommended"} {
		r := s.get(t, path)
		e := answerOf(t, r)
		var got []struct{ ID int }
		if err := json.Unmarshal(e.Data, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]struct{ ID int }{{9}, {4}}, got); r.StatusCode != 200 || d != "" || e.Pagination.Total != 2 {
			t.Errorf("%s: %d %+v (-want +got):\n%s", path, r.StatusCode, e.Pagination, d)
		}
		if r := s.get(t, path, "If-None-Match", r.Header.Get("Etag")); r.StatusCode != 304 {
			t.Errorf("%s again: %d", path, r.StatusCode)
		}
	}
	if e := answerOf(t, s.get(t, v2+"/titles/3/recommended?limit=1")); e.Pagination.Limit != 1 || e.Pagination.Total != 2 {
		t.Errorf("one of them: %+v", e.Pagination)
	}
	if e := answerOf(t, s.get(t, v2+"/titles/5/recommended")); string(e.Data) != "[]" {
		t.Errorf("nothing: %s", e.Data)
	}
	for path, status := range map[string]int{
		"/titles/404/recommended": 404, "/titles/x/recommended": 400, "/titles/3/recommended?limit=101": 422, "/titles/3/recommended?x=1": 400,
	} {
		if r := s.get(t, v2+path); r.StatusCode != status {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, status)
		}
	}
	s.catalog.Down(true)
	if r := s.get(t, v2+"/titles/3/recommended?page=2"); r.StatusCode != 200 {
		t.Errorf("known, with the upstream down: %d", r.StatusCode)
	}
	if r := s.get(t, v2+"/titles/6/recommended"); r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("unknown, with the upstream down: %d", r.StatusCode)
	}
}
