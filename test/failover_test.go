package test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"anihub/platform/anilibria/anilibriatest"
)

// hosts are several upstreams of one catalogue, in the order of preference.
type hosts []*upstream

func newHosts(t *testing.T, n int) hosts {
	t.Helper()
	all := make(hosts, n)
	for i := range all {
		all[i] = newUpstream(t, anilibriatest.Catalogue())
	}
	return all
}

// env is that of the first host, with the whole list.
func (h hosts) env(bases ...string) []string {
	for _, u := range h {
		bases = append(bases, u.base)
	}
	return append(h[0].quiet(), "ANIHUB_PLATFORM_ANILIBRIA_BASE_URLS="+strings.Join(bases, ","))
}

// cold adds n titles to every host, under the same ids.
func (h hosts) cold(n int) []int {
	ids := h[0].cold(n)
	for _, u := range h[1:] {
		if got := u.cold(n); !slices.Equal(got, ids) {
			panic("the hosts do not number alike")
		}
	}
	return ids
}

func (p *process) host(u *upstream, metric string) float64 {
	return p.metric(metric, fmt.Sprintf("host=%q", u.addr))
}

// U2: a host that fails is left alone after the fifth failure, asked whether it is
// back, and then preferred again.
func TestAFailingHostIsPassedOverProbedAndPreferredAgain(t *testing.T) {
	t.Parallel()
	all := newHosts(t, 2)
	first, second := all[0], all[1]
	p := start(t, []string{"serve"}, append(all.env(), "ANIHUB_PLATFORM_ANILIBRIA_BREAKER_DELAY=1s")...)
	p.ready()
	first.ResetCalls()
	first.Break(anilibriatest.All, anilibriatest.Fault{Status: 503})
	ids := all.cold(12)
	for _, id := range ids[:10] {
		if a := p.title(id); a.status != 200 {
			t.Errorf("%s: %d %.200s", a.path, a.status, a.body)
		}
	}
	asked := func() int { return first.Calls(anilibriatest.All) - first.Calls(anilibriatest.RouteStatus) }
	if n := asked(); n != 5 {
		t.Errorf("the failing host was asked %d times, want 5", n)
	}
	eventually(t, "its breaker is open", func() bool { return p.host(first, "upstream_breaker_state") == 2 })
	if p.host(first, "upstream_active_host") != 0 || p.host(second, "upstream_active_host") != 1 {
		t.Error("the second host is not the active one")
	}
	eventually(t, "it is asked again and again whether it is back", func() bool { return first.Calls(anilibriatest.RouteStatus) >= 2 })
	if n := asked(); n != 5 {
		t.Errorf("questions to a host that is down: %d, want none after 5", n)
	}
	if _, whole, one := p.readiness("anilibria"); whole != "ready" || one != "ready" {
		t.Errorf("readiness with one host of two: %s, %s", whole, one)
	}

	first.Heal(anilibriatest.All)
	eventually(t, "it serves again", func() bool {
		return p.host(first, "upstream_breaker_state") == 0 && p.host(first, "upstream_active_host") == 1
	})
	second.ResetCalls()
	if a := p.title(ids[11]); a.status != 200 || second.Calls(anilibriatest.All) != 0 {
		t.Errorf("after its return: %d, %d questions to the second host", a.status, second.Calls(anilibriatest.All))
	}
}

