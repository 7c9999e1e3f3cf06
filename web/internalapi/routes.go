package internalapi

import (
	"net/http"
	"net/http/pprof"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"anihub/web/envelope"
)

// Permissions of a service token; open routes need none, because probes and
// scrapers carry no tokens and the listener is not public.
const (
	open   = ""
	read   = "read"
	write  = "write"
	notify = "notify"
)

type route struct {
	permission string
	method     string
	path       string
	handler    echo.HandlerFunc
}

func (a *API) routes(e *echo.Echo) {
	metrics := promhttp.HandlerFor(a.deps.Registry, promhttp.HandlerOpts{Registry: a.deps.Registry})
	for _, r := range []route{
		{open, http.MethodGet, "/health/live", a.live},
		{open, http.MethodGet, "/health/ready", a.ready},
		{open, http.MethodGet, "/metrics", echo.WrapHandler(metrics)},

		{write, http.MethodPost, "/internal/sync/title", a.syncTitle},
		{write, http.MethodPost, "/internal/sync/full", a.syncFull},
		{read, http.MethodGet, "/internal/sync/jobs", a.jobs},
		{read, http.MethodGet, "/internal/sync/jobs/:id", envelope.Bare(a.job)},
		{read, http.MethodGet, "/internal/sync/events", envelope.Bare(a.syncEvents)},
		{write, http.MethodDelete, "/internal/sync/jobs/:id", envelope.Bare(a.cancelJob)},
		{write, http.MethodPost, "/internal/sync/jobs/:id/retry", a.retryJob},

		{read, http.MethodGet, "/internal/stats", envelope.Bare(a.stats)},
		{read, http.MethodGet, "/internal/modules", envelope.Bare(a.modules)},
		{read, http.MethodGet, "/internal/realtime/presence", a.presence},
		{read, http.MethodGet, "/internal/audit", a.auditTrail},
		{write, http.MethodPut, "/internal/log", envelope.Bare(a.setLogLevel)},
		{read, http.MethodGet, "/internal/openapi.json", a.docs.ServeJSON},
		{read, http.MethodGet, "/internal/docs", a.docs.ServePage},

		{write, http.MethodDelete, "/internal/cache/clear", envelope.Bare(a.clearCache)},
		{read, http.MethodGet, "/internal/cache/explain", a.explainCache},

		{notify, http.MethodPost, "/internal/anilibria/notify", envelope.Bare(a.notify)},
		{read, http.MethodPost, "/internal/auth/validate", envelope.Bare(a.validate)},
		{read, http.MethodGet, "/internal/users/:id", envelope.Bare(a.user)},

		{read, http.MethodGet, "/debug/pprof/", echo.WrapHandler(http.HandlerFunc(pprof.Index))},
		{read, http.MethodGet, "/debug/pprof/:profile", echo.WrapHandler(http.HandlerFunc(pprof.Index))},
		{read, http.MethodGet, "/debug/pprof/profile", echo.WrapHandler(http.HandlerFunc(pprof.Profile))},
		{read, http.MethodGet, "/debug/pprof/symbol", echo.WrapHandler(http.HandlerFunc(pprof.Symbol))},
		{read, http.MethodGet, "/debug/pprof/trace", echo.WrapHandler(http.HandlerFunc(pprof.Trace))},
	} {
		e.Add(r.method, r.path, a.may(r.permission, r.handler))
	}
}
