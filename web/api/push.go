package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/modules/users"
	"anihub/platform/auth"
	"anihub/web/envelope"
)

func (a *API) pushKey(c echo.Context) error {
	key, err := a.deps.Users.PushKey(c.Request().Context())
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, pushKeyJSON{key})
}

// pushBody is PushSubscription.toJSON() as browsers make it (W3C Push API §9).
type pushBody struct {
	Endpoint       string   `json:"endpoint"`
	ExpirationTime *float64 `json:"expirationTime"` // milliseconds since 1970
	Keys           struct {
		P256DH string `json:"p256dh"`
		Auth   string `json:"auth"`
	} `json:"keys"`
}

// latestExpiry keeps a time in what a date can be (ECMA-262 §21.4.1.1).
const latestExpiry = 8.64e15

// Validate checks the form; what is acceptable is the users module's to say.
func (b pushBody) Validate() error {
	if t := b.ExpirationTime; t != nil && (*t < 0 || *t > latestExpiry) {
		return envelope.ErrBody.Detail("field", "expirationTime").Detail("reason", "no time in milliseconds")
	}
	return envelope.Required(envelope.Field{Name: "endpoint", Value: b.Endpoint},
		envelope.Field{Name: "keys.p256dh", Value: b.Keys.P256DH}, envelope.Field{Name: "keys.auth", Value: b.Keys.Auth})
}

func (a *API) addPush(c echo.Context) error {
	var b pushBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	p := auth.From(c.Request().Context())
	n := users.NewPush{UserID: p.UserID, SessionID: p.SessionID, Endpoint: b.Endpoint, P256DH: b.Keys.P256DH, Auth: b.Keys.Auth}
	if b.ExpirationTime != nil {
		n.ExpiresAt = time.UnixMilli(int64(*b.ExpirationTime))
	}
	made, err := a.deps.Users.AddPush(c.Request().Context(), n)
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, pushEndpoint(made))
}

type endpointBody struct {
	Endpoint string `json:"endpoint"`
}

// Validate checks the form.
func (b endpointBody) Validate() error {
	return envelope.Required(envelope.Field{Name: "endpoint", Value: b.Endpoint})
}

func (a *API) removePush(c echo.Context) error {
	var b endpointBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	if err := a.deps.Users.RemovePush(c.Request().Context(), userID(c), b.Endpoint); err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, nil)
}
