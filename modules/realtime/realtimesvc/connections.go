package realtimesvc

import (
	"context"
	"sync"

	"anihub/modules/realtime"
)

// Connections counts the signed-in conversations of each user. The one below
// counts in this process; one that counts in the whole fleet fits as well.
type Connections interface {
	// Acquire counts one more conversation until release is called.
	// realtime.ErrTooMany over the limit.
	Acquire(ctx context.Context, userID string) (release func(), err error)
}

// localConnections counts in memory.
type localConnections struct {
	limit int
	mu    sync.Mutex
	open  map[string]int
}

func newLocalConnections(limit int) *localConnections {
	return &localConnections{limit: limit, open: make(map[string]int)}
}

// Acquire implements Connections.
func (l *localConnections) Acquire(_ context.Context, userID string) (func(), error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[userID] >= l.limit {
		return nil, realtime.ErrTooMany.Detail("limit", l.limit)
	}
	l.open[userID]++
	return sync.OnceFunc(func() { l.release(userID) }), nil
}

func (l *localConnections) release(userID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[userID]--; l.open[userID] <= 0 {
		delete(l.open, userID)
	}
}
