package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/documents/mongowiretest"
	"anihub/platform/redisdb/redistest"
)

// answer is what the site or the internal listener said; status 0 when it could not
// be reached.
type answer struct {
	path   string
	status int
	header http.Header
	body   string

	Success    bool
	Data       json.RawMessage
	Pagination struct{ Total int }
	Meta       struct {
		Missing   []int
		Freshness freshness
	}
}

// freshness is meta.freshness.
type freshness struct {
	Level      string
	FreshUntil time.Time `json:"fresh_until"`
	Stale      bool
	Reason     string
}

// short is what of a title the tests look at.
type short struct {
	ID    int
	Code  string
	Names struct{ RU string }
}

func answerOf(t testing.TB, path string, status int, header http.Header, body string) answer {
	t.Helper()
	a := answer{path: path, status: status, header: header, body: body}
	if err := json.Unmarshal([]byte(body), &a); err != nil && status != 0 {
		t.Errorf("%s: %d, no JSON: %.200s", path, status, body)
	}
	return a
}

// read asks the site.
func (p *process) read(path string) answer {
	p.t.Helper()
	status, header, body := p.get(path)
	return answerOf(p.t, path, status, header, body)
}

func titlePath(id int) string { return titles + "/" + strconv.Itoa(id) }

// title asks the site for one title.
func (p *process) title(id int) answer {
	p.t.Helper()
	return p.read(titlePath(id))
}

// title is the title of an answer.
func (a answer) title(t testing.TB) short {
	t.Helper()
	var s short
	if err := json.Unmarshal(a.Data, &s); err != nil {
		t.Errorf("%s: %d, no title: %.200s", a.path, a.status, a.body)
	}
	return s
}

// list is the titles of an answer.
func (a answer) list(t testing.TB) []short {
	t.Helper()
	var s []short
	if err := json.Unmarshal(a.Data, &s); err != nil {
		t.Errorf("%s: %d, no titles: %.200s", a.path, a.status, a.body)
	}
	return s
}

// adminToken is what the command prints.
var adminToken = sync.OnceValues(func() (string, error) {
	path, err := binary()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(path, "token", "-service", "admin", "-permissions", "read,write,notify", "-ttl", "1h")
	cmd.Env = []string{"JWT_SECRET=" + userSecret, "INTERNAL_JWT_SECRET=" + internalSecret}
	cmd.Dir = "/"
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
})

// admin asks the internal listener as an admin.
func (p *process) admin(method, path, body string) answer {
	p.t.Helper()
	token, err := adminToken()
	if err != nil {
		p.t.Fatal(err)
	}
	status, header, text := ask(p.t, method, p.internal+path, token, body)
	return answerOf(p.t, path, status, header, text)
}

// take has a title fetched from the upstream and waits for it.
func (p *process) take(id int) {
	p.t.Helper()
	a := p.admin("POST", "/internal/sync/title?wait=true", fmt.Sprintf(`{"title_id":%d,"force":true,"priority":"high"}`, id))
	if a.status != 200 || !strings.Contains(a.body, `"succeeded"`) {
		p.t.Errorf("sync of title %d: %d %.300s", id, a.status, a.body)
	}
}

// metric adds up the samples of a metric that carry all the labels; -1 without any.
func (p *process) metric(name string, labels ...string) float64 {
	p.t.Helper()
	_, _, body := ask(p.t, "GET", p.internal+"/metrics", "", "")
	sum, found := 0.0, false
	for line := range strings.Lines(body) {
		sample, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(line, "#") || sample != name && !strings.HasPrefix(sample, name+"{") || !has(sample, labels) {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			p.t.Fatalf("metric %q", line)
		}
		sum, found = sum+n, true
	}
	if !found {
		return -1
	}
	return sum
}

func has(sample string, labels []string) bool {
	for _, l := range labels {
		if !strings.Contains(sample, l) {
			return false
		}
	}
	return true
}

