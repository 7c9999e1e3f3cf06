package cache_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"anihub/platform/cache"
	"anihub/platform/cache/cachetest"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	l2, l3 := cachetest.NewFake(), cachetest.NewFake()
	c, err := cache.New(steady(), cache.Deps{
		L1: newMemory(t, 1<<20), L2: l2, L3: l3, Logger: quiet(), Registerer: registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Mount("title:", newMemory(t, 1<<20), nil)
	o := &origin{version: 1}
	for range 3 {
		if _, err := c.Get(t.Context(), key, o.load); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	l2.Down(true)
	if _, err := c.Invalidate(t.Context(), cache.Invalidation{Keys: []string{key}}); err == nil {
		t.Error("L2 is down, and nobody says so")
	}
	want := map[string]float64{
		"cache_requests_total level=l1 result=hit":        2,
		"cache_requests_total level=l1 result=miss":       1,
		"cache_requests_total level=l2 result=miss":       1,
		"cache_requests_total level=l2 result=error":      1,
		"cache_requests_total level=l3/title result=miss": 1,
		"cache_loads_total result=ok":                     1,
		"cache_invalidations_total mode=expire":           1,
		"cache_invalidations_owed":                        1,
		"cache_entries level=l1":                          1,
		"cache_entries level=l3/title":                    1,
	}
	got := gather(t, registry)
	if got["cache_bytes level=l1"] < 1 {
		t.Errorf("L1 holds %v bytes", got["cache_bytes level=l1"])
	}
	delete(got, "cache_bytes level=l1")
	delete(got, "cache_bytes level=l3/title")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics other than zero (-want +got):\n%s", diff)
	}
	if _, err := cache.New(steady(), cache.Deps{L1: newMemory(t, 1<<20), Logger: quiet(), Registerer: registry}); err == nil {
		t.Error("the same metrics are registered twice")
	}
}

// gather is every sample that is not zero.
func gather(t *testing.T, g prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetName() + "=" + l.GetValue()
			}
			if v := m.GetCounter().GetValue() + m.GetGauge().GetValue(); v != 0 {
				out[name] = v
			}
		}
	}
	return out
}
