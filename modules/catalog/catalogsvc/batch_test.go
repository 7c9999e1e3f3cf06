package catalogsvc_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
	"anihub/modules/catalog/catalogtest"
	"anihub/platform/anilibria"
)

func idsOf(p catalog.Page) []int {
	var out []int
	for _, s := range p.Titles {
		out = append(out, s.ID)
	}
	return out
}

func TestManyViewersOfAColdBatchAreOneCall(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.open(t, nil)
	// A chain that begins to hear the bell lets nobody join the loads of before.
	eventually(t, "the bell is heard", func() bool { return r.cache.Applied().Epoch != "" })
	var ids []int
	for id := 1; id <= 20; id++ {
		h.origin.Set(catalogtest.Title(id))
		ids = append(ids, id)
	}
	release := h.origin.Hold()
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			a, err := r.Titles(t.Context(), catalog.Query{IDs: ids}, "")
			if d := cmp.Diff(ids, idsOf(a.Value)); err != nil || d != "" {
				t.Errorf("batch: %v (-want +got):\n%s", err, d)
			}
		})
	}
	eventually(t, "a call is under way", func() bool { return h.origin.Calls("Releases") > 0 })
	release()
	wg.Wait()
	if list, one := h.origin.Calls("Releases"), h.origin.Calls("Release"); list != 1 || one != 0 {
		t.Errorf("%d calls of the list and %d of single releases, want 1 and 0", list, one)
	}
	a, err := r.Titles(t.Context(), catalog.Query{IDs: ids}, "")
	if must(t, a, err).Version == "" || h.origin.Calls("Releases") != 1 {
		t.Errorf("afterwards the index should answer: version %q, %d calls", a.Version, h.origin.Calls("Releases"))
	}
}

// forgetful is an upstream whose lists leave a title out.
type forgetful struct{ *catalogtest.Origin }

func (f forgetful) Releases(ctx context.Context, ids []int) ([]anilibria.Release, error) {
	list, err := f.Origin.Releases(ctx, ids)
	var out []anilibria.Release
	for _, r := range list {
		if r.ID != 9 {
			out = append(out, r)
		}
	}
	return out, err
}

// TestAListThatLeavesATitleOut is no word of the upstream that there is none.
func TestAListThatLeavesATitleOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.build(t, catalogsvc.DefaultConfig(), forgetful{h.origin})
	r.start(t)
	h.origin.Set(catalogtest.Title(8), catalogtest.Title(9))
	a, err := r.Titles(t.Context(), catalog.Query{IDs: []int{9, 8}}, "")
	if d := cmp.Diff([]int{8}, idsOf(must(t, a, err).Value)); d != "" || len(a.Value.Unavailable) > 0 {
		t.Errorf("batch: %+v (-want +got):\n%s", a.Value, d)
	}
	one, err := r.Title(t.Context(), catalog.Ref{ID: 9}, "")
	if must(t, one, err).Value.ID != 9 {
		t.Errorf("the title by itself: %+v", one.Value.Summary)
	}
}
