package syncersvc

import (
	"context"
	"slices"

	"anihub/modules/catalog"
	"anihub/modules/realtime"
	syncer "anihub/modules/sync"
)

// publishBatch is how many events are published at a time.
const publishBatch = 100

// publish tells viewers what the catalogue has stored for them, oldest first, and
// confirms it. The events lie in the titles' own documents until then, so a crash
// anywhere here leaves them to the next call; an event that was published before
// is recognised by its id and not told again.
func (s *Service) publish(ctx context.Context) error {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	for {
		pending, err := s.deps.Catalog.Pending(ctx, publishBatch)
		if err != nil {
			return err
		}
		s.note(func(st *syncer.Status) { st.Unfinished = len(pending) })
		if len(pending) == 0 {
			return nil
		}
		if err := s.tell(ctx, pending); err != nil {
			return err
		}
	}
}

func (s *Service) tell(ctx context.Context, pending []catalog.Event) error {
	events := make([]realtime.Event, len(pending))
	for i, e := range pending {
		events[i] = news(e)
	}
	published, err := s.deps.Realtime.Publish(ctx, events)
	if err != nil {
		return err
	}
	told := len(slices.DeleteFunc(published, func(p realtime.Published) bool { return p.Duplicate }))
	s.metrics.published.Add(float64(told))
	s.note(func(st *syncer.Status) { st.Published += int64(told) })
	return s.deps.Catalog.Confirm(ctx, pending)
}

// news is an event of the catalogue in the words of realtime (SPEC §5).
func news(e catalog.Event) realtime.Event {
	out := realtime.Event{ID: e.ID, Type: e.Type, TitleID: e.TitleID, Episode: e.Episode, At: e.At}
	switch e.Type {
	case catalog.NewTitle:
		genres := e.Genres
		if genres == nil {
			genres = []string{}
		}
		out.Data = map[string]any{"title": e.Title, "poster": orNil(e.Poster), "genres": genres}
	case catalog.StatusChange:
		out.Data = map[string]any{"title": e.Title, "old_status": e.OldStatus, "new_status": e.NewStatus}
	default:
		out.Data = map[string]any{"title": e.Title, "episode_name": orNil(e.EpisodeName), "poster": orNil(e.Poster)}
	}
	return out
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