// U2: with nobody to turn to the only host is asked five times and then left alone.
func TestABurstOfErrorsIsNotAnsweredWithABurstOfQuestions(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, anilibriatest.Catalogue())
	p := start(t, []string{"serve"}, append(u.quiet(), "ANIHUB_PLATFORM_ANILIBRIA_BREAKER_DELAY=10m")...)
	p.ready()
	u.Break(anilibriatest.All, anilibriatest.Fault{Status: 500})
	ids := u.cold(30)
	u.ResetCalls()
	for _, a := range atOnce(len(ids), func(i int) answer {
		if i >= 2 { // those who come later
			time.Sleep(time.Duration(i) * 20 * time.Millisecond)
		}
		return p.title(ids[i])
	}) {
		if a.status != 503 || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d, Retry-After %q", a.path, a.status, a.header.Get("Retry-After"))
		}
	}
	if n, all := u.Calls(releaseRoute), u.Calls(anilibriatest.All); all < 5 || n > 3*len(ids) { // a poll may have failed too
		t.Errorf("%d questions for %d readers, %d in all", n, len(ids), all)
	}
	if n := p.metric("upstream_breaker_state"); n != 2 {
		t.Errorf("breaker %v, want open", n)
	}
	u.ResetCalls()
	for range 20 {
		p.title(ids[0])
	}
	if n := u.Calls(anilibriatest.All); n != 0 {
		t.Errorf("%d questions to a host whose breaker is open", n)
	}
	eventually(t, "readiness is degraded and still 200", func() bool {
		status, whole, one := p.readiness("anilibria")
		return status == 200 && whole == "degraded" && one == "degraded"
	})
}

// U7: however a host fails, the next one answers; all of them fail here, but the last.
func TestEveryWayOfFailingLeadsToTheNextHost(t *testing.T) {
	t.Parallel()
	ways := []struct {
		name, result string
		fault        anilibriatest.Fault
	}{
		{name: "refused", result: "transport"}, // shut below
		{"hang", "timeout", anilibriatest.Fault{Hang: true}},
		{"drip", "timeout", anilibriatest.Fault{Drip: 100 * time.Millisecond}},
		{"reset", "transport", anilibriatest.Fault{Reset: true}},
		{"5xx", "server_error", anilibriatest.Fault{Status: 500}},
		{"HTML", "garbage", anilibriatest.Fault{HTML: true}},
		{"truncated", "garbage", anilibriatest.Fault{Truncate: true}},
	}
	all := newHosts(t, len(ways)+1)
	last := all[len(ways)]
	// A host that speaks no TLS is asked over https, as the very first.
	mute := newUpstream(t, nil)
	env := append(all.env("https://"+mute.addr+anilibriatest.BasePath),
		"ANIHUB_PLATFORM_ANILIBRIA_BREAKER_DELAY=1s", "ANIHUB_PLATFORM_ANILIBRIA_ATTEMPT_TIMEOUT=500ms")
	all[0].shut()
	for i, w := range ways[1:] {
		all[i+1].Break(anilibriatest.All, w.fault)
	}
	p := start(t, []string{"serve"}, env...)
	p.ready()
	for _, id := range all.cold(6) {
		if a := p.title(id); a.status != 200 {
			t.Errorf("%s: %d %.200s", a.path, a.status, a.body)
		}
	}
	failures := func(u *upstream, result string) float64 {
		return p.metric("upstream_requests_total", fmt.Sprintf("host=%q", u.addr), fmt.Sprintf("result=%q", result))
	}
	for i, w := range ways {
		n, late := failures(all[i], w.result), 0.0
		if w.result != "timeout" { // on a busy machine an answer may come too late to be read
			late = max(failures(all[i], "timeout"), 0)
		}
		if n < 1 || n+late < 5 {
			t.Errorf("%s: %v failures counted as %s and %v timeouts, want at least 5", w.name, n, w.result, late)
		}
		if n := p.host(all[i], "upstream_breaker_state"); n == 0 {
			t.Errorf("%s: its breaker is closed", w.name)
		}
	}
	if n := failures(mute, "transport"); n < 5 {
		t.Errorf("no TLS: %v failures", n)
	}
	if p.host(last, "upstream_active_host") != 1 {
		t.Error("the only sound host is not the active one")
	}

	all[0].open(t)
	eventually(t, "the first that speaks serves again", func() bool { return p.host(all[0], "upstream_active_host") == 1 })
	all[0].ResetCalls()
	if a := p.title(all.cold(1)[0]); a.status != 200 || all[0].Calls(releaseRoute) != 1 {
		t.Errorf("after its return: %d, %d questions", a.status, all[0].Calls(releaseRoute))
	}
}

