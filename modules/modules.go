// Package modules is the landing of the middle floor: it builds the rooms that run
// in this process, finds the others, and hands out doors. Nobody above can tell
// which is which.
package modules

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"anihub/modules/catalog"
	"anihub/modules/catalog/cataloghttp"
	"anihub/modules/catalog/catalogsvc"
	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimehttp"
	"anihub/modules/realtime/realtimesvc"
	syncer "anihub/modules/sync"
	"anihub/modules/sync/syncerhttp"
	"anihub/modules/sync/syncersvc"
	"anihub/modules/users"
	"anihub/modules/users/usershttp"
	"anihub/modules/users/userssvc"
	"anihub/platform/anilibria"
	"anihub/platform/auth"
	"anihub/platform/cache"
	"anihub/platform/documents"
	"anihub/platform/eventlog"
	"anihub/platform/lease"
	"anihub/platform/rpc"
	"anihub/platform/telemetry"
)

// Modules are the doors of this process; one that is neither here nor addressed is
// nil.
type Modules struct {
	Catalog  catalog.Service
	Users    users.Service
	Sync     syncer.Service
	Realtime realtime.Service

	cfg    Config
	deps   Deps
	rec    *rpc.Recorder
	peers  []*rpc.Peer
	mounts []func(*rpc.Server)
	runs   []func(context.Context) error
}

// Place says where a module runs.
type Place struct{ Name, Where string }

// here is Place.Where of a module of this process.
const here = "here"

// Deps is the ground that the rooms stand on.
type Deps struct {
	Telemetry   *telemetry.Telemetry
	Auth        *auth.Auth
	Store       documents.Store
	Local       documents.Store // a file of this process for a copy of the titles; nil = Store is one
	Log         eventlog.Log
	Devices     eventlog.Log
	Leases      lease.Keeper
	Cache       *cache.Cache
	Upstream    anilibria.Client
	Events      anilibria.EventSource // nil = the upstream is only polled
	Redis       redis.UniversalClient // nil = none
	FreshFor    time.Duration         // how long a stored title is fresh: platform.cache.l3.ttl
	Development bool
}

