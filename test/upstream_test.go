package test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"anihub/platform/anilibria/anilibriatest"
)

const releaseRoute = anilibriatest.RouteRelease

func tight(attempt string) []string {
	return []string{
		"ANIHUB_PLATFORM_ANILIBRIA_ATTEMPT_TIMEOUT=" + attempt, "ANIHUB_PLATFORM_ANILIBRIA_TIMEOUT=30s",
		"ANIHUB_PLATFORM_CACHE_HARD_TIMEOUT=60s", "ANIHUB_PLATFORM_CACHE_REFRESH_AT=1",
		"ANIHUB_PLATFORM_CACHE_RETRY_DELAY=10ms",
	}
}

// neverOpen keeps the breaker out of what is looked at.
const neverOpen = "ANIHUB_PLATFORM_ANILIBRIA_BREAKER_FAILURES=1000"

// spoiled is one way in which the upstream answers wrongly, and the result that
// the metrics have for it.
type spoiled struct {
	name, result string
	fault        anilibriatest.Fault
}

// U1, U5, U6, U7: whatever comes in place of an answer, nobody gets it, what is
// stored stays, and the upstream is asked three times at most.
func TestWhatTheUpstreamSpoilsHarmsNothing(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, anilibriatest.Catalogue())
	p := start(t, []string{"serve"}, together(u.quiet(), shortLived(), tight("20s"), []string{neverOpen})...)
	p.ready()
	known := p.known(u)
	calm := p.memory("VmHWM")
	for i, s := range []spoiled{
		{"5xx", "server_error", anilibriatest.Fault{Status: 500}},
		{"5xx of an edge", "server_error", anilibriatest.Fault{Status: 502, HTML: true}},
		{"429 without a word", "throttled", anilibriatest.Fault{Status: 429}},
		{"HTML", "garbage", anilibriatest.Fault{HTML: true}},
		{"a challenge", "refused", anilibriatest.Fault{HTML: true, Status: 403}},
		{"a parked domain", "garbage", anilibriatest.Fault{HTML: true, Status: 404}},
		{"truncated", "garbage", anilibriatest.Fault{Truncate: true}},
		{"wrong types", "garbage", anilibriatest.Fault{WrongTypes: true}},
		{"null", "garbage", anilibriatest.Fault{Body: "null"}},
		{"a list", "garbage", anilibriatest.Fault{Body: "[]"}},
		{"nothing known", "garbage", anilibriatest.Fault{Body: "{}"}},
		{"another title", "garbage", anilibriatest.Fault{Body: body(t, u.base+"/anime/releases/9902")}},
		{"reset", "transport", anilibriatest.Fault{Reset: true}},
		{"40 MB", "garbage", anilibriatest.Fault{Huge: 40 << 20}},
		{"a gzip bomb of 2 GB", "garbage", anilibriatest.Fault{Bomb: 2 << 30}},
	} {
		s.harmsNothing(t, u, p, known[i])
	}
	// A body is cut at 32 MiB and held one and a half times at most; the collector
	// needs as much again.
	if most := p.memory("VmHWM"); most > calm+300<<20 {
		t.Errorf("memory rose from %d to %d MiB", calm>>20, most>>20)
	} else {
		t.Logf("memory rose from %d to %d MiB", calm>>20, most>>20)
	}
}

// U1: an attempt ends, whatever the upstream does.
func TestASilentUpstreamIsGivenUp(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, anilibriatest.Catalogue())
	p := start(t, []string{"serve"}, together(u.quiet(), shortLived(), tight("300ms"), []string{neverOpen})...)
	p.ready()
	known := p.known(u)
	for i, s := range []spoiled{
		{"hang", "timeout", anilibriatest.Fault{Hang: true}},
		{"drip", "timeout", anilibriatest.Fault{Drip: 50 * time.Millisecond}},
	} {
		s.harmsNothing(t, u, p, known[i])
		eventually(t, "nothing is left open", func() bool { return u.Pending(releaseRoute) == 0 })
	}
}

// known are the stored titles as they are answered at first, so that each case has
// one that has grown old meanwhile.
func (p *process) known(u *upstream) []answer {
	p.t.Helper()
	var all []answer
	for _, id := range u.IDs() {
		all = append(all, p.title(id))
	}
	return all
}

