package cache

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"anihub/platform/documents"
)

// Documents is the level that keeps things for ever, so that they can be served
// when nothing else answers. Its fence is the version of the document; what is
// deleted, or expired without being there, leaves a document without a value, so
// that a load from before notices. The Epoch is the fence of all.
type Documents struct {
	docs     documents.Collection
	epoch    Epoch
	poisoned atomic.Int64
}

// DocumentsSpec declares the collection.
func DocumentsSpec() documents.Spec { return documents.Spec{Name: "cache"} }

// NewDocuments makes the level over an opened collection.
func NewDocuments(c documents.Collection) *Documents {
	return &Documents{docs: c, epoch: NewEpoch(c, "*")}
}

var (
	_ Level  = (*Documents)(nil)
	_ Fencer = (*Documents)(nil)
	_ Lister = (*Documents)(nil)
	_ Tagged = (*Documents)(nil)
)

// record is an entry as it is stored.
type record struct {
	Format     int       `bson:"format"`
	Gone       bool      `bson:"gone,omitempty"` // no value; only its version counts
	Body       []byte    `bson:"body"`
	ETag       string    `bson:"etag"`
	Generation int64     `bson:"generation"`
	StoredAt   time.Time `bson:"stored_at"`
	FreshUntil time.Time `bson:"fresh_until"`
	NotFound   bool      `bson:"not_found,omitempty"`
	Tags       []string  `bson:"tags,omitempty"`
}

const (
	recordFormat  = 1
	recordRetries = 8 // of a write that others were faster than
	goneKeep      = 10 * time.Minute
)

func newRecord(e Entry) record {
	return record{
		Format: recordFormat, Body: e.Body, ETag: e.ETag, Generation: e.Generation,
		StoredAt: e.StoredAt, FreshUntil: e.FreshUntil, NotFound: e.NotFound, Tags: e.Tags,
	}
}

func (r record) holds() bool { return r.Format == recordFormat && !r.Gone }

// newer tells whether an entry must not replace the record.
func (r record) newer(e Entry) bool { return r.holds() && r.Generation > e.Generation }

func (r record) entry() Entry {
	return Entry{
		Body: r.Body, ETag: r.ETag, Generation: r.Generation, StoredAt: r.StoredAt,
		FreshUntil: r.FreshUntil, CheckAt: r.FreshUntil, NotFound: r.NotFound, Tags: r.Tags,
	}
}

// Get is GetFenced without the fence.
func (d *Documents) Get(ctx context.Context, key string) (Entry, bool, error) {
	r, _, err := d.read(ctx, key)
	return r.entry(), r.holds(), err
}

// GetFenced tells the epoch and the version, which is 0 when there is no document. The
// epoch comes first: it must not be younger than the value.
func (d *Documents) GetFenced(ctx context.Context, key string) (Entry, bool, uint64, error) {
	epoch, err := d.epoch.Now(ctx)
	if err != nil {
		return Entry{}, false, 0, err
	}
	r, v, err := d.read(ctx, key)
	return r.entry(), r.holds(), documentFence(epoch, v), err
}

func documentFence(epoch, version int64) uint64 { return uint64(epoch)<<32 | uint64(uint32(version)) }

// FenceAll is Fencer's.
func (d *Documents) FenceAll(ctx context.Context) error { return d.epoch.Move(ctx) }

// read returns the zero record when there is none, or none that can be read: the
// latter is removed and counted.
func (d *Documents) read(ctx context.Context, key string) (record, int64, error) {
	if key == "" || len(key) > maxKey {
		return record{}, 0, nil
	}
	var r record
	v, err := d.docs.Get(ctx, key, &r)
	switch {
	case err == nil && r.Format == recordFormat:
		return r, v, nil
	case errors.Is(err, documents.ErrNotFound):
		return record{}, 0, nil
	case v > 0: // it is there, but not as it should be
		d.poisoned.Add(1)
		return record{}, 0, d.docs.Delete(ctx, key)
	default:
		return record{}, 0, err
	}
}

