package internalapi

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"anihub/web/envelope"
)

type presenceJSON struct {
	Instances     int                 `json:"instances"`
	Subscriptions int                 `json:"subscriptions"`
	Titles        []titlePresenceJSON `json:"titles"`
}

type titlePresenceJSON struct {
	TitleID     int `json:"title_id"`
	Subscribers int `json:"subscribers"`
}

// presence is who waits for news of which title, over all instances, the busiest first.
func (a *API) presence(c echo.Context) error {
	in := envelope.ReadQuery(c, "limit")
	limit := in.Number("limit", 50, 1, 1000)
	if in.Err != nil {
		return in.Err
	}
	p, err := a.deps.Realtime.Presence(c.Request().Context())
	if err != nil {
		return err
	}
	out := presenceJSON{Instances: p.Instances, Titles: make([]titlePresenceJSON, 0, len(p.Titles))}
	for id, n := range p.Titles {
		out.Subscriptions += n
		out.Titles = append(out.Titles, titlePresenceJSON{id, n})
	}
	slices.SortFunc(out.Titles, func(a, b titlePresenceJSON) int {
		return cmp.Or(cmp.Compare(b.Subscribers, a.Subscribers), cmp.Compare(a.TitleID, b.TitleID))
	})
	out.Titles = out.Titles[:min(limit, len(out.Titles))]
	return envelope.OK(c, http.StatusOK, out)
}
