package api

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"anihub/modules/users"
	"anihub/platform/auth"
	"anihub/platform/telemetry"
	"anihub/web/envelope"
)

// use puts on what every request passes, outermost first.
func (a *API) use(e *echo.Echo) error {
	ip, err := addressOf(a.cfg.TrustedProxies)
	if err != nil {
		return err
	}
	e.IPExtractor = ip
	e.Use(a.observe, a.secure, a.crossOrigin, a.limitRate)
	return nil
}

// addressOf believes X-Forwarded-For only from the named proxies; echo would
// believe anybody's otherwise.
func addressOf(cidrs []string) (echo.IPExtractor, error) {
	if len(cidrs) == 0 {
		return echo.ExtractIPDirect(), nil
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, text := range cidrs {
		_, block, err := net.ParseCIDR(text)
		if err != nil {
			return nil, fmt.Errorf("web.trusted_proxies: %q is not a CIDR like 10.0.0.0/8", text)
		}
		trust = append(trust, echo.TrustIPRange(block))
	}
	return echo.ExtractIPFromXFFHeader(trust...), nil
}

// observe gives the request its id and its trace, catches panics, renders errors,
// and then counts and logs what was answered: one line, one observation.
func (a *API) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		r := c.Request()
		id := r.Header.Get(echo.HeaderXRequestID)
		if !telemetry.ValidRequestID(id) {
			id = telemetry.NewRequestID()
		}
		ctx, span := a.startSpan(telemetry.WithRequestID(r.Context(), id), r, c.Path())
		defer span.End()
		c.SetRequest(r.WithContext(ctx))
		c.Response().Header()["X-Request-Id"] = []string{id}
		if err := envelope.Caught(next, c); err != nil {
			c.Error(err)
		}
		a.record(c, span, time.Since(start))
		return nil
	}
}

func (a *API) startSpan(ctx context.Context, r *http.Request, route string) (context.Context, trace.Span) {
	// A caller's sampling flag is not trusted here, so its trace is not continued.
	return a.deps.Tracer.Start(ctx, r.Method+" "+route, trace.WithSpanKind(trace.SpanKindServer))
}

func (a *API) record(c echo.Context, span trace.Span, took time.Duration) {
	status := c.Response().Status
	a.metrics.observe(c.Request().Method, c.Path(), status, took)
	if span.IsRecording() {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
	}
	ctx := c.Request().Context()
	if !a.deps.Log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	a.deps.Log.LogAttrs(ctx, slog.LevelInfo, "request",
		slog.String("method", c.Request().Method),
		slog.String("path", envelope.Clip(c.Request().URL.Path, 200)), // never the query: it may hold what is private
		slog.Int("status", status),
		slog.Int64("bytes", c.Response().Size),
		slog.Duration("took", took),
		slog.String("address", c.RealIP()),
	)
}

// secure sets the headers that keep a browser from being talked into mischief
// (OWASP HTTP Headers cheat sheet).
func (a *API) secure(next echo.HandlerFunc) echo.HandlerFunc {
	fixed := http.Header{
		"X-Content-Type-Options":     {"nosniff"},
		"Referrer-Policy":            {"strict-origin-when-cross-origin"},
		"Cross-Origin-Opener-Policy": {"same-origin"},
		"X-Frame-Options":            {"DENY"},
		"Permissions-Policy":         {"camera=(), geolocation=(), microphone=()"},
		"Content-Security-Policy":    {a.contentPolicy()},
	}
	hsts := []string{"max-age=31536000; includeSubDomains"}
	return func(c echo.Context) error {
		h := c.Response().Header()
		for k, v := range fixed {
			h[k] = v
		}
		if c.Scheme() == "https" {
			h["Strict-Transport-Security"] = hsts
		}
		return next(c)
	}
}

