package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
	"anihub/modules/users"
	"anihub/web/envelope"
)

// maxProgressBody has room for every episode of the longest title.
const maxProgressBody = 512 << 10

type editJSON struct {
	Episode   *float64 `json:"episode"`
	Seconds   *float64 `json:"seconds"`
	Watched   *bool    `json:"watched"`
	UpdatedAt *string  `json:"updated_at"`
}

type titleEditsBody struct {
	TitleID  int        `json:"title_id"`
	Episodes []editJSON `json:"episodes"`
}

// edits makes the door's values, or says which field cannot be read.
func (b titleEditsBody) edits() (users.TitleEdits, error) {
	out := users.TitleEdits{TitleID: b.TitleID, Episodes: make([]users.EpisodeEdit, len(b.Episodes))}
	for i, e := range b.Episodes {
		if e.Episode == nil {
			return out, badEdit(b.TitleID, i, "episode", "is required")
		}
		out.Episodes[i] = users.EpisodeEdit{Episode: *e.Episode, Seconds: e.Seconds, Watched: e.Watched}
		if e.UpdatedAt == nil {
			continue
		}
		at, err := time.Parse(time.RFC3339, *e.UpdatedAt)
		if err != nil {
			return out, badEdit(b.TitleID, i, "updated_at", "must be a time like 2026-05-01T20:00:00.000Z")
		}
		if at.IsZero() { // which the door takes for "now"
			at = at.Add(time.Nanosecond)
		}
		out.Episodes[i].At = at
	}
	return out, nil
}

func badEdit(titleID, i int, field, reason string) error {
	e := envelope.ErrBody.Detail("field", fmt.Sprintf("episodes[%d].%s", i, field)).Detail("reason", reason)
	if titleID != 0 {
		e = e.Detail("title_id", titleID)
	}
	return e
}

// episodesBody is PUT /progress/{title_id}.
type episodesBody struct {
	Episodes []editJSON `json:"episodes"`
}

// Validate leaves the meaning to the users module.
func (b episodesBody) Validate() error {
	if len(b.Episodes) == 0 {
		return envelope.ErrBody.Detail("field", "episodes").Detail("reason", "is required")
	}
	return nil
}

// titlesBody is PUT /progress.
type titlesBody struct {
	Titles []titleEditsBody `json:"titles"`
}

// Validate leaves the meaning to the users module.
func (b titlesBody) Validate() error {
	if len(b.Titles) == 0 {
		return envelope.ErrBody.Detail("field", "titles").Detail("reason", "is required")
	}
	return nil
}

// progress is all that the user is in the middle of, latest edit first.
func (a *API) progress(c echo.Context) error {
	in := envelope.ReadQuery(c, "page", "limit")
	p := catalog.Page{Page: in.Number("page", 1, 1, maxPage), Limit: in.Number("limit", 20, 1, users.MaxProgressRead)}
	if in.Err != nil {
		return in.Err
	}
	ctx := c.Request().Context()
	heads, err := a.deps.Users.ProgressOf(ctx, userID(c))
	if err != nil {
		return err
	}
	p.Total = len(heads)
	from := min((p.Page-1)*p.Limit, len(heads))
	got, err := a.deps.Users.Progress(ctx, userID(c), titlesOf(heads[from:min(from+p.Limit, len(heads))]))
	if err != nil {
		return err
	}
	return page(c, envelope.Each(got, titleProgress), p)
}

func titlesOf(heads []users.ProgressHead) []int {
	return envelope.Each(heads, func(h users.ProgressHead) int { return h.TitleID })
}

// titleProgress is the progress of one title; of one that was never watched there is
// none, which is no error.
func (a *API) titleProgress(c echo.Context) error {
	id, err := envelope.PathID(c, "title_id")
	if err != nil {
		return err
	}
	got, err := a.deps.Users.Progress(c.Request().Context(), userID(c), []int{id})
	if err != nil {
		return err
	}
	if len(got) == 0 {
		got = []users.TitleProgress{{ProgressHead: users.ProgressHead{TitleID: id}}}
	}
	return envelope.OK(c, http.StatusOK, titleProgress(got[0]))
}

func (a *API) saveTitleProgress(c echo.Context) error {
	id, err := envelope.PathID(c, "title_id")
	if err != nil {
		return err
	}
	var b episodesBody
	if err := envelope.BindUpTo(c, &b, maxProgressBody); err != nil {
		return err
	}
	got, err := a.save(c, []titleEditsBody{{TitleID: id, Episodes: b.Episodes}})
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, titleProgress(got[0]))
}

func (a *API) saveProgress(c echo.Context) error {
	var b titlesBody
	if err := envelope.BindUpTo(c, &b, maxProgressBody); err != nil {
		return err
	}
	got, err := a.save(c, b.Titles)
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, envelope.Each(got, titleProgress))
}

func (a *API) save(c echo.Context, titles []titleEditsBody) ([]users.TitleProgress, error) {
	all := make([]users.TitleEdits, len(titles))
	for i, t := range titles {
		var err error
		if all[i], err = t.edits(); err != nil {
			return nil, err
		}
	}
	return a.deps.Users.SaveProgress(c.Request().Context(), userID(c), all)
}
