package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"anihub/web/openapi"
	"anihub/web/openapi/openapitest"
)

// TestExamplesOfTheDocuments executes every example of both OpenAPI documents against
// the whole product, and holds what it answers against them.
func TestExamplesOfTheDocuments(t *testing.T) {
	t.Parallel()
	s := newSite(t, []string{"all"})
	s.ready(t)
	eventually(t, "readiness knows it", func() bool {
		status, _ := s.call(t, "GET", s.url+"/health/ready", "", "")
		return status == http.StatusOK
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, site: s, client: &http.Client{Jar: jar}, live: map[string]string{}}
	w.public()
	w.internal()
}

// world is a site with what the examples speak of: where an example names something
// that only lives in one world (a token, a job), its live counterpart is put in.
type world struct {
	t         *testing.T
	site      *site
	client    *http.Client // keeps the refresh cookie
	inspector *openapitest.Inspector
	base      string
	token     string            // for what wants credentials
	live      map[string]string // example → live
}

// public walks through the public document as a viewer would. What ends something
// that others need is last.
func (w *world) public() {
	examples := w.open(openapi.Public(), w.site.url)
	var last []openapi.Request // each in a session of its own, which it ends
	for _, q := range examples {
		switch q.Operation {
		case "connect":
			w.connect(q)
		case "listen":
			w.watch(q)
		case "openSocketIO":
			w.shake(q)
		case "logout", "endSession", "endSessions", "deleteAccount", "revokeFeedToken":
			last = append(last, q)
		default:
			w.viewer(q)
		}
	}
	for _, q := range last {
		credentials := `{"login":"mira","password":"a long password"}`
		if q.Operation == "deleteAccount" {
			credentials = `{"login":"tablet","password":"another long password"}`
		}
		w.viewer(openapi.Request{Operation: "login", Method: "POST", Target: "/api/auth/login", Header: examplesHeader(), Body: []byte(credentials)})
		w.live["ses4k2m9x7q"] = w.session()
		w.do(q)
	}
	w.complete()
}

// session is the id of the session that is signed in.
func (w *world) session() string {
	w.t.Helper()
	var list struct {
		Data []struct {
			ID      string
			Current bool
		}
	}
	_, body := w.send(w.base, openapi.Request{Method: "GET", Target: "/api/users/sessions"})
	if err := json.Unmarshal(body, &list); err != nil {
		w.t.Fatalf("sessions: %s", body)
	}
	for _, s := range list.Data {
		if s.Current {
			return s.ID
		}
	}
	w.t.Fatalf("no session is the current one: %s", body)
	return ""
}

// channel keeps what names a webhook or a feed.
func (w *world) channel(operation string, body []byte) {
	var made struct{ Data struct{ ID, Token string } }
	switch operation {
	case "addWebhook", "issueFeedToken":
		if err := json.Unmarshal(body, &made); err != nil {
			w.t.Errorf("%s: %s", operation, body)
		}
		if made.Data.ID != "" {
			w.live["wbh2k4m6q7x3y5z7a2b4"] = made.Data.ID
		}
		if made.Data.Token != "" {
			w.live["5f0c9a7be2d14683bb1e0f7a2c9d8e41"] = made.Data.Token
		}
	}
}

func examplesHeader() [][2]string { return [][2]string{{"Content-Type", "application/json"}} }

// viewer does a request and keeps the tokens of its answer.
func (w *world) viewer(q openapi.Request) {
	w.t.Helper()
	var session struct {
		Data struct {
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
			User    struct{ ID string }
		}
	}
	_, body := w.do(q)
	w.channel(q.Operation, body)
	if !strings.HasPrefix(q.Target, "/api/auth/") || json.Unmarshal(body, &session) != nil || session.Data.Access == "" {
		return
	}
	w.token, w.live["eyJhbGciOiJIUzI1NiJ9.access.token"] = session.Data.Access, session.Data.Access
	w.live["usr4k2m9x7q"] = session.Data.User.ID
	if session.Data.Refresh != "" {
		w.live["F6Q2NDH3UVYQ7XW5ZJ4K2MB6AT"] = session.Data.Refresh
	}
}

// internal does the same for the other listener, as an admin's service. Jobs are
// looked at when there are some.
func (w *world) internal() {
	examples := w.open(openapi.Internal(), w.site.internal)
	w.viewerAgain()
	w.base, w.token = w.site.internal, serviceToken(w.t, "read", "write", "notify")
	w.fail()
	for _, q := range examples {
		switch {
		case q.Target == "/debug/pprof/profile":
			continue // half a minute; the example with seconds is enough
		case q.Operation == "watchJobs":
			w.watch(q)
			continue
		}
		_, body := w.do(q)
		var job struct {
			Data struct {
				ID string `json:"job_id"`
			}
		}
		if json.Unmarshal(body, &job) == nil && job.Data.ID != "" {
			w.live["job_01k6b2tq9x"] = job.Data.ID
		}
	}
	w.complete()
}

// fail leaves a job behind that can be retried.
func (w *world) fail() {
	_, body := w.send(w.base, openapi.Request{
		Method: "POST", Target: "/internal/sync/title?wait=true", Header: examplesHeader(), Body: []byte(`{"title_id":999999}`),
	})
	var job struct {
		Data struct {
			ID    string `json:"job_id"`
			State string
		}
	}
	if err := json.Unmarshal(body, &job); err != nil || job.Data.State != "failed" {
		w.t.Fatalf("a job that fails: %s", body)
	}
	w.live["job_01k6b2tq9y"] = job.Data.ID
}

// watch looks at the beginning of a stream.
func (w *world) watch(q openapi.Request) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), q.Method, w.base+q.Target, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.token != "" {
		r.Header.Set("Authorization", "Bearer "+w.token)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	path, _, _ := strings.Cut(q.Target, "?")
	if err := w.inspector.Check(q.Method, path, resp.StatusCode, resp.Header, nil); err != nil {
		w.t.Error(err)
	}
}

