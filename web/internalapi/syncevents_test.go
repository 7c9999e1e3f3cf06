package internalapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	syncer "anihub/modules/sync"
	"anihub/modules/sync/syncertest"
)

// scripted is synchronisation whose jobs a test sets. It counts who looks.
type scripted struct {
	*syncertest.Fake
	mu    sync.Mutex
	jobs  []syncer.Job // newest first
	looks int
	down  error
}

// Jobs implements syncer.Service.
func (s *scripted) Jobs(_ context.Context, limit int) ([]syncer.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	return append([]syncer.Job{}, s.jobs[:min(limit, len(s.jobs))]...), s.down
}

// Job implements syncer.Service.
func (s *scripted) Job(_ context.Context, id string) (syncer.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if j.ID == id {
			return j, s.down
		}
	}
	return syncer.Job{}, syncer.ErrJobNotFound
}

func (s *scripted) set(change func(*scripted)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// reader is a watcher of the stream.
type reader struct {
	t     *testing.T
	lines *bufio.Scanner
	leave func()
}

func (s *surface) serve(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	return server
}

func watchJobs(t *testing.T, url string) (*reader, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/internal/sync/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer read")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode == 200 && kind != "text/event-stream" {
		t.Errorf("content type %s", kind)
	}
	return &reader{t, bufio.NewScanner(resp.Body), cancel}, resp.StatusCode
}

// next is the next event: its name and what it tells. "" at the end of the stream.
func (r *reader) next() (event, data string) {
	for r.lines.Scan() {
		name, value, _ := strings.Cut(r.lines.Text(), ": ")
		switch name {
		case "event":
			event = value
		case "data":
			return event, value
		}
	}
	return "", ""
}

type told struct {
	ID       string `json:"job_id"`
	State    string
	Progress struct{ Done int }
	Failed   []int `json:"failed_titles"`
}

func (r *reader) job() told {
	r.t.Helper()
	event, data := r.next()
	var j told
	if err := json.Unmarshal([]byte(data), &j); event != "job" || err != nil {
		r.t.Fatalf("event %q %s: %v", event, data, err)
	}
	return j
}

func titleJob(n int, state string, done int) syncer.Job {
	return syncer.Job{ID: fmt.Sprintf("job_%d", n), Kind: "title", State: state, Progress: syncer.Progress{Done: done, Total: 100}}
}

func TestJobsAreTold(t *testing.T) {
	t.Parallel()
	jobs := &scripted{Fake: syncertest.NewFake()}
	s := around(t, jobs)
	jobs.set(func(s *scripted) {
		s.jobs = []syncer.Job{titleJob(3, "queued", 0), titleJob(2, "succeeded", 100), titleJob(1, "running", 10)}
	})
	r, status := watchJobs(t, s.serve(t).URL)
	if a, b := r.job(), r.job(); status != 200 || a.ID != "job_1" || a.Progress.Done != 10 || b.ID != "job_3" {
		t.Fatalf("%d; first told of %+v and %+v, want the two open ones", status, a, b)
	}
	jobs.set(func(s *scripted) { s.jobs[2] = titleJob(1, "running", 20) })
	if j := r.job(); j.ID != "job_1" || j.Progress.Done != 20 {
		t.Errorf("progress: %+v", j)
	}
	// A burst pushes the open jobs off the page that is looked at; one of it has ended
	// already when it is seen first.
	jobs.set(func(s *scripted) {
		old := s.jobs
		s.jobs = nil
		for n := 200; n > 3; n-- {
			s.jobs = append(s.jobs, titleJob(n, "succeeded", 100))
		}
		s.jobs = append(s.jobs, old...)
	})
	for n := 4; n <= 200; n++ {
		if j := r.job(); j.ID != fmt.Sprintf("job_%d", n) || j.State != "succeeded" {
			t.Fatalf("number %d of the burst: %+v", n, j)
		}
	}
	jobs.set(func(s *scripted) {
		end := titleJob(1, "failed", 20)
		end.FailedTitles = []int{1}
		s.jobs[len(s.jobs)-1] = end
	})
	if j := r.job(); j.ID != "job_1" || j.State != "failed" || j.Failed != nil {
		t.Errorf("the end of one that is no longer among the newest: %+v", j)
	}
	jobs.set(func(s *scripted) { s.down = syncer.ErrUnavailable })
	if event, data := r.next(); event != "unavailable" || !strings.Contains(data, "SYNC_UNAVAILABLE") {
		t.Errorf("an outage: %s %s", event, data)
	}
	jobs.set(func(s *scripted) { s.down, s.jobs[len(s.jobs)-3] = nil, titleJob(3, "running", 0) })
	if j := r.job(); j.ID != "job_3" || j.State != "running" {
		t.Errorf("after it: %+v", j)
	}
}

