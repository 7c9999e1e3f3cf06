package test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/documents/mongowiretest"
	"anihub/platform/redisdb/redistest"
)

// syncJob is what of a job the tests look at.
type syncJob struct {
	ID       string `json:"job_id"`
	Kind     string
	State    string
	Started  time.Time `json:"started_at"`
	Progress struct{ Done, Total, Failed int }
}

func (p *process) job(id string) (j syncJob) {
	p.t.Helper()
	p.admin("GET", "/internal/sync/jobs/"+id, "").into(p.t, &j)
	return j
}

// fullJobs are the full passes, newest first.
func (p *process) fullJobs() []syncJob {
	p.t.Helper()
	var all []syncJob
	p.admin("GET", "/internal/sync/jobs?limit=1000", "").into(p.t, &all)
	return slices.DeleteFunc(all, func(j syncJob) bool { return j.Kind != "full" })
}

// queueTitle asks for one title to be fetched and names the job.
func (p *process) queueTitle(id int, priority string, force bool) string {
	p.t.Helper()
	var j syncJob
	p.admin("POST", "/internal/sync/title", fmt.Sprintf(`{"title_id":%d,"priority":%q,"force":%t}`, id, priority, force)).into(p.t, &j)
	return j.ID
}

func (p *process) awaitJob(id, state string) syncJob {
	p.t.Helper()
	eventually(p.t, "job "+id+" has "+state, func() bool { return p.job(id).State == state })
	return p.job(id)
}

// runnerOf is the one process that runs the scheduled work.
func runnerOf(t *testing.T, fleet []*process) *process {
	t.Helper()
	var runner *process
	eventually(t, "one of them runs the scheduled work", func() bool {
		n := 0
		for _, p := range fleet {
			if p.metric("sync_runner") == 1 {
				runner, n = p, n+1
			}
		}
		return n == 1
	})
	return runner
}

// P4: the process that polls is killed while it also fetches a title. Another one
// polls on, the title's job is finished by somebody, and the news is told once.
func TestTheRunnerIsKilledAndAnotherTakesOver(t *testing.T) {
	t.Parallel()
	const many = 60
	u := newUpstream(t, slim(many))
	ids := u.IDs()
	env := together(u.env(), shared(redistest.Start(t), mongowiretest.Start(t)), patient(), []string{"ANIHUB_MODULES_SYNC_LEASE_TTL=5s"})
	fleet := make([]*process, 3)
	for i := range fleet {
		fleet[i] = start(t, []string{"serve"}, env...)
	}
	for _, p := range fleet {
		p.holds(many)
	}
	runner := runnerOf(t, fleet)
	eventually(t, "it polls", func() bool { return runner.metric("sync_polls_total") > 0 })
	others := slices.DeleteFunc(slices.Clone(fleet), func(p *process) bool { return p == runner })
	viewers := make([]*viewer, len(others))
	for i, p := range others {
		viewers[i] = p.watch(`{"type":"subscribe_updates","data":{"types":["new_episode"]}}`)
	}
	open := u.gate(releaseRoute)
	orphan := runner.queueTitle(ids[3], "normal", true)
	runner.awaitJob(orphan, "running")

	killed := time.Now()
	runner.kill()
	open()
	next := runnerOf(t, others)
	t.Logf("taken over %s after kill -9, with a lease of 5 s (promised: 15 s)", time.Since(killed).Round(100*time.Millisecond))
	if _, err := u.AirEpisode(ids[5]); err != nil {
		t.Fatal(err)
	}
	if _, err := u.AirEpisode(ids[6]); err != nil {
		t.Fatal(err)
	}
	for _, v := range viewers {
		told := map[int]int{}
		for range 2 {
			m := v.expect("new_episode")
			id, _ := m.Data["title_id"].(float64)
			told[int(id)]++
		}
		if told[ids[5]] != 1 || told[ids[6]] != 1 {
			t.Errorf("told of %v, want %d and %d once", told, ids[5], ids[6])
		}
	}
	next.awaitJob(orphan, "succeeded")
	if n := len(next.fullJobs()); n != 1 {
		t.Errorf("%d full passes, want the first one only", n)
	}
}

