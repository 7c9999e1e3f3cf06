package internalapi

import (
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	syncer "anihub/modules/sync"
	"anihub/web/envelope"
)

type syncTitleBody struct {
	TitleID  int    `json:"title_id"`
	Force    bool   `json:"force"`
	Priority string `json:"priority"`
}

// Validate checks the form.
func (b syncTitleBody) Validate() error {
	if b.TitleID < 1 || b.TitleID > envelope.MaxID {
		return envelope.ErrRange.Detail("parameter", "title_id").Detail("accepted", "a whole number from 1")
	}
	if !slices.Contains([]string{"", "low", "normal", "high"}, b.Priority) {
		return envelope.ErrRange.Detail("parameter", "priority").Detail("accepted", []string{"low", "normal", "high"})
	}
	return nil
}

// waitTime bounds ?wait=true: longer than one guarded upstream call.
const waitTime = 40 * time.Second

// askedHow reads how a job is asked for: whether to wait for its end, and under
// which idempotency key.
func askedHow(c echo.Context) (wait bool, key string, err error) {
	in := envelope.ReadQuery(c, "wait")
	wait = in.Yes("wait")
	if in.Err != nil {
		return false, "", in.Err
	}
	key, err = idempotencyKey(c)
	return wait, key, err
}

func (a *API) syncTitle(c echo.Context) error {
	wait, key, err := askedHow(c)
	if err != nil {
		return err
	}
	var b syncTitleBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	job, err := a.deps.Sync.Start(c.Request().Context(), syncer.Request{
		Kind: syncer.KindTitle, TitleID: b.TitleID, Force: b.Force, Priority: b.Priority, Key: key,
	})
	if err != nil {
		return err
	}
	return a.sendJob(c, job, wait)
}

func (a *API) syncFull(c echo.Context) error {
	wait, key, err := askedHow(c)
	if err != nil {
		return err
	}
	job, err := a.deps.Sync.Start(c.Request().Context(), syncer.Request{Kind: syncer.KindFull, Key: key})
	if err != nil {
		return err
	}
	return a.sendJob(c, job, wait)
}

func (a *API) sendJob(c echo.Context, job syncer.Job, wait bool) error {
	if !wait {
		return envelope.OK(c, http.StatusAccepted, jobOf(job))
	}
	ctx, cancel := contextWithin(c, waitTime)
	defer cancel()
	job, err := a.deps.Sync.Wait(ctx, job.ID)
	if err != nil {
		return err
	}
	if !job.Finished() {
		return envelope.OK(c, http.StatusAccepted, jobOf(job))
	}
	return envelope.OK(c, http.StatusOK, jobOf(job))
}

// maxKey bounds an idempotency key.
const maxKey = 128

func idempotencyKey(c echo.Context) (string, error) {
	key := c.Request().Header.Get("Idempotency-Key")
	if len(key) > maxKey {
		return "", envelope.ErrParameter.Detail("parameter", "Idempotency-Key").Detail("accepted", "at most 128 bytes")
	}
	return key, nil
}

func (a *API) jobs(c echo.Context) error {
	in := envelope.ReadQuery(c, "limit")
	limit := in.Number("limit", 50, 1, 1000)
	if in.Err != nil {
		return in.Err
	}
	all, err := a.deps.Sync.Jobs(c.Request().Context(), limit)
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, envelope.Each(all, jobOf))
}

func (a *API) job(c echo.Context) error {
	j, err := a.deps.Sync.Job(c.Request().Context(), jobID(c))
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, jobOf(j))
}

// retryJob fetches again what a job could not. It needs no idempotency key: while a
// retry is open, asking for it gives that one.
func (a *API) retryJob(c echo.Context) error {
	in := envelope.ReadQuery(c, "wait")
	wait := in.Yes("wait")
	if in.Err != nil {
		return in.Err
	}
	j, err := a.deps.Sync.Start(c.Request().Context(), syncer.Request{Kind: syncer.KindRetry, JobID: jobID(c)})
	if err != nil {
		return err
	}
	return a.sendJob(c, j, wait)
}

// jobID is the job of the path, short enough for every store.
func jobID(c echo.Context) string { return envelope.Clip(c.Param("id"), 64) }

func (a *API) cancelJob(c echo.Context) error {
	j, err := a.deps.Sync.Cancel(c.Request().Context(), jobID(c))
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, jobOf(j))
}
