package redisdb_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"anihub/platform/redisdb"
	"anihub/platform/redisdb/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, url string) redis.UniversalClient {
	t.Helper()
	cfg := redisdb.DefaultConfig()
	cfg.URL = url
	c, err := redisdb.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestOpenIsLazyAndHeals(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := open(t, s.URL())
	s.Kill()
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Fatal("ping of a dead server succeeded")
	}
	s.Restart()
	if err := retry(func() error { return c.Ping(t.Context()).Err() }); err != nil {
		t.Fatalf("the client did not heal: %v", err)
	}
}

// The library ignores deadlines unless told otherwise (RELIABILITY T1). No clock
// is read: without the setting the command would block for an hour.
func TestDeadlineCounts(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := open(t, s.URL())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := c.BLPop(ctx, time.Hour, "nothing").Err()
	var timeout net.Error // of the connection or of the context, both are one
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("want a timeout, got %v", err)
	}
}

func TestPausedServerFailsWithoutDeadline(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := open(t, s.URL())
	if err := retry(func() error { return c.Ping(t.Context()).Err() }); err != nil {
		t.Fatal(err)
	}
	s.Pause()
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Fatal("ping of a paused server succeeded")
	}
	s.Resume()
	if err := retry(func() error { return c.Ping(t.Context()).Err() }); err != nil {
		t.Fatalf("the client did not heal: %v", err)
	}
}

// A block longer than ReadTimeout must not be cut by it.
func TestBlockingReadOutlivesReadTimeout(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := open(t, s.URL())
	_, err := c.XRead(t.Context(), &redis.XReadArgs{Streams: []string{"s", "0-0"}, Block: 600 * time.Millisecond}).Result()
	if !errors.Is(err, redis.Nil) {
		t.Fatalf("want an empty answer after the block, got %v", err)
	}
}

func TestPassword(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	s.Do("acl", "setuser", "ani", "on", ">p@ss/w?rd,", "allcommands", "allkeys")
	c := open(t, "redis://ani:p%40ss%2Fw%3Frd%2C@"+s.Addr()+"/2")
	who, err := c.Do(t.Context(), "acl", "whoami").Text()
	if err != nil || who != "ani" {
		t.Fatalf("whoami = %q, %v", who, err)
	}
	if got := c.(*redis.Client).Options().DB; got != 2 {
		t.Fatalf("db = %d", got)
	}
}

func TestCluster(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3)
	client := open(t, c.URL())
	if _, ok := client.(*redis.ClusterClient); !ok {
		t.Fatalf("several addresses gave a %T", client)
	}
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		if err := retry(func() error { return client.Set(t.Context(), key, key, 0).Err() }); err != nil {
			t.Fatal(err)
		}
	}
	single := open(t, c.Nodes[0].URL()+"?cluster=true")
	if got, err := single.Get(t.Context(), "b").Result(); err != nil || got != "b" {
		t.Fatalf("through one address: %q, %v", got, err)
	}
}

func TestSentinelFollowsTheMaster(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinel(t)
	client := open(t, s.URL())
	if err := retry(func() error { return client.Set(t.Context(), "k", "before", 0).Err() }); err != nil {
		t.Fatal(err)
	}
	s.Master.Kill()
	if err := retry(func() error { return client.Set(t.Context(), "k", "after", 0).Err() }); err != nil {
		t.Fatalf("no new master: %v", err)
	}
	if got := s.Replica.Do("get", "k"); got != "after" {
		t.Fatalf("the promoted replica has %v", got)
	}
}

// retry gives a busy machine and a failover time; it is bounded by tries.
func retry(f func() error) (err error) {
	for range 300 {
		if err = f(); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

func TestValidate(t *testing.T) {
	t.Parallel()
	with := func(f func(*redisdb.Config)) redisdb.Config {
		c := redisdb.DefaultConfig()
		f(&c)
		return c
	}
	url := func(s string) redisdb.Config { return with(func(c *redisdb.Config) { c.URL = s }) }
	const secret = "hunter2hunter2"
	for _, tt := range []struct {
		name string
		cfg  redisdb.Config
		want string // "" = valid
	}{
		{"none", url(""), ""},
		{"host", url("redis://localhost"), ""},
		{"ipv6", url("redis://[::1]:6380/1"), ""},
		{"tls", url("rediss://u:" + secret + "@h:1"), ""},
		{"cluster", url("redis://a:1,b:2,c"), ""},
		{"sentinel", url("redis+sentinel://:" + secret + "@a,b:2/main?db=3&sentinel_password=x"), ""},
		{"scheme", url("http://u:" + secret + "@h"), "url: must begin with"},
		{"no scheme", url("localhost:6379"), "url: must begin with"},
		{"empty host", url("redis://"), "url: every address"},
		{"empty address", url("redis://a,,b"), "url: every address"},
		{"bad port", url("redis://u:" + secret + "@h:99999"), "url: every address"},
		{"port 0", url("redis://h:0"), "url: every address"},
		{"raw at", url("redis://u:" + secret + "@x@h/" + secret), "url: the database"},
		{"raw slash", url("redis://u:" + secret + "/x@h"), "url: every address"},
		{"bare ipv6", url("redis://::1"), "url: every address"},
		{"percent", url("redis://u:" + secret + "%zz@h"), "url: the user name or password"},
		{"db", url("redis://h/x"), "url: the database"},
		{"negative db", url("redis://h/-1"), "url: the database"},
		{"cluster db", url("redis://a,b/1"), "url: a Cluster has only database 0, is 1"},
		{"no master", url("redis+sentinel://a,b"), "url: a Sentinel URL names the master"},
		{"unknown", url("redis://h?read_timeout=5&password=" + secret), "url: takes db and cluster"},
		{"unknown sentinel", url("redis+sentinel://h/m?x=" + secret), "url: a Sentinel URL takes"},
		{"fragment", url("redis://u:pa#" + secret + "@h"), "url: "},
		{"pool", with(func(c *redisdb.Config) { c.PoolSize = 0 }), "pool_size: must be 1 to 1000, is 0"},
		{"dial", with(func(c *redisdb.Config) { c.DialTimeout = time.Hour }), "dial_timeout: must be 10ms to 30s, is 1h0m0s"},
		{"read", with(func(c *redisdb.Config) { c.ReadTimeout = 0 }), "read_timeout: must be"},
		{"write", with(func(c *redisdb.Config) { c.WriteTimeout = -1 }), "write_timeout: must be"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.cfg.Validate()
			if tt.want == "" {
				if err != nil {
					t.Fatalf("not valid: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error = %v, want %q in it", err, tt.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Fatalf("the error tells the secret: %v", err)
			}
		})
	}
}

func TestOpenRefusesNoURL(t *testing.T) {
	t.Parallel()
	if c, err := redisdb.Open(redisdb.DefaultConfig()); err == nil {
		_ = c.Close()
		t.Fatal("opened nothing")
	}
}

func FuzzURL(f *testing.F) {
	for _, s := range []string{
		"redis://h", "rediss://u:p@h:1,[::1]:2/0?cluster=true", "redis+sentinel://:p@a,b/m?db=1",
		"redis://@@@", "redis://%", "redis://a:b:c", "redis://h/?db=9&db=", "", "://", "redis://[",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		cfg := redisdb.DefaultConfig()
		cfg.URL = s
		if cfg.Validate() != nil || s == "" {
			return
		}
		c, err := redisdb.Open(cfg)
		if err != nil {
			t.Fatalf("valid, but does not open: %v", err)
		}
		_ = c.Close()
	})
}
