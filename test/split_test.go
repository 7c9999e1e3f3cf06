package test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/redisdb/redistest"
)

// TestAModuleElsewhereThatIsSickHangsNobody: the catalogue lives in another process that
// goes on accepting and says nothing. Who asks gets an answer, what needs no catalogue is
// unharmed, and all heals without a restart.
func TestAModuleElsewhereThatIsSickHangsNobody(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	u := newUpstream(t, anilibriatest.Catalogue())
	env := together(u.quiet(), redisEnv(redis.URL()))
	back := start(t, []string{"serve", "-target", "catalog,realtime"}, append(env, "ANIHUB_MODULES_USERS_URL=http://127.0.0.1:1")...)
	way := newRelay(t, strings.TrimPrefix(back.internal, "http://"))
	front := start(t, []string{"serve", "-target", "users,sync"},
		append(env, "ANIHUB_MODULES_CATALOG_URL=http://"+way.addr(), "ANIHUB_MODULES_REALTIME_URL="+back.internal)...)
	front.ready()
	ids := u.IDs()

	way.swallow()
	for i, a := range atOnce(12, func(i int) answer { return front.title(ids[i%len(ids)]) }) {
		refusedOrOld(t, a, ids[i%len(ids)])
	}
	if token := front.account("mira"); token == "" {
		t.Error("an account needs no catalogue")
	}
	if status, _, _ := front.get("/health/live"); status != 200 {
		t.Errorf("liveness: %d", status)
	}

	way.pass()
	for _, id := range ids[:4] {
		eventually(t, "the catalogue is there again", func() bool { return front.title(id).status == 200 })
	}
}

// refusedOrOld: an answer without the catalogue is one that was kept, or says that it took too
// long (504), or, as soon as the breaker knows, when to come back (503).
func refusedOrOld(t *testing.T, a answer, id int) {
	t.Helper()
	if a.status == 200 && a.title(t).ID == id {
		return
	}
	if a.status != 504 && (a.status != 503 || a.header.Get("Retry-After") == "") {
		t.Errorf("%s: %d, Retry-After %q, %.200s", a.path, a.status, a.header.Get("Retry-After"), a.body)
	}
}

// TestAModuleElsewhereThatTalksNonsenseIsNotBelieved: on its port there is something else.
func TestAModuleElsewhereThatTalksNonsenseIsNotBelieved(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	for name, nonsense := range map[string]http.HandlerFunc{
		"HTML":         func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>welcome</html>")) },
		"null":         func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("null")) },
		"other JSON":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"status":"ok"}`)) },
		"half of JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"Value":{"ID":`)) },
		"wrong types":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"Value":"x","Titles":7}`)) },
		"another 404":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) },
		"a redirect":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
		"a cut": func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := httptest.NewServer(nonsense)
			defer other.Close()
			u := newUpstream(t, slim(4))
			front := start(t, []string{"serve", "-target", "users,sync,realtime"}, together(u.quiet(), redisEnv(redis.URL()), []string{"ANIHUB_MODULES_CATALOG_URL=" + other.URL})...)
			for _, path := range []string{titlePath(u.IDs()[0]), titles, "/api/anilibria/v2/schedule", "/api/anilibria/v2/search?q=жизнь"} {
				a := front.read(path)
				if a.status != 503 || a.header.Get("Retry-After") == "" || strings.Contains(a.body, "<html>") {
					t.Errorf("%s: %d, Retry-After %q, %.200s", path, a.status, a.header.Get("Retry-After"), a.body)
				}
			}
			if status, _, _ := front.get("/health/live"); status != 200 {
				t.Errorf("liveness: %d", status)
			}
		})
	}
}
