package anilibriatest_test

import (
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"anihub/platform/anilibria/anilibriatest"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	s := demo()
	const id = 9930 // old, complete
	first := func() any { return at(api(t, s, "anime/releases/latest?limit=1"), "0") }
	if at(first(), "id") == float64(id) {
		t.Fatal("the old title is first")
	}
	e, err := s.AirEpisode(id)
	if err != nil {
		t.Fatal(err)
	}
	if at(first(), "id") != float64(id) || at(first(), "latest_episode.id") != e.ID || at(first(), "latest_episode.ordinal") != 26.0 {
		t.Errorf("after an episode the first is %v, %v", at(first(), "id"), at(first(), "latest_episode"))
	}
	before := at(first(), "latest_episode.hls_720")
	if err := s.Reupload(id, 26); err != nil {
		t.Fatal(err)
	}
	if at(first(), "latest_episode.id") != e.ID || at(first(), "latest_episode.hls_720") == before {
		t.Error("a re-upload keeps the id and changes the path")
	}
	if err := s.SetStatus(9918, true, true); err != nil {
		t.Fatal(err)
	}
	if at(first(), "id") != float64(id) || at(api(t, s, "anime/releases/9918"), "is_ongoing") != true {
		t.Error("a status moves a title or is lost")
	}
	if err := s.Hide(id); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := get(t, s, anilibriatest.BasePath+"/anime/releases/9930"); code != 404 || at(first(), "id") == float64(id) || slices.Contains(s.IDs(), id) {
		t.Error("a hidden title is seen")
	}
	if err := s.Show(id); err != nil || at(first(), "id") != float64(id) {
		t.Error("a title shown again is not where it was")
	}
	added := s.AddTitle(anilibriatest.Title{Main: "Новый", Episodes: []anilibriatest.Episode{{Ordinal: 1, Quality: 720}}})
	if at(first(), "id") != float64(added) {
		t.Errorf("the new title %d is not first", added)
	}
	if err := s.Reupload(added, 7); err == nil {
		t.Error("an episode that is not there was uploaded again")
	}
	if _, err := s.AirEpisode(1); err == nil {
		t.Error("an unknown title has an episode")
	}
	// An episode without a source is there, but cannot be watched yet.
	if _, err := s.Air(added, anilibriatest.Episode{}); err != nil || at(first(), "latest_episode.hls_480") != nil {
		t.Errorf("%v %v", err, at(first(), "latest_episode"))
	}
	if err := s.Reupload(added, 2); err != nil || at(first(), "latest_episode.hls_480") == nil {
		t.Error("the upload brought no source")
	}
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	a, b := anilibriatest.Generate(2000, 7), anilibriatest.Generate(2000, 7)
	s := anilibriatest.New(a)
	other := anilibriatest.New(b)
	if len(s.IDs()) != 2000 {
		t.Fatalf("%d titles", len(s.IDs()))
	}
	for _, id := range []int{20_000, 20_999, 21_999} {
		path := "anime/releases/" + strconv.Itoa(id)
		one, two := mustJSON(api(t, s, path)), mustJSON(api(t, other, path))
		if one != two || len(one) < 2000 {
			t.Errorf("title %d is not the same twice, or thin: %d bytes", id, len(one))
		}
	}
	e := at(api(t, s, "anime/releases/20001"), "episodes.0.id")
	if e != nil && at(api(t, s, "anime/releases/episodes/"+e.(string)), "release.id") != 20001.0 {
		t.Error("a generated episode is not found by its uuid")
	}
	if _, err := s.AirEpisode(20_500); err != nil || at(api(t, s, "anime/releases/latest?limit=1"), "0.id") != 20500.0 {
		t.Error("an episode of a generated title does not air")
	}
}

func TestDemoAirsInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := anilibriatest.New(anilibriatest.Catalogue())
		d := anilibriatest.NewDemo(s)
		seen := map[int]bool{}
		for range 10 {
			if err := d.Step(); err != nil {
				t.Fatal(err)
			}
			seen[s.IDs()[0]] = true
			time.Sleep(5 * time.Second)
		}
		if len(seen) != 10 {
			t.Errorf("10 episodes aired on %d titles", len(seen))
		}
		for range 1000 { // long after every season has ended
			if err := d.Step(); err != nil {
				t.Fatal(err)
			}
		}
		before := s.IDs()[0]
		if err := d.Step(); err != nil || s.IDs()[0] == before {
			t.Error("the demo has run dry")
		}
	})
}
