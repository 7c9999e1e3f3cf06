package test

import (
	"testing"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/documents/mongowiretest"
	"anihub/platform/redisdb/redistest"
)

// TestAThousandReadersAtThreeProcessesCostOneUpstreamCall: what one process loads the
// others wait for.
func TestAThousandReadersAtThreeProcessesCostOneUpstreamCall(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, anilibriatest.Catalogue())
	env := together(u.quiet(), patient(), redisWithin("5s"), shared(redistest.Start(t), mongowiretest.Start(t)))
	fleet := make([]*process, 3)
	for i := range fleet {
		fleet[i] = start(t, []string{"serve"}, env...)
		fleet[i].ready()
	}
	id := u.cold(1)[0]
	u.Break(releaseRoute, slowRelease)
	u.ResetCalls()

	same(t, atOnce(1000, func(i int) answer { return fleet[i%len(fleet)].title(id) }))
	u.oneCall(t)
}
