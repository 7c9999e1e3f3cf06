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
	"go.opentelemetry.io/otel/trace/noop"

	"anihub/modules/users"
	"anihub/platform/auth"
	"anihub/platform/telemetry"
	"anihub/web/envelope"
)

// use puts on what every request passes, outermost first; site serves what is no
// route of the API.
func (a *API) use(e *echo.Echo, site echo.HandlerFunc) error {
	proxies, err := networks(a.cfg.TrustedProxies)
	if err != nil {
		return err
	}
	a.proxies = proxies
	e.IPExtractor = addressOf(proxies)
	e.Use(once(a.observe, boundBody, a.secure, a.crossOrigin, a.limitRate, a.orSite(site)))
	return nil
}

// once puts the chain together once, where echo would do so for every request. It
// ends in the handler that the router has found.
func once(chain ...echo.MiddlewareFunc) echo.MiddlewareFunc {
	h := func(c echo.Context) error { return c.Handler()(c) }
	for _, m := range slices.Backward(chain) {
		h = m(h)
	}
	return func(echo.HandlerFunc) echo.HandlerFunc { return h }
}

// addressOf believes X-Forwarded-For only from the named proxies; echo would
// believe anybody's otherwise.
func addressOf(proxies []*net.IPNet) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, block := range proxies {
		trust = append(trust, echo.TrustIPRange(block))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}

func networks(cidrs []string) (all []*net.IPNet, err error) {
	for _, text := range cidrs {
		_, block, err := net.ParseCIDR(text)
		if err != nil {
			return nil, fmt.Errorf("web.trusted_proxies: %q is not a CIDR like 10.0.0.0/8", text)
		}
		all = append(all, block)
	}
	return all, nil
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

// startSpan begins the trace of a request. A caller's sampling flag is not trusted
// here, so its trace is not continued.
func (a *API) startSpan(ctx context.Context, r *http.Request, route string) (context.Context, trace.Span) {
	if !a.tracing {
		return ctx, noop.Span{}
	}
	return a.deps.Tracer.Start(ctx, r.Method+" "+route, trace.WithSpanKind(trace.SpanKindServer))
}

func (a *API) record(c echo.Context, span trace.Span, took time.Duration) {
	status := c.Response().Status
	a.metrics.observe(c.Request().Method, c.Path(), status, took)
	if span.IsRecording() {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
	}
	ctx, level := c.Request().Context(), levelOf(c, took)
	if !a.deps.Log.Enabled(ctx, level) {
		return
	}
	a.deps.Log.LogAttrs(ctx, level, "request",
		slog.String("method", c.Request().Method),
		slog.String("path", masked(c.Request().URL.Path)), // never the query: it may hold what is private
		slog.Int("status", status),
		slog.Int64("bytes", c.Response().Size),
		slog.Duration("took", took),
		slog.String("address", c.RealIP()),
	)
}

// slow is what somebody should look at, in the time of a viewer who waits.
const slow = time.Second

// levelOf: what went well and quickly is counted, and is worth a line only to
// somebody who turns debug on; there are thousands a second of it. Sockets and
// streams live long by nature.
func levelOf(c echo.Context, took time.Duration) slog.Level {
	status := c.Response().Status
	switch {
	case strings.HasPrefix(c.Path(), "/health/"): // its state is told by whose it is
		return slog.LevelDebug
	case status >= http.StatusInternalServerError:
		return slog.LevelWarn
	case status >= http.StatusBadRequest:
		return slog.LevelInfo
	case took < slow || status == http.StatusSwitchingProtocols || longLived(c):
		return slog.LevelDebug
	default:
		return slog.LevelWarn
	}
}

// longLived is a request that waits for news by nature.
func longLived(c echo.Context) bool {
	return c.Response().Header().Get(echo.HeaderContentType) == eventStream || c.Path() == socketIOPath
}

// eventStream is the type of Server-Sent Events (HTML standard §9.2).
const eventStream = "text/event-stream"

// bodyTime is how long the body of a request may take to arrive.
const bodyTime = 30 * time.Second

// boundBody keeps a client that drips a body from holding a connection, whether the
// handler reads the body or the server does away with it.
func boundBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Body != http.NoBody {
			// The server sets the deadline of the next request by itself.
			_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Now().Add(bodyTime))
		}
		return next(c)
	}
}

// limitRate is the general limit per address. Probes are not counted: a balancer
// that asks often must not be locked out.
func (a *API) limitRate(next echo.HandlerFunc) echo.HandlerFunc {
	if a.limit == nil {
		return next
	}
	return func(c echo.Context) error {
		if free(c.Request().URL.Path) {
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

// free is what does not count: probes, and the page's files, of which one visit takes twenty
// and which cost next to nothing.
func free(path string) bool {
	return strings.HasPrefix(path, "/health/") || strings.HasPrefix(path, "/assets/")
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
