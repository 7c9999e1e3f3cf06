package test

import (
	"testing"
	"time"

	"anihub/platform/anilibria/anilibriatest"
)

// TestASlowUpstreamKeepsNoViewerWaiting: the reader who finds a copy too old starts
// the question.
func TestASlowUpstreamKeepsNoViewerWaiting(t *testing.T) {
	t.Parallel()
	slowUpstream(t, "ANIHUB_PLATFORM_CACHE_REFRESH_AT=1")
}

// slowUpstream: the upstream answers when the test says so, therefore "meanwhile" is
// a state here and no time.
func slowUpstream(t *testing.T, env ...string) {
	t.Helper()
	const id = 9901
	u := newUpstream(t, anilibriatest.Catalogue())
	p := start(t, []string{"serve"}, together(u.quiet(), shortLived(), patient(), env)...)
	p.ready()
	eventually(t, "the first poll is over, and nobody but viewers asks any more", func() bool {
		return p.metric("sync_polls_total", `result="ok"`) == 1
	})
	before := p.title(id)
	if before.status != 200 || before.Meta.Freshness.Stale {
		t.Fatalf("at first: %d %+v", before.status, before.Meta.Freshness)
	}
	u.revise(t, id, "Второе имя")
	answered := make(chan struct{})
	u.Break(anilibriatest.RouteRelease, anilibriatest.Fault{Until: answered})
	u.ResetCalls()

	var a answer
	eventually(t, "the copy is old", func() bool {
		asked := time.Now()
		a = p.title(id)
		// fresh_until is told in whole seconds.
		if f := a.Meta.Freshness; !f.Stale && asked.After(f.FreshUntil.Add(time.Second)) {
			t.Fatalf("asked at %s, answered as if it were fresh: %+v", asked, f)
		}
		return a.status != 200 || a.Meta.Freshness.Stale
	})
	all := append(atOnce(20, func(int) answer { return p.title(id) }), a)
	for _, a := range all {
		if a.status != 200 || !a.Meta.Freshness.Stale || a.Meta.Freshness.Reason != "timeout" || string(a.Data) != string(before.Data) {
			t.Errorf("while the upstream is silent: %d %+v %.200s", a.status, a.Meta.Freshness, a.body)
		}
	}
	if asked, pending := u.Calls(anilibriatest.RouteRelease), u.Pending(anilibriatest.RouteRelease); asked != 1 || pending != 1 {
		t.Errorf("%d questions, %d under way; want the one that all have been waiting for", asked, pending)
	}

	close(answered)
	eventually(t, "a fresh answer, without further ado", func() bool {
		a := p.title(id)
		return a.status == 200 && !a.Meta.Freshness.Stale && a.title(t).Names.RU == "Второе имя"
	})
}

// TestARefreshAheadThatHangsMakesNothingYoung: the question was begun while the copy
// was still fresh, and has outlived it.
func TestARefreshAheadThatHangsMakesNothingYoung(t *testing.T) {
	t.Parallel()
	slowUpstream(t, "ANIHUB_PLATFORM_CACHE_REFRESH_AT=0.5")
}
