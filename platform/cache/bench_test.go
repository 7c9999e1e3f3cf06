package cache_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"anihub/platform/cache"
	"anihub/platform/redisdb/redistest"
)

// title is as large as the stored form of a usual title.
func title() cache.Entry {
	now := time.Now()
	return cache.Entry{
		Body: make([]byte, 13<<10), ETag: "0123456789abcdef", Generation: 1, Tags: []string{"title:9919"},
		StoredAt: now, FreshUntil: now.Add(24 * time.Hour), CheckAt: now.Add(24 * time.Hour),
	}
}

func hot(b *testing.B) (*cache.Cache, cache.Load) {
	b.Helper()
	c, err := cache.New(steady(), cache.Deps{L1: newMemory(b, 64<<20), Logger: quiet()})
	if err != nil {
		b.Fatal(err)
	}
	load := func(context.Context) (cache.Entry, error) { return title(), nil }
	if _, err := c.Get(b.Context(), key, load); err != nil {
		b.Fatal(err)
	}
	return c, load
}

func BenchmarkHit(b *testing.B) {
	c, load := hot(b)
	b.ReportAllocs()
	for b.Loop() {
		if h, err := c.Get(b.Context(), key, load); err != nil || h.Level != "l1" {
			b.Fatal(h.Level, err)
		}
	}
}

func BenchmarkHitParallel(b *testing.B) {
	c, load := hot(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		ctx := context.Background()
		for pb.Next() {
			if _, err := c.Get(ctx, key, load); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkLevel is one Get of a level by itself, and one Set.
func BenchmarkLevel(b *testing.B) {
	for name, open := range map[string]func() cache.Level{
		"memory": func() cache.Level { return newMemory(b, 64<<20) },
		"redis":  func() cache.Level { return cache.NewRedis(redistest.Start(b).Client()) },
		"sqlite": func() cache.Level {
			store := openSQLite(b, filepath.Join(b.TempDir(), "cache.db"))
			return cache.NewDocuments(store.Collection(cache.DocumentsSpec()))
		},
	} {
		l := open()
		ctx := b.Context()
		if err := l.Set(ctx, key, title()); err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/get", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok, err := l.Get(ctx, key); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
		b.Run(name+"/set", func(b *testing.B) {
			b.ReportAllocs()
			e := title()
			for b.Loop() {
				if err := l.Set(ctx, key, e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkGetFrom is a Get through the whole chain that is answered by a level, and
// copied to the nearer ones; every title of the level is asked for once by a process
// whose memory is empty.
func BenchmarkGetFrom(b *testing.B) {
	for _, from := range []string{"l2", "l3", "origin"} {
		b.Run(from, func(b *testing.B) { getFrom(b, from) })
	}
}

func getFrom(b *testing.B, from string) {
	const titles = 1000
	store := openSQLite(b, filepath.Join(b.TempDir(), "cache.db"))
	l2, l3 := cache.NewRedis(redistest.Start(b).Client()), cache.NewDocuments(store.Collection(cache.DocumentsSpec()))
	load := func(context.Context) (cache.Entry, error) { return title(), nil }
	keys := make([]string, titles)
	for i := range keys {
		keys[i] = fmt.Sprint("title:", i)
	}
	empty := func() *cache.Cache { // a process that finds its titles in the level, and nowhere nearer
		for _, k := range keys {
			for name, l := range map[string]cache.Level{"l2": l2, "l3": l3} {
				err := l.Set(b.Context(), k, title())
				if name < from {
					err = l.Delete(b.Context(), k)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		c, err := cache.New(steady(), cache.Deps{L1: newMemory(b, 64<<20), L2: l2, L3: l3, Logger: quiet()})
		if err != nil {
			b.Fatal(err)
		}
		return c
	}
	b.ReportAllocs()
	c := empty()
	for i := 0; b.Loop(); i++ {
		if i > 0 && i%titles == 0 {
			b.StopTimer()
			_ = c.Close()
			c = empty()
			b.StartTimer()
		}
		if h, err := c.Get(b.Context(), keys[i%titles], load); err != nil || h.Level != from {
			b.Fatal(h.Level, err)
		}
	}
	_ = c.Close()
}

// A hit makes nothing: no garbage, no goroutine, no timer.
func TestAHitAllocatesNothing(t *testing.T) {
	c, err := cache.New(steady(), cache.Deps{L1: newMemory(t, 1<<20), Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	load := func(context.Context) (cache.Entry, error) { return title(), nil }
	if _, err := c.Get(ctx, key, load); err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(1000, func() {
		if _, err := c.Get(ctx, key, load); err != nil {
			t.Fatal(err)
		}
	})
	if n > 0.1 { // ristretto's buffers of what was read come back from a pool now and then
		t.Errorf("%v allocations per hit", n)
	}
}
