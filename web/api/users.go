package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"anihub/modules/users"
	"anihub/platform/auth"
	"anihub/web/envelope"
)

type profileBody struct {
	Name  *string `json:"name"`
	Email *string `json:"email"`

	QuietHours quietBody `json:"quiet_hours"`
}

// Validate checks the form.
func (b profileBody) Validate() error {
	if b.Name == nil && b.Email == nil && b.QuietHours.hours == nil {
		return envelope.ErrBody.Detail("reason", "nothing to change: give name, email or quiet_hours")
	}
	return nil
}

func (a *API) updateProfile(c echo.Context) error {
	var b profileBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	u, err := a.deps.Users.UpdateProfile(c.Request().Context(), userID(c), users.Profile{Name: b.Name, Email: b.Email, Quiet: b.QuietHours.hours})
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, user(u))
}

func (a *API) subscriptions(c echo.Context) error {
	all, err := a.deps.Users.Subscriptions(c.Request().Context(), userID(c))
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, envelope.Each(all, subscription))
}

func (a *API) subscribe(c echo.Context) error {
	id, err := envelope.PathID(c, "title_id")
	if err != nil {
		return err
	}
	p, err := a.prefer(c)
	if err != nil {
		return err
	}
	s, err := a.deps.Users.Subscribe(c.Request().Context(), userID(c), id)
	if err == nil && p != nil {
		s, err = a.deps.Users.Prefer(c.Request().Context(), userID(c), id, *p)
	}
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, subscription(s))
}

func (a *API) unsubscribe(c echo.Context) error {
	id, err := envelope.PathID(c, "title_id")
	if err != nil {
		return err
	}
	if err := a.deps.Users.Unsubscribe(c.Request().Context(), userID(c), id); err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, nil)
}

func userID(c echo.Context) string { return auth.From(c.Request().Context()).UserID }
