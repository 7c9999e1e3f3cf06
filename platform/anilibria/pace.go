package anilibria

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// retryAfterMax caps what a host may ask for.
const retryAfterMax = time.Minute

// retryAfter reads both spellings of Retry-After (RFC 9110 §10.2.3); 0 = none. A
// moment in the past is one second: the host did say "later".
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		return clampWait(time.Duration(min(seconds, uint64(retryAfterMax/time.Second))) * time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return clampWait(at.Sub(now))
	}
	return 0
}

func clampWait(d time.Duration) time.Duration {
	return min(max(d, time.Second), retryAfterMax)
}

// backoff is the wait before asking the same hosts again: 200 ms, doubled with
// each attempt, half of it random so that callers do not come back together.
func backoff(attempts int) time.Duration {
	full := 200 * time.Millisecond << min(max(attempts-1, 0), 5)
	return full/2 + rand.N(full/2)
}

// The retry budget: a tenth of the traffic, and for a quiet system a small store
// that refills slowly. failsafe-go's budget counts what is in flight, which lets a
// sequential caller retry every request.
const (
	budgetShare   = 0.1
	budgetMax     = 10.0
	budgetRefills = 0.1 // per second
)

// budget is the store of retries.
type budget struct {
	mu      sync.Mutex
	balance float64
	filled  time.Time
}

func newBudget() *budget { return &budget{balance: budgetMax, filled: time.Now()} }

// deposit is called once for each question.
func (b *budget) deposit() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.balance = min(budgetMax, b.balance+budgetShare)
}

// withdraw takes one retry, if there is one.
func (b *budget) withdraw() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.balance = min(budgetMax, b.balance+budgetRefills*now.Sub(b.filled).Seconds())
	b.filled = now
	if b.balance < 1 {
		return false
	}
	b.balance--
	return true
}