// SetFenced stores if neither epoch nor version have moved on. One cannot be looked at and
// the other written in one step, so the value is written as a stale one first: an
// invalidation that begins afterwards finds it, and of one that began before the epoch
// tells. Only then is it called fresh.
func (d *Documents) SetFenced(ctx context.Context, key string, e Entry, fence uint64) (bool, error) {
	old, v, err := d.read(ctx, key)
	if err != nil || uint32(v) != uint32(fence) {
		return false, err
	}
	if old.newer(e) {
		return true, nil
	}
	stale := newRecord(e)
	stale.FreshUntil = e.StoredAt
	if err := d.write(ctx, key, v, stale); err != nil {
		return kept(err)
	}
	epoch, err := d.epoch.Now(ctx)
	if err != nil || uint32(epoch) != uint32(fence>>32) {
		return false, err
	}
	return kept(d.write(ctx, key, v+1, newRecord(e)))
}

// kept is what a fenced write says of its error: that somebody was faster is none.
func kept(err error) (bool, error) {
	if outrun(err) {
		return false, nil
	}
	return err == nil, err
}

// write replaces the document of that version; 0 = there is none.
func (d *Documents) write(ctx context.Context, key string, version int64, r record) error {
	if version == 0 {
		return d.docs.Insert(ctx, key, r)
	}
	return d.docs.Replace(ctx, key, version, r)
}

// outrun: somebody else has written meanwhile.
func outrun(err error) bool {
	return errors.Is(err, documents.ErrVersion) || errors.Is(err, documents.ErrExists)
}

// Set stores unless a newer generation is there.
func (d *Documents) Set(ctx context.Context, key string, e Entry) error {
	return d.change(ctx, key, func(old record) (record, bool) { return newRecord(e), !old.newer(e) })
}

// Expire keeps the value as a stale one, and moves the version on.
func (d *Documents) Expire(ctx context.Context, key string) error {
	return d.change(ctx, key, func(old record) (record, bool) {
		if !old.holds() {
			return gone(), true
		}
		if now := time.Now(); old.FreshUntil.After(now) {
			old.FreshUntil = now
		}
		return old, true
	})
}

// Delete removes the value.
func (d *Documents) Delete(ctx context.Context, key string) error {
	return d.change(ctx, key, func(record) (record, bool) { return gone(), true })
}

func gone() record { return record{Format: recordFormat, Gone: true, StoredAt: time.Now()} }

// change writes what next makes of a record, which tells whether there is anything to write.
func (d *Documents) change(ctx context.Context, key string, next func(record) (record, bool)) error {
	for try := 0; ; try++ {
		old, v, err := d.read(ctx, key)
		if err != nil {
			return err
		}
		r, write := next(old)
		if !write {
			return nil
		}
		if err = d.write(ctx, key, v, r); !outrun(err) || try == recordRetries {
			return err
		}
	}
}

// Keys walks over the collection.
func (d *Documents) Keys(ctx context.Context, yield func(string) bool) error {
	return d.walk(ctx, yield, func(record) bool { return true })
}

// KeysTagged walks over the collection as well: it is small (lists, schedules,
// franchises), and tags are several per document, which no index takes.
func (d *Documents) KeysTagged(ctx context.Context, tags []string, yield func(string) bool) error {
	return d.walk(ctx, yield, func(r record) bool {
		return slices.ContainsFunc(r.Tags, func(t string) bool { return slices.Contains(tags, t) })
	})
}

// walk names the values that are wanted, and clears away the documents without
// one that no load can remember any more.
func (d *Documents) walk(ctx context.Context, yield func(string) bool, want func(record) bool) error {
	for doc, err := range d.docs.Scan(ctx, documents.Scan{}) {
		if err != nil {
			return err
		}
		var r record
		if doc.Decode(&r) != nil {
			continue // not readable: the next Get removes it
		}
		if r.Gone && literal(doc.ID) && time.Since(r.StoredAt) > goneKeep { // an Epoch stays
			if err := d.docs.Delete(ctx, doc.ID); err != nil {
				return err
			}
		}
		if r.holds() && want(r) && !yield(doc.ID) {
			return nil
		}
	}
	return nil
}

// Poisoned is how many documents could not be read since the start.
func (d *Documents) Poisoned() int64 { return d.poisoned.Load() }
