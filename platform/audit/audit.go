// Package audit keeps a record of what admins and services changed by hand.
package audit

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"time"

	"anihub/platform/documents"
)

// Record is one thing that somebody did.
type Record struct {
	At        time.Time      `bson:"at"`
	Service   string         `bson:"service"`
	Action    string         `bson:"action"` // "cache.clear"
	Details   map[string]any `bson:"details"`
	RequestID string         `bson:"request_id"`
}

// Trail is the record of everything.
type Trail struct{ records documents.Collection }

// New opens the trail in the store.
func New(store documents.Store) *Trail {
	return &Trail{records: store.Collection(documents.Spec{Name: "audit"})}
}

// Collections are those of the trail.
func Collections() []documents.Spec {
	return documents.DeclaredBy(func(s documents.Store) { New(s) })
}

// Write adds a record. It returns the store's errors.
func (t *Trail) Write(ctx context.Context, r Record) error {
	// The id counts down, so that a scan by id meets the newest first.
	id := fmt.Sprintf("%019d-%s", math.MaxInt64-r.At.UnixNano(), rand.Text()[:8])
	return t.records.Insert(ctx, id, r)
}

// Newest are the newest records first.
func (t *Trail) Newest(ctx context.Context, limit int) ([]Record, error) {
	out := []Record{}
	for doc, err := range t.records.Scan(ctx, documents.Scan{Limit: limit}) {
		if err != nil {
			return nil, err
		}
		var r Record
		if err := doc.Decode(&r); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}
