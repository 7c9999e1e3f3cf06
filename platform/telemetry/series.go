package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Series keeps the time series of a metric by what they are counted by, because the
// registry takes longer to find one than to count. K has as many values as the labels
// have; what is found for one must be the same whoever asks.
type Series[K comparable, V any] struct {
	find func(K) V
	kept atomic.Pointer[map[K]V] // never changed, only replaced: who counts takes no lock
	mu   sync.Mutex              // serialises those who replace it
}

// NewSeries keeps what find takes from the registry.
func NewSeries[K comparable, V any](find func(K) V) *Series[K, V] {
	s := &Series[K, V]{find: find}
	s.kept.Store(&map[K]V{})
	return s
}

// Of is the series of k.
func (s *Series[K, V]) Of(k K) V {
	if v, ok := (*s.kept.Load())[k]; ok {
		return v
	}
	v := s.find(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	next := maps.Clone(*s.kept.Load())
	next[k] = v
	s.kept.Store(&next)
	return v
}
