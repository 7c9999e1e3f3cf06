package catalogsvc_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
)

// BenchmarkSearch is the queries of the corpus, one after another, with a page of
// 20; the hostile ones apart.
func BenchmarkSearch(b *testing.B) {
	var typed []string
	for _, l := range lines(b, "search_queries.tsv") {
		typed = append(typed, l[1])
	}
	for _, n := range []int{2_000, 10_000, 100_000} {
		index, _ := corpusIndex(b, n)
		index.SearchSize() // makes the structure
		for name, queries := range map[string][]string{"corpus": typed, "hostile": hostile} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) { benchmarkQueries(b, index, queries) })
		}
	}
}

func benchmarkQueries(b *testing.B, index catalogsvc.Index, queries []string) {
	var took []time.Duration
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		from := time.Now()
		if _, err := index.Page(catalog.Query{Search: queries[i%len(queries)], Limit: 20}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(from))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-µs")
}

// BenchmarkSearchAfterRename is a changed name and the search that has to see it.
func BenchmarkSearchAfterRename(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			index, all := corpusIndex(b, n)
			searched(b, index, catalog.Query{Search: "наруто"})
			r := rand.New(rand.NewPCG(3, 4))
			for generation := int64(2); b.Loop(); generation++ {
				s := all[r.IntN(n)]
				s.Names = generated(r)
				index.Put(generation, s)
				searched(b, index, catalog.Query{Search: "наруто"})
			}
		})
	}
}

// BenchmarkSearchBuild is making the whole structure, as once at start.
func BenchmarkSearchBuild(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		all := corpus(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				index := catalogsvc.NewIndex()
				index.Put(1, all...)
				b.StartTimer()
				b.ReportMetric(float64(index.SearchSize())/float64(n), "B/title")
			}
		})
	}
}
