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
	ErrNoRetry     = fault.New(fault.Conflict, "NOTHING_TO_RETRY", "The job left nothing behind that could be retried.")
	ErrQueueFull   = fault.New(fault.Unavailable, "SYNC_QUEUE_FULL", "Too many jobs are waiting; try again later.")
	ErrUnavailable = fault.New(fault.Unavailable, "SYNC_UNAVAILABLE", "Synchronisation is not available right now; try again later.")
)

// Service is synchronisation. Every method may also return ErrUnavailable or a
// context error.
type Service interface {
	// Start queues a job. The same Key gives the same job; a pass over the whole
	// catalogue that is queued or running is returned as it is, and so is a retry of
	// the same job. ErrBadRequest, ErrQueueFull; for a retry also ErrJobNotFound and
	// ErrNoRetry.
	Start(ctx context.Context, r Request) (Job, error)
	// Job is one job. ErrJobNotFound.
	Job(ctx context.Context, id string) (Job, error)
	// Jobs are the newest jobs first, without FailedTitles.
	Jobs(ctx context.Context, limit int) ([]Job, error)
	// Wait returns the job when it is finished, or as it is when ctx ends. ErrJobNotFound.
	Wait(ctx context.Context, id string) (Job, error)
	// Cancel ends a queued or running job; a finished one is returned as it is.
	// ErrJobNotFound.
	Cancel(ctx context.Context, id string) (Job, error)
	// Status is what the module is doing.
	Status(ctx context.Context) (Status, error)
}

// Request asks for a job.
type Request struct {
	Kind     string
	TitleID  int    // of a title
	Force    bool   // of a title: store and ring even when nothing changed
	Priority string // of a title: low, normal, high; "" = normal
	JobID    string // of a retry: the finished job whose failed titles are fetched again
	Key      string // idempotency key; "" = none. A retry needs none
}

// Kinds of jobs.
const (
	KindTitle = "title" // one title
	KindFull  = "full"  // the whole catalogue
	KindRetry = "retry" // what another job could not fetch; of a title it is a title again
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

	RetryOf      string // the job that this one retries; "" = none
	FailedTitles []int  // what could not be fetched, at most MaxFailedTitles of them
}

// Finished tells whether the job will not change any more.
func (j Job) Finished() bool {
	return j.State == Succeeded || j.State == Failed || j.State == Cancelled
}

// MaxFailedTitles bounds how many failed titles a job remembers.
const MaxFailedTitles = 500

// Progress counts titles.
type Progress struct {
	Done, Total, Failed int
	Rate                float64   // titles per second over the recent pages of the present run; 0 = unknown
	ETA                 time.Time // when the job is likely done; zero = unknown
}

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
