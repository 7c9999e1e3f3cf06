package cache

import (
	"context"
	"slices"
	"time"
)

// Item is a key and its new entry.
type Item struct {
	Key string
	Entry
}

// Put stores a value that a write has pushed: in every level, in place of
// whatever was there unless that is of a newer generation, and lets the bell
// tell the other processes to look again. Loads of the key that are under way
// are overtaken. ErrPending.
func (c *Cache) Put(ctx context.Context, key string, e Entry) error {
	return c.PutAll(ctx, []Item{{Key: key, Entry: e}})
}

// PutAll is Put for many, with one bell.
func (c *Cache) PutAll(ctx context.Context, items []Item) error {
	inv := Invalidation{Keys: make([]string, len(items)), Mode: Expire}
	for i := range items {
		inv.Keys[i] = items[i].Key
	}
	inv, err := inv.canonical()
	if err != nil {
		return err
	}
	c.metrics.inval.put.Add(1)
	s, err := c.flights.begin(ctx, inv.names(), nil)
	if err != nil {
		c.debts.add(inv, owesAll)
		return ErrPending.With(err)
	}
	defer c.flights.finishSweep(s)
	for i, k := range inv.Keys {
		if e := c.put(ctx, k, items[i].Entry); e != nil {
			err = ErrPending.With(e)
		}
	}
	if rang := c.ring(ctx, inv); err == nil {
		err = rang
	}
	return err
}

func (c *Cache) put(ctx context.Context, key string, e Entry) (err error) {
	route, now := c.route(key), time.Now()
	if e.StoredAt.IsZero() {
		e.StoredAt = now
	}
	if until := now.Add(c.vary(c.lifetime(route))); e.FreshUntil.IsZero() || e.FreshUntil.After(until) {
		e.FreshUntil = until
	}
	if e.Generation == 0 {
		e.Generation = now.UnixMicro()
	}
	for _, t := range slices.Backward(route.below) {
		e.CheckAt = c.checkAt(t, e)
		if failed := t.do(ctx, func(ctx context.Context) error { return t.level.Set(ctx, key, e) }); failed != nil {
			if c.owe(t, Invalidation{Keys: []string{key}, Mode: Expire}) {
				err = failed
			}
		}
	}
	e.CheckAt = c.checkAt(c.l1, e)
	c.remember(key, e)
	return err
}
