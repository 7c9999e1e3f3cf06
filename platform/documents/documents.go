// Package documents is the small document interface that AniHub's modules keep
// their state in: get, insert if absent, replace with version check, delete,
// equality find on a declared index, ordered scan. MongoDB (production) and an
// embedded SQLite file (default) implement it and pass one contract
// (documentstest); modules never see which.
//
// Documents are BSON on both sides, so that dates (UTC, milliseconds), int64 and
// absent fields come back equal from either. A document is a struct or a map; its
// identity and version live beside it, not in it.
package documents

import (
	"context"
	"iter"

	"anihub/platform/fault"
)

// What a store can answer besides success. Every method may also return
// ErrUnavailable (the store is down or too slow) or a context error.
var (
	ErrNotFound    = fault.New(fault.NotFound, "DOCUMENT_NOT_FOUND", "There is no such document.")
	ErrExists      = fault.New(fault.Conflict, "DOCUMENT_EXISTS", "A document with this identity or unique value exists already.")
	ErrVersion     = fault.New(fault.Conflict, "DOCUMENT_CHANGED", "The document was changed by somebody else meanwhile.")
	ErrUnfit       = fault.New(fault.Unprocessable, "DOCUMENT_UNFIT", "The document cannot be stored.")
	ErrUnavailable = fault.New(fault.Unavailable, "STORE_UNAVAILABLE", "The store is not available right now; try again later.")
)

// MaxBytes is the largest encoded document a store takes (MongoDB's own limit is
// 16 MiB; the rest is headroom for what is kept beside it).
const MaxBytes = 15 << 20

// Index declares one top-level BSON field that Find and Scan may name. Its values
// are strings, int64, bool or time.Time. A document without the field (or with
// null) is not in the index; a unique index requires the field.
type Index struct {
	Field  string
	Unique bool
}

// Spec declares a collection: its name ([a-z][a-z0-9_]*) and its indexes.
type Spec struct {
	Name    string
	Indexes []Index
}

// Store holds collections.
type Store interface {
	// Collection opens a collection. It declares and does not touch the store: the
	// indexes are made before the first operation that succeeds, so a store that is
	// down at start does not stop the start.
	Collection(Spec) Collection
	// Ping tells whether the store answers.
	Ping(context.Context) error
	// Close releases the store. Operations after Close return ErrUnavailable.
	Close() error
}

// Collection is a set of documents by id. Ids are 1 to 512 bytes of valid UTF-8
// without NUL. All methods are safe for concurrent use.
type Collection interface {
	// Get decodes the document into `into` (a pointer) and returns its version
	// (1, 2, …). ErrNotFound.
	Get(ctx context.Context, id string, into any) (version int64, err error)
	// Insert stores a new document as version 1. ErrExists when the id or a unique
	// value is taken, ErrUnfit when it cannot be encoded, is over MaxBytes, or has
	// a key that is empty, starts with $ or holds a dot or NUL, a NaN or an infinity.
	Insert(ctx context.Context, id string, doc any) error
	// Replace stores doc as version+1 if the stored version is still `version`.
	// ErrVersion when it is another one or the document is gone, ErrExists and
	// ErrUnfit as Insert.
	Replace(ctx context.Context, id string, version int64, doc any) error
	// Delete removes the document whatever its version; deleting nothing is no error.
	Delete(ctx context.Context, id string) error
	// Find yields, ordered by id, the documents whose indexed field equals value.
	Find(ctx context.Context, field string, value any) iter.Seq2[Document, error]
	// Scan yields documents in order. An error ends the sequence. The sequence holds
	// no lock and no connection between pages: writing while scanning is allowed,
	// and a document is seen at most once unless its order field changes meanwhile.
	Scan(ctx context.Context, s Scan) iter.Seq2[Document, error]
}

// Scan says what part of a collection, in which order. The zero Scan is the whole
// collection by id, ascending.
type Scan struct {
	Order      string // "" = by id, else a declared index (then by id among equals)
	Descending bool
	Min, Max   any    // inclusive bounds on Order; nil = open. With Order "" they are ids
	AfterID    string // resume behind this document…
	AfterValue any    // …whose Order value was this (unused with Order "")
	Limit      int    // 0 = all
}

// Document is one document of a sequence.
type Document struct {
	ID      string
	Version int64
	Decode  func(into any) error
}
