package anilibria

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// The dialects a configuration may name.
const (
	DriverV1 = "v1" // AniLiberty
	DriverV3 = "v3" // retired by AniLibria, still run by mirrors
)

// publicAssets serves posters and previews for every public host: they are byte
// for byte the same everywhere (FACTS §6).
const publicAssets = "https://anilibria.top"

// Config is platform.anilibria.
type Config struct {
	Driver         string        `yaml:"driver"`          // v1 or v3
	BaseURLs       []string      `yaml:"base_urls"`       // ordered, the preferred host first; see Bases
	WebSocketURL   string        `yaml:"websocket_url"`   // of v3; "": derived, see WebSocketURLs
	AssetsURL      string        `yaml:"assets_url"`      // "": derived, see Assets
	Timeout        time.Duration `yaml:"timeout"`         // one question, all attempts and waits
	AttemptTimeout time.Duration `yaml:"attempt_timeout"` // one attempt, body included
	Breaker        BreakerConfig `yaml:"breaker"`         // of each host
	BackgroundRate float64       `yaml:"background_rate"` // requests per second of background work to hosts that are not loopback
	UserAgent      string        `yaml:"user_agent"`      // "": AniHub/<version>
}

// BreakerConfig is platform.anilibria.breaker.
type BreakerConfig struct {
	Failures int           `yaml:"failures"` // consecutive failed attempts that open it
	Delay    time.Duration `yaml:"delay"`    // how long it stays open before one probe
}

// publicV1 are the public hosts of v1, the default of base_urls (FACTS §3.1).
func publicV1() []string {
	return []string{
		"https://anilibria.top/api/v1",
		"https://aniliberty.top/api/v1",
		"https://api.anilibria.app/api/v1",
	}
}

// publicV3 is where v3 lived; what still serves it is a mirror with a name of its own.
const publicV3 = "https://api.anilibria.tv/v3"

// DefaultConfig speaks v1 to the three public hosts (FACTS §3.1).
func DefaultConfig() Config {
	return Config{
		Driver:         DriverV1,
		BaseURLs:       publicV1(),
		Timeout:        30 * time.Second,
		AttemptTimeout: 10 * time.Second,
		Breaker:        BreakerConfig{Failures: 5, Delay: 30 * time.Second},
		BackgroundRate: 2,
	}
}

// Validate names every bad key, relative to the package, and what is accepted.
func (c Config) Validate() error {
	return errors.Join(
		c.validDriver(),
		c.validBaseURLs(),
		c.validWebSocket(),
		c.validAssets(),
		between("timeout", c.Timeout, time.Second, 10*time.Minute),
		between("attempt_timeout", c.AttemptTimeout, 100*time.Millisecond, c.Timeout),
		c.validBreaker(),
		c.validRate(),
		c.validUserAgent(),
	)
}

// Bases are the base URLs of the driver. The default of base_urls are hosts of v1;
// left as it is, it means the public host of v3 to that driver.
func (c Config) Bases() []string {
	if c.Driver == DriverV3 && slices.Equal(c.BaseURLs, publicV1()) {
		return []string{publicV3}
	}
	return c.BaseURLs
}

// WebSocketURLs are the addresses of the v3 WebSocket to be tried in turn:
// websocket_url, else ws/ under each base URL.
func (c Config) WebSocketURLs() []string {
	if c.WebSocketURL != "" {
		return []string{c.WebSocketURL}
	}
	var all []string
	for _, base := range c.Bases() {
		all = append(all, "ws"+strings.TrimPrefix(strings.TrimRight(base, "/"), "http")+"/ws/")
	}
	return all
}

// Assets is the origin that /storage/… paths are relative to: assets_url, else the
// origin of a preferred host on loopback (a fake upstream serves its own posters),
// else the public one.
func (c Config) Assets() string {
	if c.AssetsURL != "" {
		return strings.TrimRight(c.AssetsURL, "/")
	}
	if bases := c.Bases(); len(bases) > 0 {
		if u, err := url.Parse(bases[0]); err == nil && isLoopback(u.Hostname()) {
			return u.Scheme + "://" + u.Host
		}
	}
	return publicAssets
}

