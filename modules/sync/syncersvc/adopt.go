package syncersvc

import (
	"context"
	"time"

	syncer "anihub/modules/sync"
)

// orphaned is for how many lease lives an open job of a queue may give no sign of
// life before it counts as left behind by a process that died or stopped. One that
// merely waits long somewhere is then run by whoever comes to it first; the fence
// sees to that.
const orphaned = 3

func (s *Service) patience() time.Duration { return orphaned * s.cfg.LeaseTTL }

// adoptLoop looks for orphans, as often as the lease may pass on.
func (s *Service) adoptLoop(ctx context.Context) error {
	for {
		if err := s.adopt(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "orphaned jobs not adopted", "err", err)
		}
		if !sleep(ctx, s.cfg.LeaseTTL) {
			return nil
		}
	}
}

// adopt queues the single titles and retries that nobody works on any more. (A full
// pass has its own way: the runner goes on with it.)
func (s *Service) adopt(ctx context.Context) error {
	for _, kind := range []string{syncer.KindTitle, syncer.KindRetry} {
		for doc, err := range s.store.jobs.Find(ctx, "open", kind) {
			if err != nil {
				return err
			}
			var d jobDoc
			if err := doc.Decode(&d); err != nil {
				return err
			}
			if d.orphaned(s.patience()) && !s.queue.has(doc.ID) {
				s.log.InfoContext(ctx, "orphaned job adopted", "job", doc.ID, "kind", kind, "title", d.TitleID)
				s.queue.push(task{doc.ID, rank(d.Priority)})
			}
		}
	}
	return nil
}
