package userssvc

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// maxKeys bounds the memory of a MemoryLimiter to about 20 MB. Beyond it the key
// that was longest untouched is forgotten: whoever wants to be forgotten needs
// that many addresses.
const maxKeys = 50_000

// maxLevel is how often a wait is doubled: four windows at most.
const maxLevel = 3

// MemoryLimiter is a Limiter of this process.
type MemoryLimiter struct {
	start time.Time

	mu     sync.Mutex
	keys   map[string]*list.Element
	recent *list.List // of *window, the last touched first
}

var _ Limiter = (*MemoryLimiter)(nil)

// NewMemoryLimiter is a limiter that has seen nothing.
func NewMemoryLimiter() *MemoryLimiter {
	return &MemoryLimiter{start: time.Now(), keys: map[string]*list.Element{}, recent: list.New()}
}

// window is the recent past of one key. Times are since the start of the limiter,
// by the monotonic clock.
type window struct {
	key    string
	events []time.Duration
	until  time.Duration // refused until then
	level  int           // how many times in a row the limit was hit
}

// Take implements Limiter; it never fails.
func (m *MemoryLimiter) Take(_ context.Context, key string, l Limit) (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := time.Since(m.start)
	w := m.touch(key)
	w.prune(t, l.Window)
	if t < w.until {
		return w.until - t, nil
	}
	if len(w.events) < l.Events {
		w.events = append(w.events, t)
		return 0, nil
	}
	w.close(t, l.Window)
	return w.until - t, nil
}

// close refuses the key until its oldest event leaves the window, and twice as long
// each time it comes back.
func (w *window) close(t, length time.Duration) {
	if t-w.until > length<<maxLevel {
		w.level = 0
	}
	w.level = min(w.level+1, maxLevel)
	w.until = w.events[0] + length<<(w.level-1)
}

func (w *window) prune(t, length time.Duration) {
	n := 0
	for n < len(w.events) && t-w.events[n] >= length {
		n++
	}
	w.events = append(w.events[:0], w.events[n:]...)
}

// Return implements Limiter; it never fails. A key that was closed because of an
// event that was none is open again.
func (m *MemoryLimiter) Return(_ context.Context, key string, l Limit) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.keys[key]
	if !ok {
		return nil
	}
	w := windowOf(e)
	if n := len(w.events); n > 0 {
		w.events = w.events[:n-1]
	}
	if t := time.Since(m.start); t < w.until && len(w.events) < l.Events {
		w.until, w.level = t, w.level-1
	}
	return nil
}

// Clear implements Limiter; it never fails.
func (m *MemoryLimiter) Clear(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.keys[key]; ok {
		m.recent.Remove(e)
		delete(m.keys, key)
	}
	return nil
}

// touch finds or makes the window of key.
func (m *MemoryLimiter) touch(key string) *window {
	if e, ok := m.keys[key]; ok {
		m.recent.MoveToFront(e)
		return windowOf(e)
	}
	if len(m.keys) >= maxKeys {
		oldest := m.recent.Back()
		m.recent.Remove(oldest)
		delete(m.keys, windowOf(oldest).key)
	}
	w := &window{key: key}
	m.keys[key] = m.recent.PushFront(w)
	return w
}

// windowOf is what an element of the list holds: the list knows no types.
func windowOf(e *list.Element) *window {
	w, _ := e.Value.(*window)
	return w
}
