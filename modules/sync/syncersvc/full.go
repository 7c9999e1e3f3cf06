package syncersvc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"anihub/modules/catalog"
	syncer "anihub/modules/sync"
	"anihub/platform/anilibria"
)

// fullTick is how often the runner looks whether a full pass was asked for.
const fullTick = 500 * time.Millisecond

// failedPause keeps a pass that fails at once from being begun again and again.
const failedPause = 10 * time.Second

// fullLoop runs full passes: those that were asked for, and one by itself when the
// last is older than the interval. One that was cancelled is not begun again by
// itself before its time.
func (s *Service) fullLoop(ctx context.Context, token int64) error {
	var quiet time.Time // no pass by itself before this
	for {
		pause := fullTick
		job, ok, err := s.dueFull(ctx, quiet)
		if err != nil && ctx.Err() == nil {
			s.noteError(err)
		}
		if ok {
			err := s.runFull(ctx, job, token)
			switch {
			case errors.Is(err, errCancelled):
				quiet = time.Now().Add(s.cfg.FullSyncInterval)
			case err != nil:
				pause = failedPause
			}
		}
		if !sleep(ctx, pause) {
			return nil
		}
	}
}

// dueFull is the full pass to run now: one that a former runner left unfinished,
// one that is queued, or a new one when it is time.
func (s *Service) dueFull(ctx context.Context, quiet time.Time) (syncer.Job, bool, error) {
	if ctx.Err() != nil {
		return syncer.Job{}, false, nil
	}
	job, ok, err := s.store.openFull(ctx)
	if ok || err != nil {
		return job, ok, err
	}
	st, err := s.store.fullState(ctx)
	if err != nil {
		return job, false, err
	}
	due := st.Complete.Add(s.cfg.FullSyncInterval)
	if due.Before(quiet) {
		due = quiet
	}
	s.note(func(out *syncer.Status) { out.LastFull, out.NextFull = st.Complete, due })
	if time.Now().Before(due) {
		return job, false, nil
	}
	job, err = s.startFull(ctx, "")
	return job, err == nil, err
}

// runFull runs one full pass to its end, however long the upstream is away; it
// stops when it is cancelled or the lease is lost, and the next runner goes on where
// this one stopped.
func (s *Service) runFull(ctx context.Context, job syncer.Job, token int64) error {
	began := time.Now()
	err := s.hold(anilibria.Background(ctx), job.ID, token, func(ctx context.Context) error {
		return s.pass(ctx, job.ID)
	})
	s.log.InfoContext(ctx, "full sync ended", "job", job.ID, "took", time.Since(began).Round(time.Millisecond), "err", err)
	return err
}

// pass reads the whole catalogue, page by page, newest first, from where the state
// says. The first one of all is the baseline: it makes no news.
func (s *Service) pass(ctx context.Context, jobID string) error {
	st, err := s.store.fullState(ctx)
	if err != nil {
		return err
	}
	if st.JobID != jobID {
		if st, err = s.beginPass(ctx, st, jobID); err != nil {
			return err
		}
	}
	seen, err := unpack(st.Seen)
	if err != nil {
		return err
	}
	s.measureFrom(jobID, st.Done)
	for {
		page, err := s.page(ctx, st.Next)
		if err != nil {
			return err
		}
		if err := s.takePage(ctx, &st, &seen, page); err != nil {
			return err
		}
		if page.Page >= page.Pages || len(page.IDs) == 0 {
			return s.endPass(ctx, st, seen)
		}
	}
}

// beginPass remembers the latest bumps before anything is read, so that what
// happens during the pass is news for the first poll after it.
func (s *Service) beginPass(ctx context.Context, st fullState, jobID string) (fullState, error) {
	st.JobID, st.Next, st.Done, st.Failed, st.Seen = jobID, 1, 0, 0, nil
	if st.Complete.IsZero() {
		var bumps []anilibria.Bump
		err := s.persist(ctx, "latest", func() (err error) {
			bumps, err = s.deps.Upstream.Latest(ctx, latestLimit)
			return err
		})
		if err != nil {
			return st, err
		}
		if err := s.store.markAll(ctx, bumps); err != nil {
			return st, err
		}
	}
	return st, s.store.saveFullState(ctx, &st)
}

