package internalapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	syncer "anihub/modules/sync"
	"anihub/platform/fault"
)

// What a stream of jobs costs and promises. A look is a question for the newest jobs;
// while nobody watches there are none.
const (
	lookEvery  = 500 * time.Millisecond // so a job is told of at most twice a second
	beatEvery  = 15 * time.Second       // a comment, so that proxies and watchers know of us
	writeTime  = 10 * time.Second       // a watcher that takes nothing for so long is cut off
	maxStreams = 32
	newest     = 50
	allJobs    = 1000
)

var errTooManyWatchers = fault.New(fault.Unavailable, "TOO_MANY_WATCHERS", "Too many streams of sync jobs are open.")

// syncEvents tells an admin of the open jobs, and then of every change of any job of
// the fleet, as Server-Sent Events. It looks at the jobs between two writes: a slow
// reader gets fewer events, the newest state in each, and nothing is kept for it.
func (a *API) syncEvents(c echo.Context) error {
	select {
	case a.streams <- struct{}{}:
		defer func() { <-a.streams }()
	default:
		return errTooManyWatchers.After(beatEvery)
	}
	w := &stream{rc: http.NewResponseController(c.Response()), w: c.Response(), last: time.Now()}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set(echo.HeaderCacheControl, "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep the events to itself
	c.Response().WriteHeader(http.StatusOK)
	defer func() { _ = w.rc.SetWriteDeadline(time.Time{}) }() // of the last write; the connection may live on
	return a.follow(c.Request().Context(), w)
}

// follow looks and tells until the watcher goes away or this process stops. An
// outage of the jobs is told of once.
func (a *API) follow(ctx context.Context, w *stream) error {
	watched := watch{told: map[string][]byte{}, seen: map[string]bool{}}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	down := false
	w.comment("the open jobs, and then what changes")
	for {
		jobs, err := watched.look(ctx, a.deps.Sync)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			down = false
			for _, j := range jobs {
				w.event("job", j)
			}
		case !down:
			down = true
			w.event("unavailable", mustJSON(jobError{fault.Of(err).Code, fault.Of(err).Message}))
		}
		if time.Since(w.last) >= beatEvery {
			w.comment("beat")
		}
		if w.flush() != nil {
			return nil // the watcher has gone, or takes nothing
		}
		select {
		case <-ctx.Done():
			return nil
		case <-a.deps.Stopping:
			w.comment("this process stops; come again")
			_ = w.flush()
			return nil
		case <-tick.C:
		}
	}
}

// watch is what one watcher knows.
type watch struct {
	told  map[string][]byte // open jobs as they were told last
	seen  map[string]bool   // the jobs of the looks so far
	begun bool
}

// look gives the jobs to be told of, oldest first: at first the open ones, then those
// that changed or are new.
func (w *watch) look(ctx context.Context, door syncer.Service) ([][]byte, error) {
	all, err := w.current(ctx, door)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, j := range slices.Backward(all) {
		before, open := w.told[j.ID]
		fresh := w.begun && !w.seen[j.ID]
		w.seen[j.ID] = true
		if j.Finished() && !open && !fresh {
			continue
		}
		text := mustJSON(jobOf(j))
		if !bytes.Equal(text, before) {
			out = append(out, text)
		}
		w.told[j.ID] = text
		if j.Finished() {
			delete(w.told, j.ID)
		}
	}
	w.begun = true
	return out, nil
}

// current are the newest jobs, newest first, and behind them those that were open and
// are not among them. All are read the first time, when more is new than a page holds,
// and when it is time to forget what was seen long ago.
func (w *watch) current(ctx context.Context, door syncer.Service) ([]syncer.Job, error) {
	if w.begun && len(w.seen) < 3*allJobs {
		page, err := door.Jobs(ctx, newest)
		if err != nil {
			return nil, err
		}
		missing := w.missing(page)
		if len(missing) < newest && (len(page) < newest || w.seen[page[len(page)-1].ID]) {
			return w.fill(ctx, door, page, missing)
		}
	}
	all, err := door.Jobs(ctx, allJobs)
	if err != nil {
		return nil, err
	}
	w.forget(all)
	return w.fill(ctx, door, all, w.missing(all))
}

// forget drops what was seen and is no longer there to be seen again.
func (w *watch) forget(all []syncer.Job) {
	kept := make(map[string]bool, len(all))
	for _, j := range all {
		if w.seen[j.ID] {
			kept[j.ID] = true
		}
	}
	w.seen = kept
}

// fill adds the jobs that are not among the newest. One that was deleted is forgotten.
func (w *watch) fill(ctx context.Context, door syncer.Service, all []syncer.Job, missing []string) ([]syncer.Job, error) {
	for _, id := range missing {
		j, err := door.Job(ctx, id)
		switch {
		case errors.Is(err, syncer.ErrJobNotFound):
			delete(w.told, id)
			continue
		case err != nil:
			return nil, err
		}
		j.FailedTitles = nil // as in lists
		all = append(all, j)
	}
	return all, nil
}

// missing are the open jobs that are not among these.
func (w *watch) missing(all []syncer.Job) []string {
	var out []string
	for id := range w.told {
		if !slices.ContainsFunc(all, func(j syncer.Job) bool { return j.ID == id }) {
			out = append(out, id)
		}
	}
	return out
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // the types are our own
	}
	return text
}

// stream writes Server-Sent Events (HTML standard §9.2).
type stream struct {
	rc   *http.ResponseController
	w    http.ResponseWriter
	buf  bytes.Buffer
	last time.Time // when something was written
}

func (s *stream) event(name string, data []byte) {
	_, _ = fmt.Fprintf(&s.buf, "event: %s\ndata: %s\n\n", name, data)
}

func (s *stream) comment(text string) { _, _ = fmt.Fprintf(&s.buf, ": %s\n\n", text) }

// flush sends what was written since the last time.
func (s *stream) flush() error {
	if s.buf.Len() == 0 {
		return nil
	}
	_ = s.rc.SetWriteDeadline(time.Now().Add(writeTime)) // a recorder of tests has none
	if _, err := s.w.Write(s.buf.Bytes()); err != nil {
		return err
	}
	s.buf.Reset()
	s.last = time.Now()
	return s.rc.Flush()
}
