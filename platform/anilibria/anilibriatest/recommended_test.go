package anilibriatest_test

import (
	"strconv"
	"testing"

	"anihub/platform/anilibria/anilibriatest"
)

func TestRecommendedTitlesShareGenres(t *testing.T) {
	t.Parallel()
	s := anilibriatest.New(anilibriatest.Generate(60, 4))
	id := s.IDs()[0]
	one := api(t, s, "anime/releases/"+strconv.Itoa(id))
	genres := map[any]bool{}
	for _, g := range at(one, "genres").([]any) {
		genres[at(g, "id")] = true
	}
	list := api(t, s, "anime/releases/recommended?limit=5&release_id="+strconv.Itoa(id)).([]any)
	if len(list) == 0 || len(list) > 5 {
		t.Fatalf("%d recommended", len(list))
	}
	for _, other := range list {
		shared := 0
		for _, g := range at(other, "genres").([]any) {
			if genres[at(g, "id")] {
				shared++
			}
		}
		if shared == 0 || at(other, "id") == float64(id) {
			t.Errorf("with %d: %v, which shares %d genres", id, at(other, "id"), shared)
		}
	}
	if few := api(t, s, "anime/releases/recommended?limit=2&include=id&release_id="+strconv.Itoa(id)).([]any); len(few) != 2 || len(few[0].(map[string]any)) != 1 {
		t.Errorf("two ids: %v", few)
	}
	for path, want := range map[string]int{"?release_id=1": 422, "?release_id=x": 422, "?limit=51&release_id=" + strconv.Itoa(id): 422, "": 200} {
		if code, _, body := get(t, s, anilibriatest.BasePath+"/anime/releases/recommended"+path); code != want {
			t.Errorf("%s: %d %s, want %d", path, code, body, want)
		}
	}
}