// P3: killed in the middle of the first full sync, it goes on where it stopped.
func TestAKilledFirstSyncReadsNoPageTwice(t *testing.T) {
	t.Parallel()
	const many, pages = 2000, 40
	u := newUpstream(t, slim(many))
	env := append(u.quiet(), "ANIHUB_PLATFORM_STORAGE_DATA_DIR="+filepath.Join(t.TempDir(), "data"))
	env = together(env, patient())
	first := start(t, []string{"serve"}, env...)
	eventually(t, "nearly half is read", func() bool { return u.Calls(anilibriatest.RouteReleases) >= pages/2-2 })
	open := u.gate(anilibriatest.RouteReleases)
	eventually(t, "a page is under way", func() bool { return u.Pending(anilibriatest.RouteReleases) == 1 })
	first.kill()
	open()
	lists, ids := u.Calls(anilibriatest.RouteCatalog), u.Calls(anilibriatest.RouteReleases)
	if ids < pages/4 || ids > pages*3/4 {
		t.Fatalf("killed at page %d of %d", ids, pages)
	}
	t.Logf("killed while page %d of %d was fetched", ids, pages)

	u.ResetCalls()
	second := start(t, []string{"serve"}, env...)
	second.holds(many)
	eventually(t, "the pass is complete", func() bool {
		all := second.fullJobs()
		return len(all) == 1 && all[0].State == "succeeded"
	})
	// The page that was under way is read again, and no other.
	if got, want := u.Calls(anilibriatest.RouteCatalog), pages-lists+1; got != want {
		t.Errorf("it read %d pages of the list after %d, want %d", got, lists, want)
	}
	if got, want := u.Calls(anilibriatest.RouteReleases), pages-ids+1; got != want {
		t.Errorf("it fetched %d pages of titles after %d, want %d", got, ids, want)
	}
	if j := second.fullJobs()[0]; j.Progress.Done != many || j.Progress.Total != many || j.Progress.Failed != 0 {
		t.Errorf("the job: %+v", j)
	}
}

// U7: the host dies in the middle of a full pass; the next one serves the rest.
func TestAHostThatDiesDuringAFullPassDoesNotEndIt(t *testing.T) {
	t.Parallel()
	const many, pages = 1000, 20
	both := hosts{newUpstream(t, slim(many)), newUpstream(t, slim(many))}
	p := start(t, []string{"serve"}, both.env()...)
	eventually(t, "a part is read", func() bool { return both[0].Calls(anilibriatest.RouteReleases) >= 4 })
	open := both[0].gate(anilibriatest.RouteReleases)
	eventually(t, "a page is under way", func() bool { return both[0].Pending(anilibriatest.RouteReleases) == 1 })
	if n := both[1].Calls(anilibriatest.RouteReleases); n != 0 {
		t.Errorf("the second host was asked %d times while the first was up", n)
	}
	both[0].shut()
	open()
	p.holds(many)
	p.awaitPass(p.fullJobs()[0].ID)
	before, after := both[0].Calls(anilibriatest.RouteReleases), both[1].Calls(anilibriatest.RouteReleases)
	// The one that was cut off is asked again, unless it came through just before the gate.
	if n := before + after; n != pages+1 && n != pages {
		t.Errorf("%d pages at the host that died and %d at the other, want %d in all", before, after, pages+1)
	}
	if all := p.fullJobs(); len(all) != 1 || all[0].Progress.Failed != 0 || all[0].Progress.Done != many {
		t.Errorf("the passes: %+v", all)
	}
}

// §6: force stores a title and rings for it in every instance although nothing
// changed; without it nothing is rung.
func TestForceRingsAlthoughNothingChanged(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, slim(20))
	id := u.IDs()[0]
	env := together(u.quiet(), shared(redistest.Start(t), mongowiretest.Start(t)))
	here := start(t, []string{"serve"}, env...)
	here.holds(20)
	there := start(t, []string{"serve"}, env...)
	there.holds(20)
	rings := func() float64 { return there.metric("cache_invalidations_total", `mode="heard"`) }
	before := rings()
	here.awaitJob(here.queueTitle(id, "high", false), "succeeded")
	here.mark() // lies behind whatever was rung
	calm := rings()
	here.awaitJob(here.queueTitle(id, "high", true), "succeeded")
	eventually(t, "the other instance has heard it", func() bool { return rings() > calm })
	if calm != before {
		t.Errorf("a fetch that changed nothing rang: %v, then %v", before, calm)
	}
}

// §6: what is urgent overtakes what waits.
func TestHighOvertakesLow(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, slim(20))
	ids := u.IDs()
	p := start(t, []string{"serve"}, together(u.quiet(), patient(), []string{"ANIHUB_MODULES_SYNC_WORKERS=1"})...)
	p.holds(20)
	open := u.gate(releaseRoute)
	blocker := p.queueTitle(ids[0], "low", true)
	eventually(t, "the worker is busy", func() bool { return u.Pending(releaseRoute) == 1 })
	jobs := map[string]string{}
	for i, priority := range []string{"low", "normal", "high"} {
		jobs[priority] = p.queueTitle(ids[i+1], priority, true)
	}
	u.Break(releaseRoute, anilibriatest.Fault{Delay: 1100 * time.Millisecond}) // times are told in seconds
	open()
	p.awaitJob(blocker, "succeeded")
	var order []string
	for priority, id := range jobs {
		p.awaitJob(id, "succeeded")
		order = append(order, priority)
	}
	slices.SortFunc(order, func(a, b string) int { return p.job(jobs[a]).Started.Compare(p.job(jobs[b]).Started) })
	if want := []string{"high", "normal", "low"}; !slices.Equal(order, want) {
		t.Errorf("fetched in the order %v, want %v", order, want)
	}
}

