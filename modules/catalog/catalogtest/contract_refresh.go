package catalogtest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"anihub/modules/catalog"
)

// brief says events in a few words, sorted by title, so that batches compare.
func brief(events []catalog.Event) []string {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b catalog.Event) int { return a.TitleID - b.TitleID })
	var out []string
	for _, e := range events {
		s := fmt.Sprintf("%s %d", e.Type, e.TitleID)
		switch e.Type {
		case catalog.NewEpisode, catalog.EpisodeUpdate:
			s += fmt.Sprintf(" %g", e.Episode)
		case catalog.StatusChange:
			s += " " + e.OldStatus + ">" + e.NewStatus
		}
		out = append(out, s)
	}
	return out
}

func baseline(t *testing.T, c catalog.Service, up Upstream) {
	up.Set(Title(4), Title(13))
	out := refresh(t, c, catalog.Refresh{IDs: []int{4, 13}, Silent: true, Background: true})
	same(t, "baseline", out, catalog.Refreshed{Changed: []int{4, 13}})
	same(t, "afterwards", refresh(t, c, catalog.Refresh{IDs: []int{4, 13}}), catalog.Refreshed{})
	out = refresh(t, c, catalog.Refresh{IDs: []int{4}, Force: true})
	same(t, "forced", out, catalog.Refreshed{Changed: []int{4}})
	p, err := c.Pending(t.Context(), 10)
	same(t, "pending", must(t, p, err), []catalog.Event(nil))
}

func changes(t *testing.T, c catalog.Service, up Upstream) {
	fill(t, c, up, 6)
	now := Title(6) // ongoing, 6 episodes
	soundless := Episode(6, 7)
	soundless.Sources = nil
	step := func(name string, next catalog.Title, want ...string) catalog.Refreshed {
		t.Helper()
		now = next
		up.Set(now)
		out := refresh(t, c, catalog.Refresh{IDs: []int{6}})
		same(t, name, brief(out.Events), want)
		same(t, name+", again", refresh(t, c, catalog.Refresh{IDs: []int{6}}), catalog.Refreshed{})
		return out
	}
	torrents := Bumped(now)
	torrents.Torrents = append(slices.Clone(torrents.Torrents), catalog.Torrent{ID: 99, Hash: "fff", UpdatedAt: start})
	out := step("a torrent", torrents)
	same(t, "changed by a torrent", out.Changed, []int{6})
	step("an episode without a source", WithEpisode(now, soundless))
	sounding := now
	sounding.Player.Episodes = slices.Clone(now.Player.Episodes)
	sounding.Player.Episodes[6] = Episode(6, 7)
	out = step("it gets one", Bumped(sounding), "new_episode 6 7")
	want := catalog.Event{
		ID: out.Events[0].ID, Type: catalog.NewEpisode, TitleID: 6, Title: now.Names.RU, Poster: now.Poster.Medium,
		Episode: 7, EpisodeID: Episode(6, 7).ID, EpisodeName: "Серия 7", At: out.Events[0].At,
	}
	same(t, "the event", out.Events, []catalog.Event{want})
	if want.ID == "" || want.At.IsZero() {
		t.Errorf("event without identity or time: %+v", want)
	}
	step("several, one of them between two", WithEpisode(WithEpisode(now, Episode(6, 7.5)), Episode(6, 8)),
		"new_episode 6 7.5", "new_episode 6 8")
	upload := Bumped(now)
	upload.Player.Episodes = slices.Clone(upload.Player.Episodes)
	upload.Player.Episodes[2].UpdatedAt = upload.Player.Episodes[2].UpdatedAt.Add(time.Hour)
	first := step("a re-upload", upload, "episode_update 6 3")
	upload = Bumped(upload)
	upload.Player.Episodes = slices.Clone(upload.Player.Episodes)
	upload.Player.Episodes[2].UpdatedAt = upload.Player.Episodes[2].UpdatedAt.Add(time.Hour)
	second := step("another re-upload", upload, "episode_update 6 3")
	if first.Events[0].ID == second.Events[0].ID {
		t.Errorf("two updates share the id %s", first.Events[0].ID)
	}
	gone := Bumped(now)
	gone.Player.Episodes = slices.Clone(gone.Player.Episodes[:8])
	gone.Episodes.Current = 8
	back := now
	step("an episode goes", gone)
	step("and comes back", Bumped(Bumped(back)))
	finished := Bumped(now)
	finished.Status = "completed"
	out = step("the end", finished, "status_change 6 ongoing>completed")
	if out.Events[0].OldStatus != "ongoing" || out.Events[0].NewStatus != "completed" {
		t.Errorf("status event = %+v", out.Events[0])
	}
}

func viewerFirst(t *testing.T, c catalog.Service, up Upstream) {
	up.Set(Title(2), Title(3))
	for _, id := range []int{2, 3} {
		a, err := c.Title(t.Context(), catalog.Ref{ID: id}, "")
		must(t, a, err)
	}
	p, err := c.Pending(t.Context(), 10)
	same(t, "news of opened titles", must(t, p, err), []catalog.Event(nil))
	refresh(t, c, catalog.Refresh{IDs: []int{3}, Silent: true})
	out := refresh(t, c, catalog.Refresh{IDs: []int{2, 3}})
	same(t, "a refresh after a viewer", brief(out.Events), []string{"new_title 2", "new_episode 2 1", "new_episode 2 2"})
	same(t, "genres of a new title", out.Events[0].Genres, Title(2).Genres)
}

