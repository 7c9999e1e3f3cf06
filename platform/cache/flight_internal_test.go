package cache

import "testing"

// TestWhatBeginsDuringASweepIsNotKept: a look below L1 that begins while an invalidation is
// being carried out may have read what that is about to clear. It answers, and nothing of it
// stays, also when it ends before the invalidation does.
func TestWhatBeginsDuringASweepIsNotKept(t *testing.T) {
	t.Parallel()
	fs := newFlights()
	hit := func(key string) bool { return key == "title:1" }
	s, err := fs.begin(t.Context(), hit, nil)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{"title:1": false, "title:2": true} {
		f, leads := fs.join(key, false)
		kept := false
		fs.keep(f, nil, func() { kept = true })
		if !leads || kept != want || fs.store(f) != want {
			t.Errorf("%s: leads %v, kept in memory %v; want it kept, here and below: %v", key, leads, kept, want)
		}
		fs.end(f)
	}
	fs.finishSweep(s)
	f, _ := fs.join("title:1", false)
	if !fs.store(f) {
		t.Error("what begins after the invalidation is not kept")
	}
	fs.end(f)
}
