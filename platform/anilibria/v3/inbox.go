package v3

import (
	"context"
	"sync"

	"anihub/platform/anilibria"
)

// inboxMax is how many releases may wait; over it, catching up is cheaper.
const inboxMax = 1000

// inbox keeps what nobody has taken yet: one event for each release, in the order in
// which they were first named, and catching up before them.
type inbox struct {
	mu      sync.Mutex
	catchUp bool
	changes map[int]anilibria.Change
	order   []int
	arrived chan struct{} // holds one when there is something
}

func newInbox() *inbox {
	return &inbox{changes: make(map[int]anilibria.Change), arrived: make(chan struct{}, 1)}
}

// put never waits: what is said of a release that is waiting is added to it, and when
// too many wait they are all given up for catching up.
func (b *inbox) put(id int, c anilibria.Change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, waiting := b.changes[id]; !waiting {
		if len(b.order) == inboxMax {
			b.forget()
			b.wake()
			return
		}
		b.order = append(b.order, id)
	}
	b.changes[id] |= c
	b.wake()
}

// putCatchUp asks the taker to look at everything. What is named already stays: a
// release that is named may be older than the list of the latest.
func (b *inbox) putCatchUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.catchUp = true
	b.wake()
}

func (b *inbox) forget() {
	b.catchUp, b.order = true, nil
	clear(b.changes)
}

func (b *inbox) wake() {
	select {
	case b.arrived <- struct{}{}:
	default:
	}
}

// next waits for the first event.
func (b *inbox) next(ctx context.Context) (anilibria.Event, error) {
	for {
		if e, ok := b.take(); ok {
			return e, nil
		}
		select {
		case <-ctx.Done():
			return anilibria.Event{}, ctx.Err()
		case <-b.arrived:
		}
	}
}

func (b *inbox) take() (anilibria.Event, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.catchUp:
		b.catchUp = false
		return anilibria.Event{CatchUp: true}, true
	case len(b.order) == 0:
		return anilibria.Event{}, false
	}
	id := b.order[0]
	b.order = b.order[1:]
	e := anilibria.Event{ReleaseID: id, Changes: b.changes[id]}
	delete(b.changes, id)
	return e, true
}