func hidden(t *testing.T, c catalog.Service, up Upstream) {
	fill(t, c, up, 3)
	up.Remove(2)
	out := refresh(t, c, catalog.Refresh{IDs: []int{1, 2, 404}, Hide: true})
	same(t, "one is gone", out, catalog.Refreshed{Missing: []int{2, 404}, Hidden: []int{2}})
	out = refresh(t, c, catalog.Refresh{IDs: []int{2}, Hide: true})
	same(t, "it still is", out, catalog.Refreshed{Missing: []int{2}})
	gone := func(what string) {
		t.Helper()
		for _, ref := range []catalog.Ref{{ID: 2}, {Code: Title(2).Code}} {
			_, err := c.Title(t.Context(), ref, "")
			wantErr(t, what, err, catalog.ErrNotFound)
		}
		for what, q := range map[string]catalog.Query{
			"lists": {}, "sorted": {Sort: "name"}, "search": {Search: Title(2).Names.RU}, "batch": {IDs: []int{1, 2, 3}},
		} {
			a, err := c.Titles(t.Context(), q, "")
			for _, s := range must(t, a, err).Value.Titles {
				if s.ID == 2 {
					t.Errorf("%s have a title that is gone", what)
				}
			}
		}
	}
	gone("a title that is gone")
	up.Set(Title(2))
	out = refresh(t, c, catalog.Refresh{IDs: []int{2}, Hide: true})
	same(t, "back again, which is no news", out, catalog.Refreshed{Changed: []int{2}})
	a, err := c.Titles(t.Context(), catalog.Query{}, "")
	if must(t, a, err).Value.Total != 3 {
		t.Errorf("%d titles after it came back", a.Value.Total)
	}
	b, err := c.Title(t.Context(), catalog.Ref{ID: 2}, "")
	same(t, "the title that came back", must(t, b, err).Value.Names, Title(2).Names)
}

func missingAndFailed(t *testing.T, c catalog.Service, up Upstream) {
	up.Set(Title(1), Title(2))
	out := refresh(t, c, catalog.Refresh{IDs: []int{1, 404, 2, 405}, Silent: true})
	same(t, "some missing", out, catalog.Refreshed{Changed: []int{1, 2}, Missing: []int{404, 405}})
	up.Remove(1)
	out = refresh(t, c, catalog.Refresh{IDs: []int{1}})
	same(t, "vanished", out, catalog.Refreshed{Missing: []int{1}})
	a, err := c.Titles(t.Context(), catalog.Query{}, "")
	must(t, a, err)
	if a.Value.Total != 2 {
		t.Errorf("a vanished title is gone from the lists: %d left", a.Value.Total)
	}
	up.Down(true)
	out = refresh(t, c, catalog.Refresh{IDs: []int{1, 2}})
	if len(out.Failed) != 2 || out.Failed[0].ID != 1 || out.Failed[1].ID != 2 || out.Failed[0].Code == "" || out.Failed[0].Message == "" {
		t.Errorf("while the upstream is down: %+v", out)
	}
}

func pending(t *testing.T, c catalog.Service, up Upstream) {
	fill(t, c, up, 6)
	up.Set(WithEpisode(Title(4), Episode(4, 20)))
	first := refresh(t, c, catalog.Refresh{IDs: []int{4}})
	up.Set(WithEpisode(WithEpisode(Title(6), Episode(6, 20)), Episode(6, 21)))
	second := refresh(t, c, catalog.Refresh{IDs: []int{6}})
	all := slices.Concat(first.Events, second.Events)
	p, err := c.Pending(t.Context(), 100)
	same(t, "pending", sorted(must(t, p, err)), sorted(all))
	p, err = c.Pending(t.Context(), 1)
	same(t, "the oldest", must(t, p, err), all[:1])
	if err := c.Confirm(t.Context(), all[:2]); err != nil {
		t.Fatal(err)
	}
	if err := c.Confirm(t.Context(), slices.Concat(all[:2], []catalog.Event{{ID: "x", TitleID: 999}})); err != nil {
		t.Errorf("confirmed twice: %v", err)
	}
	p, err = c.Pending(t.Context(), 100)
	same(t, "after confirming two", must(t, p, err), all[2:])
	if err := c.Confirm(t.Context(), all[2:]); err != nil {
		t.Fatal(err)
	}
	p, err = c.Pending(t.Context(), 100)
	same(t, "after confirming all", must(t, p, err), []catalog.Event(nil))
	same(t, "a refresh afterwards", refresh(t, c, catalog.Refresh{IDs: []int{4, 6}}), catalog.Refreshed{})
}

// sorted: within one millisecond the store knows no older.
func sorted(events []catalog.Event) []catalog.Event {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b catalog.Event) int { return a.TitleID - b.TitleID })
	return events
}
