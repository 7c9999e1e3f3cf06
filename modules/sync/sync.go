// Package syncer is the door of synchronisation: it keeps the catalogue equal to
// the upstream, by itself and when asked. (The folder is sync; the package is not
// called so because half its readers also import the standard one.)
package syncer

import (
	"context"
	"time"

	"anihub/platform/fault"
)

// What the sync module can answer besides success.
var (
	ErrJobNotFound = fault.New(fault.NotFound, "JOB_NOT_FOUND", "There is no such job.")
	ErrBadRequest  = fault.New(fault.Unprocessable, "BAD_SYNC_REQUEST", "The sync request is not acceptable.")
	ErrQueueFull   = fault.New(fault.Unavailable, "SYNC_QUEUE_FULL", "Too many jobs are waiting; try again later.")
	ErrUnavailable = fault.New(fault.Unavailable, "SYNC_UNAVAILABLE", "Synchronisation is not available right now; try again later.")
)

// Service is synchronisation. Every method may also return ErrUnavailable or a
// context error.
type Service interface {
	// SyncTitle queues the fetch of one title. The same Key gives the same job.
	// ErrBadRequest, ErrQueueFull.
	SyncTitle(ctx context.Context, r TitleRequest) (Job, error)
	// SyncFull queues a pass over the whole catalogue; one that is queued or running
	// is returned as it is.
	SyncFull(ctx context.Context, key string) (Job, error)
	// Job is one job. ErrJobNotFound.
	Job(ctx context.Context, id string) (Job, error)
	// Jobs are the newest jobs first.
	Jobs(ctx context.Context, limit int) ([]Job, error)
	// Wait returns the job when it is finished, or as it is when ctx ends. ErrJobNotFound.
	Wait(ctx context.Context, id string) (Job, error)
	// Cancel ends a queued or running job; a finished one is returned as it is.
	// ErrJobNotFound.
	Cancel(ctx context.Context, id string) (Job, error)
	// Status is what the module is doing.
	Status(ctx context.Context) (Status, error)
}

// TitleRequest asks for one title.
type TitleRequest struct {
	TitleID  int
	Force    bool   // store and ring even when nothing changed
	Priority string // low, normal, high; "" = normal
	Key      string // idempotency key; "" = none
}

// Kinds of jobs.
const (
	KindTitle = "title"
	KindFull  = "full"
)

// States of a job.
const (
	Queued    = "queued"
	Running   = "running"
	Succeeded = "succeeded"
	Failed    = "failed"
	Cancelled = "cancelled"
)

// Job is one piece of work.
type Job struct {
	ID         string
	Kind       string
	State      string
	Priority   string
	TitleID    int
	Progress   Progress
	CreatedAt  time.Time
	StartedAt  time.Time // zero = not yet
	FinishedAt time.Time // zero = not yet
	Error      string    // public sentence; "" = none
	ErrorCode  string
}

// Finished tells whether the job will not change any more.
func (j Job) Finished() bool {
	return j.State == Succeeded || j.State == Failed || j.State == Cancelled
}

// Progress counts titles.
type Progress struct{ Done, Total, Failed int }

// Status is what synchronisation is doing in the fleet, as this process knows.
type Status struct {
	Runner     bool      // this process runs the scheduled work
	LastPoll   time.Time // last successful poll; zero = never
	LastFull   time.Time // last complete pass; zero = never
	NextPoll   time.Time
	NextFull   time.Time
	Queue      int
	LastError  string
	Published  int64 // events published by this process
	Unfinished int   // stored events nobody confirmed yet
}
