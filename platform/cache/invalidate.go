package cache

import (
	"context"
	"errors"
	"maps"
	"slices"

	"anihub/platform/fault"
)

// ErrPending means that the invalidation is carried out wherever it could be, and will be
// in the levels and processes that could not be reached, as soon as they answer.
var ErrPending = fault.New(fault.Unavailable, "CACHE_CLEAR_PENDING", "Part of the caches could not be reached; they are cleared as soon as they answer.")

// ErrBadInvalidation means that it names nothing, too much, or an unknown mode.
var ErrBadInvalidation = fault.New(fault.Unprocessable, "BAD_INVALIDATION", "The invalidation names no acceptable keys, pattern, tags or mode.")

// Mode is what an invalidation does to the values.
type Mode string

// The modes. The nearer shared copy (L2) is deleted either way.
const (
	Expire Mode = "expire" // they stay as the stale answer for bad times; the zero Mode
	Remove Mode = "remove" // nothing stays
)

// Invalidation names values by key, by pattern and by tag, together. Keys and
// patterns are taken with or without the prefix "anilibria:".
type Invalidation struct {
	Keys    []string
	Pattern string // "*" stands for any characters; "titles:…" is read as "title:…"
	Tags    []string
	Mode    Mode
	DryRun  bool // count only

	probed string // a key that came as a pattern: counts only if some level holds it
}

// Cleared is how many keys an invalidation named that some level holds, and how
// many of them were cleared in every level.
type Cleared struct{ Matched, Cleared int }

// The limits of one invalidation.
const (
	maxKeys = 100_000
	maxTags = 1000
)

// Invalidate clears values in all levels and then, by the bell, in the L1 of
// every other process. After it returned without error no answer of this process
// is older than the call, and none of a process whose Applied has passed it.
// ErrBadInvalidation, ErrPending.
func (c *Cache) Invalidate(ctx context.Context, inv Invalidation) (Cleared, error) {
	inv, err := inv.canonical()
	if err != nil {
		return Cleared{}, err
	}
	if inv.DryRun {
		found, err := c.match(ctx, inv)
		return Cleared{Matched: len(found)}, err
	}
	if inv.Mode == Remove {
		c.metrics.inval.remove.Add(1)
	} else {
		c.metrics.inval.expire.Add(1)
	}
	return c.clear(ctx, inv, owesAll)
}

// Supersede tells that the deepest level holds newer values of keys: the nearer levels
// drop their copies, here and by the bell in every other process. Loads of the keys that
// are under way are overtaken. ErrBadInvalidation, ErrPending.
func (c *Cache) Supersede(ctx context.Context, keys []string) error {
	inv, err := Invalidation{Keys: keys}.canonical()
	if err != nil {
		return err
	}
	c.metrics.inval.superseded.Add(1)
	_, err = c.clear(ctx, inv, owesL2)
	return err
}

func (inv Invalidation) canonical() (Invalidation, error) {
	if inv.Mode == "" {
		inv.Mode = Expire
	}
	switch {
	case inv.Mode != Expire && inv.Mode != Remove:
		return inv, ErrBadInvalidation.Detail("mode", "expire or remove")
	case len(inv.Keys) == 0 && inv.Pattern == "" && len(inv.Tags) == 0:
		return inv, ErrBadInvalidation.Detail("pattern", "must not be empty")
	case len(inv.Keys) > maxKeys || len(inv.Tags) > maxTags:
		return inv, ErrBadInvalidation.Detail("keys", "too many")
	case len(inv.Pattern) > maxKey:
		return inv, ErrBadInvalidation.Detail("pattern", "too long")
	}
	keys := make([]string, 0, len(inv.Keys))
	for _, k := range inv.Keys {
		if k = CanonicalKey(k); k == "" || len(k) > maxKey {
			return inv, ErrBadInvalidation.Detail("keys", "each must have 1 to 512 bytes")
		}
		keys = append(keys, k)
	}
	inv.Pattern = canonicalPattern(inv.Pattern)
	if p := inv.Pattern; p != "" && literal(p) {
		keys = append(keys, p)
		inv.Pattern, inv.probed = "", p
	}
	inv.Keys = keys
	return inv, nil
}

// names tells whether the invalidation names a key by itself or by its pattern.
func (inv Invalidation) names() func(string) bool {
	set := make(map[string]struct{}, len(inv.Keys))
	for _, k := range inv.Keys {
		set[k] = struct{}{}
	}
	return func(key string) bool {
		_, ok := set[key]
		return ok || inv.Pattern != "" && glob(inv.Pattern, key)
	}
}

// clear carries an invalidation out. depth says how much of it is left to do.
func (c *Cache) clear(ctx context.Context, inv Invalidation, depth depth) (Cleared, error) {
	s, err := c.flights.begin(ctx, inv.names(), inv.Tags)
	if err != nil {
		c.debts.add(inv, depth)
		return Cleared{}, ErrPending.With(err)
	}
	defer c.flights.finishSweep(s)
	found, err := c.match(ctx, inv)
	if err != nil { // a level that lists cannot be reached: all of it again, later
		c.debts.add(Invalidation{Pattern: inv.Pattern, Tags: inv.Tags, Mode: inv.Mode}, depth)
	}
	all := maps.Clone(found)
	for _, k := range inv.Keys {
		all[k] = struct{}{}
	}
	keys := slices.Sorted(maps.Keys(all))
	failed := c.clearBelow(ctx, keys, inv.Mode, depth)
	c.clearMemory(ctx, keys, inv.Mode)
	cleared := Cleared{Matched: len(found)}
	for k := range failed {
		delete(found, k)
	}
	cleared.Cleared = len(found)
	if rang := c.ring(ctx, inv); err == nil {
		err = rang
	}
	if err == nil && len(failed) > 0 {
		err = ErrPending
	}
	return cleared, err
}

