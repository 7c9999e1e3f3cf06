package test

import (
	"strconv"
	"strings"
	"testing"

	"anihub/platform/anilibria/anilibriatest"
)

// TestReadersOfABatchThatNobodyHasReadCostOneUpstreamCall: twenty titles, three
// hundred readers, one list.
func TestReadersOfABatchThatNobodyHasReadCostOneUpstreamCall(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, anilibriatest.Catalogue())
	p := start(t, []string{"serve"}, together(u.quiet(), patient())...)
	p.ready()
	ids := u.cold(20)
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.Itoa(id)
	}
	path := titles + "/batch?ids=" + strings.Join(texts, ",")
	u.Break(anilibriatest.RouteReleases, slowRelease)
	u.ResetCalls()

	all := atOnce(300, func(int) answer { return p.read(path) })
	same(t, all)
	list := all[0].list(t)
	if len(list) != len(ids) || len(all[0].Meta.Missing) > 0 {
		t.Fatalf("%d titles, missing %v", len(list), all[0].Meta.Missing)
	}
	for i, s := range list {
		if s.ID != ids[i] {
			t.Errorf("place %d: title %d, want %d", i, s.ID, ids[i])
		}
	}
	lists, singles := u.Calls(anilibriatest.RouteReleases), u.Calls(releaseRoute)
	if lists != 1 || singles != 0 {
		t.Errorf("%d upstream calls for lists and %d for single titles, want 1 and 0", lists, singles)
	}
}
