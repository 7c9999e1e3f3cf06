package test

import (
	"fmt"
	"testing"

	"anihub/platform/anilibria/anilibriatest"
)

// gate holds the answers of a route back until it is opened. A gate that is put
// before an open or closed one holds those who come from then on.
func (u *upstream) gate(route string) (open func()) {
	until := make(chan struct{})
	u.Break(route, anilibriatest.Fault{Until: until})
	return func() { close(until) }
}

// ids are the ids of all titles in the lists.
func (p *process) ids() map[int]bool {
	p.t.Helper()
	all := map[int]bool{}
	for page := 1; ; page++ {
		list := p.read(fmt.Sprintf("%s?limit=100&page=%d", titles, page)).list(p.t)
		for _, s := range list {
			all[s.ID] = true
		}
		if len(list) == 0 || p.t.Failed() {
			return all
		}
	}
}

func (p *process) misses(what string, ids []int) {
	p.t.Helper()
	have := p.ids()
	for _, id := range ids {
		if !have[id] {
			p.t.Errorf("%s: lists no longer have %d; they have %d of %d", what, id, len(have), len(ids))
			return
		}
	}
}

// U9: half of the catalogue vanishes from the upstream while a full pass reads it. One
// pass, or two, are not believed; three are, and what they hid comes back when the
// upstream has it again.
func TestACatalogueThatShrinksIsBelievedWhenPassesAgree(t *testing.T) {
	t.Parallel()
	const many = 250
	u := newUpstream(t, slim(many))
	ids := u.IDs()
	p := start(t, []string{"serve"}, u.quiet()...)
	p.holds(many)
	open := u.gate(anilibriatest.RouteReleases)
	pass := p.beginPass()
	eventually(t, "the pass is under way", func() bool { return u.Pending(anilibriatest.RouteReleases) == 1 })
	for i := 1; i < many; i += 2 {
		if err := u.Hide(ids[i]); err != nil {
			t.Fatal(err)
		}
	}
	open()
	p.awaitPass(pass)
	p.misses("after a pass over half of them", ids)
	p.awaitPass(p.beginPass())
	p.misses("after another one", ids)
	for _, id := range ids {
		if a := p.title(id); a.status != 200 || a.title(t).ID != id {
			t.Errorf("%s: %d %.200s", a.path, a.status, a.body)
		}
	}
	if n := p.metric("catalog_titles"); n != many {
		t.Errorf("the index has %v titles", n)
	}
	if n := p.metric("sync_absent_titles"); n != many/2 {
		t.Errorf("the metric says that %v titles are missing, want %d", n, many/2)
	}
	p.awaitPass(p.beginPass())
	eventually(t, "what three passes missed is hidden", func() bool { return len(p.ids()) == many/2 })
	if a := p.title(ids[1]); a.status != 404 {
		t.Errorf("%s: %d, want 404: %.200s", a.path, a.status, a.body)
	}
	for i := 1; i < many; i += 2 {
		if err := u.Show(ids[i]); err != nil {
			t.Fatal(err)
		}
	}
	p.awaitPass(p.beginPass())
	p.misses("after it came back", ids)
	if a := p.title(ids[1]); a.status != 200 {
		t.Errorf("%s: %d after it came back: %.200s", a.path, a.status, a.body)
	}
}

// U9: titles of the last pages jump to the first two, which the pass has read: no
// page of it will ever show them, and they are twice as many as the list of the
// latest holds.
func TestPagesThatShiftDuringTheFirstPassHideNothing(t *testing.T) {
	t.Parallel()
	const many, jumping = 250, 100
	u := newUpstream(t, slim(many))
	ids := u.IDs()
	next := u.gate(anilibriatest.RouteReleases)
	p := start(t, []string{"serve"}, u.quiet()...)
	for page := 1; page <= 2; page++ {
		eventually(t, "a page is read", func() bool {
			return u.Calls(anilibriatest.RouteReleases) == page && u.Pending(anilibriatest.RouteReleases) == 1
		})
		if page == 1 {
			open := next
			next = u.gate(anilibriatest.RouteReleases)
			open()
		}
	}
	for _, id := range ids[many-jumping:] {
		if _, err := u.AirEpisode(id); err != nil {
			t.Fatal(err)
		}
	}
	next()
	p.holds(many)
	p.misses("after the first pass", ids)
}
