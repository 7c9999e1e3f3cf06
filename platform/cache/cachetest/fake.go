package cachetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"anihub/platform/cache"
)

// ErrDown is what a Fake that is down answers.
var ErrDown = errors.New("cachetest: the level is down")

// Fake is a level in a map, whose faults are switched on and off. Several chains
// may share one, as they share a Redis. It keeps virtual time.
type Fake struct {
	mu      sync.Mutex
	entries map[string]cache.Entry
	fences  map[string]uint64
	moved   uint64
	all     uint64 // fence of all keys
	version bool   // every write moves the fence
	locks   map[string]lock

	down  bool
	hole  bool
	delay func() time.Duration
	calls map[string]int
}

// lock is the load lock of a key.
type lock struct {
	token   uint32
	until   time.Time
	awaited bool
}

// NewFake is an empty level in good health.
func NewFake() *Fake {
	return &Fake{entries: map[string]cache.Entry{}, fences: map[string]uint64{}, calls: map[string]int{}, locks: map[string]lock{}}
}

// NewVersioned is one whose fences are versions, as a document store's are: they move with
// every write.
func NewVersioned() *Fake {
	f := NewFake()
	f.version = true
	return f
}

var (
	_ cache.Level  = (*Fake)(nil)
	_ cache.Fenced = (*Fake)(nil)
	_ cache.Fencer = (*Fake)(nil)
	_ cache.Lister = (*Fake)(nil)
	_ cache.Tagged = (*Fake)(nil)
	_ cache.Bulk   = (*Fake)(nil)
	_ cache.Locker = (*Fake)(nil)
)

// Down lets every operation fail at once.
func (f *Fake) Down(down bool) { f.change(func() { f.down = down }) }

// Hole lets every operation hang until its context ends.
func (f *Fake) Hole(hole bool) { f.change(func() { f.hole = hole }) }

// Delay is asked before every operation how long it takes, once before and once
// after its effect.
func (f *Fake) Delay(d func() time.Duration) { f.change(func() { f.delay = d }) }

// Calls is how often an operation was called: get, set, delete, expire, list, fence,
// lock, renew, unlock. A get of many keys is one.
func (f *Fake) Calls(op string) (n int) {
	f.change(func() { n = f.calls[op] })
	return n
}

// Raw is what is held of a key, faults or not.
func (f *Fake) Raw(key string) (e cache.Entry, ok bool) {
	f.change(func() { e, ok = f.entries[key] })
	return e, ok
}

func (f *Fake) change(c func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c()
}

// Get is the level's.
func (f *Fake) Get(ctx context.Context, key string) (cache.Entry, bool, error) {
	e, ok, _, err := f.GetFenced(ctx, key)
	return e, ok, err
}

// GetFenced is the level's.
func (f *Fake) GetFenced(ctx context.Context, key string) (e cache.Entry, ok bool, fence uint64, err error) {
	err = f.do(ctx, "get", func() {
		e, ok = f.entries[key]
		fence = f.fence(key)
	})
	return e, ok, fence, err
}

// GetAllFenced is the level's.
func (f *Fake) GetAllFenced(ctx context.Context, keys []string) (out []cache.Fetched, err error) {
	err = f.do(ctx, "get", func() {
		for _, k := range keys {
			e, ok := f.entries[k]
			out = append(out, cache.Fetched{Entry: e, OK: ok, Fence: f.fence(k)})
		}
	})
	return out, err
}

// Lock is the level's.
func (f *Fake) Lock(ctx context.Context, key string, token uint32, seen uint64, ttl time.Duration) (turn cache.Turn, err error) {
	err = f.do(ctx, "lock", func() {
		now := time.Now()
		if l, ok := f.locks[key]; ok && now.Before(l.until) {
			l.awaited = true
			f.locks[key] = l
			turn = cache.Turn{Left: l.until.Sub(now)}
			return
		}
		f.locks[key] = lock{token: token, until: now.Add(ttl)}
		moved := f.fence(key) != seen
		f.fences[key] = uint64(token)
		turn = cache.Turn{Mine: true, Fence: f.fence(key), Moved: moved}
	})
	return turn, err
}

