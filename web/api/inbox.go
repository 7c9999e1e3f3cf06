package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"anihub/modules/users"
	"anihub/web/envelope"
)

func (a *API) notifications(c echo.Context) error {
	in := envelope.ReadQuery(c, "after", "before", "limit")
	q := users.InboxQuery{
		After: in.Text("after"), Before: in.Text("before"),
		Limit: in.Number("limit", 50, 1, users.MaxNotifications),
	}
	if in.Err != nil {
		return in.Err
	}
	p, err := a.deps.Users.Notifications(c.Request().Context(), userID(c), q)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return envelope.Write(c, http.StatusOK, notificationsJSON{
		Success: true, Data: envelope.Each(p.Items, notification), Meta: unreadJSON{p.Unread},
	})
}

type readBody struct {
	EventIDs []string `json:"event_ids"`
	UpTo     *string  `json:"up_to"`
}

// Validate checks the form.
func (b readBody) Validate() error {
	if b.EventIDs == nil && b.UpTo == nil {
		return envelope.ErrBody.Detail("reason", "nothing to mark: give event_ids or up_to")
	}
	return nil
}

func (a *API) markRead(c echo.Context) error {
	var b readBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	m := users.ReadMark{EventIDs: b.EventIDs}
	if b.UpTo != nil {
		m.UpTo = *b.UpTo
	}
	unread, err := a.deps.Users.MarkRead(c.Request().Context(), userID(c), m)
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, unreadJSON{unread})
}

// preferenceBody is how to be told about a title; what is left out is anything.
type preferenceBody struct {
	Quality  *string  `json:"quality"`
	Channels []string `json:"channels"`
}

// Validate refuses what the users module would, before anything is subscribed to.
func (b preferenceBody) Validate() error {
	if b.Quality != nil && !slices.Contains(users.Qualities(), *b.Quality) {
		return users.ErrUnacceptable.Detail("field", "quality").Detail("accepted", strings.Join(users.Qualities(), ", "))
	}
	for _, channel := range b.Channels {
		if !slices.Contains(users.Channels(), channel) {
			return users.ErrUnacceptable.Detail("field", "channels").Detail("accepted", strings.Join(users.Channels(), ", "))
		}
	}
	return nil
}

// prefer reads the body of a subscription, when there is one.
func (a *API) prefer(c echo.Context) (*users.Preference, error) {
	if c.Request().ContentLength == 0 {
		return nil, nil
	}
	var b preferenceBody
	if err := envelope.Bind(c, &b); err != nil {
		return nil, err
	}
	p := &users.Preference{Channels: b.Channels}
	if b.Quality != nil {
		p.Quality = *b.Quality
	}
	return p, nil
}

// quietBody tells null, which ends the quiet hours, from nothing, which leaves them.
type quietBody struct{ hours *users.QuietHours }

// UnmarshalJSON reads quiet hours or null.
func (q *quietBody) UnmarshalJSON(raw []byte) error {
	q.hours = &users.QuietHours{}
	if string(raw) == "null" {
		return nil
	}
	var b quietHoursJSON
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		return err
	}
	*q.hours = users.QuietHours{From: b.From, To: b.To, TimeZone: b.TimeZone}
	if *q.hours == (users.QuietHours{}) {
		q.hours.From = " " // {} is not null: the users module refuses it
	}
	return nil
}
