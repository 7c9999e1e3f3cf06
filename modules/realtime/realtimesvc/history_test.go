package realtimesvc_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimesvc"
	rt "anihub/modules/realtime/realtimetest"
	"anihub/platform/documents"
	"anihub/platform/documents/mongowiretest"
	"anihub/platform/lease"
)

// shelf is a store that can be down and that counts what is written to it.
type shelf struct {
	documents.Store
	down   atomic.Bool
	writes atomic.Int64
}

func newShelf(t testing.TB) *shelf {
	t.Helper()
	s, err := documents.OpenSQLite(filepath.Join(t.TempDir(), "news.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &shelf{Store: s}
}

func (s *shelf) Collection(spec documents.Spec) documents.Collection {
	return &books{s.Store.Collection(spec), s}
}

type books struct {
	documents.Collection
	shelf *shelf
}

func (b *books) Insert(ctx context.Context, id string, doc any) error {
	if b.shelf.down.Load() {
		return documents.ErrUnavailable
	}
	err := b.Collection.Insert(ctx, id, doc)
	if err == nil {
		b.shelf.writes.Add(1)
	}
	return err
}

func (b *books) Scan(ctx context.Context, s documents.Scan) iter.Seq2[documents.Document, error] {
	if b.shelf.down.Load() {
		return func(yield func(documents.Document, error) bool) {
			yield(documents.Document{}, documents.ErrUnavailable)
		}
	}
	return b.Collection.Scan(ctx, s)
}

func on(s documents.Store) func(*realtimesvc.Config, *realtimesvc.Deps) {
	return func(_ *realtimesvc.Config, d *realtimesvc.Deps) { d.Documents = s }
}

func read(t *testing.T, h *house, q realtime.HistoryQuery) []realtime.News {
	t.Helper()
	out, err := h.History(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestContractOverMongo(t *testing.T) {
	t.Parallel()
	server := mongowiretest.Start(t)
	rt.Contract(t, func(t *testing.T) rt.Subject { return subjectOn(t, server.Open(t)) })
}

// TestHistoryIsRepaired: a publisher that died, or a store that was away, between the
// log and the copy leaves a hole, which publishing again fills. It comes last then, so
// that a reader who had gone on already does not miss it.
func TestHistoryIsRepaired(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	h := open(t, on(s))
	s.down.Store(true)
	_, err := h.Publish(t.Context(), []realtime.Event{rt.Episode(5, 1)})
	if !errors.Is(err, realtime.ErrUnavailable) {
		t.Fatalf("published without a copy: %v", err)
	}
	s.down.Store(false)
	second := rt.Publish(t, h, rt.Episode(5, 2))
	seen := read(t, h, realtime.HistoryQuery{})
	if len(seen) != 1 || seen[0].EventID != second[0].EventID {
		t.Fatalf("history %+v", seen)
	}
	again := rt.Publish(t, h, rt.Episode(5, 1))
	if !again[0].Duplicate {
		t.Errorf("published again: %+v", again)
	}
	rest := read(t, h, realtime.HistoryQuery{AfterOrder: seen[0].Order})
	if len(rest) != 1 || rest[0].EventID != again[0].EventID || rest[0].Position != again[0].Position {
		t.Errorf("behind what was read: %+v", rest)
	}
	// Whoever was told the second one live has been told the first one live too.
	if got := read(t, h, realtime.HistoryQuery{After: second[0].Position}); len(got) != 0 {
		t.Errorf("behind the second position: %+v", got)
	}
	if got := read(t, h, realtime.HistoryQuery{After: again[0].Position}); len(got) != 1 || got[0].EventID != second[0].EventID {
		t.Errorf("behind the first position: %+v", got)
	}
}

// TestHistoryOutlivesTheLog: positions of a lost log stay good, and an event that is
// published again on the new one keeps its own.
func TestHistoryOutlivesTheLog(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	h := open(t, on(s))
	old := rt.Publish(t, h, rt.Episode(5, 1), rt.Episode(5, 2))
	h.log.flood(1000)
	rt.Publish(t, h, rt.Episode(5, 2), rt.Episode(5, 3))
	want := []string{old[0].EventID, old[1].EventID, "new_episode:5:3"}
	all := read(t, h, realtime.HistoryQuery{})
	if diff := cmp.Diff(want, ids(all)); diff != "" {
		t.Fatalf("-want +got\n%s", diff)
	}
	if all[1].Position != old[1].Position {
		t.Errorf("position %s, was %s", all[1].Position, old[1].Position)
	}
	if diff := cmp.Diff(want[1:], ids(read(t, h, realtime.HistoryQuery{After: old[0].Position}))); diff != "" {
		t.Errorf("behind a position of the lost log: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(want[2:], ids(read(t, h, realtime.HistoryQuery{After: old[1].Position}))); diff != "" {
		t.Errorf("behind the end of the lost log: -want +got\n%s", diff)
	}
}

func ids(all []realtime.News) []string {
	out := []string{}
	for _, n := range all {
		out = append(out, n.EventID)
	}
	return out
}

// TestHistoryOfAFleet: rooms that publish at once give out every number once, and
// write each event once.
func TestHistoryOfAFleet(t *testing.T) {
	t.Parallel()
	const rooms, each = 4, 25
	s := newShelf(t)
	first := open(t, on(s))
	fleet := []*house{first}
	for range rooms - 1 {
		fleet = append(fleet, open(t, on(s), func(_ *realtimesvc.Config, d *realtimesvc.Deps) { d.Log = first.log }))
	}
	var wg sync.WaitGroup
	for i, h := range fleet {
		wg.Go(func() {
			for n := range each {
				events := []realtime.Event{rt.Episode(100+i, float64(n)), rt.Episode(7, float64(n))}
				if _, err := h.Publish(t.Context(), events); err != nil {
					t.Errorf("room %d: %v", i, err)
				}
			}
		})
	}
	wg.Wait()
	all := read(t, first, realtime.HistoryQuery{})
	if len(all) != (rooms+1)*each || s.writes.Load() != int64(len(all)) {
		t.Errorf("%d events, %d writes; want %d of both", len(all), s.writes.Load(), (rooms+1)*each)
	}
	for i, n := range all {
		if n.Order != int64(i+1) {
			t.Fatalf("number %d is %d", i+1, n.Order)
		}
	}
}

// TestHistoryIsPruned by one process at a time, and only what is over.
func TestHistoryIsPruned(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	first := open(t, on(s))
	rt.Publish(t, first, rt.Episode(5, 1))
	first.stop()
	raw := s.Collection(documents.Spec{Name: "news", Indexes: []documents.Index{
		{Field: "seq", Unique: true}, {Field: "place"}, {Field: "published_at"}, {Field: "title_id"},
	}})
	for i := range 450 {
		err := raw.Insert(t.Context(), fmt.Sprint("old:", i), map[string]any{
			"seq": int64(-i), "place": "e:0", "published_at": time.Now().Add(-91 * 24 * time.Hour), "title_id": int64(1),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	keeper := lease.NewMemory()
	for range 2 {
		open(t, on(s), func(_ *realtimesvc.Config, d *realtimesvc.Deps) { d.Leases = keeper })
	}
	for left := -1; left != 1; time.Sleep(5 * time.Millisecond) {
		left = 0
		for _, err := range raw.Scan(t.Context(), documents.Scan{}) {
			if err != nil {
				t.Fatal(err)
			}
			left++
		}
	}
	if _, err := raw.Get(t.Context(), "new_episode:5:1", &map[string]any{}); err != nil {
		t.Errorf("what is not over is gone: %v", err)
	}
}

// BenchmarkPublish is what the copy costs a publisher: "log" has none, "again" finds it
// there.
func BenchmarkPublish(b *testing.B) {
	for name, c := range map[string]struct {
		store documents.Store
		step  int
	}{"log": {nil, 1}, "kept": {newShelf(b), 1}, "again": {newShelf(b), 0}} {
		b.Run(name, func(b *testing.B) {
			h := open(b, on(c.store))
			number := 0
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.Publish(b.Context(), []realtime.Event{rt.Episode(5, float64(number))}); err != nil {
					b.Fatal(err)
				}
				number = (number + c.step) % 100_000
			}
		})
	}
}

func TestNoHistoryWithoutAStore(t *testing.T) {
	t.Parallel()
	if _, err := open(t).History(t.Context(), realtime.HistoryQuery{}); !errors.Is(err, realtime.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
