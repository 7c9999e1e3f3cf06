package syncersvc_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"anihub/modules/sync/syncersvc"
	"anihub/platform/anilibria"
	"anihub/platform/lease"
)

// hints is an event source that says what the test says.
type hints chan anilibria.Event

func (h hints) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (h hints) Next(ctx context.Context) (anilibria.Event, error) {
	select {
	case e := <-h:
		return e, nil
	case <-ctx.Done():
		return anilibria.Event{}, ctx.Err()
	}
}

// TestAHintIsFollowedAtOnce: between two polls that lie an hour apart.
func TestAHintIsFollowedAtOnce(t *testing.T) {
	t.Parallel()
	w, source := newWorld(10), make(hints)
	cfg := quick()
	cfg.PollInterval = time.Hour
	s, _ := room(t, w, openStore(t), lease.NewMemory(), cfg, func(d *syncersvc.Deps) { d.Events = source })
	eventually(t, "the one poll", func() bool { st, _ := s.Status(t.Context()); return !st.LastPoll.IsZero() })
	w.air(3)
	source <- anilibria.Event{ReleaseID: 3}
	eventually(t, "the episode is told", func() bool { return slices.Equal(w.news(), []string{"new_episode:3:2"}) })

	w.air(7)
	w.set(func(w *world) { w.catalogDown = anilibria.ErrUnavailable })
	source <- anilibria.Event{ReleaseID: 7}
	eventually(t, "the trouble is told", func() bool { st, _ := s.Status(t.Context()); return st.LastError != "" })
	w.set(func(w *world) { w.catalogDown = nil })
	source <- anilibria.Event{CatchUp: true}
	eventually(t, "what the hint was lost for is found by catching up", func() bool {
		return slices.Equal(w.news(), []string{"new_episode:3:2", "new_episode:7:2"})
	})
}
