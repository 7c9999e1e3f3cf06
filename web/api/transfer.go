package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
	"anihub/modules/users"
	"anihub/platform/auth"
	"anihub/web/api/animelist"
	"anihub/web/envelope"
)

// format reads which file is meant; it must be said.
func format(in *envelope.Query) animelist.Format {
	f := in.OneOf("format", string(animelist.MAL), string(animelist.Shikimori))
	if f == "" {
		in.Fail(envelope.ErrParameter.Detail("parameter", "format").Detail("reason", "is required").
			Detail("accepted", []string{string(animelist.MAL), string(animelist.Shikimori)}))
	}
	return animelist.Format(f)
}

// exportLists gives all that the user has on lists as a file of another site.
func (a *API) exportLists(c echo.Context) error {
	in := envelope.ReadQuery(c, "format")
	f := format(in)
	if in.Err != nil {
		return in.Err
	}
	items, err := a.items(c.Request().Context(), userID(c))
	if err != nil {
		return err
	}
	u, err := a.deps.Users.User(c.Request().Context(), userID(c))
	if err != nil {
		return err
	}
	file, err := animelist.Write(f, u.Login, items)
	if err != nil {
		return err
	}
	name, media := "anihub-animelist.xml", "application/xml; charset=utf-8"
	if f == animelist.Shikimori {
		name, media = "anihub-animes.json", echo.MIMEApplicationJSON
	}
	download(c, name)
	return c.Blob(http.StatusOK, media, file)
}

func download(c echo.Context, name string) {
	h := c.Response().Header()
	h.Set(echo.HeaderContentDisposition, `attachment; filename="`+name+`"`)
	h.Set(echo.HeaderCacheControl, "no-store")
}

// items are the user's lists as entries of a file. Without the catalogue they have
// ids, but no names.
func (a *API) items(ctx context.Context, user string) ([]animelist.Item, error) {
	p, err := a.deps.Users.Library(ctx, user, users.LibraryQuery{})
	if err != nil {
		return nil, err
	}
	heads, err := a.deps.Users.ProgressOf(ctx, user)
	if err != nil {
		return nil, err
	}
	watched := make(map[int]int, len(heads))
	for _, h := range heads {
		watched[h.TitleID] = h.Watched
	}
	titles, err := a.wholeCatalogue(ctx)
	if err != nil {
		a.deps.Log.WarnContext(ctx, "a list is exported without names", "err", err)
	}
	return envelope.Each(p.Entries, func(e users.Entry) animelist.Item {
		i := animelist.Item{ID: e.TitleID, Status: animelist.Status(e.Status), Score: e.Score, Watched: watched[e.TitleID]}
		if t, ok := titles[e.TitleID]; ok {
			i.Code, i.Name, i.NameRU, i.Type, i.Total = t.Code, t.Names.EN, t.Names.RU, t.Type, t.Episodes.Total
		}
		return i
	}), nil
}

// importLists takes a file of another site. Which titles it means is found out
// here, because the users module does not know the catalogue.
func (a *API) importLists(c echo.Context) error {
	in := envelope.ReadQuery(c, "format", "dry_run", "overwrite")
	f, r := format(in), users.Import{DryRun: in.Yes("dry_run"), Overwrite: in.Yes("overwrite")}
	if in.Err != nil {
		return in.Err
	}
	file, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, animelist.MaxBytes))
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return animelist.ErrTooLarge.Detail("limit_bytes", animelist.MaxBytes)
	case err != nil:
		return envelope.ErrBody.Detail("reason", "cut off").With(err)
	}
	items, err := animelist.Read(f, file)
	if err != nil {
		return err
	}
	m, err := a.match(c.Request().Context(), items)
	if err != nil {
		return err
	}
	r.Listings = m.listings
	done, err := a.deps.Users.Import(c.Request().Context(), userID(c), r)
	if err != nil {
		return err
	}
	if !r.DryRun {
		if err := a.markWatched(c.Request().Context(), userID(c), m.watched); err != nil {
			return err
		}
	}
	return envelope.OK(c, http.StatusOK, importedJSON{done.Imported, done.Unchanged, m.unknown})
}

// maxMarks is how many episodes are marked in one call, so that its body stays small.
const maxMarks = 20_000

