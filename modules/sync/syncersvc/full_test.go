package syncersvc_test

import (
	"testing"

	syncer "anihub/modules/sync"
	"anihub/platform/anilibria"
	"anihub/platform/lease"
)

// TestAPassComesBackToWhatFailed: a title that was left out would be missing until the
// next day.
func TestAPassComesBackToWhatFailed(t *testing.T) {
	t.Parallel()
	all := map[int]int{}
	for id := 1; id <= 60; id++ {
		all[id] = 3
	}
	for name, tt := range map[string]struct {
		failing map[int]int
		code    string
		failed  int
	}{
		"two for a moment":         {map[int]int{7: 1, 55: 2}, anilibria.ErrGarbage.Code, 0},
		"one for good":             {map[int]int{7: -1, 8: 1}, anilibria.ErrGarbage.Code, 1},
		"an outage of all of them": {all, anilibria.ErrUnavailable.Code, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(60)
			w.failing, w.failure = tt.failing, tt.code
			s, _ := room(t, w, openStore(t), lease.NewMemory(), quick())
			eventually(t, "the pass is over", func() bool { st, _ := s.Status(t.Context()); return !st.LastFull.IsZero() })
			eventually(t, "its job says so", func() bool {
				jobs, err := s.Jobs(t.Context(), 1)
				return err == nil && len(jobs) == 1 && jobs[0].State == syncer.Succeeded && jobs[0].Progress.Failed == tt.failed
			})
			w.set(func(w *world) {
				if len(w.known) != 60-tt.failed {
					t.Errorf("%d titles are known, want %d", len(w.known), 60-tt.failed)
				}
			})
		})
	}
}
