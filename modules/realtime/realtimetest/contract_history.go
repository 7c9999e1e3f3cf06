package realtimetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/realtime"
)

func history(t *testing.T, s Subject, q realtime.HistoryQuery) []realtime.News {
	t.Helper()
	out, err := s.Service.History(t.Context(), q)
	if err != nil {
		t.Fatalf("history %+v: %v", q, err)
	}
	return out
}

func idsOf(all []realtime.News) []string {
	out := []string{}
	for _, n := range all {
		out = append(out, n.EventID)
	}
	return out
}

// testHistory: what Publish answered is there, once, in order, as viewers see it.
func testHistory(t *testing.T, s Subject) {
	if got := history(t, s, realtime.HistoryQuery{}); len(got) != 0 {
		t.Fatalf("a new log has a history: %+v", got)
	}
	begun := time.Now().Add(-time.Minute)
	done := Publish(t, s.Service, Episode(5, 1), Episode(6, 1), Episode(5, 2))
	Publish(t, s.Service, Episode(6, 1))
	Publish(t, s.Service, realtime.Event{Type: realtime.StatusChange, TitleID: 5, Data: map[string]any{"new_status": "completed"}})
	got := history(t, s, realtime.HistoryQuery{})
	if diff := cmp.Diff([]string{"new_episode:5:1", "new_episode:6:1", "new_episode:5:2", "status_change:5:completed"}, idsOf(got)); diff != "" {
		t.Fatalf("-want +got\n%s", diff)
	}
	first := got[0]
	if first.Position != done[0].Position || first.Type != realtime.NewEpisode || first.TitleID != 5 || first.At.Before(begun) ||
		!bytes.Contains(first.Data, []byte("Звёздный причал")) {
		t.Errorf("news %+v", first)
	}
	if !slices.IsSortedFunc(got, func(a, b realtime.News) int { return int(a.Order - b.Order) }) || first.Order < 1 {
		t.Errorf("orders are not: %+v", got)
	}
	for want, q := range map[string]realtime.HistoryQuery{
		"[new_episode:5:1 new_episode:5:2 status_change:5:completed]": {Titles: []int{5}},
		"[status_change:5:completed]":                                 {Titles: []int{5, 6}, Types: []string{realtime.StatusChange}},
		"[new_episode:5:1 new_episode:6:1]":                           {Limit: 2},
		"[new_episode:5:2 status_change:5:completed]":                 {AfterOrder: got[1].Order},
		"[]": {Titles: []int{7}},
	} {
		if ids := fmt.Sprint(idsOf(history(t, s, q))); ids != want {
			t.Errorf("%+v: %s, want %s", q, ids, want)
		}
	}
	first.Data[0] = 'x'
	if again := history(t, s, realtime.HistoryQuery{Limit: 1}); again[0].Data[0] != '{' {
		t.Error("the history shares its bytes")
	}
}

func testHistoryAfter(t *testing.T, s Subject) {
	start, err := s.Service.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := history(t, s, realtime.HistoryQuery{After: start}); len(got) != 0 {
		t.Errorf("after the beginning of nothing: %+v", got)
	}
	var events []realtime.Event
	for i := range 30 {
		events = append(events, Episode(5+i%2, float64(i)))
	}
	done := Publish(t, s.Service, events...)
	if got := history(t, s, realtime.HistoryQuery{After: start}); len(got) != 30 {
		t.Errorf("after the beginning: %d", len(got))
	}
	// In pages, by the position of the last one read.
	var ids []string
	for at := done[4].Position; ; {
		page := history(t, s, realtime.HistoryQuery{After: at, Limit: 7})
		if len(page) == 0 {
			break
		}
		ids = append(ids, idsOf(page)...)
		at = page[len(page)-1].Position
	}
	want := []string{}
	for _, d := range done[5:] {
		want = append(want, d.EventID)
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := history(t, s, realtime.HistoryQuery{After: "elsewhere:7"}); len(got) != 30 {
		t.Errorf("after a position of an unknown epoch: %d", len(got))
	}
}

func testHistoryRefuses(t *testing.T, s Subject) {
	for _, c := range []struct {
		q    realtime.HistoryQuery
		want error
	}{
		{realtime.HistoryQuery{After: "nonsense"}, realtime.ErrBadPosition},
		{realtime.HistoryQuery{After: "e:-1"}, realtime.ErrBadPosition},
		{realtime.HistoryQuery{Types: []string{"gossip"}}, realtime.ErrUnknownType},
	} {
		if _, err := s.Service.History(t.Context(), c.q); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.q, err, c.want)
		}
	}
}
