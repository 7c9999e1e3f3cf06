package catalogsvc_test

import (
	"errors"
	"testing"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogtest"
)

// What one process hides leaves the others, and is hidden after a start, without
// anybody asking the upstream again.
func TestWhatIsHiddenIsHiddenEverywhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	writer, reader := h.open(t, nil), h.open(t, nil)
	h.origin.Set(catalogtest.Title(1), catalogtest.Title(2))
	refresh(t, writer, catalog.Refresh{IDs: []int{1, 2}, Silent: true})
	total := func(r *room) int {
		a, err := r.Titles(t.Context(), catalog.Query{}, "")
		return must(t, a, err).Value.Total
	}
	eventually(t, "two titles in the other process", func() bool { return total(reader) == 2 })
	a, err := reader.Title(t.Context(), catalog.Ref{ID: 2}, "")
	must(t, a, err) // is in its L1 now
	h.origin.Remove(2)
	refresh(t, writer, catalog.Refresh{IDs: []int{2}, Hide: true})
	eventually(t, "one title in the other process", func() bool { return total(reader) == 1 })
	h.origin.Down(true)
	for name, r := range map[string]*room{"writer": writer, "reader": reader, "started later": h.open(t, nil)} {
		if n := total(r); n != 1 {
			t.Errorf("%s: lists have %d titles, want 1", name, n)
		}
		if _, err := r.Title(t.Context(), catalog.Ref{ID: 2}, ""); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	h.origin.Down(false)
	h.origin.Set(catalogtest.Title(2))
	refresh(t, writer, catalog.Refresh{IDs: []int{2}})
	eventually(t, "it is back in the other process", func() bool { return total(reader) == 2 })
	a, err = reader.Title(t.Context(), catalog.Ref{ID: 2}, "")
	must(t, a, err)
}
