package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
	"anihub/modules/users"
	"anihub/platform/fault"
	"anihub/web/envelope"
)

// lookBack is how many of the titles that the user watched last are looked at. Who
// stopped a hundred titles ago finds the rest on their lists.
const lookBack = 100

// continueWatching is what to go on with: of the titles that the user is in the
// middle of, or whose next episode is out, the episode to watch and where in it.
// What happened last comes first: the user stopped, or an episode came out.
func (a *API) continueWatching(c echo.Context) error {
	in := envelope.ReadQuery(c, "limit")
	limit := in.Number("limit", 20, 1, 50)
	if in.Err != nil {
		return in.Err
	}
	ctx := c.Request().Context()
	started, err := a.started(ctx, userID(c))
	if err != nil {
		return err
	}
	found := a.resumables(ctx, started)
	slices.SortStableFunc(found, func(x, y resumable) int { return y.at.Compare(x.at) })
	found = found[:min(limit, len(found))]
	return envelope.OK(c, http.StatusOK, envelope.Each(found, func(r resumable) continueJSON { return r.json }))
}

// started is the progress of the titles that the user watched last, without those
// that they have given up.
func (a *API) started(ctx context.Context, user string) ([]users.TitleProgress, error) {
	heads, err := a.deps.Users.ProgressOf(ctx, user)
	if err != nil {
		return nil, err
	}
	gone, err := a.deps.Users.Library(ctx, user, users.LibraryQuery{Status: users.Abandoned})
	if err != nil {
		return nil, err
	}
	abandoned := make(map[int]bool, len(gone.Entries))
	for _, e := range gone.Entries {
		abandoned[e.TitleID] = true
	}
	heads = slices.DeleteFunc(heads, func(h users.ProgressHead) bool { return abandoned[h.TitleID] })
	var all []users.TitleProgress
	for some := range slices.Chunk(heads[:min(lookBack, len(heads))], users.MaxProgressRead) {
		got, err := a.deps.Users.Progress(ctx, user, titlesOf(some))
		if err != nil {
			return nil, err
		}
		all = append(all, got...)
	}
	return all, nil
}

// resumables leaves out what the catalogue lacks, or cannot tell soon. It asks for all
// at once, so that one that hangs takes no others along.
func (a *API) resumables(ctx context.Context, started []users.TitleProgress) []resumable {
	ctx, cancel := context.WithTimeout(ctx, shortWait)
	defer cancel()
	all := make([]*resumable, len(started))
	var wg sync.WaitGroup
	for i, p := range started {
		wg.Go(func() {
			// A panic here would end the process: nobody above could catch it.
			err := envelope.Caught(func(echo.Context) error {
				t, err := a.deps.Catalog.Title(ctx, catalog.Ref{ID: p.TitleID}, "")
				if err == nil {
					all[i] = resume(t.Value, p)
				}
				return err
			}, nil)
			if errors.Is(err, fault.ErrInternal) {
				a.deps.Log.ErrorContext(ctx, "a title cannot be gone on with", "title", p.TitleID, "err", err)
			}
		})
	}
	wg.Wait()
	var found []resumable
	for _, r := range all {
		if r != nil {
			found = append(found, *r)
		}
	}
	return found
}

// resumable is a title to go on with, and when that last changed.
type resumable struct {
	at   time.Time
	json continueJSON
}

// resume finds where to go on: in the episode that was watched last or, when that is
// done with, in the next one that is not; nil when nothing is left.
func resume(t catalog.Title, p users.TitleProgress) *resumable {
	if len(p.Episodes) == 0 {
		return nil
	}
	last := slices.MaxFunc(p.Episodes, func(x, y users.EpisodeProgress) int {
		return cmp.Or(x.UpdatedAt.Compare(y.UpdatedAt), cmp.Compare(x.Episode, y.Episode))
	})
	known := make(map[float64]users.EpisodeProgress, len(p.Episodes))
	for _, e := range p.Episodes {
		known[e.Episode] = e
	}
	var next *catalog.Episode
	fresh, at := 0, p.UpdatedAt
	for i, e := range t.Player.Episodes {
		if e.Ordinal < last.Episode || done(known[e.Ordinal], e) {
			continue
		}
		if next == nil {
			next = &t.Player.Episodes[i]
		}
		// When an imported mark was made nobody knows, and so not what is new since.
		if _, seen := known[e.Ordinal]; !seen && e.UpdatedAt.After(p.UpdatedAt) && p.UpdatedAt.After(longAgo()) {
			fresh++
			at = latest(at, e.UpdatedAt)
		}
	}
	if next == nil {
		return nil
	}
	return &resumable{at, continueJSON{
		TitleID: t.ID, Title: summary(t.Summary), Episode: nextEpisode(*next), Seconds: known[next.Ordinal].Seconds,
		NewEpisodes: fresh, UpdatedAt: instant(p.UpdatedAt),
	}}
}

// nearEnd is the part of an episode after which nothing is left but the credits.
const nearEnd = 0.95

// done tells whether an episode needs no more watching: it is marked, or left at its
// end by a player that did not mark it.
func done(p users.EpisodeProgress, e catalog.Episode) bool {
	end := float64(e.Duration) * nearEnd
	if e.Ending != nil && e.Ending.Start > e.Duration/2 { // else it is a mistake
		end = float64(e.Ending.Start)
	}
	return p.Watched || end > 0 && p.Seconds >= end
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// longAgo is the time of marks that say nothing of when: it loses to every edit.
func longAgo() time.Time { return time.UnixMilli(1) }
