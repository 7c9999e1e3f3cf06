package syncerhttp

import (
	"context"

	syncer "anihub/modules/sync"
	"anihub/platform/rpc"
)

// Observe is the door with its calls recorded as those over the wire are.
func Observe(door syncer.Service, rec *rpc.Recorder) syncer.Service { return local{door, rec} }

type local struct {
	door syncer.Service
	rec  *rpc.Recorder
}

func (l local) Start(ctx context.Context, r syncer.Request) (syncer.Job, error) {
	return start.Here(l.rec, func() (syncer.Job, error) { return l.door.Start(ctx, r) })
}

func (l local) Job(ctx context.Context, id string) (syncer.Job, error) {
	return job.Here(l.rec, func() (syncer.Job, error) { return l.door.Job(ctx, id) })
}

func (l local) Jobs(ctx context.Context, limit int) ([]syncer.Job, error) {
	return jobs.Here(l.rec, func() ([]syncer.Job, error) { return l.door.Jobs(ctx, limit) })
}

func (l local) Wait(ctx context.Context, id string) (syncer.Job, error) {
	return wait.Here(l.rec, func() (syncer.Job, error) { return l.door.Wait(ctx, id) })
}

func (l local) Cancel(ctx context.Context, id string) (syncer.Job, error) {
	return cancel.Here(l.rec, func() (syncer.Job, error) { return l.door.Cancel(ctx, id) })
}

func (l local) Status(ctx context.Context) (syncer.Status, error) {
	return status.Here(l.rec, func() (syncer.Status, error) { return l.door.Status(ctx) })
}
