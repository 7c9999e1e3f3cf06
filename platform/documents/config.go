package documents

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"anihub/platform/config"
)

// MongoConfig says which MongoDB to use and how. It is what stands under
// platform.storage.mongo.
type MongoConfig struct {
	URI      config.Secret `yaml:"uri"`      // mongodb:// or mongodb+srv://; holds the password
	Database string        `yaml:"database"` // where the collections are
	PoolMin  int           `yaml:"pool_min"` // connections kept open to each server
	PoolMax  int           `yaml:"pool_max"` // and at most
	Idle     time.Duration `yaml:"idle"`     // an unused connection beyond PoolMin is closed after
	Wait     time.Duration `yaml:"wait"`     // for a server to be found, or a connection made
	Timeout  time.Duration `yaml:"timeout"`  // for one operation, the wait included
}

// DefaultMongoConfig is the configuration without a server.
func DefaultMongoConfig() MongoConfig {
	return MongoConfig{
		Database: "anihub",
		PoolMin:  10,
		PoolMax:  50,
		Idle:     30 * time.Second,
		Wait:     5 * time.Second,
		Timeout:  5 * time.Second,
	}
}

// Validate tells everything that is wrong, by path. An empty URI is not: it says
// that MongoDB is not used, and the rest does not matter then.
func (c MongoConfig) Validate() error {
	if c.URI == "" {
		return nil
	}
	return errors.Join(
		checkURI(c.URI.Reveal()),
		checkDatabase(c.Database),
		checkNumber("pool_min", c.PoolMin, 0, 1000),
		checkNumber("pool_max", c.PoolMax, max(c.PoolMin, 1), 10_000),
		checkDuration("idle", c.Idle, time.Hour),
		checkDuration("wait", c.Wait, time.Minute),
		checkDuration("timeout", c.Timeout, time.Minute),
	)
}

// checkURI never shows the URI, nor what the driver says about one that holds a
// password: it may quote it. The names of a mongodb+srv:// address are looked up
// when it is connected to.
func checkURI(uri string) error {
	if rest, ok := strings.CutPrefix(uri, "mongodb+srv://"); ok {
		if rest == "" {
			return errors.New("uri: must name a host")
		}
		return nil
	}
	if !strings.HasPrefix(uri, "mongodb://") {
		return errors.New("uri: must begin with mongodb:// or mongodb+srv://")
	}
	o := options.Client().ApplyURI(uri)
	if err := o.Validate(); err != nil {
		if strings.Contains(uri, "@") {
			return errors.New("uri: is not a MongoDB address (the reason is withheld: it may quote the password)")
		}
		return fmt.Errorf("uri: is not a MongoDB address: %w", err)
	}
	if o.WriteConcern != nil && !o.WriteConcern.Acknowledged() {
		return errors.New("uri: must not ask for unacknowledged writes (w=0)")
	}
	return nil
}

// checkDatabase holds the name against MongoDB's rules
// (https://www.mongodb.com/docs/manual/reference/limits/).
func checkDatabase(name string) error {
	if name == "" || len(name) > 63 || strings.ContainsAny(name, "/\\. \"$*<>:|?\x00") {
		return fmt.Errorf("database: must be 1 to 63 bytes without /\\. \"$*<>:|?, is %q", name)
	}
	return nil
}

func checkNumber(path string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%s: must be %d to %d, is %d", path, least, most, n)
	}
	return nil
}

func checkDuration(path string, d, most time.Duration) error {
	const least = 10 * time.Millisecond
	if d < least || d > most {
		return fmt.Errorf("%s: must be %v to %v, is %v", path, least, most, d)
	}
	return nil
}
