package test

import (
	"strings"
	"testing"

	"anihub/platform/anilibria/anilibriatest"
)

// TestADriverThatIsTold: with the driver v3 episodes come over the upstream's socket,
// also after that was cut, while the next poll is an hour away.
func TestADriverThatIsTold(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, anilibriatest.Catalogue())
	base := strings.TrimSuffix(u.base, anilibriatest.BasePath) + anilibriatest.V3Path
	p := start(t, []string{"serve"}, together(u.quiet(), []string{
		"ANIHUB_PLATFORM_ANILIBRIA_DRIVER=v3", "ANIHUB_PLATFORM_ANILIBRIA_BASE_URLS=" + base,
	})...)
	p.ready()
	eventually(t, "the first poll is over", func() bool { return p.metric("sync_polls_total", `result="ok"`) == 1 })
	v := p.watch(everyEpisode)
	heard := map[string]bool{}
	for _, cut := range []bool{false, true} {
		if cut {
			u.DropSockets()
		}
		if _, err := u.AirEpisode(9901); err != nil {
			t.Fatal(err)
		}
		m := v.expect("new_episode")
		if m.Data["title_id"] != float64(9901) || heard[m.EventID] {
			t.Errorf("heard %+v", m)
		}
		heard[m.EventID] = true
	}
	if status, _, body := p.get(titles + "/9901"); status != 200 || !strings.Contains(body, `"code":`) {
		t.Errorf("the title: %d %.200s", status, body)
	}
}
