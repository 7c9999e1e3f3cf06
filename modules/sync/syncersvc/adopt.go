package syncersvc

import (
	"context"

	syncer "anihub/modules/sync"
)

// orphaned is the age, in lease lives, at which an open single title counts as left
// behind by a process that died or stopped. One that is merely slow is then fetched
// twice, which changes nothing.
const orphaned = 3

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

// adopt queues the single titles that nobody works on any more.
func (s *Service) adopt(ctx context.Context) error {
	before := now().Add(-orphaned * s.cfg.LeaseTTL)
	for doc, err := range s.store.jobs.Find(ctx, "open", syncer.KindTitle) {
		if err != nil {
			return err
		}
		var d jobDoc
		if err := doc.Decode(&d); err != nil {
			return err
		}
		if d.CreatedAt.Before(before) && !s.queue.has(doc.ID) {
			s.log.InfoContext(ctx, "orphaned job adopted", "job", doc.ID, "title", d.TitleID)
			s.queue.push(task{doc.ID, rank(d.Priority)})
		}
	}
	return nil
}
