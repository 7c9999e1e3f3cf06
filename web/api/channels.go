package api

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"anihub/modules/users"
	"anihub/web/envelope"
)

func (a *API) webhooks(c echo.Context) error {
	all, err := a.deps.Users.Webhooks(c.Request().Context(), userID(c))
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, envelope.Each(all, webhook))
}

type webhookBody struct {
	URL   string   `json:"url"`
	Types []string `json:"types"`
}

// Validate checks the form; which addresses are acceptable is the users module's to say.
func (b webhookBody) Validate() error {
	return envelope.Required(envelope.Field{Name: "url", Value: b.URL})
}

func (a *API) addWebhook(c echo.Context) error {
	var b webhookBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	w, err := a.deps.Users.AddWebhook(c.Request().Context(), userID(c), users.NewWebhook{URL: b.URL, Types: b.Types})
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusCreated, newWebhookJSON{webhook(w), w.Secret})
}

func (a *API) removeWebhook(c echo.Context) error {
	id, err := lastSegment(c, "id")
	if err != nil {
		return err
	}
	if err := a.deps.Users.RemoveWebhook(c.Request().Context(), userID(c), id); err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, nil)
}

// lastSegment is a parameter at the end of a path. The router lets it take the rest.
func lastSegment(c echo.Context, name string) (string, error) {
	if strings.Contains(c.Param(name), "/") {
		return "", envelope.ErrNoRoute
	}
	return c.Param(name), nil
}

type replayBody struct {
	After string `json:"after"`
}

// Validate checks the form.
func (b replayBody) Validate() error {
	return envelope.Required(envelope.Field{Name: "after", Value: b.After})
}

func (a *API) replayWebhook(c echo.Context) error {
	var b replayBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	w, err := a.deps.Users.ReplayWebhook(c.Request().Context(), userID(c), c.Param("id"), b.After)
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, webhook(w))
}

func (a *API) issueFeedToken(c echo.Context) error {
	token, err := a.deps.Users.IssueFeedToken(c.Request().Context(), userID(c))
	if err != nil {
		return err
	}
	base := "/api/users/feed/" + token
	return envelope.OK(c, http.StatusCreated, feedTokenJSON{
		Token: token, Feeds: feedLinksJSON{base + ".rss", base + ".atom", base + ".json", base + ".ics"},
	})
}

func (a *API) revokeFeedToken(c echo.Context) error {
	if err := a.deps.Users.RevokeFeedToken(c.Request().Context(), userID(c)); err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, nil)
}
