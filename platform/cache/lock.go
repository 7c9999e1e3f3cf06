package cache

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// One load per key in a fleet: whoever finds a key in no level takes its load lock
// in the shared level, and the others look again when the bell tells them that it
// is loaded, or when the lock has ended because its holder died. A shared level
// that does not answer has no locks to give: everybody loads then, which is only
// less economical.
const (
	loadLease = 3 * time.Second // a lock outlives its holder by at most that
	loadRenew = loadLease / 3
	loadWait  = 500 * time.Millisecond // a bell may be late or lost: who waits looks by itself that often
)

// turns takes the load locks of what is open and returns what may be loaded now:
// nothing when the levels must be looked through once more. It waits for another's
// load only while it holds no lock, so that no two searches wait for each other.
func (s *search) turns(ctx context.Context) (mine []*lookup) {
	if s.route.locks < 0 || s.load == nil {
		return s.open
	}
	moved := false
	for i, l := range s.open {
		turn, err := s.lock(ctx, l)
		switch {
		case err != nil || turn.Mine:
			mine = append(mine, l)
			moved = moved || turn.Moved
		case i == 0:
			l.f.await(ctx, turn.Left)
			return nil
		}
	}
	if moved {
		return nil
	}
	return mine
}

// lock takes the lock of one key, unless it has it.
func (s *search) lock(ctx context.Context, l *lookup) (turn Turn, err error) {
	if l.token != 0 {
		return Turn{Mine: true}, nil
	}
	at, token := s.route.locks, newFence()
	t := s.route.below[at]
	err = t.do(ctx, func(ctx context.Context) (err error) {
		turn, err = t.locker.Lock(ctx, l.f.key, token, l.fences[at], loadLease)
		return err
	})
	if err == nil && turn.Mine {
		l.token, l.fences[at] = token, turn.Fence
	}
	return turn, err
}

// unlock gives a lock back and tells whether others wait for it. Its holder's time
// may be over; the level's own bounds it.
func (s *search) unlock(ctx context.Context, l *lookup) (awaited bool) {
	if l.token == 0 {
		return false
	}
	t := s.route.below[s.route.locks]
	_ = t.do(context.WithoutCancel(ctx), func(ctx context.Context) (err error) {
		awaited, err = t.locker.Unlock(ctx, l.f.key, l.token)
		return err
	}) // counted; the lock ends by itself
	l.token = 0
	return awaited
}

// holdLocks renews the locks of keys until release, or until ctx ends.
func (s *search) holdLocks(ctx context.Context, mine []*lookup) (release func()) {
	if !slices.ContainsFunc(mine, func(l *lookup) bool { return l.token != 0 }) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(loadRenew)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				s.renew(ctx, mine)
			}
		}
	}()
	return func() { cancel(); <-done }
}

// renew lengthens locks. One that is lost is no matter: its fence has moved on.
func (s *search) renew(ctx context.Context, mine []*lookup) {
	t := s.route.below[s.route.locks]
	for _, l := range mine {
		if l.token == 0 {
			continue
		}
		_ = t.do(ctx, func(ctx context.Context) error {
			_, err := t.locker.Renew(ctx, l.f.key, l.token, loadLease)
			return err
		})
	}
}

// await waits for the bell of a flight's key, but no longer than the lock lasts, and
// a little, so that not all try at once.
func (f *flight) await(ctx context.Context, left time.Duration) {
	timer := time.NewTimer(min(left, loadWait) + rand.N(loadWait/10))
	defer timer.Stop()
	select {
	case <-f.nudged:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// wake tells the other processes that keys are loaded. Who misses it looks again
// when the lock would have ended.
func (c *Cache) wake(ctx context.Context, keys []string) {
	if len(keys) == 0 {
		return
	}
	c.flights.nudge(keys)
	if c.bell.log == nil {
		return
	}
	for _, r := range split(Invalidation{Keys: keys, Mode: loadedMode}) {
		_ = c.bell.append(context.WithoutCancel(ctx), r)
	}
}

// nudge wakes the flights of keys that wait for another process.
func (fs *flights) nudge(keys []string) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for f := range fs.live {
		if slices.Contains(keys, f.key) {
			f.nudge()
		}
	}
}

func (f *flight) nudge() {
	select {
	case f.nudged <- struct{}{}:
	default:
	}
}
