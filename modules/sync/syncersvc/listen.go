package syncersvc

import (
	"context"

	"golang.org/x/sync/errgroup"

	"anihub/modules/catalog"
	"anihub/platform/anilibria"
)

// listenLoop follows an upstream that tells what changes by itself, until ctx ends.
// What it tells are hints: a release that is named is fetched, and after a connection
// was lost the poll finds what was missed. Polls go on beside it, since a hint may be
// lost without a trace.
func (s *Service) listenLoop(ctx context.Context) error {
	if s.deps.Events == nil {
		return nil
	}
	if err := s.awaitBaseline(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.deps.Events.Run(ctx) })
	g.Go(func() error {
		for {
			event, err := s.deps.Events.Next(ctx)
			if err != nil {
				return nil // ctx has ended
			}
			if err := s.heed(ctx, event); err != nil && ctx.Err() == nil {
				s.noteError(err)
				s.log.WarnContext(ctx, "a hint of the upstream could not be followed; the next poll will", "title", event.ReleaseID, "err", err)
			}
		}
	})
	return g.Wait()
}

func (s *Service) heed(ctx context.Context, event anilibria.Event) error {
	if event.CatchUp {
		return s.poll(ctx)
	}
	s.metrics.hints.Inc()
	_, err := s.refresh(ctx, []int{event.ReleaseID}, catalog.Refresh{Background: true})
	return err
}