func (s spoiled) harmsNothing(t *testing.T, u *upstream, p *process, known answer) {
	t.Helper()
	cold, stored := u.cold(1)[0], known.title(t).ID
	etag, counted := p.storedETag(stored), s.counted(p)
	u.ResetCalls()
	u.Break(releaseRoute, s.fault)
	if a := p.title(cold); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("%s: a title that nobody knows: %d, Retry-After %q, %.200s", s.name, a.status, a.header.Get("Retry-After"), a.body)
	}
	if n := u.Calls(releaseRoute); n < 1 || n > 3 {
		t.Errorf("%s: asked %d times, want 1 to 3", s.name, n)
	}
	eventually(t, s.name+": the stored title is served as a stale one", func() bool {
		a := p.title(stored)
		if a.status != 200 || string(a.Data) != string(known.Data) {
			t.Errorf("%s: the stored title: %d %.200s", s.name, a.status, a.body)
			return true
		}
		return a.Meta.Freshness.Stale && (a.Meta.Freshness.Reason == "upstream_down" || a.Meta.Freshness.Reason == "timeout")
	})
	if now := p.storedETag(stored); now != etag {
		t.Errorf("%s: the stored title has another ETag: %q, was %q", s.name, now, etag)
	}
	if n := s.counted(p); n <= counted {
		t.Errorf("%s: %v answers counted as %s, were %v", s.name, n, s.result, counted)
	}
	u.Heal(releaseRoute)
	eventually(t, s.name+": all heals", func() bool {
		a, b := p.title(cold), p.title(stored)
		return a.status == 200 && b.status == 200 && !b.Meta.Freshness.Stale
	})
}

func (s spoiled) counted(p *process) float64 {
	return p.metric("upstream_requests_total", `route="release"`, fmt.Sprintf("result=%q", s.result))
}

// storedETag is that of a title in the deepest level.
func (p *process) storedETag(id int) string {
	p.t.Helper()
	var x struct{ Levels []struct{ ETag string } }
	p.admin("GET", fmt.Sprintf("/internal/cache/explain?key=title:%d", id), "").into(p.t, &x)
	if len(x.Levels) == 0 || x.Levels[len(x.Levels)-1].ETag == "" {
		p.t.Errorf("the stored title has no ETag: %+v", x)
		return ""
	}
	return x.Levels[len(x.Levels)-1].ETag
}

var memoryLine = regexp.MustCompile(`(?m)^(Vm\w+):\s+(\d+) kB$`)

// memory is a line of /proc/PID/status in bytes: VmRSS now, VmHWM at most so far.
func (p *process) memory(line string) int {
	p.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Skipf("SKIPPED: this machine does not tell the memory of a process: %v", err)
	}
	for _, m := range memoryLine.FindAllStringSubmatch(string(b), -1) {
		if m[1] == line {
			kb, _ := strconv.Atoi(m[2])
			return kb << 10
		}
	}
	p.t.Fatalf("no %s in %s", line, b)
	return 0
}

func body(t *testing.T, url string) string {
	t.Helper()
	status, _, body := ask(t, http.MethodGet, url, "", "")
	if status != 200 {
		t.Fatalf("%s: %d", url, status)
	}
	return body
}

// U4: what the upstream refuses it refuses: nobody asks again, and the host is not
// down. What it does not have is remembered.
func TestARefusalIsNoOutage(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, anilibriatest.Catalogue())
	p := start(t, []string{"serve"}, u.quiet()...)
	p.ready()
	const many = 6 // more than open a breaker
	for refusal, want := range map[int]int{403: 503, 404: 404, 410: 503, 422: 503, 451: 503} {
		ids := u.cold(many)
		u.ResetCalls()
		u.Break(releaseRoute, anilibriatest.Fault{Status: refusal})
		for _, id := range ids {
			if a := p.title(id); a.status != want {
				t.Errorf("upstream %d: %d %.200s, want %d", refusal, a.status, a.body, want)
			}
		}
		if n := u.Calls(releaseRoute); n != many {
			t.Errorf("upstream %d: asked %d times for %d titles", refusal, n, many)
		}
		if n := p.metric("upstream_breaker_state"); n != 0 {
			t.Errorf("upstream %d: breaker %v, want closed", refusal, n)
		}
		u.Heal(releaseRoute)
		after := p.title(ids[0])
		switch {
		case want == 404 && (after.status != 404 || u.Calls(releaseRoute) != many):
			t.Errorf("404 is not remembered: %d after %d questions", after.status, u.Calls(releaseRoute))
		case want != 404 && after.status != 200:
			t.Errorf("after upstream %d: %d %.200s", refusal, after.status, after.body)
		}
	}
}
