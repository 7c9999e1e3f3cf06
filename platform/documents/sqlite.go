package documents

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the "sqlite" driver of database/sql
)

// What the file says about itself (https://www.sqlite.org/fileformat.html §1.3):
// whose it is and in which form. A form this program does not know is left alone.
const (
	sqliteApp    = 0x416E4875 // "AnHu"
	sqliteFormat = 1
)

const (
	// sqliteBusy is how long to wait for another process that has the file.
	sqliteBusy = 5 * time.Second
	// sqliteReaders read at once; more wait. Reads are short: a row or a page.
	sqliteReaders = 8
	// sqliteOpenTime bounds opening the file, which on a healthy disk takes
	// milliseconds.
	sqliteOpenTime = 2 * sqliteBusy
)

// sqliteStore keeps each collection in a table of one file, with a write-ahead
// log: one connection writes, many read the last committed state meanwhile. A
// write is on the log in the file system's hands before it is acknowledged, so it
// survives the death of the process (synchronous=NORMAL: after a power cut the
// last moments may be missing, but nothing is half there:
// https://www.sqlite.org/pragma.html#pragma_synchronous).
type sqliteStore struct {
	*life
	path        string
	writer      *sql.DB
	reader      *sql.DB
	collections shelf[*sqliteCollection]
}

var _ Store = (*sqliteStore)(nil)

// OpenSQLite opens the file at path, making it (mode 0600) and its directory when
// they are missing. It fails with a reason when the file is not a database, is
// damaged, belongs to another program or was written by a newer AniHub.
//
// When the disk is full or read-only, writes return ErrUnavailable and reads go on.
func OpenSQLite(path string) (Store, error) {
	s, err := openSQLite(path)
	if err != nil {
		return nil, fmt.Errorf("documents: %s: %w", path, err)
	}
	return s, nil
}

func openSQLite(path string) (*sqliteStore, error) {
	if path == "" {
		return nil, errors.New("no file is named")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := makePrivate(path); err != nil {
		return nil, err
	}
	s := &sqliteStore{life: newLife(), path: path}
	if err := s.connect(); err != nil {
		s.end()
		return nil, errors.Join(err, s.disconnect())
	}
	return s, nil
}

// makePrivate makes the file, empty, for this user only: it holds the hashes of
// passwords. The log beside it gets the same mode from SQLite. A file that is
// there is not even opened: closing it again would drop the locks that another
// connection of this process has on it
// (https://www.sqlite.org/howtocorrupt.html §2.2).
func makePrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// connect looks at the file with a reader first, so that a file that is not ours
// is not written to.
func (s *sqliteStore) connect() error {
	ctx, cancel := context.WithTimeout(s.ctx, sqliteOpenTime)
	defer cancel()
	var err error
	if s.reader, err = openPool(s.path, sqliteReaders, url.Values{"_query_only": {"1"}}); err != nil {
		return err
	}
	fresh, err := identify(ctx, s.reader)
	if err != nil {
		return err
	}
	if s.writer, err = openPool(s.path, 1, url.Values{
		"_pragma": {"journal_mode(wal)", "synchronous(normal)", "journal_size_limit(67108864)"},
		"_txlock": {"immediate"},
	}); err != nil {
		return err
	}
	if !fresh {
		return nil // the writer connects when there is something to write
	}
	mark := fmt.Sprintf(`PRAGMA application_id = %d; PRAGMA user_version = %d`, sqliteApp, sqliteFormat)
	_, err = s.writer.ExecContext(ctx, mark)
	return explain(err)
}

// openPool is a pool of at most n connections, none of them opened yet.
func openPool(path string, n int, q url.Values) (*sql.DB, error) {
	q.Set("mode", "rw")
	q.Set("_busy_timeout", fmt.Sprint(sqliteBusy.Milliseconds()))
	q.Set("_error_rc", "1")
	q.Set("_dqs", "0")
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// identify tells whether the file is new, and refuses what is not ours.
func identify(ctx context.Context, db *sql.DB) (fresh bool, err error) {
	var app, format, tables int
	q := `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_master)`
	if err := db.QueryRowContext(ctx, q).Scan(&app, &format, &tables); err != nil {
		return false, explain(err)
	}
	switch {
	case app == 0 && format == 0 && tables == 0:
		return true, nil
	case app != sqliteApp:
		return false, errors.New("the file is a database of another program")
	case format > sqliteFormat:
		return false, fmt.Errorf("the file was written by a newer AniHub: it has format %d, this one knows %d", format, sqliteFormat)
	case format < 1:
		return false, fmt.Errorf("the file has format %d, which never was", format)
	}
	return false, nil
}

// disconnect closes what is open.
func (s *sqliteStore) disconnect() error {
	var errs []error
	for _, db := range []*sql.DB{s.reader, s.writer} { // the writer last: it empties the log
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Collection declares a collection; see Store.
func (s *sqliteStore) Collection(spec Spec) Collection {
	return s.collections.open(spec, func(spec Spec) *sqliteCollection { return newSQLiteCollection(s, spec) })
}

// Ping reads the file's header.
func (s *sqliteStore) Ping(ctx context.Context) error {
	if err := s.over(); err != nil {
		return err
	}
	var n int
	err := s.reader.QueryRowContext(ctx, `PRAGMA schema_version`).Scan(&n)
	return s.fault(ctx, err)
}

// Close ends the store's operations and closes the file. Closing again is no error.
func (s *sqliteStore) Close() error {
	if !s.end() {
		return nil
	}
	return s.disconnect()
}

func (s *sqliteStore) kind() string { return "sqlite" }
