package syncersvc

import (
	"context"
	"strings"
	"time"

	"anihub/platform/documents"
)

// pruneEvery is how often the history is cut, at most.
const pruneEvery = time.Minute

// keyLife is how long a job with an idempotency key is kept whatever comes after it:
// so long the same key gives the same job.
const keyLife = 24 * time.Hour

// keyed begins the id of a job that has an idempotency key.
const keyed = "job_k"

// pruneLoop cuts the history until ctx ends. A look at the newest job tells whether
// there is anything new since the last cut.
func (s *Service) pruneLoop(ctx context.Context) error {
	last := ""
	for {
		newest, err := s.store.newest(ctx, 1)
		if err == nil && len(newest) > 0 && newest[0].ID != last {
			if err = s.prune(ctx); err == nil {
				last = newest[0].ID
			}
		}
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "old jobs not deleted", "err", err)
		}
		if !sleep(ctx, pruneEvery) {
			return nil
		}
	}
}

// prune deletes the finished jobs behind the newest maxJobs.
func (s *Service) prune(ctx context.Context) error {
	kept, deleted := 0, 0
	for doc, err := range s.store.jobs.Scan(ctx, documents.Scan{Order: "created_at", Descending: true}) {
		if err != nil {
			return err
		}
		if kept < maxJobs {
			kept++
			continue
		}
		var d jobDoc
		if err := doc.Decode(&d); err != nil {
			return err
		}
		if !d.finished() || strings.HasPrefix(doc.ID, keyed) && time.Since(d.CreatedAt) < keyLife {
			continue
		}
		if err := s.store.jobs.Delete(ctx, doc.ID); err != nil {
			return err
		}
		deleted++
	}
	if deleted > 0 {
		s.log.InfoContext(ctx, "old jobs deleted", "jobs", deleted)
	}
	return nil
}
