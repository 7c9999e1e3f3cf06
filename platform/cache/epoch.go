package cache

import (
	"context"
	"errors"

	"anihub/platform/documents"
)

// Epoch is the fence of what a document store does not hold yet. An invalidation that may
// be about keys which are just being loaded for the first time moves it on; a load that
// finds it moved has begun before that, and is not to be believed.
//
// It is the version of a document without a value, in the collection of DocumentsSpec.
type Epoch struct {
	docs documents.Collection
	id   string
}

// NewEpoch is that of the keys which a pattern ("title:*") stands for; the pattern is its
// name in the collection.
func NewEpoch(c documents.Collection, pattern string) Epoch { return Epoch{docs: c, id: pattern} }

// Now is the epoch of this moment. documents.ErrUnavailable.
func (e Epoch) Now(ctx context.Context) (int64, error) {
	var r record
	v, err := e.docs.Get(ctx, e.id, &r)
	if errors.Is(err, documents.ErrNotFound) {
		return 0, nil
	}
	return v, err
}

// Move begins another one. documents.ErrUnavailable.
func (e Epoch) Move(ctx context.Context) error {
	v, err := e.Now(ctx)
	switch {
	case err != nil:
		return err
	case v == 0:
		err = e.docs.Insert(ctx, e.id, gone())
	default:
		err = e.docs.Replace(ctx, e.id, v, gone())
	}
	if outrun(err) { // somebody else has moved it since this call began
		return nil
	}
	return err
}
