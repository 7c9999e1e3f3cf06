package internalapi

import (
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/platform/auth"
	"anihub/platform/telemetry"
	"anihub/web/envelope"
)

// observe gives the request its id, catches panics, renders errors and logs what
// changes something.
func (a *API) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !telemetry.ValidRequestID(id) {
			id = telemetry.NewRequestID()
		}
		ctx := telemetry.WithRequestID(c.Request().Context(), id)
		c.SetRequest(c.Request().WithContext(ctx))
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		if err := envelope.Caught(next, c); err != nil {
			c.Error(err)
		}
		if strings.HasPrefix(c.Path(), "/internal/") {
			a.deps.Log.InfoContext(ctx, "internal request", "method", c.Request().Method, "route", c.Path(),
				"status", c.Response().Status, "took", time.Since(start), "service", auth.From(c.Request().Context()).Service)
		}
		return nil
	}
}

// may lets service tokens with the permission through.
func (a *API) may(permission string, next echo.HandlerFunc) echo.HandlerFunc {
	if permission == open {
		return next
	}
	return func(c echo.Context) error {
		token, ok := strings.CutPrefix(c.Request().Header.Get(echo.HeaderAuthorization), "Bearer ")
		if !ok {
			return auth.ErrToken
		}
		p, err := a.deps.Verify(token)
		if err != nil {
			return err
		}
		if err := auth.Require(p, permission); err != nil {
			return err
		}
		c.SetRequest(c.Request().WithContext(auth.WithPrincipal(c.Request().Context(), p)))
		return next(c)
	}
}
