package anilibria_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"anihub/platform/anilibria"

	"github.com/prometheus/client_golang/prometheus"
)

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	if err := anilibria.DefaultConfig().Validate(); err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(c *anilibria.Config){
		"driver: must be v1 or v3, is": func(c *anilibria.Config) { c.Driver = "v2" },
		"base_urls[1]: must be an address of driver v3, like https://host/v3": func(c *anilibria.Config) {
			c.Driver, c.BaseURLs = "v3", []string{"http://a/v3", "http://a/api/v1/"}
		},
		"base_urls[0]: must be an address of driver v1": func(c *anilibria.Config) { c.BaseURLs = []string{"https://a/v3"} },
		"websocket_url: must be ws://host… or wss://":   func(c *anilibria.Config) { c.WebSocketURL = "https://a/v3/ws/" },
		"websocket_url: must not carry a query":         func(c *anilibria.Config) { c.WebSocketURL = "wss://a/v3/ws/?x=1" },
		"websocket_url: must not carry a user name":     func(c *anilibria.Config) { c.WebSocketURL = "wss://u:secret@a" },
		"base_urls: must be 1 to 16":                    func(c *anilibria.Config) { c.BaseURLs = nil },
		"base_urls[0]: must be http":                    func(c *anilibria.Config) { c.BaseURLs = []string{"anilibria.top/api/v1"} },
		"base_urls[1]: must be http":                    func(c *anilibria.Config) { c.BaseURLs = []string{"http://a", "ftp://b"} },
		"base_urls[1]: http://a is":                     func(c *anilibria.Config) { c.BaseURLs = []string{"http://a/", "http://a"} },
		"base_urls[0]: must not carry a":                func(c *anilibria.Config) { c.BaseURLs = []string{"http://a?x=1"} },
		"must not carry a user name":                    func(c *anilibria.Config) { c.BaseURLs = []string{"http://u:secret@a"} },
		`base_urls[0]: "http://%zz"`:                    func(c *anilibria.Config) { c.BaseURLs = []string{"http://%zz"} },
		"assets_url: must be http":                      func(c *anilibria.Config) { c.AssetsURL = "//a" },
		"timeout: must be 1s to 10m":                    func(c *anilibria.Config) { c.Timeout = 0 },
		"attempt_timeout: must be":                      func(c *anilibria.Config) { c.AttemptTimeout = time.Hour },
		"breaker.failures: must be 1":                   func(c *anilibria.Config) { c.Breaker.Failures = 0 },
		"breaker.delay: must be 1s":                     func(c *anilibria.Config) { c.Breaker.Delay = time.Millisecond },
		"background_rate: must be":                      func(c *anilibria.Config) { c.BackgroundRate = 0 },
		"user_agent: must be":                           func(c *anilibria.Config) { c.UserAgent = "a\r\nb: c" },
	} {
		c := anilibria.DefaultConfig()
		change(&c)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("want %q, got %v", says, err)
		}
		if _, err := anilibria.NewGuard(c, slog.New(slog.DiscardHandler), prometheus.NewRegistry()); err == nil {
			t.Errorf("a guard was made of a configuration with %q", says)
		}
	}
}

// Of a driver that does not exist nothing is said but that.
func TestUnknownDriverHasNoAddresses(t *testing.T) {
	t.Parallel()
	c := anilibria.DefaultConfig()
	c.Driver, c.BaseURLs = "v2", []string{"http://a/v3", "http://b/api/v1"}
	if err := c.Validate(); err == nil || err.Error() != `driver: must be v1 or v3, is "v2"` {
		t.Error(err)
	}
}

// The hosts of v1 are the default of base_urls; left alone they mean v3's own host to
// that driver. The socket is under the same base.
func TestDriverAddresses(t *testing.T) {
	t.Parallel()
	c := anilibria.DefaultConfig()
	if got := c.Bases(); len(got) != 3 || got[0] != "https://anilibria.top/api/v1" {
		t.Errorf("v1 asks %v", got)
	}
	c.Driver = anilibria.DriverV3
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	check := func(bases, sockets string) {
		t.Helper()
		if got := strings.Join(c.Bases(), " "); got != bases {
			t.Errorf("v3 asks %s", got)
		}
		if got := strings.Join(c.WebSocketURLs(), " "); got != sockets {
			t.Errorf("v3 listens to %s", got)
		}
	}
	check("https://api.anilibria.tv/v3", "wss://api.anilibria.tv/v3/ws/")
	c.BaseURLs = []string{"http://127.0.0.1:4000/v3/", "https://mirror.example/v3"}
	check("http://127.0.0.1:4000/v3/ https://mirror.example/v3", "ws://127.0.0.1:4000/v3/ws/ wss://mirror.example/v3/ws/")
	c.WebSocketURL = "wss://other.example/v3/webSocket/"
	check("http://127.0.0.1:4000/v3/ https://mirror.example/v3", "wss://other.example/v3/webSocket/")
	if c.Assets() != "http://127.0.0.1:4000" || c.Validate() != nil {
		t.Error(c.Assets(), c.Validate())
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ assets, base, want string }{
		{"", "https://anilibria.top/api/v1", "https://anilibria.top"},
		{"", "https://mirror.example/api/v1", "https://anilibria.top"},
		{"", "http://127.0.0.1:4000/api/v1", "http://127.0.0.1:4000"},
		{"", "http://localhost:4000", "http://localhost:4000"},
		{"", "http://[::1]:4000/x", "http://[::1]:4000"},
		{"https://static.example/", "http://127.0.0.1:4000", "https://static.example"},
	} {
		config := anilibria.Config{AssetsURL: c.assets, BaseURLs: []string{c.base}}
		if got := config.Assets(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// A host that went down is asked in its own dialect whether it is back.
func TestTheProbeSpeaksTheDialect(t *testing.T) {
	for driver, path := range map[string]string{anilibria.DriverV1: "/base/app/status", anilibria.DriverV3: "/base/years"} {
		t.Run(driver, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				c := anilibria.DefaultConfig()
				c.Driver, c.BaseURLs = driver, []string{"http://a.test/base"}
				r := newRigWith(t, c)
				r.world.is("a.test", says(500, `{}`))
				for range 3 {
					want(t, r.ask(t.Context()), anilibria.ErrUnavailable)
				}
				body := map[string]string{anilibria.DriverV1: alive, anilibria.DriverV3: `[1996,2026]`}
				r.world.is("a.test", says(200, body[driver]))
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- r.Run(ctx) }()
				time.Sleep(time.Minute)
				cancel()
				if err := <-done; err != nil || r.breaker(0) != "closed" || r.world.last.URL.Path != path {
					t.Errorf("breaker %s, asked %s, %v", r.breaker(0), r.world.last.URL.Path, err)
				}
			})
		})
	}
}

// Two bases on one host are told apart by their paths.
func TestHostNames(t *testing.T) {
	t.Parallel()
	c := anilibria.DefaultConfig()
	c.BaseURLs = []string{"https://a.test/one", "https://a.test/two", "https://b.test/api"}
	r := newRigWith(t, c)
	var names []string
	for _, s := range r.State() {
		names = append(names, s.Host)
	}
	if got := strings.Join(names, " "); got != "a.test/one a.test/two b.test" || !r.State()[0].Active {
		t.Errorf("hosts %s", got)
	}
	if r.metric(t, "upstream_active_host") != 1 || r.metric(t, "upstream_breaker_state") != 0 {
		t.Error("the gauges are wrong before the first question")
	}
}
