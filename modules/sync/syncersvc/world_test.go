package syncersvc_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"anihub/modules/catalog"
	"anihub/modules/realtime"
	"anihub/modules/sync/syncersvc"
	"anihub/modules/sync/syncertest"
	"anihub/platform/anilibria"
	"anihub/platform/documents"
	"anihub/platform/lease"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is the upstream, the catalogue and realtime around the room, with an
// oracle: what was aired and what was told.
type world struct {
	mu       sync.Mutex
	episodes map[int]int // upstream: title → episodes out
	fresh    []int       // upstream: newest bump first
	at       map[int]time.Time
	known    map[int]int // catalogue: title → episodes stored
	pending  []catalog.Event
	told     []string // realtime: event ids in order, each once
	calls    map[string]int
	refresh  []catalog.Refresh
	expected []catalog.Expected // of ongoing titles
	unlisted map[int]bool       // titles that the pages leave out, though the upstream has them
	shift    int                // how many titles of a page come once more on the next

	upstreamDown error
	catalogDown  error
	realtimeDown error
	hang         bool        // single titles hang
	failing      map[int]int // titles that fail so many times, -1 = always
	failure      string      // the code of that
	crashAfter   int         // Confirm fails this many times, as if the process died before it
}

func newWorld(titles int) *world {
	w := &world{episodes: map[int]int{}, at: map[int]time.Time{}, known: map[int]int{}, calls: map[string]int{}}
	for id := 1; id <= titles; id++ {
		w.air(id)
	}
	return w
}

var dawn = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// air puts one more episode of a title out.
func (w *world) air(id int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.episodes[id]++
	w.at[id] = dawn.Add(time.Duration(len(w.at)+len(w.told)+w.episodes[id]) * time.Hour).Add(time.Duration(w.calls["air"]) * time.Minute)
	w.calls["air"]++
	w.fresh = append([]int{id}, slices.DeleteFunc(w.fresh, func(x int) bool { return x == id })...)
}

// Latest implements syncersvc.Upstream.
func (w *world) Latest(ctx context.Context, limit int) ([]anilibria.Bump, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls["latest"]++
	if err := errors.Join(ctx.Err(), w.upstreamDown); err != nil {
		return nil, err
	}
	var out []anilibria.Bump
	for _, id := range w.fresh[:min(limit, len(w.fresh))] {
		out = append(out, anilibria.Bump{ID: id, FreshAt: w.at[id], EpisodeID: fmt.Sprintf("%d-%d", id, w.episodes[id])})
	}
	return out, nil
}

// CatalogPage implements syncersvc.Upstream.
func (w *world) CatalogPage(ctx context.Context, page, limit int) (anilibria.CatalogPage, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls["page"]++
	if err := errors.Join(ctx.Err(), w.upstreamDown); err != nil {
		return anilibria.CatalogPage{}, err
	}
	all := slices.DeleteFunc(slices.Clone(w.fresh), func(id int) bool { return w.unlisted[id] })
	n := len(all)
	from, to := min((page-1)*limit, n), min(page*limit, n)
	from = max(0, from-w.shift)
	return anilibria.CatalogPage{IDs: all[from:to], Page: page, Pages: (n + limit - 1) / limit, Total: n}, nil
}

