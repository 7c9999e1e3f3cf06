package cache_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"anihub/platform/cache"
	"anihub/platform/config"
	"anihub/platform/redisdb"
	"anihub/platform/redisdb/redistest"
)

func fresh(b string) cache.Entry {
	now := time.Now()
	return cache.Entry{Body: []byte(b), Generation: 1, StoredAt: now, FreshUntil: now.Add(time.Hour), CheckAt: now.Add(time.Hour)}
}

// Keys are where people and other programs look for them; values leave by
// themselves; nothing walks over or flushes the whole server.
func TestRedisLayout(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	l := cache.NewRedis(server.Client())
	ctx := t.Context()
	e := fresh("x")
	e.Tags = []string{"schedule"}
	if err := l.Set(ctx, key, e); err != nil {
		t.Fatal(err)
	}
	if ttl := server.Do("ttl", "anilibria:title:9919").(int64); ttl < 86_000 || ttl > 86_400 {
		t.Errorf("ttl of a value = %d s, want a day", ttl)
	}
	missing := cache.Entry{NotFound: true, Generation: 1, FreshUntil: time.Now().Add(time.Minute)}
	if err := l.Set(ctx, "title:1", missing); err != nil {
		t.Fatal(err)
	}
	if ttl := server.Do("ttl", "anilibria:title:1").(int64); ttl < 50 || ttl > 60 {
		t.Errorf("ttl of a missing one = %d s, want a minute", ttl)
	}
	if err := l.Delete(ctx, key); err != nil {
		t.Fatal(err)
	}
	if n := server.Do("exists", "anilibria:title:9919").(int64); n != 0 {
		t.Error("the key is there after Delete")
	}
	if err := l.Keys(ctx, func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	stats := server.Do("info", "commandstats").(string)
	for _, word := range []string{"cmdstat_keys:", "cmdstat_flush"} {
		if strings.Contains(stats, word) {
			t.Errorf("the server saw %s", word)
		}
	}
	for _, left := range server.Do("keys", "anihub:*").([]any) {
		if ttl := server.Do("ttl", left).(int64); ttl <= 0 {
			t.Errorf("%s stays for ever", left)
		}
	}
}

func TestRedisTreatsPoisonAsAMiss(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := server.Client()
	l := cache.NewRedis(client)
	ctx := t.Context()
	name := cache.Prefix + key
	if err := l.Set(ctx, key, fresh("x")); err != nil {
		t.Fatal(err)
	}
	good := client.Get(ctx, name).Val()
	poisons := map[string]func() error{
		"garbage":       func() error { return client.Set(ctx, name, "\x00\xff garbage", 0).Err() },
		"another's":     func() error { return client.Set(ctx, name, `{"id":9919}`, 0).Err() },
		"truncated":     func() error { return client.Set(ctx, name, good[:len(good)/2], 0).Err() },
		"newer format":  func() error { return client.Set(ctx, name, good[:1]+"\x09"+good[2:], 0).Err() },
		"empty":         func() error { return client.Set(ctx, name, "", 0).Err() },
		"flipped a bit": func() error { return client.Set(ctx, name, good[:36]+"\x01"+good[37:], 0).Err() },
	}
	for what, poison := range poisons {
		if err := poison(); err != nil {
			t.Fatal(err)
		}
		if e, ok, err := l.Get(ctx, key); ok || err != nil {
			t.Errorf("%s: %q, %v, %v", what, e.Body, ok, err)
		}
		if n := client.Exists(ctx, name).Val(); n != 0 {
			t.Errorf("%s: is still there", what)
		}
	}
	if n := l.Poisoned(); n != int64(len(poisons)) {
		t.Errorf("%d poisoned, want %d", n, len(poisons))
	}
	if err := client.LPush(ctx, name, "a list").Err(); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := l.Get(ctx, key); ok || err != nil {
		t.Errorf("a list: %v, %v", ok, err)
	}
	if err := l.Set(ctx, key, fresh("y")); err != nil {
		t.Errorf("Set over a list: %v", err)
	}
	if e, ok, err := l.Get(ctx, key); !ok || err != nil || string(e.Body) != "y" {
		t.Errorf("after it: %q, %v, %v", e.Body, ok, err)
	}
}

// A full server takes no values, but deletes.
func TestRedisFull(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	l := cache.NewRedis(server.Client())
	ctx := t.Context()
	if err := l.Set(ctx, key, fresh("x")); err != nil {
		t.Fatal(err)
	}
	server.Do("config", "set", "maxmemory-policy", "noeviction")
	server.Do("config", "set", "maxmemory", "1")
	if err := l.Set(ctx, "title:1", fresh("y")); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("Set = %v, want OOM", err)
	}
	if err := l.Delete(ctx, key); err != nil {
		t.Errorf("Delete = %v", err)
	}
	if _, ok, err := l.Get(ctx, key); ok || err != nil {
		t.Errorf("Get after Delete = %v, %v", ok, err)
	}
	server.Do("config", "set", "maxmemory", "0")
	if err := l.Set(ctx, key, fresh("z")); err != nil {
		t.Errorf("Set after there is room: %v", err)
	}
}

// hasty is a client with the timeouts of production.
func hasty(t *testing.T, url string) redis.UniversalClient {
	t.Helper()
	cfg := redisdb.DefaultConfig()
	cfg.URL = config.Secret(url)
	c, err := redisdb.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// The chain over a Redis that is killed, started again empty, and stopped dead:
// every read is answered, and L2 is in use again afterwards.
func TestChainOverAFailingRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	cfg := steady()
	cfg.L1.TTL, cfg.L2.Timeout = time.Second, 5*time.Second // the machine may be busy; dead is dead
	cfg.Breaker = cache.BreakerConfig{Failures: 1, Delay: 100 * time.Millisecond}
	l2 := cache.NewRedis(hasty(t, server.URL()))
	c, err := cache.New(cfg, cache.Deps{L1: newMemory(t, 1<<20), L2: l2, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	o, n := &origin{version: 1}, 0
	read := func(what string) {
		t.Helper()
		for range 20 {
			n++
			if h, err := c.Get(t.Context(), fmt.Sprint("title:", n), o.load); err != nil || h.Stale {
				t.Errorf("%s: %s", what, describe(h, err))
			}
		}
		if err := c.Settle(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	heals := func(what string) {
		t.Helper()
		for range 600 {
			n++
			k := fmt.Sprint("title:", n)
			if _, err := c.Get(t.Context(), k, o.load); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if err := c.Settle(context.Background()); err != nil {
				t.Fatal(err)
			}
			if server.Do("exists", cache.Prefix+k).(int64) == 1 {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("%s: L2 is not in use again", what)
	}
	heals("at start")
	server.Kill()
	read("killed")
	if s := c.Stats().Levels[1]; s.Errors == 0 || s.Skipped == 0 {
		t.Errorf("L2 while it is dead: %+v", s)
	}
	server.Restart()
	heals("restarted")
	server.Pause()
	read("paused")
	server.Resume()
	heals("resumed")
}
