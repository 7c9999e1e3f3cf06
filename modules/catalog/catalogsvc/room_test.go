package catalogsvc_test

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
	"anihub/modules/catalog/catalogtest"
	"anihub/platform/anilibria"
	"anihub/platform/cache"
	"anihub/platform/documents"
	"anihub/platform/documents/mongowiretest"
	"anihub/platform/eventlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is what rooms of one fleet share.
type house struct {
	store  documents.Store
	local  documents.Store // nil = none
	log    eventlog.Log
	origin *catalogtest.Origin
	chain  cache.Config
}

// room is one process: a chain of its own over the shared store and log.
type room struct {
	*catalogsvc.Service
	cache *cache.Cache
	reg   *prometheus.Registry
}

func newHouse(t testing.TB) *house {
	t.Helper()
	store, err := documents.OpenSQLite(filepath.Join(t.TempDir(), "catalog.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return houseOn(t, store)
}

// houseOn is a house over a store that somebody else closes.
func houseOn(t testing.TB, store documents.Store) *house {
	t.Helper()
	log := eventlog.NewMemory(100_000)
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return &house{store: store, log: log, origin: catalogtest.NewOrigin(), chain: patient()}
}

// patient is a chain that never answers stale because a machine under load is slow.
func patient() cache.Config {
	c := cache.DefaultConfig()
	c.HardTimeout, c.SoftTimeout, c.L3.Timeout = time.Minute, time.Minute, time.Minute
	return c
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// build makes a process of the house that does not run yet.
func (h *house) build(t testing.TB, cfg catalogsvc.Config, up anilibria.Client) *room {
	t.Helper()
	memory, err := cache.NewMemory(16 << 20)
	if err != nil {
		t.Fatal(err)
	}
	r := &room{reg: prometheus.NewRegistry()}
	deps := cache.Deps{
		L1: memory, L3: cache.NewDocuments(h.store.Collection(cache.DocumentsSpec())), Log: h.log, Logger: quiet(),
	}
	if h.local != nil {
		deps.Local = cache.NewDocuments(h.local.Collection(cache.DocumentsSpec()))
	}
	r.cache, err = cache.New(h.chain, deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.cache.Close(); err != nil {
			t.Error(err)
		}
		memory.Close()
	})
	r.Service, err = catalogsvc.New(cfg, catalogsvc.Deps{
		Store: h.store, Local: h.local, Cache: r.cache, Log: h.log, Upstream: up, Logger: quiet(), Registerer: r.reg,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// open makes a process of the house that runs until the test ends.
func (h *house) open(t testing.TB, change func(*catalogsvc.Config)) *room {
	t.Helper()
	cfg := catalogsvc.DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	r := h.build(t, cfg, h.origin)
	r.start(t)
	return r
}

// start runs the process and waits until its index is loaded.
func (r *room) start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- r.cache.Run(ctx) }()
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Errorf("Run: %v", err)
			}
		}
	})
	eventually(t, "the index is loaded", func() bool {
		state, _ := r.Ready()
		return state != catalogsvc.StateNotReady
	})
}

// eventually waits for what another goroutine will do; its time is only a bound
// for a test that fails.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for range 2000 {
		if is() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("never came true: %s", what)
}

func must[V any](t testing.TB, v V, err error) V {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
	return v
}

func refresh(t testing.TB, c catalog.Service, r catalog.Refresh) catalog.Refreshed {
	t.Helper()
	out, err := c.Refresh(context.Background(), r)
	return must(t, out, err)
}

func TestRoomPassesTheContract(t *testing.T) {
	t.Parallel()
	catalogtest.Contract(t, func(t *testing.T) (catalog.Service, catalogtest.Upstream) {
		h := newHouse(t)
		return h.open(t, nil), h.origin
	})
}

func TestRoomPassesTheContractOverMongo(t *testing.T) {
	t.Parallel()
	server := mongowiretest.Start(t)
	catalogtest.Contract(t, func(t *testing.T) (catalog.Service, catalogtest.Upstream) {
		h := houseOn(t, server.Open(t))
		return h.open(t, nil), h.origin
	})
}
