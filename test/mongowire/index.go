package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // the driver FerretDB uses too
)

// indexer adds to FerretDB's tables the index on the very expression that its
// queries and updates by _id use. Its own index on _id is on another spelling of
// the expression, which SQLite does not recognize, so that every read by _id
// would go through the whole table.
type indexer struct {
	dir string

	mu   sync.Mutex
	done map[[2]string]bool
}

// namespace indexes a collection's table if that was not done yet.
func (x *indexer) namespace(ctx context.Context, db, collection string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	ns := [2]string{db, collection}
	if x.done[ns] {
		return nil
	}
	if err := indexFile(ctx, filepath.Join(x.dir, db+".sqlite")); err != nil {
		return err
	}
	if x.done == nil {
		x.done = make(map[[2]string]bool)
	}
	x.done[ns] = true
	return nil
}

// forget makes namespace look again: tables are made anew after a drop.
func (x *indexer) forget() {
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.done)
}

// all indexes every table of every database in the directory.
func (x *indexer) all(ctx context.Context) error {
	files, err := filepath.Glob(filepath.Join(x.dir, "*.sqlite"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := indexFile(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func indexFile(ctx context.Context, file string) error {
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		return nil // the command made no database
	}
	u := url.URL{Scheme: "file", Path: file, RawQuery: "mode=rw&_pragma=busy_timeout(10000)"}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	tables, err := tablesOf(ctx, db)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	for _, t := range tables {
		q := fmt.Sprintf(`CREATE INDEX IF NOT EXISTS %s ON %s (_ferretdb_sjson->'$._id')`, quote(t+"_by_id"), quote(t))
		if _, err := db.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("table %s: %w", t, err)
		}
	}
	return nil
}

func tablesOf(ctx context.Context, db *sql.DB) ([]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT table_name FROM _ferretdb_collections`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var tables []string
	for rows.Next() {
		var t string
		if err := rows.Scan(&t); err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return tables, rows.Err()
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