// readiness is the state that the internal listener tells, and of one dependency.
func (p *process) readiness(dependency string) (status int, whole, one string) {
	p.t.Helper()
	status, _, body := ask(p.t, "GET", p.internal+"/health/ready", "", "")
	var r struct {
		Status       string
		Dependencies map[string]struct{ State string }
	}
	_ = json.Unmarshal([]byte(body), &r) // an answer that is none has no state
	return status, r.Status, r.Dependencies[dependency].State
}

// holds waits until lists tell of n titles.
func (p *process) holds(n int) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%d titles", n), func() bool {
		a := p.read(titles + "?limit=1")
		return a.status == 200 && a.Pagination.Total == n
	})
}

// quiet is an environment in which nothing but the first pass, and what a test
// asks for, asks the upstream.
func (u *upstream) quiet() []string {
	return []string{
		"ANIHUB_PLATFORM_ANILIBRIA_BASE_URLS=" + u.base, "ANIHUB_MODULES_SYNC_POLL_INTERVAL=1h",
		"ANIHUB_MODULES_CATALOG_FRANCHISE_WAIT=30s",
	}
}

// shortLived makes every copy old after a second.
func shortLived() []string {
	return []string{
		"ANIHUB_PLATFORM_CACHE_L1_TTL=1s", "ANIHUB_PLATFORM_CACHE_L2_TTL=1s", "ANIHUB_PLATFORM_CACHE_L3_TTL=1s",
		"ANIHUB_PLATFORM_CACHE_JITTER=0",
	}
}

// patient gives the upstream and the levels so much time that no machine is too
// slow for it.
func patient() []string {
	return []string{
		"ANIHUB_PLATFORM_ANILIBRIA_TIMEOUT=80s", "ANIHUB_PLATFORM_ANILIBRIA_ATTEMPT_TIMEOUT=80s",
		"ANIHUB_PLATFORM_CACHE_HARD_TIMEOUT=80s",
	}
}

func redisEnv(url string) []string { return []string{"REDIS_URL=" + url} }

func mongoEnv(m *mongowiretest.Server) []string {
	return []string{"MONGODB_URI=" + m.URI, "ANIHUB_PLATFORM_STORAGE_MONGO_DATABASE=" + m.Database}
}

// shared is the environment of a fleet on one Redis and one document store.
func shared(r *redistest.Server, m *mongowiretest.Server) []string {
	return append(redisEnv(r.URL()), mongoEnv(m)...)
}

func together(envs ...[]string) []string {
	var all []string
	for _, e := range envs {
		all = append(all, e...)
	}
	return all
}

// cold adds n titles which only the upstream knows: no list names them as new, and
// the first pass is over.
func (u *upstream) cold(n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = u.AddTitle(anilibriatest.Title{
			Main: fmt.Sprintf("Никем не виданный %d", i), English: fmt.Sprintf("Never Seen %d", i),
			Type: "TV", Year: 2001, Season: "spring", AgeRating: "R16_PLUS", Genres: []int{1},
			FreshAt:  time.Date(2001, 4, 1, 12, 0, 0, 0, time.UTC),
			Episodes: []anilibriatest.Episode{{Ordinal: 1, Quality: 1080, Duration: 1420}},
		})
	}
	return ids
}

// revise gives a title another name.
func (u *upstream) revise(t testing.TB, id int, name string) {
	t.Helper()
	if err := u.Change(id, func(x *anilibriatest.Title) { x.Main = name }); err != nil {
		t.Fatal(err)
	}
}

// atOnce runs n calls that begin together and gathers what they return.
func atOnce[T any](n int, call func(i int) T) []T {
	out := make([]T, n)
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-begin
			out[i] = call(i)
		})
	}
	close(begin)
	wg.Wait()
	return out
}

// into decodes what an answer is about.
func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.Data, v); err != nil {
		t.Errorf("%s: %d, not what was asked for: %.300s", a.path, a.status, a.body)
	}
}
