package cataloghttp

import (
	"context"

	"anihub/modules/catalog"
	"anihub/platform/rpc"
)

// Mount serves a door to other processes.
func Mount(s *rpc.Server, door catalog.Service) {
	m := wire()
	m.title.Handle(s, func(ctx context.Context, r titleRequest) (catalog.Answer[catalog.Title], error) {
		return door.Title(ctx, r.Ref, r.Have)
	})
	m.titles.Handle(s, func(ctx context.Context, r titlesRequest) (catalog.Answer[catalog.Page], error) {
		return door.Titles(ctx, r.Query, r.Have)
	})
	m.schedule.Handle(s, func(ctx context.Context, r haveRequest) (catalog.Answer[[]catalog.Day], error) {
		return door.Schedule(ctx, r.Have)
	})
	m.facets.Handle(s, func(ctx context.Context, r haveRequest) (catalog.Answer[catalog.Facets], error) {
		return door.Facets(ctx, r.Have)
	})
	m.refresh.Handle(s, door.Refresh)
	m.pending.Handle(s, func(ctx context.Context, r pendingRequest) (events, error) {
		list, err := door.Pending(ctx, r.Limit)
		return events{list}, err
	})
	m.confirm.Handle(s, func(ctx context.Context, r events) (rpc.None, error) {
		return rpc.None{}, door.Confirm(ctx, r.Events)
	})
}
