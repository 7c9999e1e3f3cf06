package platform

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"anihub/platform/audit"
	"anihub/platform/cache"
	"anihub/platform/documents"
	"anihub/platform/documents/archive"
	"anihub/platform/eventlog"
)

// Stores are the document stores of a configuration and nothing else, for who works on
// all that is in them, whether or not a process serves it.
type Stores struct {
	Main documents.Store
	Log  documents.Store // where the event log is kept; Main, or a file of its own, or nil: in Redis
}

// ErrNoStore says that there is no file to read.
var ErrNoStore = errors.New("there is no store yet")

// OpenStores opens them, and makes them when they are missing and create is set; ErrNoStore
// otherwise. A server is only asked when something is read or written.
func OpenStores(c StorageConfig, create bool) (*Stores, error) {
	s := new(Stores)
	path := filepath.Join(c.DataDir, databaseFile)
	if _, err := os.Stat(path); c.Mongo.URI == "" && err != nil && !create {
		return nil, fmt.Errorf("%w: %w", ErrNoStore, err)
	}
	if err := s.open(c, path); err != nil {
		return nil, errors.Join(fmt.Errorf("platform.storage: %w", err), s.Close())
	}
	return s, nil
}

func (s *Stores) open(c StorageConfig, path string) (err error) {
	if s.Main, err = openDocuments(c, path); err != nil || c.Redis.URL != "" {
		return err
	}
	if s.Log = s.Main; c.Mongo.URI != "" {
		s.Log, err = documents.OpenSQLite(filepath.Join(c.DataDir, copyFile))
	}
	return err
}

// openDocuments opens the store of a configuration.
func openDocuments(c StorageConfig, path string) (documents.Store, error) {
	if c.Mongo.URI != "" {
		return documents.OpenMongo(c.Mongo)
	}
	return documents.OpenSQLite(path)
}

// Close closes what is open.
func (s *Stores) Close() error {
	var errs []error
	if s.Log != nil && s.Log != s.Main {
		errs = append(errs, s.Log.Close())
	}
	if s.Main != nil {
		errs = append(errs, s.Main.Close())
	}
	return errors.Join(errs...)
}

// Journal is where the collections of the event log are; none when it is in Redis.
func (s *Stores) Journal() []archive.Place {
	if s.Log == nil {
		return nil
	}
	return Places(s.Log, eventlog.Collections())
}

// Trail is where the collections of the audit trail are.
func (s *Stores) Trail() []archive.Place { return Places(s.Main, audit.Collections()) }

// Derived is where there is nothing that would not come again by itself: the cache.
func (s *Stores) Derived() []archive.Place {
	return Places(s.Main, []documents.Spec{cache.DocumentsSpec()})
}

// Places puts collections into a store.
func Places(in documents.Store, specs []documents.Spec) []archive.Place {
	list := make([]archive.Place, 0, len(specs))
	for _, spec := range specs {
		list = append(list, archive.Place{Spec: spec, Store: in})
	}
	return list
}