// U3: a host that says when to come back is left alone until then, is not counted as
// down, and is then preferred again.
func TestAHostThatSaysLaterIsLeftAloneUntilThen(t *testing.T) {
	t.Parallel()
	all := newHosts(t, 2)
	first := all[0]
	p := start(t, []string{"serve"}, append(all.env(), "ANIHUB_PLATFORM_ANILIBRIA_BREAKER_FAILURES=1")...)
	p.ready()
	for spelling, later := range map[string]func() string{
		"seconds": func() string { return "4" },
		"a date":  func() string { return time.Now().Add(5 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		ids := all.cold(3)
		first.ResetCalls()
		first.Break(releaseRoute, anilibriatest.Fault{Status: 429, RetryAfter: later(), Times: 1})
		for _, id := range ids[:2] {
			if a := p.title(id); a.status != 200 {
				t.Errorf("%s: %d %.200s", spelling, a.status, a.body)
			}
		}
		asked := first.Calls(releaseRoute)
		if p.paused(first) && asked != 1 { // the pause began before the first answer, and is not over
			t.Errorf("%s: asked %d times, want once", spelling, asked)
		} else if asked == 0 {
			t.Errorf("%s: not asked at all", spelling)
		}
		if n := p.host(first, "upstream_breaker_state"); n != 0 {
			t.Errorf("%s: breaker %v, want closed", spelling, n)
		}
		eventually(t, spelling+": it is preferred again", func() bool { return p.host(first, "upstream_active_host") == 1 })
		if a := p.title(ids[2]); a.status != 200 || first.Calls(releaseRoute) != asked+1 {
			t.Errorf("%s: after the pause: %d, asked %d times", spelling, a.status, first.Calls(releaseRoute)-asked)
		}
	}
}

// paused tells whether statistics say that a host wants to be left alone.
func (p *process) paused(u *upstream) bool {
	p.t.Helper()
	var s struct {
		Upstream []struct {
			Host   string
			Paused *string `json:"paused_until"`
		}
	}
	p.admin("GET", "/internal/stats", "").into(p.t, &s)
	for _, h := range s.Upstream {
		if h.Host == u.addr {
			return h.Paused != nil
		}
	}
	p.t.Errorf("statistics do not know %s: %+v", u.addr, s)
	return false
}

// U8: nothing answers any more, and everything that is stored has grown old.
func TestWithAllHostsDownTheCatalogueAnswersAndSaysHowOldItIs(t *testing.T) {
	t.Parallel()
	all := newHosts(t, 2)
	p := start(t, []string{"serve"}, together(all.env(), shortLived())...)
	p.ready()
	ids, unknown := all[0].IDs(), all.cold(1)[0]
	for _, path := range append(catalogRoutes(p.title(ids[0]).title(t)), titlePath(ids[1])) {
		if a := p.read(path); a.status != 200 {
			t.Fatalf("alive: %s: %d %.200s", path, a.status, a.body)
		}
	}
	for _, u := range all {
		u.shut()
	}
	for _, path := range append(catalogRoutes(p.title(ids[0]).title(t)), titlePath(ids[1])) {
		eventually(t, path+" is stale and says so", func() bool {
			a := p.read(path)
			if a.status != 200 {
				t.Errorf("%s: %d %.200s", path, a.status, a.body)
				return true
			}
			return a.Meta.Freshness.Stale && a.Meta.Freshness.Reason == "upstream_down" && a.header.Get("Age") != ""
		})
	}
	for _, id := range ids {
		if a := p.title(id); a.status != 200 || a.title(t).ID != id {
			t.Errorf("%s: %d %.200s", a.path, a.status, a.body)
		}
	}
	if a := p.title(unknown); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("a title that nobody knows: %d, Retry-After %q, %.200s", a.status, a.header.Get("Retry-After"), a.body)
	}
	eventually(t, "readiness is degraded and still 200", func() bool {
		status, whole, one := p.readiness("anilibria")
		return status == 200 && whole == "degraded" && one == "degraded"
	})
}
