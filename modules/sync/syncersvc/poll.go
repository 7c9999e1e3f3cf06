package syncersvc

import (
	"context"
	"fmt"
	"time"

	"anihub/modules/catalog"
	syncer "anihub/modules/sync"
	"anihub/platform/anilibria"
)

// latestLimit is the most that the list of latest releases gives (FACTS §3.2).
const latestLimit = 50

// maxOverrun bounds how many catalogue pages a poll reads after a long absence;
// what lies behind them is found by the next full pass.
const maxOverrun = 10

// pollLoop asks for news until ctx ends. It begins when the first full pass has
// made the baseline: before that, everything would be news.
func (s *Service) pollLoop(ctx context.Context) error {
	if err := s.awaitBaseline(ctx); err != nil {
		return err
	}
	failures := 0
	for {
		err := s.poll(ctx)
		if ctx.Err() != nil {
			return nil
		}
		s.noteError(err)
		s.metrics.polls.WithLabelValues(result(err)).Inc()
		failures = s.countPoll(failures, err)
		next := cadence(s.cfg.PollInterval, time.Now(), s.expectations(ctx))
		s.note(func(st *syncer.Status) { st.NextPoll = time.Now().Add(next).UTC() })
		if !sleep(ctx, next) {
			return nil
		}
	}
}

// countPoll logs the first failure of a row and the recovery, not every beat of an
// outage.
func (s *Service) countPoll(failures int, err error) int {
	if err == nil {
		if failures > 0 {
			s.log.Info("polling works again", "failures", failures)
		}
		s.metrics.lastPoll.SetToCurrentTime()
		s.note(func(st *syncer.Status) { st.LastPoll = time.Now().UTC() })
		return 0
	}
	if failures == 0 {
		s.log.Warn("polling failed", "err", err)
	}
	return failures + 1
}

// awaitBaseline waits for the first complete pass.
func (s *Service) awaitBaseline(ctx context.Context) error {
	for {
		st, err := s.store.fullState(ctx)
		if err == nil && !st.Complete.IsZero() {
			s.note(func(out *syncer.Status) { out.LastFull = st.Complete })
			return nil
		}
		if !sleep(ctx, baselineCheck) {
			return nil
		}
	}
}

const baselineCheck = 200 * time.Millisecond

// poll looks at the latest bumps, has what changed fetched, and publishes. What
// could not be fetched keeps its old mark and is tried at the next poll.
func (s *Service) poll(ctx context.Context) error {
	s.polling.Lock()
	defer s.polling.Unlock()
	ctx = anilibria.Background(ctx)
	// First what a crash, a cold GET or another process left behind.
	if err := s.publish(ctx); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	bumps, err := s.deps.Upstream.Latest(ctx, latestLimit)
	if err != nil {
		return fmt.Errorf("latest: %w", err)
	}
	state, err := s.store.pollState(ctx)
	if err != nil {
		return fmt.Errorf("poll state: %w", err)
	}
	changed := state.changed(bumps)
	if len(changed) == 0 {
		return nil
	}
	done, err := s.refresh(ctx, changed, catalog.Refresh{Background: true})
	if err != nil {
		return err
	}
	if len(changed) == len(bumps) && state.known() {
		if err := s.overrun(ctx); err != nil {
			return err
		}
	}
	state.mark(bumps, done)
	if err := s.store.savePollState(ctx, state); err != nil {
		return fmt.Errorf("poll state: %w", err)
	}
	return nil
}

// refresh has ids fetched, a page at a time, and publishes what that means. It
// returns the ids that need not be tried again.
func (s *Service) refresh(ctx context.Context, ids []int, how catalog.Refresh) (map[int]bool, error) {
	done := make(map[int]bool, len(ids))
	for start := 0; start < len(ids); start += anilibria.PageMax {
		how.IDs = ids[start:min(start+anilibria.PageMax, len(ids))]
		got, err := s.deps.Catalog.Refresh(ctx, how)
		if err != nil {
			return done, fmt.Errorf("refresh: %w", err)
		}
		for _, id := range how.IDs {
			done[id] = true
		}
		for _, f := range got.Failed {
			delete(done, f.ID)
		}
		if err := s.publish(ctx); err != nil {
			return done, fmt.Errorf("publish: %w", err)
		}
	}
	return done, nil
}

// overrun follows the catalogue's pages, which are in the same order, when the
// whole list of latest releases was news: more happened than the list holds.
func (s *Service) overrun(ctx context.Context) error {
	for page := 2; page <= maxOverrun; page++ {
		ids, err := s.deps.Upstream.CatalogPage(ctx, page, anilibria.PageMax)
		if err != nil {
			return fmt.Errorf("catalogue page %d: %w", page, err)
		}
		if len(ids.IDs) == 0 {
			return nil
		}
		got, err := s.deps.Catalog.Refresh(ctx, catalog.Refresh{IDs: ids.IDs, Background: true})
		if err != nil {
			return fmt.Errorf("refresh: %w", err)
		}
		if err := s.publish(ctx); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		if len(got.Changed) == 0 || page >= ids.Pages {
			return nil
		}
	}
	return nil
}

func result(err error) string {
	if err != nil {
		return "failed"
	}
	return "ok"
}
