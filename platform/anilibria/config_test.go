package anilibria_test

import (
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
		"driver: v3 is not built in yet": func(c *anilibria.Config) { c.Driver = "v3" },
		"driver: must be v1":             func(c *anilibria.Config) { c.Driver = "v2" },
		"base_urls: must be 1 to 16":     func(c *anilibria.Config) { c.BaseURLs = nil },
		"base_urls[0]: must be http":     func(c *anilibria.Config) { c.BaseURLs = []string{"anilibria.top/api/v1"} },
		"base_urls[1]: must be http":     func(c *anilibria.Config) { c.BaseURLs = []string{"http://a", "ftp://b"} },
		"base_urls[1]: http://a is":      func(c *anilibria.Config) { c.BaseURLs = []string{"http://a/", "http://a"} },
		"base_urls[0]: must not carry a": func(c *anilibria.Config) { c.BaseURLs = []string{"http://a?x=1"} },
		"must not carry a user name":     func(c *anilibria.Config) { c.BaseURLs = []string{"http://u:secret@a"} },
		`base_urls[0]: "http://%zz"`:     func(c *anilibria.Config) { c.BaseURLs = []string{"http://%zz"} },
		"assets_url: must be http":       func(c *anilibria.Config) { c.AssetsURL = "//a" },
		"timeout: must be 1s to 10m":     func(c *anilibria.Config) { c.Timeout = 0 },
		"attempt_timeout: must be":       func(c *anilibria.Config) { c.AttemptTimeout = time.Hour },
		"breaker.failures: must be 1":    func(c *anilibria.Config) { c.Breaker.Failures = 0 },
		"breaker.delay: must be 1s":      func(c *anilibria.Config) { c.Breaker.Delay = time.Millisecond },
		"background_rate: must be":       func(c *anilibria.Config) { c.BackgroundRate = 0 },
		"user_agent: must be":            func(c *anilibria.Config) { c.UserAgent = "a\r\nb: c" },
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
