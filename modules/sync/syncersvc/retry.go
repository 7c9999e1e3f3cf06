package syncersvc

import (
	"context"
	"fmt"
	"slices"

	"anihub/modules/catalog"
	syncer "anihub/modules/sync"
	"anihub/platform/anilibria"
	"anihub/platform/fault"
)

// startRetry queues what a finished job could not fetch. While a retry of that job is
// open, there is no second one: its identity comes from the job and from how many
// retries have ended, so that the store itself makes two who ask at once meet.
func (s *Service) startRetry(ctx context.Context, id string) (syncer.Job, error) {
	old, _, err := s.store.job(ctx, id)
	if err != nil {
		return syncer.Job{}, outward(err)
	}
	d, err := retryOf(id, old)
	if err != nil {
		return syncer.Job{}, err
	}
	for n := 0; ; n++ {
		// No header holds a NUL: no key of a caller can be this one.
		job, fresh, err := s.create(ctx, d, fmt.Sprintf("\x00retry %s %d", id, n))
		switch {
		case err != nil:
			return syncer.Job{}, err
		case fresh:
			return s.enqueue(ctx, job)
		case !job.Finished():
			return job, nil
		}
	}
}

// retryOf is the job that does again what an old one could not.
func retryOf(id string, old jobDoc) (jobDoc, error) {
	if !old.finished() {
		return jobDoc{}, syncer.ErrNoRetry.Saying("The job has not ended yet.")
	}
	if old.Kind == syncer.KindTitle {
		if old.State != syncer.Failed {
			return jobDoc{}, syncer.ErrNoRetry
		}
		return jobDoc{
			Kind: syncer.KindTitle, Priority: old.Priority, TitleID: old.TitleID, Force: old.Force, Total: 1, RetryOf: id,
		}, nil
	}
	titles := old.unfetched()
	if len(titles) == 0 {
		return jobDoc{}, syncer.ErrNoRetry
	}
	return jobDoc{
		Kind: syncer.KindRetry, Priority: "normal", Titles: titles, Total: len(titles), Silent: old.Silent, RetryOf: id,
	}, nil
}

// fetchAgain fetches the titles of a retry, a page at a time, from where a former
// runner stopped. An outage is not waited for: it fails, and can be retried itself.
func (s *Service) fetchAgain(ctx context.Context, id string, d jobDoc) error {
	ctx = anilibria.Background(ctx)
	s.measureFrom(id, d.Done)
	p := syncer.Progress{Done: d.Done, Total: len(d.Titles), Failed: d.Failed}
	var last *catalog.Failure
	for page := range slices.Chunk(d.Titles[min(d.Done, len(d.Titles)):], anilibria.PageMax) {
		got, err := s.deps.Catalog.Refresh(ctx, catalog.Refresh{IDs: page, Background: true, Silent: d.Silent})
		if err != nil {
			return err
		}
		left := make([]int, 0, len(got.Failed))
		for _, f := range got.Failed {
			left, last = append(left, f.ID), &f
		}
		if err := s.leaveOut(ctx, id, left, d.Silent); err != nil {
			return err
		}
		if err := s.publish(ctx); err != nil {
			s.noteError(err) // they stay pending; the next poll publishes them
		}
		p.Done, p.Failed = p.Done+len(page), p.Failed+len(left)
		if err := s.progress(ctx, id, p); err != nil {
			return err
		}
	}
	if last != nil && p.Failed == p.Total {
		return fault.New(fault.Unavailable, last.Code, last.Message)
	}
	return nil
}