// Renew is the level's.
func (f *Fake) Renew(ctx context.Context, key string, token uint32, ttl time.Duration) (ok bool, err error) {
	err = f.do(ctx, "renew", func() {
		l := f.locks[key]
		if ok = l.token == token && time.Now().Before(l.until); ok {
			l.until = time.Now().Add(ttl)
			f.locks[key] = l
		}
	})
	return ok, err
}

// Unlock is the level's.
func (f *Fake) Unlock(ctx context.Context, key string, token uint32) (awaited bool, err error) {
	err = f.do(ctx, "unlock", func() {
		if l := f.locks[key]; l.token == token && time.Now().Before(l.until) {
			awaited = l.awaited
			f.move(key)
		}
	})
	return awaited, err
}

// Set is the level's.
func (f *Fake) Set(ctx context.Context, key string, e cache.Entry) error {
	return f.do(ctx, "set", func() {
		if f.put(key, e) {
			f.move(key)
		}
	})
}

// SetFenced is the level's.
func (f *Fake) SetFenced(ctx context.Context, key string, e cache.Entry, fence uint64) (ok bool, err error) {
	err = f.do(ctx, "set", func() {
		if ok = f.fence(key) == fence; ok && f.put(key, e) && f.version {
			f.move(key)
		}
	})
	return ok, err
}

func (f *Fake) put(key string, e cache.Entry) bool {
	if old, ok := f.entries[key]; ok && old.Generation > e.Generation {
		return false
	}
	f.entries[key] = e
	return true
}

func (f *Fake) fence(key string) uint64 { return f.all<<32 | f.fences[key] }

// FenceAll is the level's.
func (f *Fake) FenceAll(ctx context.Context) error {
	return f.do(ctx, "fence", func() { f.all++ })
}

func (f *Fake) move(key string) {
	f.moved++
	f.fences[key] = f.moved
	delete(f.locks, key)
}

// Delete is the level's.
func (f *Fake) Delete(ctx context.Context, key string) error {
	return f.do(ctx, "delete", func() {
		delete(f.entries, key)
		f.move(key)
	})
}

// Expire is the level's.
func (f *Fake) Expire(ctx context.Context, key string) error {
	return f.do(ctx, "expire", func() {
		f.move(key)
		e, ok := f.entries[key]
		if !ok {
			return
		}
		if now := time.Now(); e.FreshUntil.After(now) {
			e.FreshUntil = now
		}
		e.CheckAt = time.Time{}
		f.entries[key] = e
	})
}

// Keys is the level's.
func (f *Fake) Keys(ctx context.Context, yield func(string) bool) error {
	var keys []string
	err := f.do(ctx, "list", func() { keys = slices.Sorted(maps.Keys(f.entries)) })
	pass(keys, yield)
	return err
}

// KeysTagged is the level's.
func (f *Fake) KeysTagged(ctx context.Context, tags []string, yield func(string) bool) error {
	var keys []string
	err := f.do(ctx, "list", func() {
		for k, e := range f.entries {
			if slices.ContainsFunc(e.Tags, func(t string) bool { return slices.Contains(tags, t) }) {
				keys = append(keys, k)
			}
		}
	})
	pass(keys, yield)
	return err
}

func pass(keys []string, yield func(string) bool) {
	for _, k := range keys {
		if !yield(k) {
			return
		}
	}
}

// do runs an operation with the faults that are switched on.
func (f *Fake) do(ctx context.Context, op string, effect func()) error {
	var hole, down bool
	var before, after time.Duration
	f.change(func() {
		f.calls[op]++
		hole, down = f.hole, f.down
		if f.delay != nil {
			before, after = f.delay(), f.delay()
		}
	})
	switch {
	case down:
		return ErrDown
	case hole:
		<-ctx.Done()
		return ctx.Err()
	}
	if err := sleep(ctx, before); err != nil {
		return err
	}
	f.change(effect)
	return sleep(ctx, after)
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
