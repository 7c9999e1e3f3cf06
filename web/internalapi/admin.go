package internalapi

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/platform/audit"
	"anihub/platform/auth"
	"anihub/platform/cache"
	"anihub/platform/fault"
	"anihub/platform/telemetry"
	"anihub/web/envelope"
)

// live says only that the process answers.
func (a *API) live(c echo.Context) error {
	return envelope.Write(c, http.StatusOK, map[string]any{"status": "live", "uptime_seconds": a.uptime()})
}

// ready is readiness with the state of every dependency. Degraded is still 200.
func (a *API) ready(c echo.Context) error {
	state, deps := a.deps.Health.State()
	status := http.StatusOK
	if state == telemetry.NotReady {
		status = http.StatusServiceUnavailable
	}
	return envelope.Write(c, status, map[string]any{"status": state, "dependencies": deps})
}

func (a *API) uptime() int64 { return int64(time.Since(a.deps.Started).Seconds()) }

// part is one part of the statistics; a part that cannot be asked says so instead
// of spoiling the rest.
func part[T any](v T, err error) any {
	if err != nil {
		return map[string]string{"error": fault.Of(err).Code}
	}
	return v
}

func (a *API) stats(c echo.Context) error {
	ctx, cancel := contextWithin(c, 3*time.Second)
	defer cancel()
	sync, syncErr := a.deps.Sync.Status(ctx)
	live, liveErr := a.deps.Realtime.Stats(ctx)
	state, dependencies := a.deps.Health.State()
	return envelope.OK(c, http.StatusOK, map[string]any{
		"uptime_seconds": a.uptime(), "version": a.deps.Version, "goroutines": runtime.NumGoroutine(),
		"modules": a.deps.Modules, "health": map[string]any{"status": state, "dependencies": dependencies},
		"cache": cacheStatsOf(a.deps.Cache.Stats()), "upstream": envelope.Each(a.deps.Upstream(), hostOf),
		"sync": part(syncStatusOf(sync), syncErr),
		"realtime": part(map[string]any{
			"connections": live.Connections, "subscriptions": live.Subscriptions, "delivered": live.Delivered,
			"dropped": live.Dropped, "position": live.Position, "lag": live.LagRecords,
		}, liveErr),
	})
}

func (a *API) modules(c echo.Context) error {
	return envelope.OK(c, http.StatusOK, a.deps.Modules)
}

type logBody struct {
	Component string `json:"component"`
	Level     string `json:"level"`
}

// maxComponent bounds the name of a component.
const maxComponent = 64

// Validate checks the form; the level is checked where it is set.
func (b logBody) Validate() error {
	if len(b.Component) > maxComponent {
		return envelope.ErrRange.Detail("parameter", "component").Detail("accepted", "at most 64 bytes")
	}
	return envelope.Required(envelope.Field{Name: "level", Value: b.Level})
}

// setLogLevel changes what is logged while the process runs.
func (a *API) setLogLevel(c echo.Context) error {
	var b logBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	if err := a.deps.Levels.Set(b.Component, b.Level); err != nil {
		return envelope.ErrRange.Detail("parameter", "level").Detail("accepted", []string{"debug", "info", "warn", "error"})
	}
	return envelope.OK(c, http.StatusOK, map[string]string{"component": b.Component, "level": b.Level})
}

type clearBody struct {
	Pattern string `json:"pattern"`
	Confirm bool   `json:"confirm"`
	Mode    string `json:"mode"`
}

// Validate checks the form.
func (b clearBody) Validate() error {
	if b.Mode != "" && b.Mode != "expire" && b.Mode != "remove" {
		return envelope.ErrRange.Detail("parameter", "mode").Detail("accepted", []string{"expire", "remove"})
	}
	if len(b.Pattern) > 200 {
		return envelope.ErrRange.Detail("parameter", "pattern").Detail("accepted", "at most 200 bytes")
	}
	return envelope.Required(envelope.Field{Name: "pattern", Value: b.Pattern})
}

type clearedJSON struct {
	Pattern string `json:"pattern"`
	Matched int    `json:"matched"`
	Cleared int    `json:"cleared"`
	DryRun  bool   `json:"dry_run"`
	Mode    string `json:"mode"`
}

// clearCache clears by pattern, in every level and every instance. Without
// confirm it only counts.
func (a *API) clearCache(c echo.Context) error {
	var b clearBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	mode := cache.Expire
	if b.Mode == "remove" {
		mode = cache.Remove
	}
	ctx := c.Request().Context()
	done, err := a.deps.Cache.Invalidate(ctx, cache.Invalidation{Pattern: b.Pattern, Mode: mode, DryRun: !b.Confirm})
	if err != nil {
		return err
	}
	out := clearedJSON{b.Pattern, done.Matched, done.Cleared, !b.Confirm, orExpire(b.Mode)}
	err = a.deps.Audit.Write(ctx, audit.Record{
		At: time.Now().UTC(), Service: auth.From(ctx).Service, Action: "cache.clear", RequestID: telemetry.RequestID(ctx),
		Details: map[string]any{"pattern": b.Pattern, "matched": done.Matched, "cleared": done.Cleared, "dry_run": !b.Confirm, "mode": out.Mode},
	})
	if err != nil {
		// The clearing is done and cannot be undone: say so rather than fail.
		a.deps.Log.ErrorContext(ctx, "audit record not written", "action", "cache.clear", "err", err)
	}
	return envelope.OK(c, http.StatusOK, out)
}

func orExpire(mode string) string {
	if mode == "" {
		return "expire"
	}
	return mode
}

func (a *API) explainCache(c echo.Context) error {
	in := envelope.ReadQuery(c, "key")
	key := in.Text("key")
	if key == "" {
		in.Fail(envelope.ErrParameter.Detail("parameter", "key").Detail("accepted", "a cache key like title:9919"))
	}
	if in.Err != nil {
		return in.Err
	}
	return envelope.OK(c, http.StatusOK, explanationOf(a.deps.Cache.Explain(c.Request().Context(), key)))
}

func (a *API) auditTrail(c echo.Context) error {
	in := envelope.ReadQuery(c, "limit")
	limit := in.Number("limit", 50, 1, 1000)
	if in.Err != nil {
		return in.Err
	}
	all, err := a.deps.Audit.Newest(c.Request().Context(), limit)
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, envelope.Each(all, auditOf))
}

func contextWithin(c echo.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.Request().Context(), d)
}
