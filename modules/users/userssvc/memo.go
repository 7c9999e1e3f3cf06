package userssvc

import (
	"sync"
	"time"
)

// memoLife is how long an answer about a session is believed. It is under the
// second within which an ended session must be dead on every instance, because
// what was read may have been on its way for a while.
const memoLife = 800 * time.Millisecond

// memoSize bounds each of the two halves of the memo.
const memoSize = 10_000

// standing is what is known of a session: why it is worth nothing, or whose it is.
type standing struct {
	reason string // "" = alive
	user   string
	roles  []string
	until  time.Time
}

// memo remembers for an instant what the store said about sessions. It keeps two
// halves and drops the older one whole, so that it is bounded without bookkeeping.
type memo struct {
	mu         sync.Mutex
	young, old map[string]standing
	since      time.Time // when young was begun
}

func newMemo() *memo { return &memo{young: map[string]standing{}, since: time.Now()} }

func (m *memo) get(session string, t time.Time) (standing, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	st, ok := m.young[session]
	if !ok {
		st, ok = m.old[session]
	}
	return st, ok && t.Before(st.until)
}

// put remembers what was asked for at t.
func (m *memo) put(session string, st standing, t time.Time) {
	st.until = t.Add(memoLife)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.young) >= memoSize || t.Sub(m.since) > memoLife {
		m.old, m.young, m.since = m.young, map[string]standing{}, t
	}
	m.young[session] = st
}

func (m *memo) drop(session string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.young, session)
	delete(m.old, session)
}
