package catalogsvc_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
	"anihub/modules/catalog/catalogtest"
	"anihub/platform/cache"
	"anihub/platform/documents"
	"anihub/platform/eventlog"
)

// What one process stores appears in the lists of the other, with a position that
// has passed the bell.
func TestIndexFollowsTheBell(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	writer, reader := h.open(t, nil), h.open(t, nil)
	h.origin.Set(catalogtest.Title(1), catalogtest.Title(2))
	refresh(t, writer, catalog.Refresh{IDs: []int{1, 2}, Silent: true})
	total := func() catalog.Answer[catalog.Page] {
		a, err := reader.Titles(t.Context(), catalog.Query{}, "")
		return must(t, a, err)
	}
	eventually(t, "two titles in the other process", func() bool { return total().Value.Total == 2 })
	h.origin.Set(catalogtest.WithEpisode(catalogtest.Title(2), catalogtest.Episode(2, 3)))
	refresh(t, writer, catalog.Refresh{IDs: []int{2}})
	tail, err := h.log.Tail(t.Context())
	must(t, tail, err)
	eventually(t, "the position of the bell", func() bool {
		a := total()
		at, err := eventlog.ParsePosition(a.Position)
		if must(t, at, err).Offset >= tail.Offset && a.Value.Titles[1].Episodes.Current != 3 {
			t.Fatalf("position %s, but %d episodes", a.Position, a.Value.Titles[1].Episodes.Current)
		}
		return at.Offset >= tail.Offset
	})
}

// A position that an answer carries is never ahead of its data.
func TestPositionIsNeverAheadOfTheData(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.chain.SoftTimeout = time.Millisecond // so that stale answers are among them
	writer, reader := h.open(t, nil), h.open(t, nil)
	title := catalogtest.Title(1)
	h.origin.Set(title)
	refresh(t, writer, catalog.Refresh{IDs: []int{1}, Silent: true})
	var (
		mu    sync.Mutex
		after = map[uint64]int{} // offset of the log → episodes that were stored by then
		done  = make(chan struct{})
	)
	go func() {
		defer close(done)
		for i := range 30 {
			title = catalogtest.WithEpisode(title, catalogtest.Episode(1, float64(10+i)))
			h.origin.Set(title)
			if _, err := writer.Refresh(context.Background(), catalog.Refresh{IDs: []int{1}}); err != nil {
				t.Error(err)
			}
			tail, err := h.log.Tail(context.Background())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			after[tail.Offset] = len(title.Player.Episodes)
			mu.Unlock()
		}
	}()
	check := func(what, position string, episodes int) {
		at, err := eventlog.ParsePosition(position)
		if position == "" {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for offset, n := range after {
			if offset <= at.Offset && episodes < n {
				t.Fatalf("%s: position %s has passed %d episodes, the answer has %d", what, position, n, episodes)
			}
		}
	}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		if p, err := reader.Titles(t.Context(), catalog.Query{}, ""); err == nil && len(p.Value.Titles) > 0 {
			check("list", p.Position, p.Value.Titles[0].Episodes.Current)
		}
		if a, err := reader.Title(t.Context(), catalog.Ref{ID: 1}, ""); err == nil {
			check("title", a.Position, len(a.Value.Player.Episodes))
		}
	}
}

// fickle is a store that is down until told otherwise.
type fickle struct {
	documents.Store
	mu   sync.Mutex
	down bool
}

func (f *fickle) Collection(s documents.Spec) documents.Collection {
	return fickleCollection{f.Store.Collection(s), f}
}

func (f *fickle) set(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

func (f *fickle) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return documents.ErrUnavailable
	}
	return nil
}

type fickleCollection struct {
	documents.Collection
	f *fickle
}

func (c fickleCollection) Get(ctx context.Context, id string, into any) (int64, error) {
	if err := c.f.err(); err != nil {
		return 0, err
	}
	return c.Collection.Get(ctx, id, into)
}

func (c fickleCollection) Scan(ctx context.Context, s documents.Scan) iter.Seq2[documents.Document, error] {
	if err := c.f.err(); err != nil {
		return func(yield func(documents.Document, error) bool) { yield(documents.Document{}, err) }
	}
	return c.Collection.Scan(ctx, s)
}

// A store that is down at the start delays the index, not the start; and what
// could not be read again when the bell rang is read when the store is back.
func TestIndexHeals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	writer := h.open(t, nil)
	h.origin.Set(catalogtest.Title(1), catalogtest.Title(2), catalogtest.Title(3))
	refresh(t, writer, catalog.Refresh{IDs: []int{1, 2}, Silent: true})
	store := &fickle{Store: h.store, down: true}
	other := &house{store: store, log: h.log, origin: h.origin, chain: h.chain}
	reader := other.build(t, catalogsvc.DefaultConfig(), h.origin)
	if state, _ := reader.Ready(); state != catalogsvc.StateNotReady {
		t.Errorf("before Run: %s", state)
	}
	_, err := reader.Titles(t.Context(), catalog.Query{}, "")
	if !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("list without index: %v", err)
	}
	time.AfterFunc(30*time.Millisecond, func() { store.set(false) })
	reader.start(t)
	if state, detail := reader.Ready(); state != catalogsvc.StateReady || detail != "2 titles" {
		t.Errorf("loaded: %s, %s", state, detail)
	}
	store.set(true)
	refresh(t, writer, catalog.Refresh{IDs: []int{3}, Silent: true})
	store.set(false)
	eventually(t, "the third title", func() bool {
		a, err := reader.Titles(t.Context(), catalog.Query{}, "")
		return must(t, a, err).Value.Total == 3
	})
}

// A bell was lost: the comparison with the store finds what it would have told.
func TestIndexIsComparedWithTheStore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	reader := h.open(t, func(c *catalogsvc.Config) { c.ReloadInterval = time.Second })
	deaf := &house{store: h.store, log: eventlog.NewMemory(10), origin: h.origin, chain: h.chain}
	defer func() { _ = deaf.log.Close() }()
	writer := deaf.open(t, nil)
	h.origin.Set(catalogtest.Title(1))
	refresh(t, writer, catalog.Refresh{IDs: []int{1}, Silent: true})
	eventually(t, "the title without a bell", func() bool {
		a, err := reader.Titles(t.Context(), catalog.Query{}, "")
		return must(t, a, err).Value.Total == 1
	})
}

// Bells that this version cannot read, or that mean nothing to it, do no harm.
func TestStrangeBells(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	deaf := &house{store: h.store, log: eventlog.NewMemory(10), origin: h.origin, chain: h.chain}
	writer, reader := deaf.open(t, nil), h.open(t, nil)
	t.Cleanup(func() { _ = deaf.log.Close() })
	h.origin.Set(catalogtest.Title(1))
	refresh(t, writer, catalog.Refresh{IDs: []int{1}, Silent: true})
	for i, data := range []string{
		`{"v":1,"keys":["schedule","title:x","title:-1","title:01","title:999"]}`, `{"v":1,"pattern":"title:*"}`, `{"v":99}`, `garbage`,
	} {
		_, _, err := h.log.Append(t.Context(), eventlog.Entry{ID: fmt.Sprint("bell", i), Topic: cache.Topic, Data: []byte(data)})
		if err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "an unreadable bell makes the index look at everything", func() bool {
		a, err := reader.Titles(t.Context(), catalog.Query{}, "")
		return must(t, a, err).Value.Total == 1
	})
}
