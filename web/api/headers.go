package api

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// secure sets what keeps a browser from making more of an answer than it is (OWASP
// REST Security cheat sheet). The page needs more, see orSite.
func (a *API) secure(next echo.HandlerFunc) echo.HandlerFunc {
	nosniff := []string{"nosniff"}
	policy := []string{"default-src 'none'; frame-ancestors 'none'"}
	hsts := []string{"max-age=31536000; includeSubDomains"}
	return func(c echo.Context) error {
		h := c.Response().Header()
		h["X-Content-Type-Options"] = nosniff
		h["Content-Security-Policy"] = policy
		if overTLS(c) {
			h["Strict-Transport-Security"] = hsts
		}
		return next(c)
	}
}

// overTLS looks at who the peer is only when it says that it is a proxy.
func overTLS(c echo.Context) bool {
	r := c.Request()
	return r.TLS != nil || len(r.Header["X-Forwarded-Proto"]) > 0 && c.Scheme() == "https"
}

// orSite serves the site where there is no route, with the headers that a page
// needs (OWASP HTTP Headers cheat sheet). It stands in the chain and not in the
// router, because a catch-all route would hide that a path knows other methods.
func (a *API) orSite(site echo.HandlerFunc) echo.MiddlewareFunc {
	page := http.Header{
		"Referrer-Policy":            {"strict-origin-when-cross-origin"},
		"Cross-Origin-Opener-Policy": {"same-origin"},
		"X-Frame-Options":            {"DENY"},
		"Permissions-Policy":         {"camera=(), geolocation=(), microphone=()"},
		"Content-Security-Policy":    {a.contentPolicy()},
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			if !errors.Is(err, echo.ErrNotFound) {
				return err
			}
			c.SetPath("/*")
			maps.Copy(c.Response().Header(), page)
			return site(c)
		}
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
		h.Set(echo.HeaderAccessControlExposeHeaders, "X-Request-ID, X-Stream-Position, X-Subscribers, Cache-Status, Age, ETag, Retry-After")
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