// match is every key that some level holds and the invalidation names. Levels
// that cannot be asked are an error, after the others were.
func (c *Cache) match(ctx context.Context, inv Invalidation) (map[string]struct{}, error) {
	found := map[string]struct{}{}
	note := func(key string) bool {
		found[key] = struct{}{}
		return ctx.Err() == nil
	}
	for _, k := range inv.Keys {
		if !inv.DryRun && k != inv.probed {
			note(k) // it is cleared anyway
			continue
		}
		if _, ok := c.Peek(ctx, k); ok {
			note(k)
		}
	}
	return found, c.list(ctx, inv, note)
}

// list names the keys of all levels that a pattern or tags stand for.
func (c *Cache) list(ctx context.Context, inv Invalidation, note func(string) bool) error {
	var errs error
	for _, t := range c.tiers() {
		if t.copy {
			continue // holds nothing that the deepest level does not
		}
		if (inv.Pattern != "" || len(inv.Tags) > 0) && !inv.DryRun {
			errs = errors.Join(errs, t.fenceAll(ctx))
		}
		if inv.Pattern != "" {
			errs = errors.Join(errs, t.list(ctx, inv.Pattern, note))
		}
		if len(inv.Tags) > 0 {
			errs = errors.Join(errs, t.listTagged(ctx, inv.Tags, note))
		}
	}
	if errs != nil {
		return ErrPending.With(errs)
	}
	return nil
}

// fenceAll keeps loads of other processes, whose keys are in no list yet, from
// storing what they began before.
func (t *tier) fenceAll(ctx context.Context) error {
	f, ok := t.level.(Fencer)
	if !ok {
		return nil
	}
	return t.do(ctx, f.FenceAll)
}

func (t *tier) list(ctx context.Context, pattern string, note func(string) bool) error {
	l, ok := t.level.(Lister)
	if !ok {
		return nil
	}
	return t.long(ctx, func(ctx context.Context) error {
		return l.Keys(ctx, func(key string) bool {
			return !glob(pattern, key) || note(key)
		})
	})
}

func (t *tier) listTagged(ctx context.Context, tags []string, note func(string) bool) error {
	l, ok := t.level.(Tagged)
	if !ok {
		return nil
	}
	return t.long(ctx, func(ctx context.Context) error { return l.KeysTagged(ctx, tags, note) })
}

// clearBelow clears keys in the levels below L1, the deepest first: whoever reads
// a deeper level meanwhile must not bring an old copy back to a nearer one. It
// returns the keys that some level still owes.
func (c *Cache) clearBelow(ctx context.Context, keys []string, mode Mode, depth depth) map[string]struct{} {
	failed := map[string]struct{}{}
	for _, part := range c.byRoute(keys) {
		for _, t := range slices.Backward(part.route.below) {
			if depth < t.debt() {
				continue
			}
			left := t.clear(ctx, part.keys, mode)
			if !c.owe(t, Invalidation{Keys: left, Mode: mode}) {
				continue
			}
			for _, k := range left {
				failed[k] = struct{}{}
			}
		}
	}
	return failed
}

// routed is keys that share their levels.
type routed struct {
	route *route
	keys  []string
}

func (c *Cache) byRoute(keys []string) []routed {
	at := make(map[*route]int, len(c.routes))
	var parts []routed
	for _, k := range keys {
		r := c.route(k)
		i, ok := at[r]
		if !ok {
			i = len(parts)
			at[r], parts = i, append(parts, routed{route: r})
		}
		parts[i].keys = append(parts[i].keys, k)
	}
	return parts
}

// clear clears keys in one tier and returns those that it could not.
func (t *tier) clear(ctx context.Context, keys []string, mode Mode) (left []string) {
	if b, ok := t.level.(bulk); ok && (t.name == "l2" || mode == Remove) {
		for part := range slices.Chunk(keys, bulkSize) {
			if err := t.do(ctx, func(ctx context.Context) error { return b.DeleteAll(ctx, part) }); err != nil {
				left = append(left, part...)
			}
		}
		return left
	}
	for _, k := range keys {
		if err := t.do(ctx, func(ctx context.Context) error { return t.clearOne(ctx, k, mode) }); err != nil {
			left = append(left, k)
		}
	}
	return left
}

func (t *tier) clearOne(ctx context.Context, key string, mode Mode) error {
	if t.name == "l2" || mode == Remove {
		return t.level.Delete(ctx, key)
	}
	return t.level.Expire(ctx, key)
}

// bulk is a level that deletes many keys in one go.
type bulk interface {
	DeleteAll(ctx context.Context, keys []string) error
}

const bulkSize = 128

// clearMemory cannot fail: memory is always there.
func (c *Cache) clearMemory(ctx context.Context, keys []string, mode Mode) {
	ctx = context.WithoutCancel(ctx)
	for _, k := range keys {
		_ = c.l1.clearOne(ctx, k, mode)
	}
	c.changes.Add(1) // also when memory held none of them: a proof outlives what it is about
}
