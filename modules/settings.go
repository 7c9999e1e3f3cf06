package modules

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"

	"anihub/modules/catalog/catalogsvc"
	"anihub/modules/realtime/realtimesvc"
	"anihub/modules/sync/syncersvc"
	"anihub/modules/users/userssvc"
	"anihub/platform/config"
)

// The names of the modules, as modules.target and the paths of rpc know them.
const (
	Catalog  = "catalog"
	Users    = "users"
	Sync     = "sync"
	Realtime = "realtime"
)

// Names are all of them.
func Names() []string { return []string{Catalog, Users, Sync, Realtime} }

// Config is modules.*: what runs here, where the rest is, and the configurations
// of the rooms.
type Config struct {
	Addr     string         `yaml:"addr"`   // the internal listener
	Target   []string       `yaml:"target"` // modules of this process, or all
	Catalog  CatalogConfig  `yaml:"catalog"`
	Users    UsersConfig    `yaml:"users"`
	Sync     SyncConfig     `yaml:"sync"`
	Realtime RealtimeConfig `yaml:"realtime"`
}

// CatalogConfig is modules.catalog.
type CatalogConfig struct {
	URL               string `yaml:"url"`
	catalogsvc.Config `yaml:",inline"`
}

// UsersConfig is modules.users.
type UsersConfig struct {
	URL             string `yaml:"url"`
	userssvc.Config `yaml:",inline"`
}

// SyncConfig is modules.sync.
type SyncConfig struct {
	URL              string `yaml:"url"`
	syncersvc.Config `yaml:",inline"`
}

// RealtimeConfig is modules.realtime.
type RealtimeConfig struct {
	URL                string `yaml:"url"`
	realtimesvc.Config `yaml:",inline"`
}

// DefaultConfig runs everything in one process.
func DefaultConfig() Config {
	return Config{
		Addr: "127.0.0.1:8081", Target: []string{"all"},
		Catalog:  CatalogConfig{Config: catalogsvc.DefaultConfig()},
		Users:    UsersConfig{Config: userssvc.DefaultConfig()},
		Sync:     SyncConfig{Config: syncersvc.DefaultConfig()},
		Realtime: RealtimeConfig{Config: realtimesvc.DefaultConfig()},
	}
}

// Validate names everything that is wrong, by path.
func (c Config) Validate() error {
	bad := []error{
		c.validTarget(),
		config.Under("catalog", c.Catalog.Validate()),
		config.Under("users", c.Users.Validate()),
		config.Under("sync", c.Sync.Validate()),
		config.Under("realtime", c.Realtime.Validate()),
	}
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		bad = append(bad, fmt.Errorf("addr: must be host:port or :port, is %q", c.Addr))
	}
	for _, name := range Names() {
		if text := c.url(name); text != "" {
			u, err := url.Parse(text)
			if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
				bad = append(bad, fmt.Errorf("%s.url: must be http://host:port, is %q", name, text))
			}
		}
	}
	return errors.Join(bad...)
}

func (c Config) validTarget() error {
	for _, name := range c.Target {
		if name != "all" && !slices.Contains(Names(), name) {
			return fmt.Errorf("target: must be all or some of %v, has %q", Names(), name)
		}
	}
	return nil
}

// here tells whether the module runs in this process.
func (c Config) here(name string) bool {
	return slices.Contains(c.Target, "all") || slices.Contains(c.Target, name)
}

// Whole tells whether every module runs in this process.
func (c Config) Whole() bool {
	return !slices.ContainsFunc(Names(), func(name string) bool { return !c.here(name) })
}

func (c Config) url(name string) string {
	switch name {
	case Catalog:
		return c.Catalog.URL
	case Users:
		return c.Users.URL
	case Sync:
		return c.Sync.URL
	default:
		return c.Realtime.URL
	}
}
