package cataloghttp

import (
	"context"

	"anihub/modules/catalog"
	"anihub/platform/rpc"
)

// Observe is the door of a catalogue in this process with its calls counted as
// those over the wire are.
func Observe(door catalog.Service, rec *rpc.Recorder) catalog.Service {
	return &local{door: door, rec: rec, m: wire()}
}

type local struct {
	door catalog.Service
	rec  *rpc.Recorder
	m    methods
}

// Title is one title with everything.
func (l *local) Title(ctx context.Context, ref catalog.Ref, have string) (catalog.Answer[catalog.Title], error) {
	return l.m.title.Here(l.rec, func() (catalog.Answer[catalog.Title], error) { return l.door.Title(ctx, ref, have) })
}

// Titles is a page of titles.
func (l *local) Titles(ctx context.Context, q catalog.Query, have string) (catalog.Answer[catalog.Page], error) {
	return l.m.titles.Here(l.rec, func() (catalog.Answer[catalog.Page], error) { return l.door.Titles(ctx, q, have) })
}

// Schedule is what airs on which weekday.
func (l *local) Schedule(ctx context.Context, have string) (catalog.Answer[[]catalog.Day], error) {
	return l.m.schedule.Here(l.rec, func() (catalog.Answer[[]catalog.Day], error) { return l.door.Schedule(ctx, have) })
}

// Facets counts the whole catalogue.
func (l *local) Facets(ctx context.Context, have string) (catalog.Answer[catalog.Facets], error) {
	return l.m.facets.Here(l.rec, func() (catalog.Answer[catalog.Facets], error) { return l.door.Facets(ctx, have) })
}

// Refresh fetches titles and stores what changed.
func (l *local) Refresh(ctx context.Context, r catalog.Refresh) (catalog.Refreshed, error) {
	return l.m.refresh.Here(l.rec, func() (catalog.Refreshed, error) { return l.door.Refresh(ctx, r) })
}

// Pending are stored events that nobody confirmed.
func (l *local) Pending(ctx context.Context, limit int) ([]catalog.Event, error) {
	out, err := l.m.pending.Here(l.rec, func() (events, error) {
		list, err := l.door.Pending(ctx, limit)
		return events{list}, err
	})
	return out.Events, err
}

// Confirm forgets pending events.
func (l *local) Confirm(ctx context.Context, list []catalog.Event) error {
	_, err := l.m.confirm.Here(l.rec, func() (rpc.None, error) { return rpc.None{}, l.door.Confirm(ctx, list) })
	return err
}
