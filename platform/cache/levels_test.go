package cache_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"anihub/platform/cache"
	"anihub/platform/cache/cachetest"
	"anihub/platform/documents"
	"anihub/platform/documents/documentstest"
	"anihub/platform/documents/mongowiretest"
	"anihub/platform/redisdb/redistest"
)

func newMemory(t testing.TB, size int64) *cache.Memory {
	t.Helper()
	m, err := cache.NewMemory(size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func TestMemoryContract(t *testing.T) {
	t.Parallel()
	cachetest.Contract(t, func(t *testing.T) cache.Level { return newMemory(t, 64<<20) })
}

func TestFakeContract(t *testing.T) {
	t.Parallel()
	cachetest.Contract(t, func(*testing.T) cache.Level { return cachetest.NewFake() })
}

func TestRedisContract(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := server.Client()
	cachetest.Contract(t, func(*testing.T) cache.Level {
		server.Do("flushall")
		return cache.NewRedis(client)
	})
}

func TestRedisClusterContract(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, 3)
	client := cluster.Client()
	cachetest.Contract(t, func(*testing.T) cache.Level {
		for _, n := range cluster.Nodes {
			n.Do("flushall")
		}
		return cache.NewRedis(client)
	})
}

func TestDocumentsContract(t *testing.T) {
	t.Parallel()
	cachetest.Contract(t, func(t *testing.T) cache.Level {
		store := openSQLite(t, filepath.Join(t.TempDir(), "cache.db"))
		return cache.NewDocuments(store.Collection(cache.DocumentsSpec()))
	})
}

func TestDocumentsContractOverMongo(t *testing.T) {
	t.Parallel()
	server := mongowiretest.Start(t)
	cachetest.Contract(t, func(t *testing.T) cache.Level {
		return cache.NewDocuments(server.Open(t).Collection(cache.DocumentsSpec()))
	})
}

func openSQLite(t testing.TB, path string) documents.Store {
	t.Helper()
	store, err := documents.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// TestAnInvalidationAtAnyStep lets an invalidation of all keys happen before each of the
// steps that storing a loaded value takes, and after the last one: whenever it is, the
// value is not called fresh afterwards.
func TestAnInvalidationAtAnyStep(t *testing.T) {
	t.Parallel()
	store, err := documents.OpenSQLite(filepath.Join(t.TempDir(), "cache.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	for name, open := range map[string]func(t *testing.T, before func()) cache.Level{
		"documents": func(_ *testing.T, before func()) cache.Level {
			return cache.NewDocuments(documentstest.Stepped(store, before).Collection(cache.DocumentsSpec()))
		},
		"redis": func(t *testing.T, before func()) cache.Level {
			return steppedRedis(redistest.Start(t).Client(), before)
		},
		"redis cluster": func(t *testing.T, before func()) cache.Level {
			return steppedRedis(redistest.StartCluster(t, 3).Client(), before)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var left int // steps until the invalidation
			var invalidate func()
			l := open(t, func() {
				if left--; left == 0 {
					invalidate()
				}
			}).(fleetLevel)
			invalidate = func() { clearAll(t, l) }
			for step := 1; ; step++ {
				k := fmt.Sprintf("title:%d", step)
				_, _, fence, err := l.GetFenced(t.Context(), k)
				if err != nil {
					t.Fatal(err)
				}
				left = step
				kept, err := l.SetFenced(t.Context(), k, cache.Entry{
					Body: []byte("old"), Generation: 1, StoredAt: time.Now(),
					FreshUntil: time.Now().Add(time.Hour), CheckAt: time.Now().Add(time.Hour),
				}, fence)
				if err != nil {
					t.Fatal(err)
				}
				all := left > 0 // there are no more steps
				if all {
					left = 0
					invalidate()
				}
				e, ok, err := l.Get(t.Context(), k)
				if err != nil || ok && e.Fresh(time.Now()) && e.CheckAt.After(time.Now()) {
					t.Errorf("invalidated before step %d: %q is fresh, %v", step, e.Body, err)
				}
				if all {
					if step < 2 || !kept {
						t.Errorf("%d steps, kept %v: nothing was tried", step, kept)
					}
					return
				}
			}
		})
	}
}

type fleetLevel interface {
	cache.Level
	cache.Fencer
	cache.Fenced
	cache.Lister
}

// clearAll is what the chain does of an invalidation by pattern.
func clearAll(t *testing.T, l fleetLevel) {
	t.Helper()
	if err := l.FenceAll(t.Context()); err != nil {
		t.Error(err)
	}
	var keys []string
	if err := l.Keys(t.Context(), func(k string) bool { keys = append(keys, k); return true }); err != nil {
		t.Error(err)
	}
	for _, k := range keys {
		if err := l.Expire(t.Context(), k); err != nil {
			t.Error(err)
		}
	}
}

// steppedRedis is a level that tells before each of its commands.
func steppedRedis(c redis.UniversalClient, before func()) cache.Level {
	c.AddHook(beforeEach(before))
	return cache.NewRedis(c)
}

type beforeEach func()

func (beforeEach) DialHook(next redis.DialHook) redis.DialHook { return next }

func (b beforeEach) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		b()
		return next(ctx, cmd)
	}
}

func (beforeEach) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
