package cache_test

import (
	"path/filepath"
	"testing"

	"anihub/platform/cache"
	"anihub/platform/cache/cachetest"
	"anihub/platform/documents"
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
