package redisdb

import (
	"errors"
	"fmt"
	"time"

	"anihub/platform/config"
)

// Config is platform.storage.redis.
type Config struct {
	// URL says which Redis and in which shape; see the package comment. Empty: none.
	// It may contain a password and is never printed.
	URL config.Secret `yaml:"url"`
	// PoolSize is how many connections are kept per server, 1 to 1000.
	PoolSize int `yaml:"pool_size"`
	// DialTimeout, ReadTimeout and WriteTimeout bound one attempt, 10ms to 30s each.
	DialTimeout  time.Duration `yaml:"dial_timeout"`
	ReadTimeout  time.Duration `yaml:"read_timeout"`
	WriteTimeout time.Duration `yaml:"write_timeout"`
}

// DefaultConfig has no URL and timeouts short enough for a cache: a server that
// hangs must cost a viewer less than the document store does.
func DefaultConfig() Config {
	return Config{
		PoolSize:     20,
		DialTimeout:  200 * time.Millisecond,
		ReadTimeout:  200 * time.Millisecond,
		WriteTimeout: 200 * time.Millisecond,
	}
}

// Validate names every key that is wrong and what is accepted. An empty URL is
// valid: Redis is then not used.
func (c Config) Validate() error {
	var errs []error
	if c.URL != "" {
		if _, err := parse(c.URL.Reveal()); err != nil {
			errs = append(errs, err)
		}
	}
	if c.PoolSize < 1 || c.PoolSize > 1000 {
		errs = append(errs, fmt.Errorf("pool_size: must be 1 to 1000, is %d", c.PoolSize))
	}
	errs = append(errs,
		checkTimeout("dial_timeout", c.DialTimeout),
		checkTimeout("read_timeout", c.ReadTimeout),
		checkTimeout("write_timeout", c.WriteTimeout))
	return errors.Join(errs...)
}

func checkTimeout(key string, d time.Duration) error {
	if d < 10*time.Millisecond || d > 30*time.Second {
		return fmt.Errorf("%s: must be 10ms to 30s, is %s", key, d)
	}
	return nil
}