// TestNobodyWatchingCostsNothing, also after somebody did.
func TestNobodyWatchingCostsNothing(t *testing.T) {
	t.Parallel()
	jobs := &scripted{Fake: syncertest.NewFake()}
	s := around(t, jobs)
	server := s.serve(t)
	jobs.set(func(s *scripted) { s.jobs = []syncer.Job{titleJob(1, "running", 0)} })
	if jobs.looks != 0 {
		t.Fatalf("%d looks before anybody watched", jobs.looks)
	}
	r, _ := watchJobs(t, server.URL)
	r.job()
	r.leave()
	server.Close() // waits for the handler
	looks := jobs.looks
	time.Sleep(1100 * time.Millisecond)
	if jobs.looks != looks {
		t.Errorf("%d looks after the watcher went", jobs.looks-looks)
	}
}

// TestTwoLooksASecond: however often a job changes, and that somebody hears of us when
// nothing does.
func TestTwoLooksASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		jobs := &scripted{Fake: syncertest.NewFake()}
		s := around(t, jobs)
		ctx, leave := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/internal/sync/events", nil)
		r.Header.Set("Authorization", "Bearer read")
		w := httptest.NewRecorder()
		ended := make(chan struct{})
		go func() { defer close(ended); s.handler.ServeHTTP(w, r) }()
		for done := range 1000 { // for ten seconds
			jobs.set(func(s *scripted) { s.jobs = []syncer.Job{titleJob(1, "running", done)} })
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(31 * time.Second)
		leave()
		<-ended
		body := w.Body.String()
		if n := strings.Count(body, "event: job\n"); n < 19 || n > 21 {
			t.Errorf("%d events in ten seconds, want two a second", n)
		}
		if n := strings.Count(body, ": beat\n"); n != 2 {
			t.Errorf("%d beats in 31 quiet seconds, want 2", n)
		}
	})
}

func TestStreamsAreForThoseWhoMayRead(t *testing.T) {
	t.Parallel()
	s := open(t)
	for token, want := range map[string]int{"": 401, "garbage": 401, "write,notify": 403} {
		if status, _ := s.do(t, "GET", "/internal/sync/events", token, ""); status != want {
			t.Errorf("with %q: %d, want %d", token, status, want)
		}
	}
}

func TestStreamsEndInGoodOrder(t *testing.T) {
	t.Parallel()
	jobs := &scripted{Fake: syncertest.NewFake()}
	s := around(t, jobs)
	server := s.serve(t)
	jobs.set(func(s *scripted) { s.jobs = []syncer.Job{titleJob(1, "running", 0)} })
	r, _ := watchJobs(t, server.URL)
	r.job()
	close(s.stopping)
	if event, _ := r.next(); event != "" {
		t.Errorf("event %s after the end", event)
	}
	if err := r.lines.Err(); err != nil {
		t.Errorf("the stream was torn: %v", err)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t)
	server := s.serve(t)
	for range 32 {
		if _, status := watchJobs(t, server.URL); status != 200 {
			t.Fatalf("a stream: %d", status)
		}
	}
	if _, status := watchJobs(t, server.URL); status != 503 {
		t.Errorf("the 33rd: %d", status)
	}
}
