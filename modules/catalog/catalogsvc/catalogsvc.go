// Package catalogsvc is the room behind the catalogue's door. It owns the titles:
// where they come from (the upstream), where they are kept (documents, with the
// news they mean in the same document) and the index of all of them in memory
// that lists are answered from. Single titles, the schedule and franchises come
// through the cache chain, whose third level for titles is this room's collection.
package catalogsvc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"anihub/modules/catalog"
	"anihub/platform/anilibria"
	"anihub/platform/cache"
	"anihub/platform/documents"
	"anihub/platform/eventlog"
)

// Config is modules.catalog.
type Config struct {
	FreshFor       time.Duration `yaml:"-"`               // how long a stored title is fresh; the landing gives platform.cache.l3.ttl
	ConfirmAfter   time.Duration `yaml:"confirm_after"`   // when a doubtful release may be believed if it is seen again
	ReloadInterval time.Duration `yaml:"reload_interval"` // how often the index is compared with the store, against lost bells
	FranchiseWait  time.Duration `yaml:"franchise_wait"`  // how long a title waits for its franchise
}

// DefaultConfig is what SPEC §3 asks for, and what nobody should need to change.
func DefaultConfig() Config {
	return Config{
		FreshFor:       24 * time.Hour,
		ConfirmAfter:   10 * time.Minute,
		ReloadInterval: time.Hour,
		FranchiseWait:  time.Second,
	}
}

// Validate names every value that makes no sense.
func (c Config) Validate() error {
	return errors.Join(
		within("fresh_for", c.FreshFor, time.Second, 365*24*time.Hour),
		within("confirm_after", c.ConfirmAfter, time.Millisecond, 30*24*time.Hour),
		within("reload_interval", c.ReloadInterval, time.Second, 30*24*time.Hour),
		within("franchise_wait", c.FranchiseWait, time.Millisecond, time.Minute),
	)
}

func within(path string, v, least, most time.Duration) error {
	if v >= least && v <= most {
		return nil
	}
	return fmt.Errorf("%s: must be %v to %v, is %v", path, least, most, v)
}

// Cache is what the room asks of the chain; *cache.Cache is one.
type Cache interface {
	Get(ctx context.Context, key string, load cache.Load) (cache.Hit, error)
	GetAll(ctx context.Context, keys []string, load cache.LoadAll) []cache.Result
	Supersede(ctx context.Context, keys []string) error
	Invalidate(ctx context.Context, inv cache.Invalidation) (cache.Cleared, error)
	Mount(prefix string, l3, local cache.Level)
	Applied() eventlog.Position
	Changes() uint64
	Prove(changes uint64, hits ...cache.Hit) cache.Proof
	Holds(p cache.Proof) bool
}

// Deps is what the room stands on; all of it but Local is required.
type Deps struct {
	Store      documents.Store
	Local      documents.Store // a file of this process, to keep a copy of the titles in; nil = Store is one
	Cache      Cache           // New mounts the collection of titles into it
	Log        eventlog.Log
	Upstream   anilibria.Client
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Service is the catalogue.
type Service struct {
	cfg      Config
	store    store
	epoch    cache.Epoch // of the titles that the store does not know
	local    *store      // the copy; nil = none
	cache    Cache
	eventlog eventlog.Log
	upstream anilibria.Client
	log      *slog.Logger
	metrics  *metrics
	index    *index
	folder   folder
	pause    pause
	heeded   heeded // how far the index has followed the log
	passed   heeded // the chain's position as text, kept because every answer carries it
	born     string // names this process's snapshots
}

var _ catalog.Service = (*Service)(nil)

// New makes the room. It starts nothing: until Run has loaded the index, lists
// answer ErrUnavailable and titles come through the chain.
func New(cfg Config, d Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if d.Store == nil || d.Cache == nil || d.Log == nil || d.Upstream == nil || d.Logger == nil || d.Registerer == nil {
		return nil, errors.New("catalogsvc: a dependency is missing")
	}
	m, err := newMetrics(d.Registerer)
	if err != nil {
		return nil, err
	}
	s := &Service{
		cfg: cfg, cache: d.Cache, eventlog: d.Log, upstream: d.Upstream,
		store: store{titles: d.Store.Collection(titlesSpec)},
		epoch: cache.NewEpoch(d.Store.Collection(cache.DocumentsSpec()), titlePrefix+"*"),
		log:   d.Logger.With("component", "catalog"), metrics: m, index: newIndex(m.indexed),
		born: strings.ToLower(rand.Text()[:10]),
	}
	if d.Local != nil {
		s.local = &store{titles: d.Local.Collection(titlesSpec)}
	}
	d.Cache.Mount(titlePrefix, level{s.store, s.epoch}, s.localLevel())
	return s, nil
}

// Run loads the index and keeps it equal to the store until ctx ends; it then
// returns nil.
func (s *Service) Run(ctx context.Context) error {
	from := s.begin(ctx)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.follow(ctx, from) })
	g.Go(func() error { return s.reloadEvery(ctx) })
	g.Go(func() error { return s.copyEvery(ctx) })
	return g.Wait()
}

// The states that Ready tells.
const (
	StateReady    = "ready"
	StateDegraded = "degraded"  // works, but with nothing to show yet
	StateNotReady = "not_ready" // the index is not loaded
)

// Ready tells whether lists can be answered, and with how many titles.
func (s *Service) Ready() (state, detail string) {
	n := len(s.index.snapshot().rows())
	switch {
	case s.index.borrowed.Load():
		return StateDegraded, fmt.Sprintf("the store does not answer: %d titles of the local copy", n)
	case !s.index.loaded.Load():
		return StateNotReady, fmt.Sprintf("the index is loading: %d titles so far", n)
	case n == 0:
		return StateDegraded, "no titles yet"
	default:
		return StateReady, fmt.Sprintf("%d titles", n)
	}
}
