package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"

	"anihub/platform/documents"
)

// Restoration is a backup on its way into a store.
type Restoration struct {
	File  io.ReadSeeker // the backup; it is read several times
	To    []Place       // where its collections go
	Apart []string      // collections that have no place here and are passed over
	Empty []Place       // what was made from the rest and is emptied
	Force bool          // a store that is not empty is made to hold the backup and nothing else
	Tell  Progress
}

// Run checks the whole backup, then writes it, then reads the store and compares it with
// the backup. Documents begin anew as version 1 unless they are there already as they
// should be. Until the check is over nothing is written; an error after that is
// ErrUnfinished, and running again with Force ends as if it had not been.
//
// ErrNotEmpty without Force, the errors of Check and those of the store.
func (r Restoration) Run(ctx context.Context) (Summary, error) {
	s, err := r.Check(ctx)
	if err != nil {
		return s, err
	}
	full, err := r.occupied(ctx)
	if err != nil {
		return s, err
	}
	if len(full) > 0 && !r.Force {
		return s, fmt.Errorf("%w: there are documents in %s", ErrNotEmpty, strings.Join(full, ", "))
	}
	if err := r.write(ctx, s, len(full) > 0); err != nil {
		return s, fmt.Errorf("%w: %w", ErrUnfinished, err)
	}
	return s, nil
}

// Check reads the whole backup; see the function of that name.
func (r Restoration) Check(ctx context.Context) (Summary, error) {
	specs := make([]documents.Spec, 0, len(r.To)+len(r.Apart))
	for _, p := range r.To {
		specs = append(specs, p.Spec)
	}
	for _, name := range r.Apart {
		specs = append(specs, documents.Spec{Name: name})
	}
	if err := r.rewind(); err != nil {
		return Summary{}, err
	}
	return Check(ctx, r.File, specs, r.Tell)
}

func (r Restoration) rewind() error {
	_, err := r.File.Seek(0, io.SeekStart)
	return err
}

// occupied names the collections that are not empty.
func (r Restoration) occupied(ctx context.Context) ([]string, error) {
	var full []string
	for _, p := range r.To {
		for _, err := range p.open().Scan(ctx, documents.Scan{Limit: 1}) {
			if err != nil {
				return nil, fmt.Errorf("collection %s: %w", p.Spec.Name, err)
			}
			full = append(full, p.Spec.Name)
		}
	}
	return full, nil
}

func (r Restoration) write(ctx context.Context, s Summary, occupied bool) error {
	if occupied {
		if err := r.clear(ctx, s); err != nil {
			return err
		}
	}
	for _, p := range r.Empty {
		if err := clearAll(ctx, p); err != nil {
			return err
		}
	}
	if err := r.insert(ctx, s); err != nil {
		return err
	}
	return r.compare(ctx, s)
}

// collection is where the documents of a name go; nil for one that is passed over.
func (r Restoration) collection(name string) documents.Collection {
	for _, p := range r.To {
		if p.Spec.Name == name {
			return p.open()
		}
	}
	return nil
}

