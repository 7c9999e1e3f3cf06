package internalapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"anihub/modules/realtime"
	syncer "anihub/modules/sync"
	"anihub/modules/sync/syncertest"
	"anihub/modules/users"
	"anihub/platform/cache"
	"anihub/platform/documents"
	"anihub/web/openapi"
	"anihub/web/openapi/openapitest"
)

// inspector is made once for all tests of the package: it compiles schemas.
var inspector = sync.OnceValues(func() (*openapitest.Inspector, error) { return openapitest.New(openapi.Internal()) })

func inspect(t *testing.T) *openapitest.Inspector {
	t.Helper()
	i, err := inspector()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// documented holds what a test was answered against the document.
func documented(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	if err := inspect(t).Check(r.Method, r.URL.Path, w.Code, w.Header(), w.Body.Bytes()); err != nil {
		t.Errorf("%s %.200s: %v", r.Method, r.URL, err)
	}
}

var parameter = regexp.MustCompile(`:(\w+)`)

func TestRouterAndDocumentAreEqual(t *testing.T) {
	t.Parallel()
	var routed, written []string
	for _, r := range open(t).handler.(*echo.Echo).Routes() {
		routed = append(routed, r.Method+" "+parameter.ReplaceAllString(r.Path, "{$1}"))
	}
	for _, r := range inspect(t).Routes() {
		written = append(written, r.Method+" "+r.Path)
	}
	slices.Sort(routed)
	slices.Sort(written)
	if diff := cmp.Diff(written, routed); diff != "" {
		t.Errorf("-document +router\n%s", diff)
	}
}

// TestParametersAreThoseOfTheDocument asks every operation for a parameter that
// nobody knows: the refusal names those that are accepted.
func TestParametersAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, r := range inspect(t).Routes() {
		if !strings.HasPrefix(r.Path, "/internal/") {
			continue // probes, scrapers and pprof may add what they like
		}
		path := strings.NewReplacer("{id}", "x").Replace(r.Path)
		_, a := s.do(t, r.Method, path+"?no_such=1", "read,write,notify", "")
		if err := r.Refuses("no_such", a.Error.Code, a.Error.Details); err != nil {
			t.Error(err)
		}
	}
}

// TestTheReferenceIsOneFile: whoever saves it needs nothing else.
func TestTheReferenceIsOneFile(t *testing.T) {
	t.Parallel()
	s := open(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/internal/docs", nil)
	r.Header.Set("Authorization", "Bearer read")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if body := w.Body.String(); w.Code != 200 || strings.Contains(body, "<script") || strings.Contains(body, "<link") || !strings.Contains(body, `id="clearCache"`) {
		t.Errorf("%d %.200s", w.Code, body)
	}
}

// TestBoundsAreThoseOfTheDocument tries every bound, enumeration and required field
// that is documented, from both sides.
func TestBoundsAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	for _, r := range inspect(t).Routes() {
		if !strings.HasPrefix(r.Path, "/internal/") {
			continue // pprof has its own idea of numbers
		}
		probes, err := r.Probes()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range probes {
			if p.What == "type=status_change" {
				continue // wants new_status in data, which the example of another type has not
			}
			status, a := open(t).do(t, r.Method, p.Target, "read,write,notify", string(p.Body), p.Header[0], p.Header[1])
			refused := status == http.StatusBadRequest || status == http.StatusUnprocessableEntity
			if refused == p.Good || status >= 500 {
				t.Errorf("%s with %s: %d %+v", r.ID, p.What, status, a.Error)
			}
		}
	}
}

// TestFailuresAreDocumented lets the operations meet what may fail behind them;
// surface.do holds the answers against the document.
func TestFailuresAreDocumented(t *testing.T) {
	t.Parallel()
	anything := errors.New("something unheard of")
	for id, fail := range map[string]func(*surface, error){
		"listAudit":     func(s *surface, err error) { s.audit.err = err },
		"clearCache":    func(s *surface, err error) { s.cache.err = err },
		"validateToken": func(s *surface, err error) { s.users.Fail(err) },
		"getUser":       func(s *surface, err error) { s.users.Fail(err) },
		"notify":        func(s *surface, err error) { s.live.Fail(err) },
	} {
		reasons := map[string][]error{
			"listAudit":     {documents.ErrUnavailable},
			"clearCache":    {cache.ErrPending, cache.ErrBadInvalidation},
			"validateToken": {users.ErrUnavailable},
			"getUser":       {users.ErrUnavailable, users.ErrNotFound},
			"notify":        {realtime.ErrUnavailable, realtime.ErrUnknownType, realtime.ErrBadEvent},
		}[id]
		for _, err := range append(reasons, context.DeadlineExceeded, anything) {
			s := open(t)
			fail(s, err)
			for _, r := range inspect(t).Routes() {
				if r.ID != id {
					continue
				}
				if status, _ := s.do(t, r.Method, r.Example(), "read,write,notify", r.ExampleBody()); status < 400 {
					t.Errorf("%s with %v: %d", id, err, status)
				}
			}
		}
	}
}

// refusing is synchronisation of which every method fails.
type refusing struct {
	*syncertest.Fake
	err error
}

func (r refusing) Start(context.Context, syncer.Request) (syncer.Job, error) {
	return syncer.Job{}, r.err
}
func (r refusing) Job(context.Context, string) (syncer.Job, error)    { return syncer.Job{}, r.err }
func (r refusing) Cancel(context.Context, string) (syncer.Job, error) { return syncer.Job{}, r.err }
func (r refusing) Jobs(context.Context, int) ([]syncer.Job, error)    { return nil, r.err }

// TestFailuresOfSyncAreDocumented: what the sync module may answer to each.
func TestFailuresOfSyncAreDocumented(t *testing.T) {
	t.Parallel()
	always := []error{syncer.ErrUnavailable, context.DeadlineExceeded, errors.New("something unheard of")}
	for id, errs := range map[string][]error{
		"syncTitle": {syncer.ErrBadRequest, syncer.ErrQueueFull},
		"syncAll":   {syncer.ErrBadRequest, syncer.ErrQueueFull},
		"listJobs":  nil,
		"getJob":    {syncer.ErrJobNotFound},
		"cancelJob": {syncer.ErrJobNotFound},
		"retryJob":  {syncer.ErrJobNotFound, syncer.ErrNoRetry, syncer.ErrQueueFull},
	} {
		for _, err := range append(errs, always...) {
			s := around(t, refusing{syncertest.NewFake(), err})
			for _, r := range inspect(t).Routes() {
				if r.ID != id {
					continue
				}
				if status, _ := s.do(t, r.Method, r.Example(), "read,write", r.ExampleBody()); status < 400 {
					t.Errorf("%s with %v: %d", id, err, status)
				}
			}
		}
	}
}
