package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
	"anihub/modules/users"
	"anihub/web/api"
	"anihub/web/openapi"
	"anihub/web/openapi/openapitest"
)

// inspector is made once for all tests of the package: it compiles schemas.
var inspector = sync.OnceValues(func() (*openapitest.Inspector, error) { return openapitest.New(openapi.Public()) })

func inspect(t testing.TB) *openapitest.Inspector {
	t.Helper()
	i, err := inspector()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// documented holds what a test was answered against the document. Every request that
// goes through surface.do comes here.
func documented(t testing.TB, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	if !slices.ContainsFunc([]string{"/api/", "/health/", "/sdk/", "/socket.io/"}, func(p string) bool { return strings.HasPrefix(r.URL.Path, p) }) {
		return // the page
	}
	if err := inspect(t).Check(r.Method, r.URL.Path, w.Code, w.Header(), unpacked(t, w)); err != nil {
		t.Errorf("%s %.200s: %v", r.Method, r.URL, err)
	}
}

func unpacked(t testing.TB, w *httptest.ResponseRecorder) []byte {
	t.Helper()
	if w.Header().Get("Content-Encoding") != "gzip" {
		return w.Body.Bytes()
	}
	z, err := gzip.NewReader(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

var parameter = regexp.MustCompile(`:(\w+)`)

// TestRouterAndDocumentAreEqual: no route without its words, no words without a route.
func TestRouterAndDocumentAreEqual(t *testing.T) {
	t.Parallel()
	var routed, written []string
	for _, r := range open(t).handler.(*echo.Echo).Routes() {
		if r.Method != http.MethodHead {
			routed = append(routed, r.Method+" "+parameter.ReplaceAllString(r.Path, "{$1}"))
		}
	}
	aliases, err := openapi.Public().Aliases()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range inspect(t).Routes() {
		written = append(written, r.Method+" "+r.Path)
		for documented, alias := range aliases {
			if strings.HasPrefix(r.Path, documented+"/") {
				written = append(written, r.Method+" "+alias+strings.TrimPrefix(r.Path, documented))
			}
		}
	}
	slices.Sort(routed)
	slices.Sort(written)
	if diff := cmp.Diff(written, routed); diff != "" {
		t.Errorf("-document +router\n%s", diff)
	}
}

// TestParametersAreThoseOfTheDocument asks every operation for a parameter that
// nobody knows: it is refused, and the refusal names those that are accepted.
func TestParametersAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	s := open(t)
	auth := s.signIn(t)
	for _, r := range inspect(t).Routes() {
		if r.ID == "connect" || strings.HasPrefix(r.Path, "/health/") || strings.HasPrefix(r.Path, "/socket.io/") {
			continue // the socket reads nothing of the URL; probes and Socket.IO's library may add what they like
		}
		path := strings.NewReplacer("{id}", "9901", "{title_id}", "9901", "{code}", "kamome").Replace(r.Path)
		e := answerOf(t, s.do(t, r.Method, path+"?no_such=1", "", "Authorization", auth))
		if err := r.Refuses("no_such", e.Error.Code, e.Error.Details); err != nil {
			t.Error(err)
		}
	}
}

func TestTheDocumentIsServed(t *testing.T) {
	t.Parallel()
	s := open(t)
	for path, want := range map[string]string{
		"/api/openapi.json": `"openapi": "3.1.0"`, "/api/asyncapi.json": `"asyncapi": "3.0.0"`, "/api/docs": "<!doctype html>", "/api/docs/reference.js": "localStorage",
	} {
		r := s.get(t, path, "Accept-Encoding", "gzip")
		if body := string(read(t, r)); r.StatusCode != 200 || r.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.100s", path, r.StatusCode, body)
		}
		again := s.get(t, path, "If-None-Match", r.Header.Get("Etag"))
		if again.StatusCode != 304 || len(read(t, again)) > 0 {
			t.Errorf("%s again: %d", path, again.StatusCode)
		}
	}
}

// TestTheReferenceNeedsNothingElse: no script in it, nothing from elsewhere, and a
// policy that would not allow either.
func TestTheReferenceNeedsNothingElse(t *testing.T) {
	t.Parallel()
	r := open(t).get(t, "/api/docs")
	page := string(read(t, r))
	for _, bad := range []string{"<script>", " onclick=", " style=", "src=\"http", "href=\"http", "@import", "url("} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	policy := r.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
	for _, route := range inspect(t).Routes() {
		if !strings.Contains(page, `id="`+route.ID+`"`) {
			t.Errorf("%s is not on the page", route.ID)
		}
	}
	messages, err := openapitest.NewMessages()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(messages.Sends("socketio"), "auth", "resume") {
		if !strings.Contains(page, `id="message-`+name+`"`) {
			t.Errorf("%s is not on the page", name)
		}
	}
	for _, code := range append(messages.ErrorCodes(), messages.CloseCodes()...) {
		if !strings.Contains(page, "<code>"+code+"</code>") {
			t.Errorf("%s is not on the page", code)
		}
	}
}

// TestAddressesOfTheReferenceAreUnique, or links lead astray.
func TestAddressesOfTheReferenceAreUnique(t *testing.T) {
	t.Parallel()
	page := string(read(t, open(t).get(t, "/api/docs")))
	ids := map[string]int{}
	for _, m := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]]++; ids[m[1]] == 2 {
			t.Errorf("%s stands twice", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] == 0 {
			t.Errorf("#%s leads nowhere", m[1])
		}
	}
}

