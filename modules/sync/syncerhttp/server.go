package syncerhttp

import (
	"context"
	"time"

	syncer "anihub/modules/sync"
	"anihub/platform/rpc"
)

// Mount serves the door to other processes.
func Mount(s *rpc.Server, door syncer.Service) {
	start.Handle(s, door.Start)
	job.Handle(s, func(ctx context.Context, r idRequest) (syncer.Job, error) { return door.Job(ctx, r.ID) })
	jobs.Handle(s, func(ctx context.Context, r limitRequest) ([]syncer.Job, error) { return door.Jobs(ctx, r.Limit) })
	wait.Handle(s, func(ctx context.Context, r idRequest) (syncer.Job, error) { return waitWithin(ctx, door, r.ID) })
	cancel.Handle(s, func(ctx context.Context, r idRequest) (syncer.Job, error) { return door.Cancel(ctx, r.ID) })
	status.Handle(s, func(ctx context.Context, _ rpc.None) (syncer.Status, error) { return door.Status(ctx) })
}

// answerTime is left of the caller's deadline for the way back: Wait promises the
// unfinished job when the time is over, and the caller must still receive it.
const answerTime = 100 * time.Millisecond

func waitWithin(ctx context.Context, door syncer.Service, id string) (syncer.Job, error) {
	if deadline, ok := ctx.Deadline(); ok {
		within, stop := context.WithDeadline(ctx, deadline.Add(-min(answerTime, time.Until(deadline)/4)))
		defer stop()
		return door.Wait(within, id)
	}
	return door.Wait(ctx, id)
}
