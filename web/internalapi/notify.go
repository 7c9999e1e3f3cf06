package internalapi

import (
	"math"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/modules/realtime"
	"anihub/platform/auth"
	"anihub/web/envelope"
)

type notifyBody struct {
	Type      string         `json:"type"`
	TitleID   int            `json:"title_id"`
	Episode   float64        `json:"episode"`
	Data      map[string]any `json:"data"`
	Timestamp string         `json:"timestamp"`
	EventID   string         `json:"event_id"`
}

// Validate checks the form; whether the type exists is the realtime module's to say.
func (b notifyBody) Validate() error {
	if b.TitleID < 1 || b.TitleID > envelope.MaxID {
		return envelope.ErrRange.Detail("parameter", "title_id").Detail("accepted", "a whole number from 1")
	}
	if b.Episode < 0 || b.Episode > 100_000 || math.IsNaN(b.Episode) {
		return envelope.ErrRange.Detail("parameter", "episode").Detail("accepted", "a number from 0 to 100000")
	}
	if len(b.EventID) > 200 {
		return envelope.ErrRange.Detail("parameter", "event_id").Detail("accepted", "at most 200 bytes")
	}
	if _, err := b.at(); err != nil {
		return envelope.ErrRange.Detail("parameter", "timestamp").Detail("accepted", "RFC 3339, like 2025-08-01T15:30:00Z")
	}
	return envelope.Required(envelope.Field{Name: "type", Value: b.Type})
}

func (b notifyBody) at() (time.Time, error) {
	if b.Timestamp == "" {
		return time.Now().UTC(), nil
	}
	return time.Parse(time.RFC3339, b.Timestamp)
}

type publishedJSON struct {
	EventID     string `json:"event_id"`
	Position    string `json:"position"`
	Subscribers int    `json:"subscribers"`
	Duplicate   bool   `json:"duplicate"`
}

func (a *API) notify(c echo.Context) error {
	var b notifyBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	at, err := b.at()
	if err != nil {
		return envelope.ErrRange.With(err)
	}
	out, err := a.deps.Realtime.Publish(c.Request().Context(), []realtime.Event{{
		ID: b.EventID, Type: b.Type, TitleID: b.TitleID, Episode: b.Episode, Data: b.Data, At: at,
	}})
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, publishedJSON(out[0]))
}

type validateBody struct {
	Token string `json:"token"`
}

// Validate checks the form; what the token is worth is the users module's to say.
func (b validateBody) Validate() error {
	return envelope.Required(envelope.Field{Name: "token", Value: b.Token})
}

func (a *API) validate(c echo.Context) error {
	var b validateBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	v, err := a.deps.Users.Validate(c.Request().Context(), b.Token)
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, validationOf(v))
}

func (a *API) user(c echo.Context) error {
	u, err := a.deps.Users.User(c.Request().Context(), envelope.Clip(c.Param("id"), 64))
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, userOf(u, auth.From(c.Request().Context()).May(auth.ReadPII)))
}
