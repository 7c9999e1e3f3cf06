package cache

import (
	"sync"
	"time"
)

// breaker keeps a level that fails from costing its timeout again and again:
// after some consecutive failures the level is passed over for a while, then one
// operation tries it. It is our own because the chain must tell three verdicts
// apart: a caller who goes away says neither good nor bad about a level.
type breaker struct {
	cfg     BreakerConfig
	changed func(open bool) // called outside the lock

	mu       sync.Mutex
	failures int
	open     bool
	until    time.Time // when the next probe may start
	probing  bool
}

type verdict uint8

const (
	unknown verdict = iota
	good
	bad
)

// permit says how an operation was let through, and is handed back with its verdict.
type permit uint8

const (
	refused permit = iota
	ordinary
	probe // the one that tries an open breaker
)

// allow tells whether the level may be asked. Who was not refused must report.
func (b *breaker) allow(now time.Time) permit {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return ordinary
	}
	if b.probing || now.Before(b.until) {
		return refused
	}
	b.probing = true
	return probe
}

func (b *breaker) report(p permit, v verdict, now time.Time) {
	b.mu.Lock()
	was := b.open
	if p == probe {
		b.probing = false
	}
	switch {
	case v == good:
		b.open, b.failures = false, 0
	case v == bad && (p == probe || !b.open): // a latecomer says nothing new about an open one
		b.fail(now)
	}
	is := b.open
	b.mu.Unlock()
	if was != is && b.changed != nil {
		b.changed(is)
	}
}

func (b *breaker) fail(now time.Time) {
	b.failures++
	if b.open || b.failures >= b.cfg.Failures {
		b.open, b.until = true, now.Add(b.cfg.Delay)
	}
}

// state is closed, open or half_open, as metrics and people know it.
func (b *breaker) state(now time.Time) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.open:
		return "closed"
	case b.probing || !now.Before(b.until):
		return "half_open"
	default:
		return "open"
	}
}