// New builds the rooms of this process. It starts nothing.
func New(cfg Config, d Deps) (*Modules, error) {
	rec, err := rpc.NewRecorder("anihub", d.Telemetry.Registry)
	if err != nil {
		return nil, err
	}
	m := &Modules{cfg: cfg, deps: d, rec: rec}
	// Users first and sync last: each is handed the doors it needs.
	for _, build := range []func() error{m.buildUsers, m.buildCatalog, m.buildRealtime, m.buildSync} {
		if err := build(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Modules) buildUsers() error {
	if peer, err := m.peer(Users, m.cfg.Users.URL); peer != nil || err != nil {
		m.Users = usershttp.NewClient(peer)
		return err
	}
	if !m.cfg.here(Users) {
		return nil
	}
	var limiter userssvc.Limiter
	if m.deps.Redis != nil {
		limiter = userssvc.NewRedisLimiter(m.deps.Redis)
	}
	room, err := userssvc.New(m.cfg.Users.Config, userssvc.Deps{
		Limiter: limiter, Documents: m.deps.Store, Tokens: m.deps.Auth.Users, Passwords: m.deps.Auth.Passwords, Events: m.deps.Log,
		Log: m.deps.Telemetry.Component(Users), Registerer: m.deps.Telemetry.Registry,
		Devices: m.deps.Devices, News: history{m}, Titles: sources{m}, Bell: m.deps.Log, Leases: m.deps.Leases,
		Development: m.deps.Development,
	})
	if err != nil {
		return err
	}
	m.Users = usershttp.Observe(room, m.rec)
	m.serve(func(s *rpc.Server) { usershttp.Mount(s, room) }, room.Run)
	return nil
}

func (m *Modules) buildCatalog() error {
	if peer, err := m.peer(Catalog, m.cfg.Catalog.URL); peer != nil || err != nil {
		m.Catalog = cataloghttp.NewClient(peer)
		return err
	}
	if !m.cfg.here(Catalog) {
		return nil
	}
	cfg := m.cfg.Catalog.Config
	cfg.FreshFor = m.deps.FreshFor
	room, err := catalogsvc.New(cfg, catalogsvc.Deps{
		Store: m.deps.Store, Local: m.deps.Local, Cache: m.deps.Cache, Log: m.deps.Log, Upstream: m.deps.Upstream,
		Logger: m.deps.Telemetry.Log, Registerer: m.deps.Telemetry.Registry,
	})
	if err != nil {
		return err
	}
	m.Catalog = cataloghttp.Observe(room, m.rec)
	m.serve(func(s *rpc.Server) { cataloghttp.Mount(s, room) }, room.Run)
	m.deps.Telemetry.Health.Add(telemetry.Check{Name: Catalog, Essential: true, Ask: func(context.Context) error {
		switch state, detail := room.Ready(); state {
		case catalogsvc.StateReady:
			return nil
		case catalogsvc.StateDegraded:
			return fmt.Errorf("%w: %s", telemetry.ErrDegraded, detail)
		default:
			return errors.New(detail)
		}
	}})
	return nil
}

func (m *Modules) buildRealtime() error {
	if peer, err := m.peer(Realtime, m.cfg.Realtime.URL); peer != nil || err != nil {
		m.Realtime = realtimehttp.NewClient(peer)
		return err
	}
	if !m.cfg.here(Realtime) {
		return nil
	}
	deps := realtimesvc.Deps{
		Log: m.deps.Log, Users: m.Users, Logger: m.deps.Telemetry.Log, Registerer: m.deps.Telemetry.Registry,
		Documents: m.deps.Store, Leases: m.deps.Leases, Devices: m.deps.Devices,
	}
	if m.Catalog != nil {
		deps.Titles = titles{m.Catalog}
	}
	if m.deps.Redis != nil {
		deps.Publisher = publisher{m.deps.Redis}
		deps.Fleet = realtimesvc.NewRedisFleet(m.deps.Redis, m.deps.Telemetry.Log)
	}
	room, err := realtimesvc.New(m.cfg.Realtime.Config, deps)
	if err != nil {
		return err
	}
	m.Realtime = realtimehttp.Observe(room, m.rec)
	m.serve(func(s *rpc.Server) { realtimehttp.Mount(s, room) }, room.Run)
	return nil
}

func (m *Modules) buildSync() error {
	if peer, err := m.peer(Sync, m.cfg.Sync.URL); peer != nil || err != nil {
		m.Sync = syncerhttp.NewClient(peer)
		return err
	}
	if !m.cfg.here(Sync) {
		return nil
	}
	room, err := syncersvc.New(m.cfg.Sync.Config, syncersvc.Deps{
		Catalog: m.Catalog, Realtime: m.Realtime, Upstream: m.deps.Upstream, Events: m.deps.Events, Store: m.deps.Store, Leases: m.deps.Leases,
		Logger: m.deps.Telemetry.Log, Registerer: m.deps.Telemetry.Registry,
	})
	if err != nil {
		return err
	}
	m.Sync = syncerhttp.Observe(room, m.rec)
	m.serve(func(s *rpc.Server) { syncerhttp.Mount(s, room) }, room.Run)
	return nil
}

func (m *Modules) serve(mount func(*rpc.Server), run func(context.Context) error) {
	m.mounts = append(m.mounts, mount)
	m.runs = append(m.runs, run)
}

// peer is the calling end of a module that lives elsewhere; nil when it does not.
func (m *Modules) peer(name, url string) (*rpc.Peer, error) {
	if m.cfg.here(name) || url == "" {
		return nil, nil
	}
	peer, err := rpc.NewPeer(rpc.PeerConfig{Module: name, URL: url},
		m.deps.Auth.Services.Signer("anihub"), m.rec, m.deps.Telemetry.Component("rpc"))
	if err != nil {
		return nil, err
	}
	m.peers = append(m.peers, peer)
	return peer, nil
}

// Mount serves the rooms of this process to other processes.
func (m *Modules) Mount(mux *http.ServeMux) {
	s := rpc.NewServer(mux, m.deps.Auth.Services.Verify, m.deps.Telemetry.Component("rpc"))
	for _, mount := range m.mounts {
		mount(s)
	}
}

// Run runs the rooms of this process until ctx ends.
func (m *Modules) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, run := range m.runs {
		g.Go(func() error { return run(ctx) })
	}
	return g.Wait()
}

// Close drops the connections to the modules elsewhere.
func (m *Modules) Close() {
	for _, p := range m.peers {
		p.Close()
	}
}

// Places says where each module runs.
func (m *Modules) Places() []Place {
	var out []Place
	for _, name := range Names() {
		switch url := m.cfg.url(name); {
		case m.cfg.here(name):
			out = append(out, Place{name, here})
		case url != "":
			out = append(out, Place{name, url})
		}
	}
	return out
}

// Needs tells what a process needs that serves the public listener and these
// targets, and cannot reach: a configuration error.
func (c Config) Needs(public bool) error {
	need := map[string]string{}
	if public {
		need[Catalog], need[Users], need[Realtime] = "web.addr", "web.addr", "web.addr"
	}
	if c.here(Sync) {
		need[Catalog], need[Realtime] = "the sync module", "the sync module"
	}
	if c.here(Realtime) {
		need[Users] = "the realtime module"
	}
	var bad []error
	for _, name := range Names() {
		if by := need[name]; by != "" && !c.here(name) && c.url(name) == "" {
			bad = append(bad, fmt.Errorf("modules.%s.url: %s needs the module %s, which is neither in modules.target nor addressed", name, by, name))
		}
	}
	return errors.Join(bad...)
}
