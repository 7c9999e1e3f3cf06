package syncersvc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"anihub/modules/catalog"
	syncer "anihub/modules/sync"
	"anihub/platform/documents"
	"anihub/platform/fault"
)

// maxTitleID keeps ids in every integer type on the way.
const maxTitleID = 1<<31 - 1

// Start implements syncer.Service.
func (s *Service) Start(ctx context.Context, r syncer.Request) (syncer.Job, error) {
	switch r.Kind {
	case syncer.KindTitle:
		return s.startTitle(ctx, r)
	case syncer.KindFull:
		return s.startFull(ctx, r.Key)
	case syncer.KindRetry:
		return s.startRetry(ctx, r.JobID)
	}
	return syncer.Job{}, syncer.ErrBadRequest.Detail("field", "kind")
}

func (s *Service) startTitle(ctx context.Context, r syncer.Request) (syncer.Job, error) {
	if r.Priority == "" {
		r.Priority = "normal"
	}
	if r.TitleID < 1 || r.TitleID > maxTitleID {
		return syncer.Job{}, syncer.ErrBadRequest.Detail("field", "title_id")
	}
	if !slices.Contains(priorities(), r.Priority) {
		return syncer.Job{}, syncer.ErrBadRequest.Detail("field", "priority").Detail("accepted", priorities())
	}
	job, fresh, err := s.create(ctx, jobDoc{
		Kind: syncer.KindTitle, Priority: r.Priority, TitleID: r.TitleID, Force: r.Force, Total: 1,
	}, r.Key)
	if err != nil || !fresh {
		return job, err
	}
	return s.enqueue(ctx, job)
}

// enqueue has a new job run by the workers of this process.
func (s *Service) enqueue(ctx context.Context, job syncer.Job) (syncer.Job, error) {
	if !s.queue.push(task{job.ID, rank(job.Priority)}) {
		s.finish(context.WithoutCancel(ctx), job.ID, whoever, syncer.ErrQueueFull)
		return syncer.Job{}, syncer.ErrQueueFull.After(10 * time.Second)
	}
	return job, nil
}

func (s *Service) startFull(ctx context.Context, key string) (syncer.Job, error) {
	if open, ok, err := s.store.openFull(ctx); ok || err != nil {
		return open, outward(err)
	}
	job, _, err := s.create(ctx, jobDoc{Kind: syncer.KindFull, Priority: "low"}, key)
	return job, err
}

// create stores a job. With a key its identity comes from the key, so that the
// store itself makes the second request meet the first.
func (s *Service) create(ctx context.Context, d jobDoc, key string) (syncer.Job, bool, error) {
	d.State, d.Open, d.CreatedAt = syncer.Queued, d.Kind, now()
	id := "job_" + strings.ToLower(rand.Text()[:16])
	if key != "" {
		sum := sha256.Sum256([]byte(key))
		id = keyed + hex.EncodeToString(sum[:10])
	}
	err := s.store.jobs.Insert(ctx, id, d)
	if errors.Is(err, documents.ErrExists) {
		return s.earlier(ctx, id, d)
	}
	if err != nil {
		return syncer.Job{}, false, outward(err)
	}
	return d.job(id), true, nil
}

// earlier is the job that the same key made, if it was for the same thing.
func (s *Service) earlier(ctx context.Context, id string, d jobDoc) (syncer.Job, bool, error) {
	got, _, err := s.store.job(ctx, id)
	if err != nil {
		return syncer.Job{}, false, outward(err)
	}
	if got.Kind != d.Kind || got.TitleID != d.TitleID || got.Force != d.Force || got.RetryOf != d.RetryOf {
		return syncer.Job{}, false, syncer.ErrBadRequest.Saying("The Idempotency-Key was used for another request.")
	}
	return got.job(id), false, nil
}

// Job implements syncer.Service.
func (s *Service) Job(ctx context.Context, id string) (syncer.Job, error) {
	d, _, err := s.store.job(ctx, id)
	if err != nil {
		return syncer.Job{}, outward(err)
	}
	return d.job(id), nil
}

// maxJobs is the most that Jobs returns, and as many are kept.
const maxJobs = 1000

// Jobs implements syncer.Service.
func (s *Service) Jobs(ctx context.Context, limit int) ([]syncer.Job, error) {
	if limit < 1 || limit > maxJobs {
		limit = maxJobs
	}
	all, err := s.store.newest(ctx, limit)
	return all, outward(err)
}

// waitCheck is how often a job of another process is looked at.
const waitCheck = 300 * time.Millisecond

// Wait implements syncer.Service.
func (s *Service) Wait(ctx context.Context, id string) (syncer.Job, error) {
	ended, leave := s.waiters.join(id)
	defer leave()
	for {
		job, err := s.Job(ctx, id)
		if err != nil || job.Finished() {
			return job, err
		}
		select {
		case <-ctx.Done():
			return job, nil
		case <-ended:
		case <-time.After(waitCheck):
		}
	}
}

// Cancel implements syncer.Service.
func (s *Service) Cancel(ctx context.Context, id string) (syncer.Job, error) {
	job, err := s.Job(ctx, id)
	if err != nil || job.Finished() {
		return job, err
	}
	s.finish(ctx, id, whoever, errCancelled)
	s.queue.cancel(id, errCancelled)
	return s.Job(ctx, id)
}

// work runs single titles and retries, the most urgent first, until ctx ends.
func (s *Service) work(ctx context.Context) error {
	for {
		t, ok := s.queue.pop(ctx)
		if !ok {
			return nil
		}
		s.runTask(ctx, t.id)
	}
}

// runTask runs a job of the queue. One that was cancelled or taken elsewhere before
// it began is no concern any more, and its own failure is stored with it.
func (s *Service) runTask(ctx context.Context, id string) {
	_ = s.hold(ctx, id, 0, func(ctx context.Context) error {
		d, _, err := s.store.job(ctx, id)
		if err != nil {
			return err
		}
		if d.Kind == syncer.KindRetry {
			return s.fetchAgain(ctx, id, d)
		}
		return s.fetchTitle(ctx, id, d)
	})
}

func (s *Service) fetchTitle(ctx context.Context, id string, d jobDoc) error {
	got, err := s.deps.Catalog.Refresh(ctx, catalog.Refresh{
		IDs: []int{d.TitleID}, Force: d.Force, Background: d.Priority == "low",
	})
	if err != nil {
		return err
	}
	if len(got.Missing) > 0 {
		return catalog.ErrNotFound
	}
	if len(got.Failed) > 0 {
		return fault.New(fault.Unavailable, got.Failed[0].Code, got.Failed[0].Message)
	}
	if err := s.publish(ctx); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return s.progress(ctx, id, syncer.Progress{Done: 1, Total: 1})
}

// outward turns the store's errors into the door's.
func outward(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, documents.ErrNotFound):
		return syncer.ErrJobNotFound
	case errors.Is(err, documents.ErrUnavailable):
		return syncer.ErrUnavailable.With(err)
	}
	return err
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
