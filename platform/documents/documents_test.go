package documents_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"anihub/platform/documents"
	"anihub/platform/documents/documentstest"
	"anihub/platform/documents/mongowiretest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashChild); dir != "" {
		os.Exit(writeUntilKilled(dir))
	}
	goleak.VerifyTestMain(m)
}

func TestSQLiteContract(t *testing.T) {
	t.Parallel()
	documentstest.Contract(t, func(t testing.TB) documents.Store {
		return openSQLite(t, filepath.Join(t.TempDir(), "anihub.db"))
	})
}

func TestMongoContract(t *testing.T) {
	t.Parallel()
	server := mongowiretest.Start(t)
	documentstest.Contract(t, func(t testing.TB) documents.Store {
		return openMongo(t, server)
	})
}

// openSQLite opens a file until the test ends.
func openSQLite(t testing.TB, path string) documents.Store {
	t.Helper()
	s, err := documents.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

// openMongo opens a database of its own on the server until the test ends.
func openMongo(t testing.TB, server *mongowiretest.Server) documents.Store {
	t.Helper()
	return server.Open(t)
}

func closeStore(t testing.TB, s documents.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
