package documents

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"modernc.org/sqlite"

	"anihub/platform/fault"
)

// The table of a collection:
//
//	CREATE TABLE "name" (id TEXT PRIMARY KEY, version INTEGER, doc BLOB, ix_field BLOB, …)
//
// with a column and an index for each declared index. A column holds the key of
// the field's value (value.go), NULL for a document that is not in the index.

// sqliteIndex is one declared index in SQLite's names.
type sqliteIndex struct {
	field  string
	unique bool
	column string // unquoted
	name   string // unquoted
}

func sqliteIndexes(spec Spec) []sqliteIndex {
	list := make([]sqliteIndex, len(spec.Indexes))
	for i, ix := range spec.Indexes {
		column := columnOf(ix.Field)
		name := spec.Name + "." + column
		if ix.Unique {
			name += ".unique"
		}
		list[i] = sqliteIndex{field: ix.Field, unique: ix.Unique, column: column, name: name}
	}
	return list
}

// columnOf is the column of a field. SQLite does not tell capitals from small
// letters in names, so everything but [a-z0-9_] is spelled out.
func columnOf(field string) string {
	var b strings.Builder
	b.WriteString("ix_")
	for _, c := range []byte(field) {
		if c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "$%02x", c)
		}
	}
	return b.String()
}

// quote makes an SQL name.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// querier is a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
}

