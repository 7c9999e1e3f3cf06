package documents

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"

	"anihub/platform/fault"
)

// sqliteCollection is one table. Every write is one statement, and so whole or
// not at all.
type sqliteCollection struct {
	store   *sqliteStore
	spec    Spec
	table   string // quoted
	indexes []sqliteIndex
	ready   ready

	get, insert, replace, remove *sql.Stmt // set when ready
}

var _ Collection = (*sqliteCollection)(nil)

func newSQLiteCollection(s *sqliteStore, spec Spec) *sqliteCollection {
	return &sqliteCollection{store: s, spec: spec, table: quote(spec.Name), indexes: sqliteIndexes(spec)}
}

// prepareStatements is called by prepare until it succeeds. Closing the pools
// closes the statements.
func (c *sqliteCollection) prepareStatements(ctx context.Context) (err error) {
	columns, marks, sets := "", "", ""
	for _, ix := range c.indexes {
		columns += ", " + quote(ix.column)
		marks += ", ?"
		sets += ", " + quote(ix.column) + " = ?"
	}
	var made []*sql.Stmt
	prepare := func(db *sql.DB, q string) *sql.Stmt {
		if err != nil {
			return nil
		}
		var st *sql.Stmt
		if st, err = db.PrepareContext(ctx, fmt.Sprintf(q, c.table)); err == nil {
			made = append(made, st)
		}
		return st
	}
	c.get = prepare(c.store.reader, `SELECT version, doc FROM %s WHERE id = ?`)
	c.insert = prepare(c.store.writer, `INSERT INTO %s (id, doc`+columns+`, version) VALUES (?, ?`+marks+`, 1)`)
	c.replace = prepare(c.store.writer, `UPDATE %s SET version = version + 1, doc = ?`+sets+` WHERE id = ? AND version = ?`)
	c.remove = prepare(c.store.writer, `DELETE FROM %s WHERE id = ?`)
	if err != nil {
		for _, st := range made {
			err = errors.Join(err, st.Close())
		}
	}
	return err
}

// enter is the way into every operation.
func (c *sqliteCollection) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("documents: %w", err)
	}
	if err := c.store.over(); err != nil {
		return err
	}
	return c.ready.await(ctx, c.store.life, c.prepare)
}

// Get reads a document; see Collection.
func (c *sqliteCollection) Get(ctx context.Context, id string, into any) (int64, error) {
	if err := c.enter(ctx); err != nil {
		return 0, err
	}
	if checkID(id) != nil {
		return 0, ErrNotFound
	}
	var version int64
	var doc []byte
	err := c.get.QueryRowContext(ctx, id).Scan(&version, &doc)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, ErrNotFound
	case err != nil:
		return 0, c.store.fault(ctx, err)
	}
	return version, decode(doc, into)
}

// Insert stores a new document; see Collection.
func (c *sqliteCollection) Insert(ctx context.Context, id string, doc any) error {
	raw, err := fit(c.spec, id, doc)
	if err != nil {
		return err
	}
	if err := c.enter(ctx); err != nil {
		return err
	}
	args := append([]any{id, []byte(raw)}, keysOf(raw, c.indexes)...)
	_, err = c.insert.ExecContext(ctx, args...)
	return c.store.fault(ctx, err)
}

// Replace stores the next version of a document; see Collection.
func (c *sqliteCollection) Replace(ctx context.Context, id string, version int64, doc any) error {
	raw, err := fit(c.spec, id, doc)
	if err != nil {
		return err
	}
	if err := c.enter(ctx); err != nil {
		return err
	}
	args := append([]any{[]byte(raw)}, keysOf(raw, c.indexes)...)
	res, err := c.replace.ExecContext(ctx, append(args, id, version)...)
	if err != nil {
		return c.store.fault(ctx, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fault.ErrInternal.Because("documents: %w", err)
	}
	if n == 0 {
		return ErrVersion
	}
	return nil
}

// Delete removes a document; see Collection.
func (c *sqliteCollection) Delete(ctx context.Context, id string) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	if checkID(id) != nil {
		return nil
	}
	_, err := c.remove.ExecContext(ctx, id)
	return c.store.fault(ctx, err)
}

