// Package platform is the landing of the ground floor: it opens what all modules
// stand on, in order, and closes it in reverse.
package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"anihub/platform/anilibria"
	v1 "anihub/platform/anilibria/v1"
	v3 "anihub/platform/anilibria/v3"
	"anihub/platform/audit"
	"anihub/platform/auth"
	"anihub/platform/cache"
	"anihub/platform/documents"
	"anihub/platform/eventlog"
	"anihub/platform/lease"
	"anihub/platform/redisdb"
	"anihub/platform/telemetry"
)

// Platform is what the modules stand on.
type Platform struct {
	Config    Config
	Telemetry *telemetry.Telemetry
	Auth      *auth.Auth
	Store     documents.Store
	Local     documents.Store // what this process keeps a copy in; nil = Store is a file of its own
	Log       eventlog.Log
	Devices   eventlog.Log // between the devices of a user; nothing of it is kept for long
	Leases    lease.Keeper
	Cache     *cache.Cache
	Upstream  anilibria.Client
	Events    anilibria.EventSource // nil = the driver has none; run by whoever follows it
	Guard     *anilibria.Guard
	Audit     *audit.Trail
	Redis     redis.UniversalClient // nil = none

	closers []closer
}

// closer is something to close, by name, registered the moment it is open.
type closer struct {
	name  string
	close func(context.Context) error
}

// Open opens everything. Nothing waits for a server: Redis, MongoDB or the upstream
// may be down and are used when they are back. Logs go to out.
func Open(cfg Config, version string, out io.Writer) (*Platform, error) {
	p := &Platform{Config: cfg}
	if cfg.Anilibria.UserAgent == "" {
		p.Config.Anilibria.UserAgent = "AniHub/" + version
	}
	for _, open := range []func() error{
		func() error { return p.openTelemetry(version, out) },
		p.openDataDir,
		p.openStore,
		p.openLocal,
		p.openRedis,
		p.openLog,
		p.openCache,
		p.openUpstream,
	} {
		if err := open(); err != nil {
			return nil, errors.Join(err, p.Close(context.Background()))
		}
	}
	return p, nil
}

func (p *Platform) onClose(name string, f func(context.Context) error) {
	p.closers = append(p.closers, closer{name, f})
}

func (p *Platform) openTelemetry(version string, out io.Writer) (err error) {
	p.Telemetry, err = telemetry.New(p.Config.Log, p.Config.Tracing, version, out)
	if err == nil {
		p.onClose("telemetry", p.Telemetry.Close)
	}
	return err
}

func (p *Platform) openDataDir() (err error) {
	dir := p.Config.Storage.DataDir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("platform.storage.data_dir: %w", err)
	}
	if p.Auth, err = auth.Open(p.Config.Auth, dir); err != nil {
		return fmt.Errorf("platform.auth: %w", err)
	}
	return nil
}

// The files within the data directory: the embedded store, and the copy of what is
// in a store elsewhere.
const (
	databaseFile = "anihub.db"
	copyFile     = "copy.db"
)

func (p *Platform) openStore() error {
	store, err := openDocuments(p.Config.Storage, filepath.Join(p.Config.Storage.DataDir, databaseFile))
	if err != nil {
		return fmt.Errorf("platform.storage: %w", err)
	}
	p.Store = documents.Instrument(store, p.Telemetry.Registry)
	p.onClose("documents", func(context.Context) error { return p.Store.Close() })
	p.Audit = audit.New(p.Store)
	p.Telemetry.Health.Add(telemetry.Check{Name: "documents", Ask: p.Store.Ping})
	return nil
}

// openLocal opens the file for copies. A process that has nowhere to keep them does
// without: they only matter when the store does not answer.
func (p *Platform) openLocal() error {
	if p.Config.Storage.Mongo.URI == "" {
		return nil
	}
	local, err := documents.OpenSQLite(filepath.Join(p.Config.Storage.DataDir, copyFile))
	if err != nil {
		p.Telemetry.Component("platform").Warn("no local copy of the catalogue: it cannot be answered from while the document store is down", "err", err)
		return nil
	}
	p.Local = local
	p.onClose("local copy", func(context.Context) error { return local.Close() })
	return nil
}

func (p *Platform) openRedis() (err error) {
	if p.Config.Storage.Redis.URL == "" {
		return nil
	}
	if p.Redis, err = redisdb.Open(p.Config.Storage.Redis); err != nil {
		return fmt.Errorf("platform.storage.redis: %w", err)
	}
	// The client's own logger is global and writes a line per failed dial; what
	// matters of an outage is told once by those who use it.
	redis.SetLogger(redisLog{p.Telemetry.Component("redis")})
	p.onClose("redis", func(context.Context) error { return p.Redis.Close() })
	p.Telemetry.Health.Add(telemetry.Check{Name: "redis", Ask: func(ctx context.Context) error {
		return p.Redis.Ping(ctx).Err()
	}})
	if p.Config.Storage.Mongo.URI == "" {
		p.Telemetry.Component("platform").Warn("users and jobs are not shared: this process has Redis but keeps documents in a file of its own; set platform.storage.mongo.uri for a fleet")
	}
	return nil
}

// redisLog takes the client's lines at debug level.
type redisLog struct{ log *slog.Logger }