// Refresh implements syncersvc.Catalog.
func (w *world) Refresh(ctx context.Context, r catalog.Refresh) (catalog.Refreshed, error) {
	w.mu.Lock()
	hang := w.hang && len(r.IDs) == 1
	w.mu.Unlock()
	if hang || slices.Contains(r.IDs, syncertest.Hanging) {
		<-ctx.Done()
		return catalog.Refreshed{}, ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refresh = append(w.refresh, r)
	if err := errors.Join(ctx.Err(), w.catalogDown); err != nil {
		return catalog.Refreshed{}, err
	}
	var out catalog.Refreshed
	for _, id := range r.IDs {
		if w.failing[id] != 0 {
			w.failing[id]--
			out.Failed = append(out.Failed, catalog.Failure{ID: id, Code: w.failure})
			continue
		}
		now, ok := w.episodes[id]
		if !ok {
			out.Missing = append(out.Missing, id)
			if _, had := w.known[id]; r.Hide && had {
				delete(w.known, id)
				out.Hidden = append(out.Hidden, id)
			}
			continue
		}
		for e := w.known[id] + 1; e <= now && !r.Silent; e++ {
			w.pending = append(w.pending, catalog.Event{
				ID: fmt.Sprintf("new_episode:%d:%d", id, e), Type: catalog.NewEpisode, TitleID: id, Episode: float64(e), At: w.at[id],
			})
		}
		if w.known[id] != now {
			out.Changed = append(out.Changed, id)
		}
		w.known[id] = now
	}
	return out, nil
}

// Pending implements syncersvc.Catalog.
func (w *world) Pending(ctx context.Context, limit int) ([]catalog.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.pending[:min(limit, len(w.pending))]), errors.Join(ctx.Err(), w.catalogDown)
}

// Confirm implements syncersvc.Catalog.
func (w *world) Confirm(ctx context.Context, events []catalog.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.crashAfter > 0 {
		w.crashAfter--
		return errors.New("died before confirming")
	}
	w.pending = slices.DeleteFunc(w.pending, func(e catalog.Event) bool {
		return slices.ContainsFunc(events, func(x catalog.Event) bool { return x.ID == e.ID })
	})
	return ctx.Err()
}

// Publish implements syncersvc.Realtime.
func (w *world) Publish(ctx context.Context, events []realtime.Event) ([]realtime.Published, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := errors.Join(ctx.Err(), w.realtimeDown); err != nil {
		return nil, err
	}
	var out []realtime.Published
	for _, e := range events {
		duplicate := slices.Contains(w.told, e.ID)
		if !duplicate {
			w.told = append(w.told, e.ID)
		}
		out = append(out, realtime.Published{EventID: e.ID, Duplicate: duplicate})
	}
	return out, nil
}

// vanish makes the upstream forget titles.
func (w *world) vanish(ids ...int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		delete(w.episodes, id)
		w.fresh = slices.DeleteFunc(w.fresh, func(x int) bool { return x == id })
	}
}

func (w *world) set(change func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

func (w *world) news() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.told)
}

func (w *world) count(call string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[call]
}

func openStore(t *testing.T) documents.Store {
	t.Helper()
	s, err := documents.OpenSQLite(filepath.Join(t.TempDir(), "sync.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func quick() syncersvc.Config {
	c := syncersvc.DefaultConfig()
	c.PollInterval, c.LeaseTTL = time.Second, time.Second
	return c
}

// room is a running room in a world.
func room(t *testing.T, w *world, store documents.Store, leases lease.Keeper, cfg syncersvc.Config, change ...func(*syncersvc.Deps)) (*syncersvc.Service, func()) {
	t.Helper()
	deps := syncersvc.Deps{
		Catalog: w, Realtime: w, Upstream: w, Store: store, Leases: leases,
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	}
	for _, c := range change {
		c(&deps)
	}
	s, err := syncersvc.New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return s, stop
}

// eventually polls a condition; it fails the test when it never holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

// Titles implements syncersvc.Catalog.
func (w *world) Titles(_ context.Context, q catalog.Query, _ string) (catalog.Answer[catalog.Page], error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var a catalog.Answer[catalog.Page]
	from := (q.Page - 1) * q.Limit
	if q.Status == "" {
		ids := slices.Sorted(maps.Keys(w.known))
		for _, id := range ids[min(from, len(ids)):min(from+q.Limit, len(ids))] {
			a.Value.Titles = append(a.Value.Titles, catalog.Summary{ID: id})
		}
		return a, nil
	}
	for _, e := range w.expected[min(from, len(w.expected)):min(from+q.Limit, len(w.expected))] {
		a.Value.Titles = append(a.Value.Titles, catalog.Summary{Expected: e})
	}
	a.Value.Total = len(w.expected)
	return a, nil
}
