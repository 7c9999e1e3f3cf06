package api

import (
	"hash/maphash"
	"sync"
	"time"
)

// limiter is GCRA (ITU-T I.371) per address: one time per address, no counters to
// reset. Addresses that are quiet again are forgotten.
type limiter struct {
	perMinute int
	every     time.Duration // one request "costs" this much time
	burst     time.Duration // how far ahead an address may be
	seed      maphash.Seed
	shards    [64]shard
}

// shard keeps the lock of one address from being everybody's.
type shard struct {
	mu     sync.Mutex
	paid   map[string]time.Time // until when an address has used its share
	sweeps time.Time
}

// burstShare: a fifth of a minute's share may come at once (600 a minute: 120).
const burstShare = 5

// newLimiter allows perMinute requests a minute per address; nil when 0.
func newLimiter(perMinute int) *limiter {
	if perMinute <= 0 {
		return nil
	}
	every := time.Minute / time.Duration(perMinute)
	l := &limiter{perMinute: perMinute, every: every, seed: maphash.MakeSeed()}
	l.burst = every * time.Duration(max(perMinute/burstShare, 1))
	for i := range l.shards {
		l.shards[i].paid = map[string]time.Time{}
	}
	return l
}

// take counts one request; it returns how long to wait when that is too many.
func (l *limiter) take(address string, now time.Time) time.Duration {
	s := &l.shards[maphash.String(l.seed, address)%uint64(len(l.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	paid := s.paid[address]
	if paid.Before(now) {
		paid = now
	}
	paid = paid.Add(l.every)
	if ahead := paid.Sub(now); ahead > l.burst {
		return ahead - l.burst
	}
	s.paid[address] = paid
	return 0
}

// sweep forgets, once a minute, who is quiet again. What stays is bounded by the
// requests of a burst's time.
func (s *shard) sweep(now time.Time) {
	if now.Before(s.sweeps) {
		return
	}
	s.sweeps = now.Add(time.Minute)
	for address, paid := range s.paid {
		if paid.Before(now) {
			delete(s.paid, address)
		}
	}
}
