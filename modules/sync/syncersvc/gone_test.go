package syncersvc_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	syncer "anihub/modules/sync"
	"anihub/modules/sync/syncersvc"
	"anihub/platform/lease"
)

// passer runs passes on demand over a world.
type passer struct {
	t   *testing.T
	w   *world
	s   *syncersvc.Service
	reg *prometheus.Registry
}

func newPasser(t *testing.T, titles int, change func(*world)) *passer {
	t.Helper()
	p := &passer{t: t, w: newWorld(titles), reg: prometheus.NewRegistry()}
	if change != nil {
		change(p.w)
	}
	p.s, _ = room(t, p.w, openStore(t), lease.NewMemory(), quick(), func(d *syncersvc.Deps) { d.Registerer = p.reg })
	eventually(t, "the baseline", func() bool { st, _ := p.s.Status(t.Context()); return !st.LastFull.IsZero() })
	return p
}

// pass runs one pass to its end.
func (p *passer) pass() syncer.Job {
	p.t.Helper()
	var job syncer.Job
	eventually(p.t, "the pass before is over", func() bool {
		var err error
		job, err = p.s.Start(p.t.Context(), syncer.Request{Kind: syncer.KindFull})
		return err == nil && job.State == syncer.Queued
	})
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	job, err := p.s.Wait(ctx, job.ID)
	if err != nil || job.State != syncer.Succeeded {
		p.t.Fatalf("the pass ended as %+v, %v", job, err)
	}
	return job
}

func (p *passer) knows(ids ...int) (n int) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	for _, id := range ids {
		if _, ok := p.w.known[id]; ok {
			n++
		}
	}
	return n
}

func (p *passer) absent() int { return int(gauge(p.t, p.reg, "sync_absent_titles")) }

func TestATitleThatIsGoneIsHiddenByAPass(t *testing.T) {
	t.Parallel()
	p := newPasser(t, 130, nil)
	p.w.vanish(17)
	p.w.set(func(w *world) { w.unlisted = map[int]bool{18: true} })
	if job, err := p.s.Start(t.Context(), syncer.Request{Kind: syncer.KindTitle, TitleID: 17}); err != nil || p.knows(17) != 1 {
		t.Fatalf("one failed fetch hid the title: %v, %v", job, err)
	}
	p.pass()
	if p.knows(17) != 0 {
		t.Error("a title that is gone is still known")
	}
	if p.knows(18) != 1 || p.absent() != 2 {
		t.Errorf("a title that the upstream has, and does not list, is known %d times; %d absent, want 1 and 2", p.knows(18), p.absent())
	}
	p.w.air(17)
	eventually(t, "it comes back", func() bool { return p.knows(17) == 1 })
}

func TestACatalogueThatShrinksIsNotBelievedAtOnce(t *testing.T) {
	t.Parallel()
	p := newPasser(t, 130, nil)
	half := make([]int, 0, 65)
	for id := 2; id <= 130; id += 2 {
		half = append(half, id)
	}
	p.w.vanish(half...)
	for n, want := range []int{len(half), len(half), 0} {
		p.pass()
		if got := p.knows(half...); got != want {
			t.Fatalf("after %d passes without them %d of %d titles are known, want %d", n+1, got, len(half), want)
		}
		if p.absent() != len(half) {
			t.Errorf("the metric says %d, want %d", p.absent(), len(half))
		}
	}
}

// A pass between two that disagree begins the count anew.
func TestOnlyPassesInARowAgree(t *testing.T) {
	t.Parallel()
	p := newPasser(t, 130, nil)
	all := slices.Clone(p.w.fresh)
	hide := map[int]bool{}
	for _, id := range all[:60] {
		hide[id] = true
	}
	for _, unlisted := range []map[int]bool{hide, hide, nil, hide, hide} {
		p.w.set(func(w *world) { w.unlisted = unlisted })
		p.pass()
	}
	p.w.set(func(w *world) {
		for _, r := range w.refresh {
			if r.Hide {
				t.Errorf("titles were to be hidden: %v", r.IDs)
			}
		}
	})
}

func TestPagesThatShiftAreReadOnce(t *testing.T) {
	t.Parallel()
	p := newPasser(t, 130, func(w *world) { w.shift = 7 })
	if job := p.pass(); job.Progress.Done != 130 || job.Progress.Total != 130 {
		t.Errorf("progress %+v, want 130 of 130", job.Progress)
	}
	fetched := 0
	p.w.set(func(w *world) {
		for _, r := range w.refresh {
			fetched += len(r.IDs)
		}
	})
	if fetched != 2*130 {
		t.Errorf("two passes fetched %d titles, want %d", fetched, 2*130)
	}
}

func TestSeenTitlesArePacked(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		pages [][]int
		want  []int
	}{
		"none":    {nil, nil},
		"one":     {[][]int{{1}}, []int{1}},
		"doubles": {[][]int{{9, 3, 9}, {3, 2147483647, 1}}, []int{1, 3, 9, 2147483647}},
	} {
		got, packed, err := syncersvc.Packed(tt.pages)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, tt.want)
		}
		if len(packed) > 5*len(tt.want) {
			t.Errorf("%s: %d bytes", name, len(packed))
		}
	}
}

func FuzzSeenTitles(f *testing.F) {
	f.Add([]byte{1, 2, 0x80, 1})
	f.Add([]byte{0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		ids, err := syncersvc.Unpack(b)
		if err == nil && !slices.IsSorted(ids) {
			t.Errorf("%v do not ascend", ids)
		}
	})
}

func gauge(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}