// texts reads a column of texts.
func texts(ctx context.Context, db querier, q string, args ...any) ([]string, error) {
	rows, err := db.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var list []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// schema is what a collection's table has.
type schema struct {
	columns []string // none: there is no table
	indexes []string // those of ours
}

func readSchema(ctx context.Context, db querier, table string) (schema, error) {
	var s schema
	var err error
	if s.columns, err = texts(ctx, db, `SELECT name FROM pragma_table_info(?)`, table); err != nil {
		return s, err
	}
	s.indexes, err = texts(ctx, db,
		`SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL`, table)
	return s, err
}

// meets tells whether the table is as declared.
func (s schema) meets(want []sqliteIndex) bool {
	if len(s.columns) != 3+len(want) || len(s.indexes) != len(want) {
		return false
	}
	for _, ix := range want {
		if !slices.Contains(s.columns, ix.column) || !slices.Contains(s.indexes, ix.name) {
			return false
		}
	}
	return true
}

// prepare makes the table as declared. Mostly it is already, and then nothing is
// written: a full disk does not keep a collection from being read.
func (c *sqliteCollection) prepare(ctx context.Context) error {
	has, err := readSchema(ctx, c.store.reader, c.spec.Name)
	if err == nil && !has.meets(c.indexes) {
		err = c.alter(ctx)
	}
	if err == nil {
		err = c.prepareStatements(ctx)
	}
	return c.store.fault(ctx, err)
}

// alter makes the table, or changes it from an earlier declaration, whole or not
// at all.
func (c *sqliteCollection) alter(ctx context.Context) error {
	tx, err := c.store.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	has, err := readSchema(ctx, tx, c.spec.Name)
	if err != nil {
		return err
	}
	if len(has.columns) == 0 {
		q := `CREATE TABLE ` + c.table + ` (id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, doc BLOB NOT NULL) STRICT`
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	if err := c.dropUndeclared(ctx, tx, has); err != nil {
		return err
	}
	if err := c.addDeclared(ctx, tx, has); err != nil {
		return err
	}
	return tx.Commit()
}

// dropUndeclared takes away what is no longer declared: nobody would keep it up.
func (c *sqliteCollection) dropUndeclared(ctx context.Context, tx *sql.Tx, has schema) error {
	for _, name := range has.indexes {
		if slices.ContainsFunc(c.indexes, func(ix sqliteIndex) bool { return ix.name == name }) {
			continue
		}
		if _, err := tx.ExecContext(ctx, `DROP INDEX `+quote(name)); err != nil {
			return err
		}
	}
	for _, column := range has.columns {
		declared := slices.ContainsFunc(c.indexes, func(ix sqliteIndex) bool { return ix.column == column })
		if declared || !strings.HasPrefix(column, "ix_") {
			continue
		}
		if _, err := tx.ExecContext(ctx, `ALTER TABLE `+c.table+` DROP COLUMN `+quote(column)); err != nil {
			return err
		}
	}
	return nil
}

// addDeclared adds the missing columns, fills them from the documents, and makes
// the missing indexes.
func (c *sqliteCollection) addDeclared(ctx context.Context, tx *sql.Tx, has schema) error {
	var added []sqliteIndex
	for _, ix := range c.indexes {
		if slices.Contains(has.columns, ix.column) {
			continue
		}
		added = append(added, ix)
		if _, err := tx.ExecContext(ctx, `ALTER TABLE `+c.table+` ADD COLUMN `+quote(ix.column)+` BLOB`); err != nil {
			return err
		}
	}
	if len(added) > 0 && len(has.columns) > 0 {
		if err := c.backfill(ctx, tx, added); err != nil {
			return fmt.Errorf("filling a new index: %w", err)
		}
	}
	for _, ix := range c.indexes {
		if slices.Contains(has.indexes, ix.name) {
			continue
		}
		if err := c.createIndex(ctx, tx, ix); err != nil {
			return err
		}
	}
	return nil
}

func (c *sqliteCollection) createIndex(ctx context.Context, tx *sql.Tx, ix sqliteIndex) error {
	q := `CREATE INDEX %s ON %s (%s, id)`
	if ix.unique {
		q = `CREATE UNIQUE INDEX %s ON %s (%s)`
	}
	_, err := tx.ExecContext(ctx, fmt.Sprintf(q, quote(ix.name), c.table, quote(ix.column)))
	var e *sqlite.Error
	if errors.As(err, &e) && taken(e) {
		return fault.ErrInternal.Because("documents: the values of %q in collection %q are not unique", ix.field, c.spec.Name)
	}
	return err
}

// backfill fills new columns, a page of documents at a time.
func (c *sqliteCollection) backfill(ctx context.Context, tx *sql.Tx, added []sqliteIndex) error {
	set := make([]string, len(added))
	for i, ix := range added {
		set[i] = quote(ix.column) + ` = ?`
	}
	update, err := tx.PrepareContext(ctx, `UPDATE `+c.table+` SET `+strings.Join(set, ", ")+` WHERE rowid = ?`)
	if err != nil {
		return err
	}
	defer func() { _ = update.Close() }()
	for last := int64(-1 << 63); ; {
		docs, ids, err := c.unfilled(ctx, tx, last)
		if err != nil || len(ids) == 0 {
			return err
		}
		for i, doc := range docs {
			if _, err := update.ExecContext(ctx, append(keysOf(doc, added), ids[i])...); err != nil {
				return err
			}
		}
		last = ids[len(ids)-1]
	}
}

// unfilled reads the next page of documents behind a rowid.
func (c *sqliteCollection) unfilled(ctx context.Context, tx *sql.Tx, last int64) (docs []bson.Raw, ids []int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT rowid, doc FROM `+c.table+` WHERE rowid > ? ORDER BY rowid`, last)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rows.Close() }()
	for size := 0; size < pageBytes && len(ids) < maxPage && rows.Next(); {
		var id int64
		var doc []byte
		if err := rows.Scan(&id, &doc); err != nil {
			return nil, nil, err
		}
		docs, ids, size = append(docs, doc), append(ids, id), size+len(doc)
	}
	return docs, ids, rows.Err()
}

// keysOf gives the column values of a document. A value that an index cannot hold
// (it was stored before the index was declared) is not in it.
func keysOf(doc bson.Raw, list []sqliteIndex) []any {
	args := make([]any, len(list), len(list)+4)
	for i, ix := range list {
		if v, ok, err := indexed(doc, ix.field); ok && err == nil {
			args[i] = v.key()
		}
	}
	return args
}
