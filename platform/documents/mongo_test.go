package documents_test

import (
	"anihub/platform/documents"
	"anihub/platform/documents/mongowiretest"
)

// mongoConfig is for tests: few connections, and a machine that is busy with others.
func mongoConfig(server *mongowiretest.Server, database string) documents.MongoConfig {
	c := documents.DefaultMongoConfig()
	c.URI, c.Database = server.URI, database
	c.PoolMin = 0
	c.Wait, c.Timeout = c.Wait*6, c.Timeout*6
	return c
}
