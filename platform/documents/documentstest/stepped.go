package documentstest

import (
	"context"

	"anihub/platform/documents"
)

// Stepped is a store that calls before ahead of each operation on one document, for tests
// that let something happen between two of them.
func Stepped(s documents.Store, before func()) documents.Store { return steppedStore{s, before} }

type steppedStore struct {
	documents.Store
	before func()
}

func (s steppedStore) Collection(spec documents.Spec) documents.Collection {
	return steppedCollection{s.Store.Collection(spec), s.before}
}

type steppedCollection struct {
	documents.Collection
	before func()
}

func (c steppedCollection) Get(ctx context.Context, id string, into any) (int64, error) {
	c.before()
	return c.Collection.Get(ctx, id, into)
}

func (c steppedCollection) Insert(ctx context.Context, id string, doc any) error {
	c.before()
	return c.Collection.Insert(ctx, id, doc)
}

func (c steppedCollection) Replace(ctx context.Context, id string, version int64, doc any) error {
	c.before()
	return c.Collection.Replace(ctx, id, version, doc)
}

func (c steppedCollection) Delete(ctx context.Context, id string) error {
	c.before()
	return c.Collection.Delete(ctx, id)
}
