package documents

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"anihub/platform/fault"
)

// fault says an error of SQLite in the words of the interface. ctx is the
// caller's: what its end caused is its error, except a definite answer.
func (s *sqliteStore) fault(ctx context.Context, err error) error {
	var known *fault.Error
	var e *sqlite.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.As(err, &e) && taken(e):
		return ErrExists.With(e)
	case ctx.Err() != nil:
		return fmt.Errorf("documents: %w", ctx.Err())
	case s.over() != nil:
		return s.over()
	case e != nil:
		return ofCode(e)
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, context.DeadlineExceeded):
		return ErrUnavailable.With(err)
	}
	return fault.ErrInternal.Because("documents: %w", err)
}

// taken tells whether the error is that an id or a unique value is there already.
func taken(e *sqlite.Error) bool {
	return e.Code() == codes.SQLITE_CONSTRAINT_PRIMARYKEY || e.Code() == codes.SQLITE_CONSTRAINT_UNIQUE
}

// ofCode sorts SQLite's result codes (https://www.sqlite.org/rescode.html). What
// the disk, another process or damage to the file caused makes the store
// unavailable; what is left are mistakes of this package.
func ofCode(e *sqlite.Error) error {
	switch primary(e) {
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED, codes.SQLITE_PROTOCOL, codes.SQLITE_INTERRUPT,
		codes.SQLITE_NOMEM, codes.SQLITE_FULL, codes.SQLITE_IOERR, codes.SQLITE_READONLY,
		codes.SQLITE_CANTOPEN, codes.SQLITE_PERM, codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return ErrUnavailable.With(e)
	case codes.SQLITE_TOOBIG:
		return ErrUnfit.With(e)
	}
	return fault.ErrInternal.Because("documents: %w", e)
}

// primary is the code without its details.
func primary(e *sqlite.Error) int { return e.Code() & 0xff }

// explain puts the commonest reasons why a file cannot be opened in plain words.
func explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch primary(e) {
	case codes.SQLITE_NOTADB:
		return fmt.Errorf("the file is not a database, or is damaged: %w", err)
	case codes.SQLITE_CORRUPT:
		return fmt.Errorf("the file is damaged: %w", err)
	case codes.SQLITE_BUSY:
		return fmt.Errorf("another process has the file: %w", err)
	}
	return err
}
