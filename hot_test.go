package main

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"anihub/platform/anilibria/anilibriatest"
)

// maxAllocations is what a hot title may cost (SPEC §10), net/http's own left out.
const maxAllocations = 12

// unread is a reader who looks at the head of an answer only.
type unread struct {
	header http.Header
	status int
}

func (u *unread) Header() http.Header         { return u.header }
func (u *unread) WriteHeader(status int)      { u.status = status }
func (u *unread) Write(b []byte) (int, error) { return len(b), nil }

// TestAllocationsOfAHotTitle is over the whole product: chain, router, door with its
// metrics, room and cache, in both codings.
func TestAllocationsOfAHotTitle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	upstream := anilibriatest.New(anilibriatest.Catalogue())
	l := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- upstream.Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); <-served })
	s := testSettings(t, "http://"+l.Addr().String()+anilibriatest.BasePath)
	s.Platform.Log.Level, s.Modules.Sync.PollInterval = "info", time.Hour
	s.Web.Addr, s.Web.RateLimit = "127.0.0.1:0", 1_000_000
	h := start(t, s, io.Discard).web.Handler()

	for _, coding := range []string{"identity", "gzip"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/api/anilibria/v2/titles/9901", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.RemoteAddr = "192.0.2.1:1234"
		r.Header.Set("Accept-Encoding", coding)
		w := &unread{header: http.Header{}}
		ask := func() {
			clear(w.header)
			h.ServeHTTP(w, r)
		}
		eventually(t, "the title is hot", func() bool {
			ask()
			return w.status == http.StatusOK && w.header.Get("Cache-Status") == "AniHub; hit; detail=l1"
		})
		got := testing.AllocsPerRun(1000, ask)
		for range 20 { // the product has loops of its own, which allocate as well
			got = min(got, testing.AllocsPerRun(1000, ask))
		}
		if got > maxAllocations || w.status != http.StatusOK {
			t.Errorf("%s: %v allocations, at most %d (status %d)", coding, got, maxAllocations, w.status)
		}
	}
}
