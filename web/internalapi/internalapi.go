// Package internalapi is the surface of admins and other services: /internal/**
// behind service tokens, and the probes and metrics of the operator. Nothing of it
// is reachable on the public listener.
package internalapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/realtime"
	syncer "anihub/modules/sync"
	"anihub/modules/users"
	"anihub/platform/audit"
	"anihub/platform/auth"
	"anihub/platform/cache"
	"anihub/platform/telemetry"
	"anihub/web/envelope"
	"anihub/web/openapi"
)

// Cache is what this surface asks of the cache chain.
type Cache interface {
	Invalidate(ctx context.Context, i cache.Invalidation) (cache.Cleared, error)
	Explain(ctx context.Context, key string) cache.Explanation
	Stats() cache.Stats
}

// Audit keeps who did what.
type Audit interface {
	Write(ctx context.Context, r audit.Record) error
	Newest(ctx context.Context, limit int) ([]audit.Record, error)
}

// Place says where a module runs: "here" or its URL.
type Place struct {
	Name  string `json:"name"`
	Where string `json:"where"`
}

// Host is what the guard knows of a host of the upstream.
type Host struct {
	Host      string
	Breaker   string // closed, half-open or open
	Active    bool
	LastError string
	Since     time.Time
	Paused    time.Time // told us to stay away until then; zero = not
}

// Deps are what it works with. Verify checks a service token made for the
// audience of this surface.
type Deps struct {
	Users    users.Service
	Sync     syncer.Service
	Realtime realtime.Service
	Cache    Cache
	Audit    Audit
	Upstream func() []Host
	Modules  []Place
	Verify   func(token string) (auth.Principal, error)
	Health   *telemetry.Health
	Levels   *telemetry.Levels
	Registry *prometheus.Registry
	Log      *slog.Logger
	Version  string
	Started  time.Time
	Stopping <-chan struct{} // closed when the listener shuts down: streams then end; nil = never
}

// API serves the routes.
type API struct {
	deps    Deps
	docs    *openapi.Reference
	streams chan struct{} // a place for each stream of jobs
}

// New is the surface as a handler.
func New(deps Deps) http.Handler {
	a := &API{deps: deps, docs: openapi.Internal(), streams: make(chan struct{}, maxStreams)}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = envelope.Render(deps.Log)
	e.IPExtractor = echo.ExtractIPDirect()
	e.Use(a.observe)
	a.routes(e)
	return e
}
