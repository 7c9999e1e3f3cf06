package telemetry

import "sync"

// Series keeps the time series of a metric by what they are counted by, because the
// registry takes longer to find one than to count. K has as many values as the labels
// have; what is found for one must be the same whoever asks.
type Series[K comparable, V any] struct {
	find func(K) V
	mu   sync.RWMutex
	kept map[K]V
}

// NewSeries keeps what find takes from the registry.
func NewSeries[K comparable, V any](find func(K) V) *Series[K, V] {
	return &Series[K, V]{find: find, kept: map[K]V{}}
}

// Of is the series of k.
func (s *Series[K, V]) Of(k K) V {
	s.mu.RLock()
	v, ok := s.kept[k]
	s.mu.RUnlock()
	if ok {
		return v
	}
	v = s.find(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[k] = v
	return v
}
