package syncersvc_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	syncer "anihub/modules/sync"
	"anihub/platform/documents"
	"anihub/platform/lease"
)

func TestAThousandJobsAreKept(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	begin := time.Now().Add(-72 * time.Hour).Truncate(time.Millisecond)
	for i := range 1050 { // the oldest is 0
		insert(t, store, fmt.Sprintf("job_%04d", i), map[string]any{
			"kind": "title", "state": "succeeded", "priority": "low", "title_id": 1, "created_at": begin.Add(time.Duration(i) * time.Second),
		})
	}
	rewrite(t, store, "job_0003", func(d map[string]any) {
		d["state"], d["open"], d["alive"] = "queued", "title", time.Now().Add(time.Hour)
	})
	insert(t, store, "job_kold", map[string]any{"kind": "title", "state": "failed", "created_at": begin})
	insert(t, store, "job_kyoung", map[string]any{"kind": "title", "state": "failed", "created_at": time.Now().Add(-23 * time.Hour)})
	for i := range 1000 { // newer than the young one with a key
		insert(t, store, fmt.Sprintf("job_n%04d", i), map[string]any{"kind": "title", "state": "succeeded", "created_at": time.Now()})
	}
	s, _ := room(t, newWorld(3), store, lease.NewMemory(), quick())
	exists := func(id string) bool {
		_, err := s.Job(t.Context(), id)
		return !errors.Is(err, syncer.ErrJobNotFound)
	}
	eventually(t, "the oldest is gone", func() bool { return !exists("job_0000") })
	eventually(t, "so are all finished ones behind the newest thousand", func() bool { return !exists("job_1049") && !exists("job_kold") })
	left := 0
	for _, err := range jobs(store).Scan(t.Context(), documents.Scan{}) {
		if err != nil {
			t.Fatal(err)
		}
		left++
	}
	// The pass of the room itself may have come before or after the cut.
	if left < 1002 || left > 1003 || !exists("job_0003") || !exists("job_kyoung") {
		t.Errorf("%d are left; the open one is there: %v, the one with a young key: %v", left, exists("job_0003"), exists("job_kyoung"))
	}
}