// Printf implements go-redis's logger.
func (l redisLog) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, fmt.Sprintf(format, v...))
}

// logRetain is how many records the log of a single process keeps: weeks of a busy
// season, which are read within a tenth of a second at start.
const logRetain = 10_000

// devicesRetain is how many records the devices' log keeps: what a reader may fall behind.
// It is a log of its own, because viewers write to it every few seconds and would push the
// news out of theirs.
const devicesRetain = 1000

func (p *Platform) openLog() error {
	if p.Redis == nil {
		p.Log, p.Leases = p.ownLog(), lease.NewMemory()
		p.Devices = eventlog.NewMemory(devicesRetain)
	} else {
		p.Log = eventlog.NewRedis(p.Redis, eventlog.DefaultRedisConfig())
		p.Devices = eventlog.NewRedis(p.Redis, devicesConfig())
		p.Leases = lease.NewRedis(p.Redis, "anihub")
	}
	p.Log = eventlog.Measured(p.Log, p.Telemetry.Registry)
	p.Leases = lease.Measured(p.Leases, p.Telemetry.Registry)
	p.onClose("event log", func(context.Context) error { return p.Log.Close() })
	p.onClose("devices' log", func(context.Context) error { return p.Devices.Close() })
	return nil
}

func devicesConfig() eventlog.RedisConfig {
	c := eventlog.DefaultRedisConfig()
	c.Prefix, c.Retain = c.Prefix+"-devices", devicesRetain
	return c
}

// ownLog is the log of a process that shares none. It is kept in the process's own
// file; where that cannot be, it begins anew with every start.
func (p *Platform) ownLog() *eventlog.Memory {
	file := p.Local
	if p.Config.Storage.Mongo.URI == "" {
		file = p.Store
	}
	if file == nil {
		return eventlog.NewMemory(logRetain)
	}
	log, err := eventlog.Open(context.Background(), file, logRetain)
	if err != nil {
		p.Telemetry.Component("platform").Warn("the event log of before cannot be read: viewers who come back learn that they missed something", "err", err)
		return eventlog.NewMemory(logRetain)
	}
	return log
}

func (p *Platform) openCache() error {
	l1, err := cache.NewMemory(int64(p.Config.Cache.L1.SizeMB) << 20)
	if err != nil {
		return fmt.Errorf("platform.cache: %w", err)
	}
	deps := cache.Deps{
		L1: l1, L3: cache.NewDocuments(p.Store.Collection(cache.DocumentsSpec())),
		PrivateL3: p.Config.Storage.Mongo.URI == "",
		Log:       p.Log, Logger: p.Telemetry.Log, Registerer: p.Telemetry.Registry,
	}
	if p.Redis != nil {
		deps.L2 = cache.NewRedis(p.Redis)
	}
	if p.Local != nil {
		deps.Local = cache.NewDocuments(p.Local.Collection(cache.DocumentsSpec()))
	}
	if p.Cache, err = cache.New(p.Config.Cache, deps); err != nil {
		return fmt.Errorf("platform.cache: %w", err)
	}
	p.onClose("cache", func(context.Context) error { return p.Cache.Close() })
	return nil
}

func (p *Platform) openUpstream() (err error) {
	if p.Guard, err = anilibria.NewGuard(p.Config.Anilibria, p.Telemetry.Log, p.Telemetry.Registry); err != nil {
		return fmt.Errorf("platform.anilibria: %w", err)
	}
	if err = p.openDriver(); err != nil {
		return fmt.Errorf("platform.anilibria: %w", err)
	}
	p.Telemetry.Health.Add(telemetry.Check{Name: "anilibria", Ask: p.askUpstream})
	return nil
}

// openDriver makes what the configuration names; Validate knows no third.
func (p *Platform) openDriver() error {
	c := p.Config.Anilibria
	if c.Driver == anilibria.DriverV1 {
		p.Upstream = v1.New(p.Guard, c.Assets())
		return nil
	}
	p.Upstream = v3.New(p.Guard, c.Assets())
	socket, err := v3.NewSocket(c, p.Telemetry.Log, p.Telemetry.Registry)
	if err == nil {
		p.Events = socket
	}
	return err
}

var errHosts = errors.New("no host answers")

// askUpstream looks at what the guard knows; probing is the guard's own work.
func (p *Platform) askUpstream(context.Context) error {
	var last string
	for _, h := range p.Guard.State() {
		if h.Active && h.LastError == "" {
			return nil
		}
		last = h.LastError
	}
	return fmt.Errorf("%w; the last error: %s", errHosts, last)
}

// Run does the platform's own work until ctx ends.
func (p *Platform) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.Telemetry.Health.Run(ctx) })
	g.Go(func() error { return p.Cache.Run(ctx) })
	g.Go(func() error { return p.Guard.Run(ctx) })
	return g.Wait()
}

// Close closes what was opened, last first, each within what ctx leaves.
func (p *Platform) Close(ctx context.Context) error {
	var all []error
	for len(p.closers) > 0 {
		last := p.closers[len(p.closers)-1]
		p.closers = p.closers[:len(p.closers)-1]
		if err := last.close(ctx); err != nil {
			all = append(all, fmt.Errorf("close %s: %w", last.name, err))
		}
	}
	return errors.Join(all...)
}
