package userstest

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/users"
	"anihub/platform/fault"
)

// at is a moment of the evening at which everything in these tests is watched.
func at(second int) time.Time { return time.Date(2026, 5, 1, 20, 0, second, 0, time.UTC) }

func seen(episode, seconds float64, second int) users.EpisodeEdit {
	return users.EpisodeEdit{Episode: episode, Seconds: &seconds, At: at(second)}
}

func marked(e users.EpisodeEdit, watched bool) users.EpisodeEdit {
	e.Watched = &watched
	return e
}

// ancient is what a device says whose clock was never set.
func ancient(seconds float64) users.EpisodeEdit {
	e := marked(seen(1, seconds, 0), true)
	e.At = time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)
	return e
}

func save(t *testing.T, s users.Service, id string, title int, edits ...users.EpisodeEdit) users.TitleProgress {
	t.Helper()
	got, err := s.SaveProgress(t.Context(), id, []users.TitleEdits{{TitleID: title, Episodes: edits}})
	if err != nil || len(got) != 1 || got[0].TitleID != title {
		t.Fatalf("%+v, %v", got, err)
	}
	return got[0]
}

func progressSaved(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer").User.ID
	heads, err := s.ProgressOf(t.Context(), mine)
	if err != nil || heads == nil || len(heads) != 0 {
		t.Errorf("at first: %v, %v", heads, err)
	}
	got, err := s.SaveProgress(t.Context(), mine, []users.TitleEdits{
		{TitleID: 9, Episodes: []users.EpisodeEdit{seen(25.5, 61.25, 5), marked(seen(1, 1400, 1), true)}},
		{TitleID: 4, Episodes: []users.EpisodeEdit{seen(1, 10, 7)}},
		{TitleID: 9, Episodes: []users.EpisodeEdit{marked(seen(2, 1400, 2), true)}}, // named again
	})
	if err != nil {
		t.Fatal(err)
	}
	nine := users.TitleProgress{ProgressHead: users.ProgressHead{TitleID: 9, UpdatedAt: at(5), Watched: 2}, Episodes: []users.EpisodeProgress{
		{Episode: 1, Seconds: 1400, Watched: true, UpdatedAt: at(1)},
		{Episode: 2, Seconds: 1400, Watched: true, UpdatedAt: at(2)},
		{Episode: 25.5, Seconds: 61.25, UpdatedAt: at(5)},
	}}
	four := users.TitleProgress{ProgressHead: users.ProgressHead{TitleID: 4, UpdatedAt: at(7)}, Episodes: []users.EpisodeProgress{{Episode: 1, Seconds: 10, UpdatedAt: at(7)}}}
	if diff := cmp.Diff([]users.TitleProgress{nine, four}, got); diff != "" {
		t.Error(diff)
	}
	if got, err = s.Progress(t.Context(), mine, []int{4, 77, 0, 9}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]users.TitleProgress{four, nine}, got); diff != "" {
		t.Error(diff)
	}
	if heads, err = s.ProgressOf(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]users.ProgressHead{four.ProgressHead, nine.ProgressHead}, heads); diff != "" {
		t.Error(diff)
	}
	_, err = s.Progress(t.Context(), mine, make([]int, users.MaxProgressRead+1))
	is(t, "too many", err, users.ErrUnacceptable)
}

// The rules of users.Progress one by one; that they converge in any order is shown
// of the function that merges.
func progressConverges(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer").User.ID
	for i, c := range []struct {
		name    string
		edits   []users.EpisodeEdit
		seconds float64
		watched bool
	}{
		{"the later wins", []users.EpisodeEdit{seen(1, 50, 1), seen(1, 20, 2)}, 20, false},
		{"in whatever order", []users.EpisodeEdit{seen(1, 20, 2), seen(1, 50, 1)}, 20, false},
		{"the larger wins a tie", []users.EpisodeEdit{seen(1, 50, 1), seen(1, 80, 1), seen(1, 20, 1)}, 80, false},
		{"watched stays", []users.EpisodeEdit{marked(seen(1, 1400, 1), true), seen(1, 5, 2)}, 5, true},
		{"until unset by a later edit", []users.EpisodeEdit{marked(seen(1, 1400, 1), true), marked(seen(1, 5, 2), false)}, 5, false},
		{"but not by an earlier one", []users.EpisodeEdit{marked(seen(1, 5, 3), true), marked(seen(1, 9, 2), false)}, 5, true},
		{"watched wins a tie", []users.EpisodeEdit{marked(seen(1, 5, 3), true), marked(seen(1, 9, 3), false)}, 9, true},
		{"set and unset without a place", []users.EpisodeEdit{
			seen(1, 7, 1), marked(users.EpisodeEdit{Episode: 1, At: at(2)}, true), marked(users.EpisodeEdit{Episode: 1, At: at(3)}, false),
		}, 7, false},
		{"a clock that stands still is heard", []users.EpisodeEdit{ancient(9)}, 9, true},
		{"and stays heard", []users.EpisodeEdit{ancient(9), marked(users.EpisodeEdit{Episode: 1, At: at(1)}, false)}, 9, false},
		{"and loses", []users.EpisodeEdit{ancient(9), marked(seen(1, 3, 1), false)}, 3, false},
	} {
		var last users.TitleProgress
		for _, e := range c.edits {
			last = save(t, s, mine, i+1, e)
		}
		if e := last.Episodes[0]; len(last.Episodes) != 1 || e.Seconds != c.seconds || e.Watched != c.watched {
			t.Errorf("%s: %+v", c.name, last)
		}
		again := save(t, s, mine, i+1, c.edits...)
		if diff := cmp.Diff(last, again); diff != "" {
			t.Errorf("%s: all at once and again: %s", c.name, diff)
		}
	}
	t.Run("a time in the future is now", func(t *testing.T) {
		for i, future := range []time.Time{{}, time.Now().Add(time.Hour), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
			before := time.Now().Truncate(time.Millisecond)
			e := seen(1, 500, 0)
			e.At = future
			got := save(t, s, mine, 100+i, e).Episodes[0].UpdatedAt
			if got.Before(before) || got.After(time.Now()) {
				t.Errorf("%s became %s", future, got)
			}
			time.Sleep(2 * time.Millisecond)
			e = seen(1, 3, 0)
			e.At = time.Now()
			if got := save(t, s, mine, 100+i, e); got.Episodes[0].Seconds != 3 {
				t.Errorf("an edit now did not win: %+v", got)
			}
		}
	})
}