func (s *Service) page(ctx context.Context, n int) (page anilibria.CatalogPage, err error) {
	err = s.persist(ctx, "catalogue page", func() (err error) {
		page, err = s.deps.Upstream.CatalogPage(ctx, n, anilibria.PageMax)
		return err
	})
	return page, err
}

// takePage has one page fetched and remembers that it is done. Titles that an earlier
// page has listed, because the list moves while it is read, are left out.
func (s *Service) takePage(ctx context.Context, st *fullState, seen *idSet, page anilibria.CatalogPage) error {
	ids := seen.take(page.IDs)
	left, err := s.fetchPage(ctx, ids, st.Complete.IsZero())
	if err != nil {
		return err
	}
	if err := s.leaveOut(ctx, st.JobID, left, st.Complete.IsZero()); err != nil {
		return err
	}
	st.Failed += len(left)
	st.Done += len(ids)
	st.Seen = seen.pack()
	st.Total = max(page.Total, st.Done)
	st.Next = page.Page + 1
	if err := s.store.saveFullState(ctx, st); err != nil {
		return err
	}
	if err := s.publish(ctx); err != nil {
		s.noteError(err) // they stay pending; the next poll publishes them
	}
	return s.progress(ctx, st.JobID, syncer.Progress{Done: st.Done, Total: st.Total, Failed: st.Failed})
}

// pageTries is how often titles that fail are asked for within a pass.
const pageTries = 4

// fetchPage has titles fetched, and those that fail once more, since what is left out
// now is missing until the next pass. It returns those that go on failing. When the
// upstream answers for none of them, that is an outage, and is waited for.
func (s *Service) fetchPage(ctx context.Context, ids []int, silent bool) (left []int, err error) {
	left = ids
	for try := 1; len(left) > 0 && try <= pageTries; try++ {
		if try > 1 && !sleep(ctx, firstWait/2+rand.N(firstWait)) {
			return left, context.Cause(ctx)
		}
		err := s.persist(ctx, "refresh", func() error {
			got, err := s.deps.Catalog.Refresh(ctx, catalog.Refresh{IDs: left, Background: true, Silent: silent})
			if err != nil {
				return err
			}
			if len(got.Failed) == len(left) && got.Failed[0].Code == anilibria.ErrUnavailable.Code {
				return anilibria.ErrUnavailable
			}
			left = nil
			for _, f := range got.Failed {
				left = append(left, f.ID)
			}
			return nil
		})
		if err != nil {
			return left, err
		}
	}
	return left, nil
}

func (s *Service) endPass(ctx context.Context, st fullState, seen idSet) error {
	if !st.Complete.IsZero() {
		if err := s.hideGone(ctx, &st, seen); err != nil {
			return err
		}
	}
	st.Complete, st.JobID, st.Seen = time.Now().UTC(), "", nil
	if err := s.store.saveFullState(ctx, &st); err != nil {
		return err
	}
	s.metrics.lastFull.SetToCurrentTime()
	s.note(func(out *syncer.Status) { out.LastFull, out.LastError = st.Complete, "" })
	return nil
}

// Waits between tries of one step of a pass.
const (
	firstWait = time.Second
	longWait  = time.Minute
)

// persist tries a step until it works: an outage is waited for, not a reason to
// begin again. It logs the first failure and the recovery.
func (s *Service) persist(ctx context.Context, what string, step func() error) error {
	wait := firstWait
	for n := 0; ; n++ {
		err := step()
		if err == nil {
			if n > 0 {
				s.log.InfoContext(ctx, "full sync goes on", "step", what, "failures", n)
			}
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.noteError(fmt.Errorf("%s: %w", what, err))
		if n == 0 {
			s.log.WarnContext(ctx, "full sync waits", "step", what, "err", err)
		}
		if !sleep(ctx, wait/2+rand.N(wait)) {
			return context.Cause(ctx)
		}
		wait = min(wait*2, longWait)
	}
}
