package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"anihub/platform/telemetry"
	"anihub/web/envelope"
)

type healthJSON struct {
	Status string `json:"status"`
}

// live says only that the process answers: no dependency ever turns it off.
func (a *API) live(c echo.Context) error {
	return plainHealth(c, http.StatusOK, "live")
}

// ready says whether to send viewers here. Detail is the internal listener's.
func (a *API) ready(c echo.Context) error {
	state, _ := a.deps.Health.State()
	if state == telemetry.NotReady {
		return plainHealth(c, http.StatusServiceUnavailable, state)
	}
	return plainHealth(c, http.StatusOK, state)
}

func plainHealth(c echo.Context, status int, state string) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return envelope.Write(c, status, healthJSON{state})
}
