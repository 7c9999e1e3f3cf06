package documents_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/documents"
)

// benchStore is a collection of so many documents of about 1 KB.
func benchStore(b *testing.B, n int) documents.Collection {
	b.Helper()
	c := openSQLite(b, filepath.Join(b.TempDir(), "anihub.db")).Collection(spec(documents.Index{Field: "n"}))
	for i := range n {
		must(b, c.Insert(b.Context(), fmt.Sprint(i), benchDoc(i)))
	}
	return c
}

type bench struct {
	N    int64  `bson:"n"`
	Text string `bson:"text"`
}

func benchDoc(i int) bench { return bench{N: int64(i % 100), Text: strings.Repeat("x", 1000)} }

func BenchmarkSQLiteGet(b *testing.B) {
	c := benchStore(b, 10_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var doc bench
		if _, err := c.Get(b.Context(), fmt.Sprint(i%10_000), &doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSQLiteGetParallel(b *testing.B) {
	c := benchStore(b, 10_000)
	b.ReportAllocs()
	b.ResetTimer() // filling the store is not measured
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			var doc bench
			if _, err := c.Get(b.Context(), fmt.Sprint(i%10_000), &doc); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkSQLiteInsert(b *testing.B) {
	c := benchStore(b, 0)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := c.Insert(b.Context(), fmt.Sprint(i), benchDoc(i)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSQLiteUpsert reads a document's version and replaces it, as an upsert
// of what is there does.
func BenchmarkSQLiteUpsert(b *testing.B) {
	c := benchStore(b, 10_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		id := fmt.Sprint(i % 10_000)
		var raw bson.Raw
		v, err := c.Get(b.Context(), id, &raw)
		if err == nil {
			err = c.Replace(b.Context(), id, v, benchDoc(i))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSQLiteScan(b *testing.B) {
	c := benchStore(b, 10_000)
	for _, x := range []struct {
		name string
		scan documents.Scan
		want int
	}{
		{"all by id", documents.Scan{}, 10_000},
		{"all by index", documents.Scan{Order: "n"}, 10_000},
		{"20 by index", documents.Scan{Order: "n", Descending: true, Limit: 20}, 20},
	} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				for d, err := range c.Scan(b.Context(), x.scan) {
					var doc bench
					if err != nil || d.Decode(&doc) != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != x.want {
					b.Fatalf("%d documents, want %d", n, x.want)
				}
			}
		})
	}
}

// BenchmarkSQLiteOpen is a start: the file is opened and a collection used.
func BenchmarkSQLiteOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "anihub.db")
	for b.Loop() {
		s, err := documents.OpenSQLite(path)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Collection(spec(documents.Index{Field: "n"})).Delete(b.Context(), "x"); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
