// Package api is the public HTTP surface of AniHub: every route a browser or a
// front-end developer calls. It sees the doors of the modules, never a room.
package api

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"anihub/modules/catalog"
	"anihub/modules/realtime"
	"anihub/modules/users"
	"anihub/platform/telemetry"
	"anihub/web/envelope"
	"anihub/web/openapi"
	"anihub/web/sdk"
)

// Config is what the surface needs to know of its surroundings.
type Config struct {
	AllowedOrigins []string      // other origins that may call with credentials
	TrustedProxies []string      // CIDRs whose X-Forwarded-* are believed
	RateLimit      int           // requests a minute per address; 0 = no limit
	MediaOrigins   []string      // origins of posters and video besides https:
	AnswerBytes    int64         // memory for encoded answers
	Ping, Pong     time.Duration // heartbeat of the sockets; 0 = the usual
	DrainSpread    time.Duration // over which sockets are asked to come back; 0 = the usual
}

// Deps are the doors and instruments it works with.
type Deps struct {
	Catalog  catalog.Service
	Users    users.Service
	Realtime realtime.Service
	Health   *telemetry.Health
	Log      *slog.Logger
	Registry prometheus.Registerer
	Tracer   trace.Tracer
	Version  string
	Started  time.Time
}

// API serves the routes.
type API struct {
	cfg      Config
	deps     Deps
	events   *Events
	answers  *answers
	waiting  audience
	docs     *openapi.Reference
	messages *openapi.Reference // what goes over connections
	sdk      *sdk.SDK
	limit    *limiter
	metrics  *metrics
	tracing  bool
	proxies  []*net.IPNet // whose word about the reader's address and ours is believed
}

// New builds the surface. It starts nothing.
func New(cfg Config, deps Deps) (*API, error) {
	events, err := NewEvents(EventsConfig{
		AllowedOrigins: cfg.AllowedOrigins, PingEvery: cfg.Ping, PongWithin: cfg.Pong, DrainSpread: cfg.DrainSpread,
	}, deps.Realtime, deps.Log, deps.Registry)
	if err != nil {
		return nil, err
	}
	kept, err := newAnswers(cfg.AnswerBytes)
	if err != nil {
		return nil, err
	}
	client, err := sdk.New()
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(deps.Registry)
	if err != nil {
		return nil, err
	}
	_, off := deps.Tracer.(noop.Tracer)
	return &API{
		cfg: cfg, deps: deps, events: events, answers: kept, waiting: audience{ask: deps.Realtime.Presence},
		docs: openapi.Public(), messages: openapi.Realtime(), sdk: client,
		limit: newLimiter(cfg.RateLimit), metrics: m, tracing: !off,
	}, nil
}

// Handler is the surface as echo's router, with the middleware that every request
// passes. Site serves what is no route of the API.
func (a *API) Handler(site echo.HandlerFunc) (*echo.Echo, error) {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = envelope.Render(a.deps.Log)
	if err := a.use(e, site); err != nil {
		return nil, err
	}
	a.routes(e)
	return e, nil
}

// Close frees what New took.
func (a *API) Close() { a.answers.close() }

// Drain waits until the sockets have left, within ctx; the server's own shutdown
// knows nothing of them.
func (a *API) Drain(ctx context.Context) error { return a.events.Drain(ctx) }
