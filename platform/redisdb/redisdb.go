// Package redisdb opens the one Redis client of a process, for the second cache
// level, the event log, the leases and the shared limits. It knows three shapes
// of Redis (a single server, Cluster, Sentinel) by their URL alone:
//
//	redis://[user:password@]host[:port][/db]                     one server
//	redis://[user:password@]host1:port,host2:port                Cluster (several addresses)
//	redis://host[:port]?cluster=true                             Cluster behind one address
//	redis+sentinel://[user:password@]host1,host2/master[?db=0]   Sentinel
//
// With rediss:// and rediss+sentinel:// every connection is TLS 1.2 or newer and
// the certificate is checked against the system's roots. In a user name or
// password, characters that mean something in a URL are percent-encoded. Sentinel
// takes also sentinel_username and sentinel_password, when the sentinels
// themselves ask for them.
package redisdb

import (
	"crypto/tls"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Open builds the client. It does not connect: a Redis that is down shows in the
// first command, which fails fast, and heals by itself. An error means that the
// configuration is wrong; it never contains the password.
//
// The library's defaults are made for patience: a context's deadline is ignored
// and a dead server costs 1.7 s a command. Here a deadline counts, there is one
// retry at most, and a command that never gets an answer ends after about twice
// ReadTimeout. Blocking commands are not bounded by ReadTimeout: the library
// gives them their own block time and 10 s more, so they need a context with a
// deadline. A cancelled context does not interrupt a command in flight.
func Open(cfg Config) (redis.UniversalClient, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	a, err := parse(cfg.URL.Reveal())
	if err != nil {
		return nil, err
	}
	o := options(cfg)
	o.Addrs, o.DB, o.MasterName = a.hosts, a.db, a.master
	o.Username, o.Password = a.user, a.password
	o.SentinelUsername, o.SentinelPassword = a.sentinelUser, a.sentinelPassword
	o.IsClusterMode = a.cluster
	if a.tls {
		// No ServerName: each connection is checked against the host it dials.
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return redis.NewUniversalClient(o), nil
}

func options(cfg Config) *redis.UniversalOptions {
	return &redis.UniversalOptions{
		ClientName:            "anihub",
		ContextTimeoutEnabled: true,
		DialTimeout:           cfg.DialTimeout,
		ReadTimeout:           cfg.ReadTimeout,
		WriteTimeout:          cfg.WriteTimeout,
		PoolSize:              cfg.PoolSize,
		PoolTimeout:           cfg.ReadTimeout,
		ConnMaxIdleTime:       5 * time.Minute,
		DialerRetries:         1,
		MaxRetries:            1,
		MaxRedirects:          2,
		MinRetryBackoff:       5 * time.Millisecond,
		MaxRetryBackoff:       50 * time.Millisecond,
		// Saves a round trip and a log line per connection on servers before 7.2.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}
