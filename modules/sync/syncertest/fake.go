package syncertest

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	syncer "anihub/modules/sync"
)

// Fake is synchronisation in memory, in the world of the contract. Jobs run at
// once, except the hanging one.
type Fake struct {
	mu   sync.Mutex
	jobs []syncer.Job
	keys map[string]int // key → place in jobs
}

var _ syncer.Service = (*Fake)(nil)

// NewFake has no jobs.
func NewFake() *Fake { return &Fake{keys: map[string]int{}} }

// Start implements syncer.Service.
func (f *Fake) Start(ctx context.Context, r syncer.Request) (syncer.Job, error) {
	switch r.Kind {
	case syncer.KindTitle:
		return f.title(ctx, r, "")
	case syncer.KindFull:
		return f.add(ctx, syncer.Job{
			Kind: syncer.KindFull, Priority: "low", State: syncer.Succeeded,
			Progress: syncer.Progress{Done: Titles, Total: Titles},
		}, r.Key)
	case syncer.KindRetry:
		return f.retry(ctx, r.JobID)
	}
	return syncer.Job{}, syncer.ErrBadRequest
}

func (f *Fake) title(ctx context.Context, r syncer.Request, retryOf string) (syncer.Job, error) {
	if r.Priority == "" {
		r.Priority = "normal"
	}
	if r.TitleID < 1 || r.TitleID >= 1<<31 || !slices.Contains([]string{"low", "normal", "high"}, r.Priority) {
		return syncer.Job{}, syncer.ErrBadRequest
	}
	j := syncer.Job{Kind: syncer.KindTitle, TitleID: r.TitleID, Priority: r.Priority, RetryOf: retryOf, Progress: syncer.Progress{Total: 1}}
	switch r.TitleID {
	case Hanging:
		j.State = syncer.Running
	case Unknown:
		j.State, j.ErrorCode, j.Error = syncer.Failed, "TITLE_NOT_FOUND", "There is no such title."
	default:
		j.State, j.Progress.Done = syncer.Succeeded, 1
	}
	return f.add(ctx, j, r.Key)
}

func (f *Fake) retry(ctx context.Context, id string) (syncer.Job, error) {
	old, err := f.Job(ctx, id)
	if err != nil {
		return old, err
	}
	if old.State != syncer.Failed {
		return syncer.Job{}, syncer.ErrNoRetry
	}
	return f.title(ctx, syncer.Request{TitleID: old.TitleID, Priority: old.Priority}, id)
}

func (f *Fake) add(ctx context.Context, j syncer.Job, key string) (syncer.Job, error) {
	if err := ctx.Err(); err != nil {
		return syncer.Job{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if at, ok := f.keys[key]; ok && key != "" {
		if f.jobs[at].TitleID != j.TitleID || f.jobs[at].Kind != j.Kind {
			return syncer.Job{}, syncer.ErrBadRequest
		}
		return f.jobs[at], nil
	}
	now := time.Now().UTC()
	j.ID, j.CreatedAt, j.StartedAt = "job_"+strconv.Itoa(len(f.jobs)+1), now, now
	if j.Finished() {
		j.FinishedAt = now
	}
	f.keys[key] = len(f.jobs)
	f.jobs = append(f.jobs, j)
	return j, nil
}

// Job implements syncer.Service.
func (f *Fake) Job(ctx context.Context, id string) (syncer.Job, error) {
	if err := ctx.Err(); err != nil {
		return syncer.Job{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	at := slices.IndexFunc(f.jobs, func(j syncer.Job) bool { return j.ID == id })
	if at < 0 {
		return syncer.Job{}, syncer.ErrJobNotFound
	}
	return f.jobs[at], nil
}

// Jobs implements syncer.Service.
func (f *Fake) Jobs(ctx context.Context, limit int) ([]syncer.Job, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.Clone(f.jobs)
	slices.Reverse(out)
	return out[:min(limit, len(out))], nil
}

// Wait implements syncer.Service.
func (f *Fake) Wait(ctx context.Context, id string) (syncer.Job, error) {
	for {
		j, err := f.Job(context.WithoutCancel(ctx), id)
		if err != nil || j.Finished() || ctx.Err() != nil {
			return j, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Cancel implements syncer.Service.
func (f *Fake) Cancel(ctx context.Context, id string) (syncer.Job, error) {
	if _, err := f.Job(ctx, id); err != nil {
		return syncer.Job{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	at := slices.IndexFunc(f.jobs, func(j syncer.Job) bool { return j.ID == id })
	if !f.jobs[at].Finished() {
		f.jobs[at].State, f.jobs[at].FinishedAt = syncer.Cancelled, time.Now().UTC()
	}
	return f.jobs[at], nil
}

// Status implements syncer.Service.
func (f *Fake) Status(ctx context.Context) (syncer.Status, error) {
	return syncer.Status{Runner: true}, ctx.Err()
}
