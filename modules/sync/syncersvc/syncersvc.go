// Package syncersvc is the room of synchronisation: the conductor that watches the
// upstream, tells the catalogue what to fetch, and has the news published.
//
// Scheduled work (polling, full passes) has one runner in the fleet, by lease.
// Single titles are fetched by the process that was asked.
package syncersvc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"anihub/modules/catalog"
	"anihub/modules/realtime"
	syncer "anihub/modules/sync"
	"anihub/platform/anilibria"
	"anihub/platform/documents"
	"anihub/platform/lease"
)

// Config is modules.sync.
type Config struct {
	PollInterval     time.Duration `yaml:"poll_interval"`      // how often the upstream is asked for news
	FullSyncInterval time.Duration `yaml:"full_sync_interval"` // how often the whole catalogue is compared
	LeaseTTL         time.Duration `yaml:"lease_ttl"`          // how soon another process takes over from a dead one
	Workers          int           `yaml:"workers"`            // single titles fetched at a time
	Queue            int           `yaml:"queue"`              // single titles that may wait
}

// DefaultConfig polls once a minute and compares everything once a day.
func DefaultConfig() Config {
	return Config{
		PollInterval: time.Minute, FullSyncInterval: 24 * time.Hour, LeaseTTL: 10 * time.Second,
		Workers: 2, Queue: 1000,
	}
}

// Validate names everything that is wrong.
func (c Config) Validate() error {
	var bad []error
	check := func(path string, v, low, high time.Duration) {
		if v < low || v > high {
			bad = append(bad, fmt.Errorf("%s: must be %s to %s, is %s", path, low, high, v))
		}
	}
	check("poll_interval", c.PollInterval, time.Second, 24*time.Hour)
	check("full_sync_interval", c.FullSyncInterval, time.Second, 365*24*time.Hour)
	check("lease_ttl", c.LeaseTTL, time.Second, 15*time.Second)
	if c.Workers < 1 || c.Workers > 100 {
		bad = append(bad, fmt.Errorf("workers: must be 1 to 100, is %d", c.Workers))
	}
	if c.Queue < 1 || c.Queue > 100_000 {
		bad = append(bad, fmt.Errorf("queue: must be 1 to 100000, is %d", c.Queue))
	}
	return errors.Join(bad...)
}

// Catalog is what the conductor asks of the catalogue.
type Catalog interface {
	Refresh(ctx context.Context, r catalog.Refresh) (catalog.Refreshed, error)
	Pending(ctx context.Context, limit int) ([]catalog.Event, error)
	Confirm(ctx context.Context, events []catalog.Event) error
	Titles(ctx context.Context, q catalog.Query, have string) (catalog.Answer[catalog.Page], error)
}

// Realtime is what it asks of realtime.
type Realtime interface {
	Publish(ctx context.Context, events []realtime.Event) ([]realtime.Published, error)
}

// Upstream is what it asks of the upstream.
type Upstream interface {
	Latest(ctx context.Context, limit int) ([]anilibria.Bump, error)
	CatalogPage(ctx context.Context, page, limit int) (anilibria.CatalogPage, error)
}

// Deps is what the room works with.
type Deps struct {
	Catalog    Catalog
	Realtime   Realtime
	Upstream   Upstream
	Events     anilibria.EventSource // of an upstream that tells by itself what changes; nil = it is only polled
	Store      documents.Store
	Leases     lease.Keeper
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Service implements syncer.Service.
type Service struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	store   *store
	queue   *queue
	waiters *waiters
	metrics *metrics

	publishing sync.Mutex // one publisher at a time in this process keeps the order
	polling    sync.Mutex // the loop and a catch-up write the same state

	mu     sync.Mutex
	status syncer.Status
}

var _ syncer.Service = (*Service)(nil)

// New furnishes the room; it touches nothing.
func New(cfg Config, d Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if d.Catalog == nil || d.Realtime == nil || d.Upstream == nil || d.Store == nil || d.Leases == nil || d.Logger == nil {
		return nil, errors.New("syncersvc: a dependency is missing")
	}
	m, err := newMetrics(d.Registerer)
	if err != nil {
		return nil, err
	}
	return &Service{
		cfg: cfg, deps: d, log: d.Logger.With("component", "sync"), store: newStore(d.Store),
		queue: newQueue(cfg.Queue), waiters: newWaiters(), metrics: m,
	}, nil
}

// leaseName is what the fleet's runner holds.
const leaseName = "sync"

// Run fetches single titles and, while this process holds the lease, does the
// scheduled work, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for range s.cfg.Workers {
		g.Go(func() error { return s.work(ctx) })
	}
	g.Go(func() error {
		return lease.Run(ctx, s.deps.Leases, leaseName, s.cfg.LeaseTTL, s.log, s.conduct)
	})
	return g.Wait()
}

// conduct is the scheduled work of the one runner. It returns when the lease is
// lost or the work cannot go on; the lease then runs it again, here or elsewhere.
func (s *Service) conduct(ctx context.Context, token int64) error {
	s.note(func(st *syncer.Status) { st.Runner = true })
	s.metrics.runner.Set(1)
	defer func() {
		s.note(func(st *syncer.Status) { st.Runner = false })
		s.metrics.runner.Set(0)
	}()
	s.log.InfoContext(ctx, "this process runs the scheduled work", "token", token)
	// Taking the states over bumps their versions: whatever a former runner, paused
	// and woken late, still wants to write is refused.
	if err := s.store.takeOver(ctx, token); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.fullLoop(ctx, token) })
	g.Go(func() error { return s.pollLoop(ctx) })
	g.Go(func() error { return s.listenLoop(ctx) })
	g.Go(func() error { return s.adoptLoop(ctx) })
	g.Go(func() error { return s.pruneLoop(ctx) })
	return g.Wait()
}

// Status implements syncer.Service.
func (s *Service) Status(context.Context) (syncer.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.status
	out.Queue = s.queue.size()
	return out, nil
}

func (s *Service) note(change func(*syncer.Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.status)
}

// noteError remembers what went wrong last; nil forgets it.
func (s *Service) noteError(err error) {
	s.note(func(st *syncer.Status) {
		st.LastError = ""
		if err != nil {
			st.LastError = err.Error()
		}
	})
}

// sleep waits, or returns false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
