package cache

import (
	"errors"
	"fmt"
	"time"
)

// Config is platform.cache.
type Config struct {
	L1          MemoryConfig  `yaml:"l1"`
	L2          LevelConfig   `yaml:"l2"`
	L3          LevelConfig   `yaml:"l3"`
	SoftTimeout time.Duration `yaml:"soft_timeout"` // a stale value is answered after this, the refresh goes on
	HardTimeout time.Duration `yaml:"hard_timeout"` // a load that takes longer has failed
	NegativeTTL time.Duration `yaml:"negative_ttl"` // how long "there is no such value" is believed
	RetryDelay  time.Duration `yaml:"retry_delay"`  // after a failed refresh, stale values are answered at once for this long
	Jitter      float64       `yaml:"jitter"`       // share by which times to live vary, so that they do not end together
	RefreshAt   float64       `yaml:"refresh_at"`   // share of its life after which a read value is refreshed ahead; 1 = never
	Breaker     BreakerConfig `yaml:"breaker"`
}

// MemoryConfig is the nearest level.
type MemoryConfig struct {
	TTL    time.Duration `yaml:"ttl"`
	SizeMB int           `yaml:"size_mb"`
}

// LevelConfig is a level that can be slow or down.
type LevelConfig struct {
	TTL     time.Duration `yaml:"ttl"`
	Timeout time.Duration `yaml:"timeout"` // of one operation
}

// BreakerConfig is the breaker that every level below memory has of its own.
type BreakerConfig struct {
	Failures int           `yaml:"failures"` // consecutive ones that open it
	Delay    time.Duration `yaml:"delay"`    // until one operation may try again
}

// DefaultConfig is what SPEC §3 asks for.
func DefaultConfig() Config {
	return Config{
		L1:          MemoryConfig{TTL: 5 * time.Minute, SizeMB: 64},
		L2:          LevelConfig{TTL: 30 * time.Minute, Timeout: 150 * time.Millisecond},
		L3:          LevelConfig{TTL: 24 * time.Hour, Timeout: time.Second},
		SoftTimeout: 150 * time.Millisecond,
		HardTimeout: 10 * time.Second,
		NegativeTTL: 60 * time.Second,
		RetryDelay:  time.Second,
		Jitter:      0.1,
		RefreshAt:   0.8,
		Breaker:     BreakerConfig{Failures: 3, Delay: 3 * time.Second},
	}
}

const (
	minTTL     = time.Second
	maxTTL     = 365 * 24 * time.Hour
	minTimeout = time.Millisecond
	maxTimeout = 5 * time.Minute
	maxSizeMB  = 64 << 10
)

// Validate names every value that makes no sense.
func (c Config) Validate() error {
	return errors.Join(
		within("l1.ttl", c.L1.TTL, minTTL, maxTTL),
		within("l1.size_mb", c.L1.SizeMB, 1, maxSizeMB),
		within("l2.ttl", c.L2.TTL, minTTL, maxTTL),
		within("l2.timeout", c.L2.Timeout, minTimeout, maxTimeout),
		within("l3.ttl", c.L3.TTL, minTTL, maxTTL),
		within("l3.timeout", c.L3.Timeout, minTimeout, maxTimeout),
		within("hard_timeout", c.HardTimeout, minTimeout, maxTimeout),
		within("soft_timeout", c.SoftTimeout, minTimeout, max(minTimeout, c.HardTimeout)),
		within("negative_ttl", c.NegativeTTL, minTTL, 24*time.Hour),
		within("retry_delay", c.RetryDelay, minTimeout, time.Minute),
		within("jitter", c.Jitter, 0, 0.5),
		within("refresh_at", c.RefreshAt, 0.1, 1),
		within("breaker.failures", c.Breaker.Failures, 1, 1000),
		within("breaker.delay", c.Breaker.Delay, minTimeout, time.Hour),
	)
}

func within[T int | float64 | time.Duration](path string, v, low, high T) error {
	if v >= low && v <= high { // a NaN is neither
		return nil
	}
	return fmt.Errorf("%s: must be %v to %v, is %v", path, low, high, v)
}
