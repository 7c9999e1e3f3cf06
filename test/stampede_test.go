package test

import (
	"testing"
	"time"

	"anihub/platform/anilibria/anilibriatest"
)

// slowRelease lets every reader come while the first one's question is under way.
// What is asserted holds however fast the machine is.
var slowRelease = anilibriatest.Fault{Delay: time.Second}

func TestAThousandReadersOfAColdTitleCostOneUpstreamCall(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, anilibriatest.Catalogue())
	p := start(t, []string{"serve"}, together(u.quiet(), patient())...)
	p.ready()
	id := u.cold(1)[0]
	u.Break(anilibriatest.RouteRelease, slowRelease)
	u.ResetCalls()

	same(t, atOnce(1000, func(int) answer { return p.title(id) }))
	u.oneCall(t)
}

// oneCall: the title was fetched once, its franchise at most once.
func (u *upstream) oneCall(t *testing.T) {
	t.Helper()
	if n := u.Calls(anilibriatest.RouteRelease); n != 1 {
		t.Errorf("%d upstream calls for the title, want 1", n)
	}
	if n := u.Calls(anilibriatest.RouteFranchise); n > 1 {
		t.Errorf("%d upstream calls for its franchise, want 1 at most", n)
	}
	if n := u.Calls(anilibriatest.RouteReleases); n != 0 {
		t.Errorf("%d upstream calls for lists, want none", n)
	}
}

// same: every answer is 200 and tells the same. Only the level in meta may differ,
// since some readers come when the title lies in memory already.
func same(t *testing.T, all []answer) {
	t.Helper()
	wrong := 0
	for _, a := range all {
		if a.status != 200 || len(a.Data) < 100 || string(a.Data) != string(all[0].Data) || a.Meta.Freshness.Stale {
			if wrong++; wrong <= 3 {
				t.Errorf("%s: %d %.300s\nwant as the first one: %.300s", a.path, a.status, a.body, all[0].body)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d answers are wrong", wrong, len(all))
	}
}
