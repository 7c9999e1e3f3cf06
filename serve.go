package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"anihub/modules"
	"anihub/platform"
	"anihub/platform/auth"
	"anihub/platform/config"
	"anihub/web"
	"anihub/web/api"
	"anihub/web/internalapi"
)

// shutdownTime is the one deadline of a graceful stop.
const shutdownTime = 15 * time.Second

// app is the process: three floors and two listeners.
type app struct {
	platform *platform.Platform
	modules  *modules.Modules
	web      *web.Web // nil without web.addr
	internal *http.Server
	listener net.Listener
	log      *slog.Logger
	bar      *bar // nil when nobody sits at a terminal
}

// serve is the command.
func serve(ctx context.Context, t terminal, args []string) error {
	fs, file := flags(t, "serve")
	target := fs.String("target", "", "comma-separated `modules` of this process (default modules.target)")
	if err := parse(fs, args); err != nil {
		return err
	}
	if *target != "" {
		t.environ = append(t.environ, config.EnvName("modules.target")+"="+*target)
	}
	s, err := loadValid(t, *file)
	if err != nil {
		return err
	}
	a, err := open(s, t.err)
	if err != nil {
		return err
	}
	return a.run(ctx)
}

// open builds the process from bottom to top and binds its listeners; nothing is
// served yet.
func open(s settings, logs io.Writer) (_ *app, err error) {
	a, started := &app{}, time.Now()
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close(context.Background()))
		}
	}()
	if isTerminal(logs) {
		a.bar = &bar{out: logs}
		logs = a.bar
	}
	if a.platform, err = platform.Open(s.Platform, version, logs); err != nil {
		return a, err
	}
	a.log = a.platform.Telemetry.Component("main")
	if a.modules, err = modules.New(s.Modules, ground(a.platform)); err != nil {
		return a, err
	}
	if err := a.openInternal(s, started); err != nil {
		return a, err
	}
	if s.Web.Addr != "" {
		a.web, err = web.Open(s.Web, surroundings(s), api.Deps{
			Catalog: a.modules.Catalog, Users: a.modules.Users, Realtime: a.modules.Realtime,
			Health: a.platform.Telemetry.Health, Log: a.platform.Telemetry.Component("web"),
			Registry: a.platform.Telemetry.Registry, Tracer: a.platform.Telemetry.Tracer,
			Version: version, Started: started,
		})
	}
	return a, err
}

// ground is what the platform gives the modules to stand on.
func ground(p *platform.Platform) modules.Deps {
	return modules.Deps{
		Telemetry: p.Telemetry, Auth: p.Auth, Store: p.Store, Local: p.Local, Log: p.Log, Devices: p.Devices, Leases: p.Leases, Cache: p.Cache,
		Upstream: p.Upstream, Events: p.Events, Redis: p.Redis, FreshFor: p.Config.Cache.L3.TTL,
		Development: p.Config.Environment == platform.Development,
	}
}

func surroundings(s settings) web.Surroundings {
	live := s.Modules.Realtime
	return web.Surroundings{
		Media: mediaOrigins(s.Platform), Ping: live.Ping, Pong: live.Pong,
		DrainSpread: time.Duration(live.DrainSeconds) * time.Second,
	}
}

// mediaOrigins are the origins of posters that are not https: a mirror or a fake
// upstream on this machine.
func mediaOrigins(c platform.Config) []string {
	if assets := c.Anilibria.Assets(); len(assets) > 5 && assets[:5] == "http:" {
		return []string{assets}
	}
	return nil
}

func (a *app) openInternal(s settings, started time.Time) error {
	p, m := a.platform, a.modules
	stopping, stop := context.WithCancel(context.Background())
	mux := http.NewServeMux()
	m.Mount(mux)
	mux.Handle("/", internalapi.New(internalapi.Deps{
		Users: m.Users, Sync: m.Sync, Realtime: m.Realtime, Cache: p.Cache, Audit: p.Audit,
		Upstream: func() []internalapi.Host { return hosts(p) }, Modules: places(m),
		Verify: func(token string) (auth.Principal, error) {
			return p.Auth.Services.Verify(token, auth.InternalAudience)
		},
		Health: p.Telemetry.Health, Levels: p.Telemetry.Levels, Registry: p.Telemetry.Registry,
		Log: p.Telemetry.Component("internal"), Version: version, Started: started,
		Stopping: stopping.Done(),
	}))
	l, err := net.Listen("tcp", s.Modules.Addr)
	if err != nil {
		stop()
		return fmt.Errorf("modules.addr: %w", err)
	}
	a.listener = l
	a.internal = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute}
	// Shutdown waits for requests in flight, and a stream would be one for ever.
	a.internal.RegisterOnShutdown(stop)
	return nil
}

func hosts(p *platform.Platform) []internalapi.Host {
	var out []internalapi.Host
	for _, h := range p.Guard.State() {
		out = append(out, internalapi.Host(h))
	}
	return out
}

func places(m *modules.Modules) []internalapi.Place {
	var out []internalapi.Place
	for _, p := range m.Places() {
		out = append(out, internalapi.Place(p))
	}
	return out
}

// run serves until ctx ends or something fails, then stops gracefully.
func (a *app) run(ctx context.Context) error {
	loops, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, failed := errgroup.WithContext(loops)
	g.Go(func() error { return a.platform.Run(failed) })
	g.Go(func() error { return a.modules.Run(failed) })
	g.Go(func() error { return served(a.internal.Serve(a.listener)) })
	if a.web != nil {
		g.Go(a.web.Serve)
	}
	a.greet()
	if a.bar != nil && a.syncsHere() {
		g.Go(func() error { a.bar.follow(failed, a.modules.Sync); return nil })
	}
	select {
	case <-ctx.Done():
	case <-failed.Done():
	}
	return a.stop(g, stop)
}

func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (a *app) syncsHere() bool {
	return slices.Contains(a.modules.Places(), modules.Place{Name: modules.Sync, Where: "here"})
}

func (a *app) greet() {
	attrs := []any{"version", version, "internal", a.listener.Addr().String()}
	if a.web != nil {
		attrs = append(attrs, "site", a.web.URL())
	}
	a.log.Info("serving", attrs...)
}

// stop ends the process in the order that costs viewers least: no new ones, then
// the loops (realtime tells its viewers when to come back), then the requests in
// flight, and the stores last.
func (a *app) stop(g *errgroup.Group, stopLoops func()) error {
	a.log.Info("stopping", "within", shutdownTime)
	a.platform.Telemetry.Health.Drain()
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	stopLoops()
	var all []error
	if a.web != nil {
		all = append(all, a.web.Shutdown(ctx))
	}
	all = append(all, a.internal.Shutdown(ctx), within(ctx, g.Wait), a.close(ctx))
	err := errors.Join(all...)
	if err == nil {
		a.log.Info("stopped")
	}
	return err
}

// within waits for f, but not longer than ctx.
func within(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("loops did not end: %w", ctx.Err())
	}
}

// close closes what open opened, top to bottom.
func (a *app) close(ctx context.Context) error {
	if a.modules != nil {
		a.modules.Close()
	}
	if a.listener != nil {
		_ = a.listener.Close() // closed by Shutdown already when it was served
	}
	if a.platform == nil {
		return nil
	}
	return a.platform.Close(ctx)
}
