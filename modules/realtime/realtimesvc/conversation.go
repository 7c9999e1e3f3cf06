package realtimesvc

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"anihub/modules/realtime"
	"anihub/platform/fault"
)

// What one call of Next returns at most: what a slow line takes in a few seconds.
const (
	batchMessages = 64
	batchBytes    = 16 << 10
)

// keptMessages is how much room for messages an idle conversation keeps.
const keptMessages = 4

// conversation is one viewer. It is in one of two states. Live, the hub pushes
// events into its queue. Behind, the hub passes it by and Next pulls pages from
// the log, as fast as the viewer takes them, until it has caught up. The cursor
// says up to where it was considered in either state, so that between them
// nothing is lost and nothing told twice.
type conversation struct {
	s       *Service
	shard   *shard
	session string
	wake    chan struct{} // holds one token when there is something for Next
	meter   meter         // of Receive alone
	log     reader        // of Next alone

	mu     sync.Mutex
	era    uint64
	cursor uint64
	behind bool
	subs   subscriptions
	queue  []realtime.Message
	taken  []realtime.Message // what Next returned last; its room is used again
	bytes  int
	tasks  []task  // subscription commands that Next has not yet done
	job    *replay // the one it is doing, when that takes reading the log
	closed *realtime.Closed
	left   bool

	user     string
	login    string // the session the user's token belongs to
	release  func() // of the user's count of connections
	deadline time.Time
	warned   bool
	timer    *time.Timer
}

// Next implements realtime.Conversation.
func (c *conversation) Next(ctx context.Context) ([]realtime.Message, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		batch, work, closed := c.take()
		switch {
		case len(batch) > 0:
			return batch, nil
		case closed != nil:
			c.leave()
			return nil, closed
		case work:
			if err := c.work(ctx); err != nil {
				return nil, err
			}
			continue
		}
		select {
		case <-ctx.Done():
		case <-c.wake:
		}
	}
}

// take removes the next messages from the queue.
func (c *conversation) take() (batch []realtime.Message, work bool, closed *realtime.Closed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, size := 0, 0
	for n < len(c.queue) && n < batchMessages && (n == 0 || size+len(c.queue[n].Frame) <= batchBytes) {
		size += len(c.queue[n].Frame)
		n++
	}
	batch = c.queue[:n:n]
	c.bytes -= size
	c.spendLocked(n)
	return batch, c.behind || c.job != nil || len(c.tasks) > 0, c.closed
}

// spendLocked moves the queue on. The room of one that is empty, unless it is much, is for
// the messages after next: until then what was taken may still be read.
func (c *conversation) spendLocked(n int) {
	clear(c.taken)
	if n == 0 || n < len(c.queue) {
		c.queue = c.queue[n:]
		return
	}
	spent := c.queue
	c.queue, c.taken = c.taken[:0], nil
	if cap(spent) <= keptMessages {
		c.taken = spent
	}
}

// Close implements realtime.Conversation.
func (c *conversation) Close() {
	c.finish(&realtime.Closed{Code: realtime.CloseNormal}, false)
	c.leave()
}

// push queues an event that happens now; false when it is not for this viewer.
func (c *conversation) push(e *event) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed != nil || c.behind || e.offset <= c.cursor || !c.subs.cover(e) {
		return false
	}
	c.cursor = e.offset
	return c.enqueue(e.msg)
}

// enqueue adds a message to the queue; a full queue ends the conversation.
func (c *conversation) enqueue(m realtime.Message) bool {
	if c.closed != nil {
		return false
	}
	if c.bytes+len(m.Frame) > c.s.cfg.QueueBytes {
		c.s.dropped.Add(1)
		c.s.metrics.slow.Inc()
		c.finishLocked(&realtime.Closed{Code: realtime.CloseSlow, Reason: "slow consumer"}, false)
		return false
	}
	c.queue = append(c.queue, m)
	c.bytes += len(m.Frame)
	c.signal()
	return true
}

func (c *conversation) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// say queues a message of the protocol.
func (c *conversation) say(m realtime.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enqueue(m)
}

// fail queues an error message.
func (c *conversation) fail(id json.RawMessage, f *fault.Error) {
	c.s.metrics.errors.WithLabelValues(f.Code).Inc()
	c.say(failure(id, f))
}

// finish ends the conversation; with last, what waits in the queue still goes out.
func (c *conversation) finish(why *realtime.Closed, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finishLocked(why, last)
}

func (c *conversation) finishLocked(why *realtime.Closed, last bool) {
	if c.closed != nil {
		return
	}
	c.closed = why
	c.tasks, c.job, c.behind = nil, nil, false
	if !last {
		c.queue, c.bytes = nil, 0
	}
	c.signal()
}

// restart ends the conversation because the process ends.
func (c *conversation) restart(in time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enqueue(answer(typeReconnect, nil, retryData{RetryInMS: in.Milliseconds()}))
	c.finishLocked(closedRestart(in), true)
}

// over is why the conversation ended, or nil.
func (c *conversation) over() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed == nil {
		return nil
	}
	return c.closed
}

// leave takes the conversation out of the index, once.
func (c *conversation) leave() {
	c.mu.Lock()
	if c.left {
		c.mu.Unlock()
		return
	}
	c.left = true
	all, user, release := c.subs.all(), c.user, c.release
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mu.Unlock()
	c.shard.leave(c, all, user)
	if release != nil {
		release()
	}
	c.s.metrics.connections.Dec()
	c.s.open.Add(-1)
	c.s.subscribed(-all.size())
}

// rebase moves a conversation into another era. What was between is lost, and
// the viewer is told so. Who is signed in may have been signed out in between,
// and must show a token again.
func (c *conversation) rebase(now place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rebaseLocked(now)
}

func (c *conversation) rebaseLocked(now place) {
	if c.closed != nil || c.era == now.era || c.era == 0 { // 0: Open is about to begin it
		return
	}
	c.era = now.era
	c.restartLocked(now)
	if c.user != "" && !c.warned {
		c.warnLocked()
	}
}

// restartLocked goes on from now and says that something is missing.
func (c *conversation) restartLocked(now place) {
	c.cursor, c.behind = now.telling, false
	c.subs.restart(now.telling)
	if c.job != nil {
		c.job.lost = true
	}
	c.enqueue(answer(typeReset, nil, resetData{Epoch: now.epoch, Position: now.position(now.telling)}))
}