func (c Config) validDriver() error {
	if c.Driver == DriverV1 || c.Driver == DriverV3 {
		return nil
	}
	return fmt.Errorf("driver: must be v1 or v3, is %q", c.Driver)
}

func (c Config) validBaseURLs() error {
	bases := c.Bases()
	if n := len(bases); n == 0 || n > 16 {
		return fmt.Errorf("base_urls: must be 1 to 16 URLs, are %d", n)
	}
	seen := make(map[string]bool, len(bases))
	for i, raw := range bases {
		if err := validURL(fmt.Sprintf("base_urls[%d]", i), raw, "http", "https"); err != nil {
			return err
		}
		key := strings.TrimRight(raw, "/")
		if seen[key] {
			return fmt.Errorf("base_urls[%d]: %s is listed twice", i, key)
		}
		seen[key] = true
		if err := c.validDialect(key); err != nil {
			return fmt.Errorf("base_urls[%d]: %w", i, err)
		}
	}
	return nil
}

// validDialect refuses the well-known path of the other dialect: every answer from
// there would be taken for "not found".
func (c Config) validDialect(base string) error {
	wrong, right := "/v3", "https://host/api/v1"
	if c.Driver == DriverV3 {
		wrong, right = "/api/v1", "https://host/v3"
	}
	if c.validDriver() == nil && strings.HasSuffix(base, wrong) {
		return fmt.Errorf("must be an address of driver %s, like %s, is %q", c.Driver, right, base)
	}
	return nil
}

func (c Config) validWebSocket() error {
	if c.WebSocketURL == "" {
		return nil
	}
	return validURL("websocket_url", c.WebSocketURL, "ws", "wss")
}

func (c Config) validAssets() error {
	if c.AssetsURL == "" {
		return nil
	}
	return validURL("assets_url", c.AssetsURL, "http", "https")
}

func (c Config) validBreaker() error {
	if n := c.Breaker.Failures; n < 1 || n > 1000 {
		return fmt.Errorf("breaker.failures: must be 1 to 1000, is %d", n)
	}
	return between("breaker.delay", c.Breaker.Delay, time.Second, time.Hour)
}

func (c Config) validRate() error {
	if c.BackgroundRate >= 0.01 && c.BackgroundRate <= 10_000 {
		return nil
	}
	return fmt.Errorf("background_rate: must be 0.01 to 10000 requests per second, is %v", c.BackgroundRate)
}

func (c Config) validUserAgent() error {
	if len(c.UserAgent) > 256 || strings.ContainsFunc(c.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		return errors.New("user_agent: must be at most 256 printable ASCII characters")
	}
	return nil
}

// Agent is the User-Agent of every request.
func (c Config) Agent() string {
	if c.UserAgent != "" {
		return c.UserAgent
	}
	version := "dev"
	if info, ok := debug.ReadBuildInfo(); ok && strings.HasPrefix(info.Main.Version, "v") {
		version = info.Main.Version[1:]
	}
	return "AniHub/" + version
}

func between(key string, d, low, high time.Duration) error {
	if d >= low && d <= high {
		return nil
	}
	return fmt.Errorf("%s: must be %s to %s, is %s", key, low, high, d)
}

func validURL(key, raw, scheme, secure string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %q is not a URL", key, raw)
	case u.Scheme != scheme && u.Scheme != secure, u.Hostname() == "":
		return fmt.Errorf("%s: must be %s://host… or %s://host…, is %q", key, scheme, secure, u.Redacted())
	case u.User != nil:
		return fmt.Errorf("%s: must not carry a user name or password", key)
	case u.RawQuery != "", u.Fragment != "":
		return fmt.Errorf("%s: must not carry a query or fragment, is %q", key, raw)
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
