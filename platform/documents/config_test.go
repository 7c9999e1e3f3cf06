package documents_test

import (
	"strings"
	"testing"
	"time"

	"anihub/platform/config"
	"anihub/platform/documents"
)

func TestMongoConfigValidate(t *testing.T) {
	t.Parallel()
	good := documents.DefaultMongoConfig()
	if err := good.Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	for _, uri := range []string{
		"mongodb://localhost", "mongodb://a:1,b:2/?replicaSet=rs&w=majority", "mongodb+srv://cluster.example.org/",
		"mongodb://user:pass@127.0.0.1:27017/admin?authSource=admin",
	} {
		c := good
		c.URI = config.Secret(uri)
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
	for _, x := range []struct {
		want   string
		change func(*documents.MongoConfig)
	}{
		{"uri: must begin with", func(c *documents.MongoConfig) { c.URI = "localhost:27017" }},
		{"uri: must begin with", func(c *documents.MongoConfig) { c.URI = "redis://localhost" }},
		{"uri: is not", func(c *documents.MongoConfig) { c.URI = "mongodb://" }},
		{"uri: is not", func(c *documents.MongoConfig) { c.URI = "mongodb://host:port" }},
		{"uri: is not", func(c *documents.MongoConfig) { c.URI = "mongodb://host/?w=many%zz" }},
		{"uri: must name a host", func(c *documents.MongoConfig) { c.URI = "mongodb+srv://" }},
		{"uri: must not ask", func(c *documents.MongoConfig) { c.URI = "mongodb://host/?w=0" }},
		{"database: must be", func(c *documents.MongoConfig) { c.Database = "" }},
		{"database: must be", func(c *documents.MongoConfig) { c.Database = "a.b" }},
		{"pool_min: must be 0 to 1000, is -1", func(c *documents.MongoConfig) { c.PoolMin = -1 }},
		{"pool_max: must be 10 to 10000, is 9", func(c *documents.MongoConfig) { c.PoolMax = 9 }},
		{"idle: must be", func(c *documents.MongoConfig) { c.Idle = 0 }},
		{"wait: must be 10ms to 1m0s, is -1s", func(c *documents.MongoConfig) { c.Wait = -time.Second }},
		{"timeout: must be", func(c *documents.MongoConfig) { c.Timeout = time.Hour }},
	} {
		c := good
		c.URI = "mongodb://localhost"
		x.change(&c)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("got %v, want %s…", err, x.want)
		}
		if _, err := documents.OpenMongo(c); err == nil {
			t.Errorf("%s: OpenMongo takes it", x.want)
		}
	}
	if _, err := documents.OpenMongo(good); err == nil {
		t.Error("OpenMongo works without a server's address")
	}
}

// No error shows the password, however the address is wrong.
func TestMongoConfigHidesThePassword(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{
		"mongodb://user:s3cret@host:port", "mongodb://user:s3cret@", "mongodb://user:s3cret/x@host", "mongodb://user:s3c:ret@host",
		"mongodb://user:s3cret@host/?w=%zz", "mongo://user:s3cret@host", "mongodb://user:%s3cret@host", "mongodb+srv://",
		"mongodb://user:s3cret@host/?authMechanism=none&ssl=s3cret",
	} {
		c := documents.DefaultMongoConfig()
		c.URI = config.Secret(uri)
		if err := c.Validate(); err != nil && strings.Contains(err.Error(), "s3c") {
			t.Errorf("%v", err)
		}
	}
}
