package platform

import (
	"errors"
	"fmt"

	"anihub/platform/anilibria"
	"anihub/platform/auth"
	"anihub/platform/cache"
	"anihub/platform/config"
	"anihub/platform/documents"
	"anihub/platform/redisdb"
	"anihub/platform/telemetry"
)

// The environments.
const (
	Development = "development"
	Production  = "production"
)

// Config is platform.*: the configurations of its packages.
type Config struct {
	Environment string                  `yaml:"environment"`
	Log         telemetry.LogConfig     `yaml:"log"`
	Storage     StorageConfig           `yaml:"storage"`
	Cache       cache.Config            `yaml:"cache"`
	Anilibria   anilibria.Config        `yaml:"anilibria"`
	Auth        auth.Config             `yaml:"auth"`
	Tracing     telemetry.TracingConfig `yaml:"tracing"`
}

// StorageConfig is platform.storage.
type StorageConfig struct {
	DataDir string                `yaml:"data_dir"`
	Mongo   documents.MongoConfig `yaml:"mongo"`
	Redis   redisdb.Config        `yaml:"redis"`
}

// DefaultConfig needs nothing installed.
func DefaultConfig() Config {
	return Config{
		Environment: Development,
		Log:         telemetry.LogConfig{Level: "info", Format: "text"},
		Storage:     StorageConfig{DataDir: "./data", Mongo: documents.DefaultMongoConfig(), Redis: redisdb.DefaultConfig()},
		Cache:       cache.DefaultConfig(),
		Anilibria:   anilibria.DefaultConfig(),
		Auth:        auth.DefaultConfig(),
		Tracing:     telemetry.TracingConfig{Ratio: 1},
	}
}

// Validate names everything that is wrong, by path.
func (c Config) Validate() error {
	bad := []error{
		config.Under("log", c.Log.Validate()),
		config.Under("storage.mongo", c.Storage.Mongo.Validate()),
		config.Under("storage.redis", c.Storage.Redis.Validate()),
		config.Under("cache", c.Cache.Validate()),
		config.Under("anilibria", c.Anilibria.Validate()),
		config.Under("auth", c.Auth.Validate()),
		config.Under("tracing", c.Tracing.Validate()),
	}
	if c.Environment != Development && c.Environment != Production {
		bad = append(bad, fmt.Errorf("environment: must be development or production, is %q", c.Environment))
	}
	if c.Environment == Production {
		bad = append(bad, config.Under("auth", c.Auth.Production()))
	}
	if c.Storage.DataDir == "" {
		bad = append(bad, errors.New("storage.data_dir: must name a directory"))
	}
	return errors.Join(bad...)
}