// clear takes away everything that is not as the backup has it. It goes before all
// writing, because a unique value may have gone from one document to another.
func (r Restoration) clear(ctx context.Context, s Summary) error {
	if err := r.rewind(); err != nil {
		return err
	}
	c := &clearer{ctx: ctx, r: r}
	defer c.end()
	if _, err := read(ctx, r.File, c); err != nil {
		return err
	}
	for _, p := range r.To {
		if slices.ContainsFunc(s.Parts, func(part Part) bool { return part.Name == p.Spec.Name }) {
			continue
		}
		if err := clearAll(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func clearAll(ctx context.Context, p Place) error {
	c := p.open()
	for d, err := range c.Scan(ctx, documents.Scan{}) {
		if err == nil {
			err = c.Delete(ctx, d.ID)
		}
		if err != nil {
			return fmt.Errorf("collection %s: %w", p.Spec.Name, err)
		}
	}
	return nil
}

// clearer goes through a collection and the backup of it side by side.
type clearer struct {
	ctx context.Context
	r   Restoration

	name string
	c    documents.Collection
	next func() (documents.Document, error, bool)
	stop func()
	head documents.Document // of what is left in the store
	more bool
	gone int64
}

func (c *clearer) open(name string) error {
	c.name, c.c, c.more, c.gone = name, c.r.collection(name), false, 0
	if c.c == nil {
		return nil
	}
	c.next, c.stop = iter.Pull2(c.c.Scan(c.ctx, documents.Scan{}))
	return c.advance()
}

func (c *clearer) advance() (err error) {
	c.head, err, c.more = c.next()
	return err
}

// put deletes what lies before the item, and what lies in its place and is not equal.
func (c *clearer) put(i item) error {
	for c.more && c.head.ID < i.id {
		if err := c.drop(); err != nil {
			return err
		}
	}
	if !c.more || c.head.ID != i.id {
		return nil
	}
	there, err := of(c.head)
	if err != nil {
		return err
	}
	if bytes.Equal(there.body, i.body) {
		return c.advance()
	}
	return c.drop()
}

func (c *clearer) drop() error {
	if err := c.c.Delete(c.ctx, c.head.ID); err != nil {
		return err
	}
	c.gone++
	c.r.Tell(Step{Doing: "removed", Collection: c.name, Done: c.gone})
	return c.advance()
}

func (c *clearer) close(Part) error {
	for c.more {
		if err := c.drop(); err != nil {
			return err
		}
	}
	c.end()
	return nil
}

func (c *clearer) end() {
	if c.stop != nil {
		c.stop()
		c.stop = nil
	}
}

// writers write at once: a server elsewhere answers each in a millisecond or more.
const writers = 8

// insert writes what is not there.
func (r Restoration) insert(ctx context.Context, s Summary) error {
	if err := r.rewind(); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(writers)
	_, err := read(ctx, r.File, &inserter{ctx: ctx, r: r, of: s.counts(), g: g})
	if failed := g.Wait(); failed != nil {
		return failed // and the reading only stopped because of it
	}
	return err
}

type inserter struct {
	ctx context.Context
	r   Restoration
	of  map[string]int64
	g   *errgroup.Group

	name  string
	c     documents.Collection
	count int64
}

func (w *inserter) open(name string) error {
	w.name, w.c, w.count = name, w.r.collection(name), 0
	return nil
}

func (w *inserter) put(i item) error {
	if w.c == nil {
		return nil
	}
	i.body = bytes.Clone(i.body)
	name, c := w.name, w.c
	w.g.Go(func() error {
		if err := insert(w.ctx, c, i); err != nil {
			return fmt.Errorf("collection %s, document %q: %w", name, i.id, err)
		}
		return nil
	})
	w.count++
	w.r.Tell(Step{"restored", w.name, w.count, w.of[w.name]})
	return nil
}

// insert accepts the document that is there already if it is the same one.
func insert(ctx context.Context, c documents.Collection, i item) error {
	err := c.Insert(ctx, i.id, i.raw())
	if !errors.Is(err, documents.ErrExists) {
		return err
	}
	var there bson.Raw
	switch _, failed := c.Get(ctx, i.id, &there); {
	case errors.Is(failed, documents.ErrNotFound):
		return fmt.Errorf("another document has its unique value: does a server write to the store? %w", err)
	case failed != nil:
		return failed
	case !bytes.Equal(there, i.raw()):
		return fmt.Errorf("it is there with other contents: does a server write to the store? %w", err)
	}
	return nil
}

func (w *inserter) close(Part) error { return nil }

// compare reads the store and holds it against the backup.
func (r Restoration) compare(ctx context.Context, s Summary) error {
	for _, part := range s.Parts {
		c := r.collection(part.Name)
		if c == nil {
			continue
		}
		got, err := r.reread(ctx, c, part)
		if err != nil {
			return fmt.Errorf("collection %s: %w", part.Name, err)
		}
		if !got.equals(part) {
			return fmt.Errorf("collection %s does not read as the backup has it (%d documents of %d): does a server write to the store?",
				part.Name, got.Count, part.Count)
		}
	}
	return nil
}

func (r Restoration) reread(ctx context.Context, c documents.Collection, want Part) (Part, error) {
	got := newSum(want.Name)
	for d, err := range c.Scan(ctx, documents.Scan{}) {
		if err != nil {
			return Part{}, err
		}
		i, err := of(d)
		if err != nil {
			return Part{}, err
		}
		got.add(i.body)
		r.Tell(Step{"compared", want.Name, got.count, want.Count})
	}
	return got.part(), nil
}
