package cache_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"anihub/platform/cache"
)

func TestDefaultConfigIsWhatTheSpecSays(t *testing.T) {
	t.Parallel()
	c := cache.DefaultConfig()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string][2]time.Duration{
		"l1":       {c.L1.TTL, 5 * time.Minute},
		"l2":       {c.L2.TTL, 30 * time.Minute},
		"l3":       {c.L3.TTL, 24 * time.Hour},
		"soft":     {c.SoftTimeout, 150 * time.Millisecond},
		"hard":     {c.HardTimeout, 10 * time.Second},
		"negative": {c.NegativeTTL, time.Minute},
	} {
		if d[0] != d[1] {
			t.Errorf("%s = %v, want %v", name, d[0], d[1])
		}
	}
}

func TestAbsurdConfigurationsAreErrors(t *testing.T) {
	t.Parallel()
	for path, spoil := range map[string]func(*cache.Config){
		"l1.ttl":           func(c *cache.Config) { c.L1.TTL = 0 },
		"l1.size_mb":       func(c *cache.Config) { c.L1.SizeMB = 1 << 40 },
		"l2.ttl":           func(c *cache.Config) { c.L2.TTL = -time.Hour },
		"l2.timeout":       func(c *cache.Config) { c.L2.Timeout = 0 },
		"l3.ttl":           func(c *cache.Config) { c.L3.TTL = math.MaxInt64 },
		"l3.timeout":       func(c *cache.Config) { c.L3.Timeout = time.Hour },
		"soft_timeout":     func(c *cache.Config) { c.SoftTimeout = time.Minute },
		"hard_timeout":     func(c *cache.Config) { c.HardTimeout = 0 },
		"negative_ttl":     func(c *cache.Config) { c.NegativeTTL = 48 * time.Hour },
		"retry_delay":      func(c *cache.Config) { c.RetryDelay = 0 },
		"jitter":           func(c *cache.Config) { c.Jitter = math.NaN() },
		"refresh_at":       func(c *cache.Config) { c.RefreshAt = 0 },
		"breaker.failures": func(c *cache.Config) { c.Breaker.Failures = 0 },
		"breaker.delay":    func(c *cache.Config) { c.Breaker.Delay = 0 },
	} {
		c := cache.DefaultConfig()
		spoil(&c)
		err := c.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), path+": must be ") {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := cache.New(c, cache.Deps{}); err == nil {
			t.Errorf("%s: New takes it", path)
		}
	}
	shortest := cache.DefaultConfig()
	shortest.L1.TTL, shortest.L2.TTL, shortest.L3.TTL, shortest.NegativeTTL = time.Second, time.Second, time.Second, time.Second
	if err := shortest.Validate(); err != nil {
		t.Errorf("one second: %v", err)
	}
}
