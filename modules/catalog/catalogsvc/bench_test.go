package catalogsvc_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
	"anihub/modules/catalog/catalogtest"
)

// realistic is a title whose texts are as long as the real ones: a description
// of about 600 characters, posters of about 90 bytes.
func realistic(id int) catalog.Title {
	t := catalogtest.Title(id)
	t.Description = strings.Repeat("Выдуманное описание о том, как всё было на самом деле. ", 11)
	t.Names.Alternative = fmt.Sprintf("Hontou ni Arimasen %d", id)
	const base = "https://anilibria.example/storage/releases/posters/%d/abcdefghijklmnopqrstuvwxyz012345_%s.webp"
	t.Poster = catalog.Poster{Small: fmt.Sprintf(base, id, "s"), Medium: fmt.Sprintf(base, id, "m"), Large: fmt.Sprintf(base, id, "l")}
	return t
}

func bigIndex(n int) catalogsvc.Index {
	index, batch := catalogsvc.NewIndex(), make([]catalog.Summary, n)
	for i := range n {
		batch[i] = realistic(i + 1).Summary
	}
	index.Put(1, batch...)
	return index
}

func BenchmarkListPage(b *testing.B) {
	index := bigIndex(10_000)
	for _, q := range []struct {
		name string
		catalog.Query
	}{
		{"popular", catalog.Query{Limit: 20, Sort: "popularity", Descending: true}},
		{"filtered", catalog.Query{Limit: 20, Sort: "year", Status: "ongoing", Genres: []string{"Драма"}}},
		{"search", catalog.Query{Limit: 20, Search: "маяк"}},
		{"facets", catalog.Query{Limit: 20, Type: "TV", Facets: true}},
	} {
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := index.Page(q.Query); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPut is one changed title in a large catalogue.
func BenchmarkPut(b *testing.B) {
	for _, n := range []int{2_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			index, generation := bigIndex(n), int64(1)
			s := realistic(n / 2).Summary
			b.ReportAllocs()
			for b.Loop() {
				generation++
				s.Popularity++
				index.Put(generation, s)
			}
		})
	}
}

// BenchmarkMemory reports what the index costs per title, texts included.
func BenchmarkMemory(b *testing.B) {
	const n = 20_000
	for b.Loop() {
		before := heap()
		index := bigIndex(n)
		b.ReportMetric(float64(heap()-before)/n, "B/title")
		runtime.KeepAlive(index)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkTitle is the hot path: a title in memory, asked for with its version.
func BenchmarkTitle(b *testing.B) {
	h := newHouse(b)
	r := h.open(b, nil)
	h.origin.Set(realistic(25))
	refresh(b, r, catalog.Refresh{IDs: []int{25}, Silent: true})
	a, err := r.Title(b.Context(), catalog.Ref{ID: 25}, "")
	must(b, a, err)
	a, err = r.Title(b.Context(), catalog.Ref{ID: 25}, "")
	version := must(b, a, err).Version
	b.Run("unchanged", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			a, err := r.Title(b.Context(), catalog.Ref{ID: 25}, version)
			if err != nil || !a.Unchanged {
				b.Fatal(err, a.Version, version)
			}
		}
	})
	b.Run("whole", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Title(b.Context(), catalog.Ref{ID: 25}, ""); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRefresh stores new titles by the page, as the first full sync does.
func BenchmarkRefresh(b *testing.B) {
	h := newHouse(b)
	r := h.open(b, nil)
	ids, next := make([]int, 50), 1
	for b.Loop() {
		b.StopTimer()
		for i := range ids {
			ids[i] = next
			h.origin.Set(realistic(next))
			next++
		}
		b.StartTimer()
		refresh(b, r, catalog.Refresh{IDs: ids, Silent: true})
	}
	b.ReportMetric(float64(b.N*len(ids))/b.Elapsed().Seconds(), "titles/s")
}

// BenchmarkLoad reads the index from the store, as every start does.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{2_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			if n > 10_000 && testing.Short() {
				b.Skip("stores 100,000 titles first")
			}
			h := newHouse(b)
			writer := h.build(b, catalogsvc.DefaultConfig(), h.origin)
			var ids []int
			for id := 1; id <= n; id++ {
				h.origin.Set(realistic(id))
				if ids = append(ids, id); len(ids) == 50 {
					refresh(b, writer, catalog.Refresh{IDs: ids, Silent: true})
					for _, id := range ids {
						h.origin.Remove(id)
					}
					ids = nil
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				reader := h.build(b, catalogsvc.DefaultConfig(), h.origin)
				ctx, cancel := context.WithCancel(context.Background())
				done := make(chan error, 1)
				go func() { done <- reader.Run(ctx) }()
				eventually(b, "loaded", func() bool { state, _ := reader.Ready(); return state != catalogsvc.StateNotReady })
				cancel()
				if err := <-done; err != nil {
					b.Fatal(err)
				}
				if _, detail := reader.Ready(); detail != fmt.Sprintf("%d titles", n) {
					b.Fatal(detail)
				}
			}
		})
	}
}