// markWatched marks the first episodes of titles as watched. The marks are older than
// all that was ever said here, so they take nobody's place.
func (a *API) markWatched(ctx context.Context, user string, watched []users.ProgressHead) error {
	var batch []users.TitleEdits
	marks, yes := 0, true
	send := func() error {
		if len(batch) == 0 {
			return nil
		}
		_, err := a.deps.Users.SaveProgress(ctx, user, batch)
		batch, marks = nil, 0
		return err
	}
	for _, h := range watched {
		e := users.TitleEdits{TitleID: h.TitleID}
		for n := range h.Watched {
			e.Episodes = append(e.Episodes, users.EpisodeEdit{Episode: float64(n + 1), Watched: &yes, At: longAgo()})
		}
		batch, marks = append(batch, e), marks+h.Watched
		if len(batch) == users.MaxProgressTitles || marks >= maxMarks {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}

// exportUser is everything that is known about the user, as a file. It is written
// while it is read: the progress of a thousand titles is large.
func (a *API) exportUser(c echo.Context) error {
	ctx, user := c.Request().Context(), userID(c)
	head, err := a.exportHead(ctx, user, auth.From(ctx).SessionID)
	if err != nil {
		return err
	}
	heads, err := a.deps.Users.ProgressOf(ctx, user)
	if err != nil {
		return err
	}
	b, err := json.Marshal(head)
	if err != nil {
		return err
	}
	download(c, "anihub-export.json")
	c.Response().Header().Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	if err := a.writeExport(c, b, titlesOf(heads)); err != nil {
		// What has gone out is no whole JSON document: nobody takes it for one.
		a.deps.Log.ErrorContext(ctx, "an export broke off", "err", err)
	}
	return nil
}

func (a *API) exportHead(ctx context.Context, id, session string) (exportJSON, error) {
	u, err := a.deps.Users.User(ctx, id)
	if err != nil {
		return exportJSON{}, err
	}
	sessions, err := a.deps.Users.Sessions(ctx, id)
	if err != nil {
		return exportJSON{}, err
	}
	subs, err := a.deps.Users.Subscriptions(ctx, id)
	if err != nil {
		return exportJSON{}, err
	}
	webhooks, err := a.deps.Users.Webhooks(ctx, id)
	if err != nil {
		return exportJSON{}, err
	}
	push, err := a.deps.Users.PushEndpoints(ctx, id)
	if err != nil {
		return exportJSON{}, err
	}
	lists, err := a.deps.Users.Library(ctx, id, users.LibraryQuery{})
	if err != nil {
		return exportJSON{}, err
	}
	favorites, err := a.deps.Users.Library(ctx, id, users.LibraryQuery{Favorites: true})
	return exportJSON{
		envelope.Moment(time.Now()), user(u), sessionInfos(sessions, session), envelope.Each(subs, subscription),
		envelope.Each(webhooks, webhook), envelope.Each(push, pushEndpoint),
		envelope.Each(lists.Entries, libraryEntry), envelope.Each(favorites.Entries, libraryEntry),
	}, err
}

// writeExport writes the head and, inside it, the progress of the titles.
func (a *API) writeExport(c echo.Context, head []byte, titles []int) error {
	ctx, w := c.Request().Context(), c.Response()
	if _, err := w.Write(append(head[:len(head)-1], `,"progress":[`...)); err != nil {
		return err
	}
	comma := ""
	for len(titles) > 0 {
		n := min(users.MaxProgressRead, len(titles))
		some, err := a.deps.Users.Progress(ctx, userID(c), titles[:n])
		if err != nil {
			return err
		}
		for _, p := range some {
			b, err := json.Marshal(titleProgress(p))
			if err != nil {
				return err
			}
			if _, err := w.Write(append([]byte(comma), b...)); err != nil {
				return err
			}
			comma = ","
		}
		titles = titles[n:]
	}
	_, err := w.Write([]byte("]}\n"))
	return err
}

// wholeCatalogue is every title in the short form. It asks the upstream for nothing.
func (a *API) wholeCatalogue(ctx context.Context) (map[int]catalog.Summary, error) {
	all := map[int]catalog.Summary{}
	for page := 1; page <= maxPage; page++ {
		got, err := a.deps.Catalog.Titles(ctx, catalog.Query{Page: page, Limit: 100, Sort: "id"}, "")
		if err != nil {
			return nil, err
		}
		for _, t := range got.Value.Titles {
			all[t.ID] = t
		}
		if page*100 >= got.Value.Total {
			return all, nil
		}
	}
	return all, nil
}