// The stream of jobs tells at one instance what another one runs, and does not hold
// up its process when that is to stop.
func TestTheStreamOfJobsTellsOfTheWholeFleet(t *testing.T) {
	t.Parallel()
	const many = 250
	u := newUpstream(t, slim(many))
	env := together(u.quiet(), shared(redistest.Start(t), mongowiretest.Start(t)), patient())
	fleet := []*process{start(t, []string{"serve"}, env...), start(t, []string{"serve"}, env...)}
	for _, p := range fleet {
		p.holds(many)
	}
	runner := runnerOf(t, fleet)
	other := fleet[0]
	if runner == other {
		other = fleet[1]
	}
	events := other.jobEvents()
	open := u.gate(anilibriatest.RouteReleases)
	pass := runner.beginPass()
	running := false
	next := func() syncJob {
		select {
		case j, ok := <-events:
			if !ok {
				t.Fatal("the stream has ended")
			}
			return j
		case <-time.After(patience):
			t.Fatal("the stream says nothing")
		}
		return syncJob{}
	}
	for j := next(); j.State != "succeeded"; j = next() {
		if j.ID != pass {
			t.Fatalf("told of %+v, want the pass %s", j, pass)
		}
		if j.State == "running" && !running {
			running = true
			open()
		}
	}
	if !running {
		t.Error("not told that it runs")
	}
	other.signal(syscall.SIGTERM)
	for range events { // until it ends
	}
	if code := other.wait(); code != 0 || strings.Contains(other.out.String(), "deadline") {
		t.Errorf("exit %d with an open stream", code)
	}
}

// jobEvents are the jobs that the stream tells of, until it ends.
func (p *process) jobEvents() <-chan syncJob {
	p.t.Helper()
	token, err := adminToken()
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.internal+"/internal/sync/events", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("the stream of jobs: %v %v", resp, err)
	}
	out := make(chan syncJob, 100)
	go func() {
		defer func() { _ = resp.Body.Close(); close(out) }()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			var j syncJob
			if ok && json.Unmarshal([]byte(data), &j) == nil {
				out <- j
			}
		}
	}()
	return out
}

// P4: the process that polls is stopped, not killed; another takes over, and the first wakes
// with the lease long gone. It does not go on as the runner, and nothing is told twice.
func TestARunnerThatSleptIsNoRunner(t *testing.T) {
	t.Parallel()
	const many = 30
	u := newUpstream(t, slim(many))
	ids := u.IDs()
	env := together(u.env(), shared(redistest.Start(t), mongowiretest.Start(t)), patient(), []string{"ANIHUB_MODULES_SYNC_LEASE_TTL=5s"})
	fleet := []*process{start(t, []string{"serve"}, env...), start(t, []string{"serve"}, env...)}
	for _, p := range fleet {
		p.holds(many)
	}
	sleeper := runnerOf(t, fleet)
	eventually(t, "it polls", func() bool { return sleeper.metric("sync_polls_total") > 0 })
	awake := fleet[0]
	if awake == sleeper {
		awake = fleet[1]
	}
	v := awake.watch(everyEpisode)

	sleeper.signal(syscall.SIGSTOP)
	runnerOf(t, []*process{awake})
	told := map[int]int{}
	air := func(n int) {
		for _, id := range ids[:n] {
			if _, err := u.AirEpisode(id); err != nil {
				t.Fatal(err)
			}
		}
		for range n {
			id, _ := v.expect("new_episode").Data["title_id"].(float64)
			told[int(id)]++
		}
	}
	air(3)
	sleeper.signal(syscall.SIGCONT)
	air(5)
	if got := runnerOf(t, fleet); got != awake {
		t.Error("the one that slept is the runner")
	}
	polls := sleeper.metric("sync_polls_total")
	air(4)
	if n := sleeper.metric("sync_polls_total"); n != polls {
		t.Errorf("the one that slept polls: %v times, was %v", n, polls)
	}
	for i, want := range []int{3, 3, 3, 2, 1} {
		if told[ids[i]] != want {
			t.Errorf("title %d: told %d episodes, want %d", ids[i], told[ids[i]], want)
		}
	}
}
