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
//
// It needs no fences of the chain: a load stores what it brings under its own (since).
type level struct {
	store store
	epoch cache.Epoch
}

var (
	_ cache.Level  = level{}
	_ cache.Fencer = level{}
	_ cache.Lister = level{}
	_ cache.Tagged = level{}
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
	known, err := l.expire(ctx, key)
	if known || err != nil {
		return err
	}
	if err := l.epoch.Move(ctx); err != nil {
		return err
	}
	_, err = l.expire(ctx, key) // a load may have stored it before the epoch moved
	return err
}

// expire writes in any case: a load that is under way shall find the title changed.
func (l level) expire(ctx context.Context, key string) (known bool, err error) {
	err = l.store.change(ctx, key, func(d *titleDoc, is bool) (bool, error) {
		known = is
		if now := stamp(time.Now()); d.FreshUntil.After(now) {
			d.FreshUntil = now
		}
		d.Expirations++
		return known, nil
	})
	return known, err
}

// FenceAll is cache.Fencer's.
func (l level) FenceAll(ctx context.Context) error { return l.epoch.Move(ctx) }

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

// KeysTagged yields the keys of the titles among the tags: each carries its own key.
func (l level) KeysTagged(ctx context.Context, tags []string, yield func(key string) bool) error {
	for _, t := range tags {
		if _, ok := titleID(t); !ok {
			continue
		}
		_, version, err := l.store.read(ctx, t)
		if err != nil {
			return err
		}
		if version > 0 && !yield(t) {
			return nil
		}
	}
	return nil
}
