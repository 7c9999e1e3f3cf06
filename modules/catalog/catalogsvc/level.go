package catalogsvc

import (
	"context"
	"time"

	"anihub/platform/cache"
	"anihub/platform/documents"
)

// level is the collection of titles as the L3 of the cache chain. Applying a
// release writes it, so Set has nothing left to do; and what the catalogue knows
// is never deleted from here, only made stale.
type level struct{ store store }

var (
	_ cache.Level  = level{}
	_ cache.Lister = level{}
)

// Get reads a title.
func (l level) Get(ctx context.Context, key string) (cache.Entry, bool, error) {
	if _, ok := titleID(key); !ok {
		return cache.Entry{}, false, nil
	}
	d, version, err := l.store.read(ctx, key)
	if err != nil || version == 0 {
		return cache.Entry{}, false, err
	}
	e, err := d.entry()
	if err != nil {
		return cache.Entry{}, false, err
	}
	return e, true, nil
}

// Set does nothing: the load that brought the entry has stored it.
func (l level) Set(context.Context, string, cache.Entry) error { return nil }

// Delete makes the title stale.
func (l level) Delete(ctx context.Context, key string) error { return l.Expire(ctx, key) }

// Expire makes the title stale. The generation stays: the title is the same.
func (l level) Expire(ctx context.Context, key string) error {
	if _, ok := titleID(key); !ok {
		return nil
	}
	return l.store.change(ctx, key, func(d *titleDoc, known bool) (bool, error) {
		now := stamp(time.Now())
		if !known || !d.FreshUntil.After(now) {
			return false, nil
		}
		d.FreshUntil = now
		return true, nil
	})
}

// Keys yields the keys of all titles.
func (l level) Keys(ctx context.Context, yield func(key string) bool) error {
	for doc, err := range l.store.titles.Scan(ctx, documents.Scan{}) {
		if err != nil {
			return err
		}
		if !yield(doc.ID) {
			return nil
		}
	}
	return nil
}