// Find looks a value up in an index; see Collection.
func (c *sqliteCollection) Find(ctx context.Context, field string, v any) iter.Seq2[Document, error] {
	s, err := newFind(c.spec, field, v)
	if err != nil {
		return failing(err)
	}
	return sequence(ctx, s, c.page)
}

// Scan goes through the collection in order; see Collection.
func (c *sqliteCollection) Scan(ctx context.Context, scan Scan) iter.Seq2[Document, error] {
	s, err := newSpan(c.spec, scan)
	if err != nil {
		return failing(err)
	}
	return sequence(ctx, s, c.page)
}

// page reads the head of a span.
func (c *sqliteCollection) page(ctx context.Context, s span, n int) ([]row, bool, error) {
	if err := c.enter(ctx); err != nil {
		return nil, false, err
	}
	q, args := c.query(s)
	rows, err := c.store.reader.QueryContext(ctx, q, append(args, n)...)
	if err != nil {
		return nil, false, c.store.fault(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	var list []row
	for size := 0; rows.Next(); {
		var r row
		if err := rows.Scan(&r.id, &r.version, (*[]byte)(&r.doc)); err != nil {
			return nil, false, c.store.fault(ctx, err)
		}
		list = append(list, r)
		if size += len(r.doc); size >= pageBytes {
			return list, true, nil
		}
	}
	return list, len(list) == n, c.store.fault(ctx, rows.Err())
}

// query is the SELECT of a span; its last parameter is the limit.
func (c *sqliteCollection) query(s span) (string, []any) {
	var w conditions
	if s.where != "" {
		w.add(quote(columnOf(s.where))+` = ?`, s.equals.key())
	}
	column, way, beyond := `id`, ``, `>`
	if s.down {
		way, beyond = ` DESC`, `<`
	}
	if s.order == "" {
		w.idBounds(s)
		if s.resumed {
			w.add(`id `+beyond+` ?`, s.afterID)
		}
	} else {
		column = quote(columnOf(s.order))
		w.keyBounds(column, s)
		if s.resumed {
			w.add(`(`+column+`, id) `+beyond+` (?, ?)`, s.after.key(), s.afterID)
		}
	}
	order := `id` + way
	if s.order != "" {
		order = column + way + `, ` + order
	}
	return `SELECT id, version, doc FROM ` + c.table + w.text() + ` ORDER BY ` + order + ` LIMIT ?`, w.args
}

// conditions are the parts of a WHERE.
type conditions struct {
	parts []string
	args  []any
}

func (w *conditions) add(part string, args ...any) {
	w.parts = append(w.parts, part)
	w.args = append(w.args, args...)
}

func (w *conditions) text() string {
	if len(w.parts) == 0 {
		return ""
	}
	return ` WHERE ` + strings.Join(w.parts, ` AND `)
}

func (w *conditions) idBounds(s span) {
	if s.min != nil {
		w.add(`id >= ?`, s.min.raw.StringValue())
	}
	if s.max != nil {
		w.add(`id <= ?`, s.max.raw.StringValue())
	}
}

// keyBounds bounds an index column. A bound of one type leaves out the values of
// the others, as MongoDB does it; without bounds, NULL is left out.
func (w *conditions) keyBounds(column string, s span) {
	if s.min != nil {
		w.add(column+` >= ? AND `+column+` < ?`, s.min.key(), []byte{byte(s.min.rank()) + 1})
	}
	if s.max != nil {
		w.add(column+` <= ? AND `+column+` >= ?`, s.max.key(), []byte{byte(s.max.rank())})
	}
	if s.min == nil && s.max == nil {
		w.add(column + ` IS NOT NULL`)
	}
}
