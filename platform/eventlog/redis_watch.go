package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// watcher lets any number of waiters of one process share one blocked connection.
// It runs only while somebody waits. A blocked command cannot be interrupted by
// a context, so it must not be the waiter itself that sits in it.
type watcher struct {
	log *Redis
	wg  sync.WaitGroup

	mu      sync.Mutex
	bell    *bell
	waiters int
	running bool
	closed  bool
}

// bell is rung once, for everybody who waits then.
type bell struct {
	rung chan struct{}
	err  error // why the watcher gave up; read after rung
}

func newBell() *bell { return &bell{rung: make(chan struct{})} }

func (w *watcher) init(r *Redis) { w.log, w.bell = r, newBell() }

func (w *watcher) enter() *bell {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiters++
	return w.bell
}

func (w *watcher) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiters--
}

// wait returns when b rings, and sees to it that somebody listens for news after
// the tail.
func (w *watcher) wait(ctx context.Context, b *bell, tail string) error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrUnavailable
	}
	if !w.running {
		w.running = true
		w.wg.Go(func() { w.run(tail) })
	}
	w.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-b.rung:
		return b.err
	}
}

// run listens until nobody waits any more or Redis fails. Failures are the
// waiters' to retry, each at its own pace.
func (w *watcher) run(tail string) {
	for w.needed() {
		news, err := w.listen(tail)
		if news != "" {
			tail = news
			w.ring(nil)
		}
		if err == nil {
			news, err = w.look()
		}
		if err != nil {
			w.stop(err)
			return
		}
		if news != tail { // more of it, or another epoch
			tail = news
			w.ring(nil)
		}
	}
}

// listen blocks until something follows the tail; "" when nothing came.
func (w *watcher) listen(tail string) (string, error) {
	// The library adds 10 s to the block, which is too long to notice a dead peer.
	ctx, cancel := context.WithTimeout(context.Background(), w.log.cfg.Block+w.log.cfg.Timeout)
	defer cancel()
	found, err := w.log.client.XRead(ctx, &redis.XReadArgs{
		Streams: []string{w.log.keys[1], tail}, Count: 1, Block: w.log.cfg.Block,
	}).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return "", nil
	case err != nil:
		return "", ErrUnavailable.With(err)
	case len(found) == 1 && len(found[0].Messages) == 1:
		return found[0].Messages[0].ID, nil
	}
	return "", nil
}

func (w *watcher) look() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), w.log.cfg.Timeout)
	defer cancel()
	_, name, err := w.log.look(ctx)
	return name, err
}

func (w *watcher) needed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = w.waiters > 0 && !w.closed
	return w.running
}

func (w *watcher) ring(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ringLocked(err)
}

func (w *watcher) ringLocked(err error) {
	w.bell.err = err
	close(w.bell.rung)
	w.bell = newBell()
}

func (w *watcher) stop(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = false
	w.ringLocked(err)
}

func (w *watcher) isClosed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

// close wakes everybody and waits for the blocked command to end.
func (w *watcher) close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		w.ringLocked(ErrUnavailable)
	}
	w.mu.Unlock()
	w.wg.Wait()
}

// cutStreamID takes gen-offset apart.
func cutStreamID(s string) (gen, offset uint64, err error) {
	g, o, _ := strings.Cut(s, "-")
	gen, err1 := strconv.ParseUint(g, 10, 64)
	offset, err2 := strconv.ParseUint(o, 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return 0, 0, fmt.Errorf("record name: %w", err)
	}
	return gen, offset, nil
}
