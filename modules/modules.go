// Package modules is the landing of the middle floor: it builds the rooms that run
// in this process, finds the others, and hands out doors. Nobody above can tell
// which is which.
package modules

import (
	"context"
	"errors"
	"fmt"
	"net/http"

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
	"anihub/platform"
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
	p      *platform.Platform
	rec    *rpc.Recorder
	peers  []*rpc.Peer
	mounts []func(*rpc.Server)
	runs   []func(context.Context) error
}

// Place says where a module runs.
type Place struct{ Name, Where string }

// here is Place.Where of a module of this process.
const here = "here"

// New builds the rooms of this process on the platform. It starts nothing.
func New(cfg Config, p *platform.Platform) (*Modules, error) {
	rec, err := rpc.NewRecorder("anihub", p.Telemetry.Registry)
	if err != nil {
		return nil, err
	}
	m := &Modules{cfg: cfg, p: p, rec: rec}
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
	room, err := userssvc.New(m.cfg.Users.Config, userssvc.Deps{
		Documents: m.p.Store, Tokens: m.p.Auth.Users, Passwords: m.p.Auth.Passwords, Events: m.p.Log,
		Log: m.p.Telemetry.Component(Users), Registerer: m.p.Telemetry.Registry,
		Development: m.p.Config.Environment == platform.Development,
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
	cfg.FreshFor = m.p.Config.Cache.L3.TTL
	room, err := catalogsvc.New(cfg, catalogsvc.Deps{
		Store: m.p.Store, Cache: m.p.Cache, Log: m.p.Log, Upstream: m.p.Upstream,
		Logger: m.p.Telemetry.Log, Registerer: m.p.Telemetry.Registry,
	})
	if err != nil {
		return err
	}
	m.Catalog = cataloghttp.Observe(room, m.rec)
	m.serve(func(s *rpc.Server) { cataloghttp.Mount(s, room) }, room.Run)
	m.p.Telemetry.Health.Add(telemetry.Check{Name: Catalog, Essential: true, Ask: room.Ready})
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
		Log: m.p.Log, Users: m.Users, Logger: m.p.Telemetry.Log, Registerer: m.p.Telemetry.Registry,
	}
	if m.Catalog != nil {
		deps.Titles = titles{m.Catalog}
	}
	if m.p.Redis != nil {
		deps.Publisher = publisher{m.p.Redis}
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
		Catalog: m.Catalog, Realtime: m.Realtime, Upstream: m.p.Upstream, Store: m.p.Store, Leases: m.p.Leases,
		Logger: m.p.Telemetry.Log, Registerer: m.p.Telemetry.Registry,
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
		m.p.Auth.Services.Signer("anihub"), m.rec, m.p.Telemetry.Component("rpc"))
	if err != nil {
		return nil, err
	}
	m.peers = append(m.peers, peer)
	return peer, nil
}

// Mount serves the rooms of this process to other processes.
func (m *Modules) Mount(mux *http.ServeMux) {
	s := rpc.NewServer(mux, m.p.Auth.Services.Verify, m.p.Telemetry.Component("rpc"))
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