func progressUnacceptable(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer").User.ID
	refused := func(name, wantField string, edits ...users.TitleEdits) {
		t.Helper()
		good := users.TitleEdits{TitleID: 1, Episodes: []users.EpisodeEdit{seen(1, 1, 1)}}
		_, err := s.SaveProgress(t.Context(), mine, append([]users.TitleEdits{good}, edits...))
		is(t, name, err, users.ErrUnacceptable)
		if f := field(err); f != wantField && f != "episodes" {
			t.Errorf("%s: field %v, want %s", name, f, wantField)
		}
		if fault.Of(err).Details["field"] == nil {
			t.Errorf("%s: no field", name)
		}
	}
	one := func(e users.EpisodeEdit) users.TitleEdits {
		return users.TitleEdits{TitleID: 2, Episodes: []users.EpisodeEdit{e}}
	}
	for _, f := range []float64{-1, math.NaN(), math.Inf(1), math.Inf(-1), users.MaxSeconds + 1} {
		refused(fmt.Sprint("seconds ", f), "seconds", one(seen(1, f, 1)))
	}
	for _, f := range []float64{-1, math.NaN(), math.Inf(1), users.MaxEpisode + 1, 1.005, 1e-300} {
		refused(fmt.Sprint("episode ", f), "episode", one(seen(f, 1, 1)))
	}
	refused("nothing said", "seconds", one(users.EpisodeEdit{Episode: 1, At: at(1)}))
	refused("no episodes", "episodes", users.TitleEdits{TitleID: 2})
	refused("title", "title_id", users.TitleEdits{TitleID: 0, Episodes: []users.EpisodeEdit{seen(1, 1, 1)}})
	refused("titles", "titles", make([]users.TitleEdits, users.MaxProgressTitles)...)
	many := make([]users.EpisodeEdit, users.MaxProgressEpisodes+1)
	for i := range many {
		many[i] = seen(float64(i), 1, 1)
	}
	refused("episodes", "episodes", users.TitleEdits{TitleID: 2, Episodes: many})
	if heads, err := s.ProgressOf(t.Context(), mine); err != nil || len(heads) != 0 {
		t.Errorf("something was saved: %v, %v", heads, err)
	}
	save(t, s, mine, 3, many[1:]...)
	_, err := s.SaveProgress(t.Context(), mine, []users.TitleEdits{{TitleID: 3, Episodes: many[:1]}})
	is(t, "one more", err, users.ErrUnacceptable)
	if got, err := s.Progress(t.Context(), mine, []int{3}); err != nil || len(got[0].Episodes) != users.MaxProgressEpisodes {
		t.Errorf("afterwards: %v", err)
	}
}

func progressOfOthers(t *testing.T, s users.Service) {
	mine, other := signUp(t, s, "wanderer").User.ID, signUp(t, s, "stranger").User.ID
	save(t, s, mine, 1, seen(1, 10, 1))
	for _, id := range append(strangers(), other) {
		heads, err := s.ProgressOf(t.Context(), id)
		if err != nil || len(heads) != 0 {
			t.Errorf("%q sees %v, %v", id, heads, err)
		}
		if got, err := s.Progress(t.Context(), id, []int{1}); err != nil || len(got) != 0 {
			t.Errorf("%q sees %v, %v", id, got, err)
		}
		if id != other {
			_, err = s.SaveProgress(t.Context(), id, []users.TitleEdits{{TitleID: 1, Episodes: []users.EpisodeEdit{seen(1, 10, 1)}}})
			is(t, "nobody", err, users.ErrNotFound)
		}
	}
	save(t, s, other, 1, seen(1, 99, 5))
	got, err := s.Progress(t.Context(), mine, []int{1})
	if err != nil || got[0].Episodes[0].Seconds != 10 {
		t.Errorf("%+v, %v", got, err)
	}
}