// contentPolicy lets posters and video come from anywhere over https, as upstream
// URLs do, and everything else only from here.
func (a *API) contentPolicy() string {
	media := strings.Join(append([]string{"https:"}, a.cfg.MediaOrigins...), " ")
	return strings.Join([]string{
		"default-src 'self'", "script-src 'self'", "style-src 'self' 'unsafe-inline'",
		"img-src 'self' data: " + media, "media-src 'self' blob: " + media,
		"connect-src 'self' " + media, "worker-src 'self' blob:",
		"frame-src https://rutube.ru https://www.youtube.com https://www.youtube-nocookie.com",
		"object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
	}, "; ")
}

// crossOrigin is CORS by allow-list (Fetch standard §3.2).
func (a *API) crossOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		origin := c.Request().Header.Get(echo.HeaderOrigin)
		if origin == "" || !slices.Contains(a.cfg.AllowedOrigins, origin) {
			return next(c)
		}
		h := c.Response().Header()
		h.Set(echo.HeaderAccessControlAllowOrigin, origin)
		h.Set(echo.HeaderAccessControlAllowCredentials, "true")
		h.Set(echo.HeaderAccessControlExposeHeaders, "X-Request-ID, X-Stream-Position, Cache-Status, Age, ETag, Retry-After")
		if c.Request().Method != http.MethodOptions || c.Request().Header.Get(echo.HeaderAccessControlRequestMethod) == "" {
			return next(c)
		}
		h.Set(echo.HeaderAccessControlAllowMethods, "GET, HEAD, POST, PUT, DELETE")
		h.Set(echo.HeaderAccessControlAllowHeaders, "Authorization, Content-Type, If-None-Match, X-Request-ID, Idempotency-Key")
		h.Set(echo.HeaderAccessControlMaxAge, "3600")
		h.Add(echo.HeaderVary, echo.HeaderOrigin)
		return c.NoContent(http.StatusNoContent)
	}
}

// limitRate is the general limit per address. Probes are not counted: a balancer
// that asks often must not be locked out.
func (a *API) limitRate(next echo.HandlerFunc) echo.HandlerFunc {
	if a.limit == nil {
		return next
	}
	return func(c echo.Context) error {
		if strings.HasPrefix(c.Request().URL.Path, "/health/") {
			return next(c)
		}
		wait := a.limit.take(c.RealIP(), time.Now())
		if wait == 0 {
			return next(c)
		}
		h := c.Response().Header()
		h.Set("RateLimit-Limit", strconv.Itoa(a.limit.perMinute))
		h.Set("RateLimit-Remaining", "0")
		h.Set("RateLimit-Reset", strconv.Itoa(int(wait.Seconds())+1))
		return envelope.ErrRateLimited.After(wait)
	}
}

// role is who may use a route.
type role string

const (
	anyone   role = ""
	signedIn role = users.RoleUser
	admin    role = users.RoleAdmin
)

// only lets those through who may. For anyone the handler is used as it is.
func (a *API) only(who role, next echo.HandlerFunc) echo.HandlerFunc {
	if who == anyone {
		return next
	}
	return func(c echo.Context) error {
		p, err := a.whoAsks(c.Request())
		if err != nil {
			return err
		}
		if who == admin && !p.HasRole(users.RoleAdmin) {
			return envelope.ErrForbidden
		}
		c.SetRequest(c.Request().WithContext(auth.WithPrincipal(c.Request().Context(), p)))
		return next(c)
	}
}

func (a *API) whoAsks(r *http.Request) (auth.Principal, error) {
	token, ok := strings.CutPrefix(r.Header.Get(echo.HeaderAuthorization), "Bearer ")
	if !ok {
		return auth.Principal{}, envelope.ErrSignIn
	}
	v, err := a.deps.Users.Validate(r.Context(), token)
	if err != nil {
		return auth.Principal{}, err
	}
	if !v.Valid {
		return auth.Principal{}, users.ErrBadToken.Detail("reason", v.Reason)
	}
	return auth.Principal{UserID: v.UserID, SessionID: v.SessionID, Roles: v.Roles}, nil
}