// viewerAgain signs in for the sake of the token that a service asks about.
func (w *world) viewerAgain() {
	var session struct {
		Data struct {
			Access string `json:"access_token"`
			User   struct{ ID string }
		}
	}
	r, body := w.send(w.site.url, openapi.Request{
		Method: "POST", Target: "/api/auth/login", Header: examplesHeader(), Body: []byte(`{"login":"mira","password":"a long password"}`),
	})
	if err := json.Unmarshal(body, &session); err != nil || r.StatusCode != http.StatusOK {
		w.t.Fatalf("login: %d %s", r.StatusCode, body)
	}
	w.live["eyJhbGciOiJIUzI1NiJ9.access.token"] = session.Data.Access
	w.live["usr4k2m9x7q"] = session.Data.User.ID
}

func (w *world) open(r *openapi.Reference, base string) []openapi.Request {
	w.t.Helper()
	i, err := openapitest.New(r)
	if err != nil {
		w.t.Fatal(err)
	}
	examples, err := r.Examples()
	if err != nil {
		w.t.Fatal(err)
	}
	w.inspector, w.base = i, base
	return examples
}

// do executes an example, which must succeed. What can be read is also asked for as
// HEAD, where the listener knows it, and again with its tag.
func (w *world) do(q openapi.Request) (*http.Response, []byte) {
	w.t.Helper()
	r, body := w.check(q)
	if r.StatusCode >= http.StatusBadRequest {
		w.t.Errorf("%s %s %s: %d %s", q.Method, q.Target, q.Body, r.StatusCode, body)
	}
	if q.Method != http.MethodGet {
		return r, body
	}
	if w.base == w.site.url {
		head := q
		head.Method = http.MethodHead
		if r, _ := w.check(head); r.StatusCode != http.StatusOK {
			w.t.Errorf("HEAD %s: %d", q.Target, r.StatusCode)
		}
	}
	if r.Header.Get("Etag") != "" {
		w.again(q, r)
	}
	return r, body
}

// again asks with the tag of the answer. That may differ once: a first answer comes
// from another level of the cache than the second. What is never the same has * left.
func (w *world) again(q openapi.Request, r *http.Response) {
	w.t.Helper()
	plain := q.Header
	for range 3 {
		tag := r.Header.Get("Etag")
		if q.Operation == "listRandom" || q.Operation == "getStatus" {
			tag = "*"
		}
		q.Header = append(slices.Clone(plain), [2]string{"If-None-Match", tag})
		if r, _ = w.check(q); r.StatusCode == http.StatusNotModified {
			return
		}
	}
	w.t.Errorf("%s %s: never 304", q.Method, q.Target)
}

func (w *world) check(q openapi.Request) (*http.Response, []byte) {
	w.t.Helper()
	r, body := w.send(w.base, q)
	path, _, _ := strings.Cut(q.Target, "?")
	if err := w.inspector.Check(q.Method, path, r.StatusCode, r.Header, body); err != nil {
		w.t.Errorf("%s %s %s: %v", q.Method, q.Target, q.Body, err)
	}
	return r, body
}

func (w *world) send(base string, q openapi.Request) (*http.Response, []byte) {
	w.t.Helper()
	target, content := q.Target, string(q.Body)
	for example, live := range w.live {
		target, content = strings.ReplaceAll(target, example, live), strings.ReplaceAll(content, example, live)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), q.Method, base+target, bytes.NewReader([]byte(content)))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, h := range q.Header {
		r.Header.Set(h[0], h[1])
	}
	if w.token != "" {
		r.Header.Set("Authorization", "Bearer "+w.token)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp, body
}

// connect opens the WebSocket of the example.
func (w *world) connect(q openapi.Request) {
	w.t.Helper()
	c, r, err := websocket.Dial(w.t.Context(), "ws"+strings.TrimPrefix(w.base, "http")+q.Target, nil) //nolint:bodyclose // an upgraded connection has no body
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = c.CloseNow() }()
	header := r.Header.Clone()
	for _, name := range []string{"Sec-Websocket-Accept", "Sec-Websocket-Protocol"} { // RFC 6455's own
		header.Del(name)
	}
	path, _, _ := strings.Cut(q.Target, "?")
	if err := w.inspector.Check("GET", path, r.StatusCode, header, nil); err != nil {
		w.t.Error(err)
	}
}

// shake opens a session of Socket.IO, or polls the one that is open; and once over a
// WebSocket.
func (w *world) shake(q openapi.Request) {
	w.t.Helper()
	const sid = "LWQ7LFWGLXARWM3O74Z3FCILTQ"
	if strings.Contains(q.Target, sid) {
		post := q
		post.Method, post.Body = "POST", []byte("40")
		w.check(post) // so that there is something to poll
	}
	_, body := w.check(q)
	var open struct{ SID string }
	if json.Unmarshal(bytes.TrimPrefix(body, []byte("0")), &open) == nil && open.SID != "" {
		w.live[sid] = open.SID
		q.Target = strings.Replace(q.Target, "polling", "websocket", 1)
		w.connect(q)
	}
}

// complete fails when a documented success has not been seen.
func (w *world) complete() {
	w.t.Helper()
	if left := w.inspector.Unseen(); len(left) > 0 {
		w.t.Errorf("documented, but no example leads to it: %q", left)
	}
}
