package cache

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/dgraph-io/ristretto/v2"
)

// Memory is the level inside the process: ristretto, bounded by bytes. It keeps
// values beyond their freshness until others need the room.
//
// Ristretto by itself loses updates of new keys, drops Sets under load, and
// panics or hangs when Close races them. So writers of one key take turns and
// wait until theirs has gone through, and Close waits for everybody. Readers of
// different keys share no lock beyond ristretto's own.
type Memory struct {
	store   *ristretto.Cache[string, *item]
	max     int64
	seed    maphash.Seed
	stripes [stripes]stripe
}

// item is what is stored; nobody changes it once it is.
type item struct {
	key string // ristretto itself keeps only hashes
	Entry
	cost int64
}

const (
	stripes      = 64
	itemOverhead = 256 // bytes that an entry costs beside its body, roughly
	usualItem    = 4 << 10
)

// stripe serves a share of the keys. The padding keeps two of them from sharing
// a cache line.
type stripe struct {
	gate   sync.RWMutex // held for reading by all who use the store, for writing by Close
	write  sync.Mutex   // held by who changes a key
	closed bool
	_      [24]byte
}

// NewMemory makes the level; size in bytes, at least 1 MiB. Close ends it: the
// store has a goroutine of its own.
func NewMemory(size int64) (*Memory, error) {
	size = max(size, 1<<20)
	store, err := ristretto.NewCache(&ristretto.Config[string, *item]{
		NumCounters:        10 * max(1024, size/usualItem),
		MaxCost:            size,
		BufferItems:        64,
		IgnoreInternalCost: true,
	})
	if err != nil {
		return nil, err
	}
	return &Memory{store: store, max: size, seed: maphash.MakeSeed()}, nil
}

var (
	_ Level  = (*Memory)(nil)
	_ Lister = (*Memory)(nil)
	_ Tagged = (*Memory)(nil)
	_ Sizer  = (*Memory)(nil)
)

func (m *Memory) stripe(key string) *stripe {
	return &m.stripes[maphash.String(m.seed, key)%stripes]
}

// Get never fails.
func (m *Memory) Get(_ context.Context, key string) (Entry, bool, error) {
	s := m.stripe(key)
	s.gate.RLock()
	defer s.gate.RUnlock()
	if it := m.item(s, key); it != nil {
		return it.Entry, true, nil
	}
	return Entry{}, false, nil
}

func (m *Memory) item(s *stripe, key string) *item {
	if s.closed {
		return nil
	}
	it, ok := m.store.Get(key)
	if !ok || it.key != key {
		return nil
	}
	return it
}

// Set never fails, but the store may find the newcomer not worth another's place.
func (m *Memory) Set(_ context.Context, key string, e Entry) error {
	m.change(key, func(old *item) *item {
		if old != nil && old.Generation > e.Generation {
			return old
		}
		return &item{key: key, Entry: e, cost: cost(key, e)}
	})
	return nil
}

// Delete never fails.
func (m *Memory) Delete(_ context.Context, key string) error {
	m.change(key, func(*item) *item { return nil })
	return nil
}

// Expire never fails.
func (m *Memory) Expire(_ context.Context, key string) error {
	m.change(key, func(old *item) *item {
		if old == nil {
			return nil
		}
		it := *old
		it.Entry = expired(it.Entry, time.Now())
		return &it
	})
	return nil
}

// expired is an entry that is stale from now on.
func expired(e Entry, now time.Time) Entry {
	if e.FreshUntil.After(now) {
		e.FreshUntil = now
	}
	e.CheckAt = time.Time{}
	return e
}

func cost(key string, e Entry) int64 {
	n := len(key) + len(e.Body) + len(e.ETag) + itemOverhead
	for _, t := range e.Tags {
		n += len(t) + 16
	}
	return int64(n)
}

// change replaces the item of a key by what next makes of it.
func (m *Memory) change(key string, next func(old *item) *item) {
	s := m.stripe(key)
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return
	}
	s.write.Lock()
	defer s.write.Unlock()
	old := m.item(s, key)
	it := next(old)
	switch {
	case it == old:
		return
	case it == nil || it.cost > m.max/2: // one value must not displace all others
		m.store.Del(key)
	case !m.store.SetWithTTL(key, it, it.cost, 0):
		m.store.Del(key) // the newcomer was dropped: what it replaces must not stay
	}
	m.store.Wait()
}

// Keys lists what is held now.
func (m *Memory) Keys(_ context.Context, yield func(string) bool) error {
	m.list(func(*item) bool { return true }, yield)
	return nil
}

// KeysTagged lists what carries any of the tags.
func (m *Memory) KeysTagged(_ context.Context, tags []string, yield func(string) bool) error {
	m.list(func(it *item) bool {
		return slices.ContainsFunc(it.Tags, func(t string) bool { return slices.Contains(tags, t) })
	}, yield)
	return nil
}

// list gathers first and yields then: the store is locked while it iterates, and
// yield may want to change it.
func (m *Memory) list(want func(*item) bool, yield func(string) bool) {
	var keys []string
	m.each(func(it *item) {
		if want(it) {
			keys = append(keys, it.key)
		}
	})
	for _, k := range keys {
		if !yield(k) {
			return
		}
	}
}

func (m *Memory) each(visit func(*item)) {
	s := &m.stripes[0]
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return
	}
	m.store.IterValues(func(it *item) (stop bool) {
		visit(it)
		return false
	})
}

// Size is how many entries are held and roughly how many bytes they take.
func (m *Memory) Size() (entries int, bytes int64) {
	m.each(func(it *item) {
		entries++
		bytes += it.cost
	})
	return entries, bytes
}

// Close ends the store. Afterwards the level is empty and takes nothing.
func (m *Memory) Close() {
	for i := range m.stripes {
		m.stripes[i].gate.Lock()
		defer m.stripes[i].gate.Unlock()
	}
	if m.stripes[0].closed {
		return
	}
	for i := range m.stripes {
		m.stripes[i].closed = true
	}
	m.store.Close()
}
