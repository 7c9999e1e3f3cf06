package api

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
	"anihub/modules/users"
	"anihub/web/envelope"
)

// lists is what the user has on lists, newest first.
func (a *API) lists(c echo.Context) error {
	in := envelope.ReadQuery(c, "status", "ids", "page", "limit")
	return a.library(c, in, users.LibraryQuery{
		Status: in.OneOf("status", users.Planned, users.Watching, users.Watched, users.Postponed, users.Abandoned),
	})
}

// favorites is what the user has marked, newest first.
func (a *API) favorites(c echo.Context) error {
	return a.library(c, envelope.ReadQuery(c, "ids", "page", "limit"), users.LibraryQuery{Favorites: true})
}

func (a *API) library(c echo.Context, in *envelope.Query, q users.LibraryQuery) error {
	q.Page, q.Limit = in.Number("page", 1, 1, maxPage), in.Number("limit", 20, 1, 100)
	for _, id := range in.List("ids", maxBatch) {
		n, err := envelope.ReadID("ids", id)
		if err != nil {
			in.Fail(err)
		}
		q.TitleIDs = append(q.TitleIDs, n)
	}
	if in.Err != nil {
		return in.Err
	}
	ctx := c.Request().Context()
	p, err := a.deps.Users.Library(ctx, userID(c), q)
	if err != nil {
		return err
	}
	titles := a.short(ctx, envelope.Each(p.Entries, func(e users.Entry) int { return e.TitleID }))
	data := envelope.Each(p.Entries, func(e users.Entry) listedJSON { return listedJSON{libraryEntry(e), titles[e.TitleID]} })
	return page(c, data, catalog.Page{Page: q.Page, Limit: q.Limit, Total: p.Total})
}

// page sends a page of somebody's own.
func page(c echo.Context, data any, p catalog.Page) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return envelope.Write(c, http.StatusOK, answerJSON{Success: true, Data: data, Pagination: pagination(p)})
}

// shortWait bounds how long a page of the user's own waits for names: the catalogue
// may have to ask the upstream for titles that it does not know.
const shortWait = 2 * time.Second

// short is the short form of up to 100 titles. A list is worth showing without the
// titles that the catalogue lacks, or with none at all while it is away.
func (a *API) short(ctx context.Context, ids []int) map[int]*summaryJSON {
	out := make(map[int]*summaryJSON, len(ids))
	if len(ids) == 0 {
		return out
	}
	all, err := a.byID(ctx, ids)
	if err != nil {
		a.deps.Log.WarnContext(ctx, "a list is shown without its titles", "err", err)
	}
	for _, id := range ids {
		if t, ok := all[id]; ok {
			s := summary(t)
			out[id] = &s
		}
	}
	return out
}

// byID asks for titles; when that takes too long because of some that the upstream
// has to be asked for, those will do that are known here.
func (a *API) byID(ctx context.Context, ids []int) (map[int]catalog.Summary, error) {
	soon, cancel := context.WithTimeout(ctx, shortWait)
	defer cancel()
	got, err := a.deps.Catalog.Titles(soon, catalog.Query{IDs: ids}, "")
	if err == nil {
		out := make(map[int]catalog.Summary, len(ids))
		for _, t := range got.Value.Titles {
			out[t.ID] = t
		}
		return out, nil
	}
	soon, cancel = context.WithTimeout(ctx, shortWait)
	defer cancel()
	all, other := a.wholeCatalogue(soon)
	if other != nil {
		return nil, err
	}
	return all, nil
}

type listBody struct {
	Status string `json:"status"`
	Score  *int   `json:"score"`
}

// Validate checks the form. A score of 0 is not "none": that is null.
func (b listBody) Validate() error {
	if b.Score != nil && *b.Score == 0 {
		return users.ErrUnacceptable.Detail("field", "score").Detail("accepted", "1 to 10, or null")
	}
	return envelope.Required(envelope.Field{Name: "status", Value: b.Status})
}

func (a *API) putOnList(c echo.Context) error {
	id, err := envelope.PathID(c, "title_id")
	if err != nil {
		return err
	}
	var b listBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	l := users.Listing{TitleID: id, Status: b.Status}
	if b.Score != nil {
		l.Score = *b.Score
	}
	e, err := a.deps.Users.List(c.Request().Context(), userID(c), l)
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, libraryEntry(e))
}

func (a *API) takeOffList(c echo.Context) error {
	id, err := envelope.PathID(c, "title_id")
	if err != nil {
		return err
	}
	if err := a.deps.Users.Unlist(c.Request().Context(), userID(c), id); err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, nil)
}

func (a *API) addFavorite(c echo.Context) error    { return a.setFavorite(c, true) }
func (a *API) removeFavorite(c echo.Context) error { return a.setFavorite(c, false) }

func (a *API) setFavorite(c echo.Context, on bool) error {
	id, err := envelope.PathID(c, "title_id")
	if err != nil {
		return err
	}
	e, err := a.deps.Users.SetFavorite(c.Request().Context(), userID(c), id, on)
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, libraryEntry(e))
}