// TestBoundsAreThoseOfTheDocument tries every bound, enumeration and required field
// that is documented, from both sides.
func TestBoundsAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	small := func(c *api.Config) { c.AnswerBytes = 1 << 20 }
	s := open(t, small)
	auth := s.signIn(t)
	for _, r := range inspect(t).Routes() {
		if r.ID == "importLists" || strings.HasPrefix(r.Path, "/socket.io/") {
			continue // its body must fit its format: TestBadRequestsAboutTitles; sessions: TestSocketIORefuses
		}
		probes, err := r.Probes()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range probes {
			if p.Body != nil || r.ID == "endSessions" { // on its own: sign-ins are counted, sessions end
				s = open(t, small)
				auth = s.signIn(t)
			}
			resp := s.do(t, ending(r), p.Target, string(p.Body), "Authorization", auth, p.Header[0], p.Header[1])
			refused := resp.StatusCode == http.StatusBadRequest || resp.StatusCode == http.StatusUnprocessableEntity
			stranger := resp.StatusCode == http.StatusUnauthorized && r.Secured && r.ID != "refresh"
			if refused == p.Good || stranger || resp.StatusCode >= 500 {
				t.Errorf("%s with %s: %d %.300s", r.ID, p.What, resp.StatusCode, read(t, resp))
			}
		}
	}
}

// ending is the method by which an operation ends: a stream would not.
func ending(r *openapitest.Route) string {
	if r.ID == "listen" {
		return http.MethodHead
	}
	return r.Method
}

// broken is a catalogue of which every method fails.
type broken struct {
	catalog.Service
	err error
}

func (b broken) Title(context.Context, catalog.Ref, string) (catalog.Answer[catalog.Title], error) {
	return catalog.Answer[catalog.Title]{}, b.err
}

func (b broken) Titles(context.Context, catalog.Query, string) (catalog.Answer[catalog.Page], error) {
	return catalog.Answer[catalog.Page]{}, b.err
}

func (b broken) Schedule(context.Context, string) (catalog.Answer[[]catalog.Day], error) {
	return catalog.Answer[[]catalog.Day]{}, b.err
}

func (b broken) Facets(context.Context, string) (catalog.Answer[catalog.Facets], error) {
	return catalog.Answer[catalog.Facets]{}, b.err
}

// TestFailuresOfTheDoorsAreDocumented lets every operation meet what its door may
// return; surface.do holds the answers against the document.
func TestFailuresOfTheDoorsAreDocumented(t *testing.T) {
	t.Parallel()
	for _, err := range []error{catalog.ErrUnavailable, catalog.ErrNotFound, context.DeadlineExceeded, errSecret} {
		s := build(t, func(echo.Context) error { return echo.ErrNotFound }, func(c catalog.Service) catalog.Service { return broken{c, err} })
		for _, r := range inspect(t).Routes() {
			single := strings.Contains(r.Path, "/titles/{id}") || strings.Contains(r.Path, "/code/") || strings.Contains(r.Path, "/franchise/")
			if r.Method == "GET" && strings.HasPrefix(r.Path, v2) && (single || !errors.Is(err, catalog.ErrNotFound)) {
				s.do(t, ending(r), r.Example(), "")
			}
		}
	}
	for _, err := range []error{users.ErrUnavailable, context.DeadlineExceeded, errSecret} {
		s := open(t)
		auth := s.signIn(t)
		s.users.Fail(err)
		for _, r := range inspect(t).Routes() {
			if strings.HasPrefix(r.Path, "/api/auth/") || strings.HasPrefix(r.Path, "/api/users/") {
				s.do(t, r.Method, r.Example(), r.ExampleBody(), "Authorization", auth, "Cookie", "refresh_token=x")
			}
		}
	}
}

// TestRefusalsOfTheUsersAreDocumented: what the users module may answer to each.
func TestRefusalsOfTheUsersAreDocumented(t *testing.T) {
	t.Parallel()
	for id, refusals := range map[string][]error{
		"putOnList": {users.ErrUnacceptable, users.ErrNotFound}, "addFavorite": {users.ErrUnacceptable, users.ErrNotFound},
		"saveProgress": {users.ErrUnacceptable, users.ErrNotFound}, "saveTitleProgress": {users.ErrUnacceptable, users.ErrNotFound},
		"importLists": {users.ErrUnacceptable, users.ErrNotFound}, "exportLists": {users.ErrNotFound}, "exportUser": {users.ErrNotFound},

		"register":      {users.ErrUnacceptable, users.ErrAccountExists, users.ErrTooMany.After(time.Minute), users.ErrBusy},
		"login":         {users.ErrBadCredentials, users.ErrBanned, users.ErrTooMany.After(time.Minute), users.ErrBusy},
		"refresh":       {users.ErrBadToken, users.ErrBanned},
		"getMe":         {users.ErrNotFound},
		"getProfile":    {users.ErrNotFound},
		"updateProfile": {users.ErrNotFound, users.ErrUnacceptable, users.ErrAccountExists},
		"subscribe":     {users.ErrUnacceptable, users.ErrNotFound},

		"changePassword": {users.ErrBadPassword, users.ErrUnacceptable, users.ErrNotFound, users.ErrTooMany.After(time.Minute), users.ErrBusy},
		"deleteAccount":  {users.ErrBadPassword, users.ErrNotFound, users.ErrTooMany.After(time.Minute), users.ErrBusy},
	} {
		for _, err := range refusals {
			s := open(t)
			auth := s.signIn(t)
			s.users.Fail(err)
			for _, r := range inspect(t).Routes() {
				if r.ID == id {
					s.do(t, r.Method, r.Example(), r.ExampleBody(), "Authorization", auth, "Cookie", "refresh_token=x")
				}
			}
		}
	}
}
