package realtimesvc

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"anihub/modules/realtime"
	"anihub/modules/users"
	"anihub/platform/eventlog"
)

// What one step reads from the log, and how much of it is kept for the next step.
const (
	pageRecords    = 256
	minPageRecords = 16
	restBytes      = 128 << 10
)

// reader reads the log for one conversation, from memory where it can. What one
// batch did not take of a page is kept, but not more than a part of a queue: a
// thousand viewers who return after a night must not keep a thousand pages. It is
// for Next alone.
type reader struct {
	s     *Service
	limit int
	rest  page
	era   uint64
	at    uint64 // rest follows this offset
}

// next is what follows an offset. A read of an era that is over is a gap.
func (r *reader) next(ctx context.Context, era, at uint64) (page, error) {
	if len(r.rest.events) > 0 && r.era == era && r.at == at {
		return r.rest, nil
	}
	r.rest = page{}
	if p, ok := r.s.hub.missed(era, at, pageRecords); ok {
		return p, nil
	}
	now := r.s.hub.at()
	if now.era != era {
		return page{}, eventlog.ErrGap
	}
	if r.limit == 0 {
		r.limit = pageRecords
	}
	records, err := r.s.log.Read(ctx, eventlog.Position{Epoch: now.epoch, Offset: at}, r.limit)
	if err != nil {
		return page{}, err
	}
	return pageOf(records, at), nil
}

// keep remembers what is left of a page after an offset, and reads as much at
// once from now on as can be kept.
func (r *reader) keep(rest page, era, at uint64) {
	size := 0
	for i, e := range rest.events {
		if size += len(e.msg.Frame); size > restBytes {
			i = max(i, 1)
			r.limit = max(i, minPageRecords)
			rest = page{events: rest.events[:i:i], to: rest.events[i-1].offset}
			break
		}
	}
	r.rest, r.era, r.at = rest, era, at
}

// replay is a task with a position: the events in (after, until] that belong to
// it and were not delivered yet. They are counted first, because the answer says
// how many will follow, and then delivered page by page. Meanwhile the
// conversation is behind, and commands that change subscriptions wait.
type replay struct {
	task
	after, until uint64
	at           uint64 // up to where it was read in this pass
	count        int
	answered     bool
	lost         bool // the log does not hold what was missed
	tries        int  // in a row that the log could not be read
}

// beginReplay stops live delivery where it stands. From here on the log is read
// up to that point for the task, and after it for everything.
func (c *conversation) beginReplay(t task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed != nil {
		return
	}
	now := c.s.hub.at()
	c.rebaseLocked(now)
	if !c.behind {
		c.behind, c.cursor = true, max(c.cursor, now.told)
	}
	c.job = &replay{
		task: t, after: t.since.Offset, at: t.since.Offset, until: c.cursor,
		lost: t.since.Epoch != now.epoch,
	}
}

// replay does one step of a job.
func (c *conversation) replay(ctx context.Context, job *replay) error {
	c.mu.Lock()
	era, at, lost := c.era, job.at, job.lost
	done := job.answered && at >= job.until
	c.mu.Unlock()
	switch {
	case lost:
		c.giveUp(ctx, job)
		return nil
	case done:
		c.endReplay(job)
		return nil
	}
	p, err := c.log.next(ctx, era, at)
	if err != nil {
		return c.unread(ctx, job, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.job != job || c.era != era {
		return nil
	}
	job.tries = 0
	if !job.answered {
		c.countLocked(job, p)
	} else {
		c.deliverLocked(job, p)
	}
	return nil
}

// countLocked counts a page and, at the end, gives the answer.
func (c *conversation) countLocked(job *replay, p page) {
	for _, e := range p.events {
		if c.owed(job, e) {
			job.count++
		}
	}
	more := p.to > job.at && p.to < job.until
	if job.at = max(job.at, p.to); more {
		return
	}
	c.enqueue(job.subscribed(c.s.hub.at().position(max(job.until, job.after)), true, job.count))
	job.answered, job.at = true, job.after
	if job.count == 0 {
		job.at = job.until
	}
}

// owed tells whether the job has to deliver the event.
func (c *conversation) owed(job *replay, e *event) bool {
	if e.offset <= job.after || e.offset > job.until || c.subs.cover(e) {
		return false
	}
	if job.typ == cmdResume {
		return c.subs.match(e)
	}
	return job.wish.has(e)
}

// deliverLocked queues the events of a page, as many as one batch takes.
func (c *conversation) deliverLocked(job *replay, p page) {
	to := c.fill(p, func(e *event) bool { return c.owed(job, e) })
	if to == job.at {
		to = job.until // the log ends here; nothing more will come
	}
	job.at = to
}

// fill queues events of a page until a batch is full, and returns up to where.
func (c *conversation) fill(p page, wanted func(*event) bool) (to uint64) {
	size := 0
	for i, e := range p.events {
		if size > batchBytes {
			to = p.events[i-1].offset
			c.log.keep(page{events: p.events[i:], to: p.to}, c.era, to)
			return to
		}
		if wanted(e) {
			size += len(e.msg.Frame)
			c.enqueue(e.msg)
			c.s.metrics.replayed.Inc()
		}
	}
	return p.to
}

// endReplay makes the subscriptions begin where the job began; what follows is
// caught up with for all of them alike.
func (c *conversation) endReplay(job *replay) {
	w := job.wish
	if job.typ == cmdResume {
		w = c.everything()
	}
	c.subscribe(w, func(place) uint64 {
		lost := job.lost // the era ended in this very moment: begin with the new one
		c.job = nil
		if lost {
			return c.cursor
		}
		return job.after
	})
}

// giveUp answers a job whose events are no longer to be had, and subscribes from
// now on. After the answer promised events the viewer is told of the loss.
func (c *conversation) giveUp(ctx context.Context, job *replay) {
	w, inbox := job.wish, c.inbox(ctx, job)
	if job.typ == cmdResume {
		w = c.everything()
	}
	c.subscribe(w, func(now place) uint64 {
		c.job = nil
		if !job.answered {
			c.enqueue(job.lostAt(now.position(now.telling), inbox))
		}
		return now.telling
	})
}

// inbox is what the inbox of a signed-in user knows of what the log lost; nil when it
// cannot be asked.
func (c *conversation) inbox(ctx context.Context, job *replay) *inboxData {
	user := c.whose()
	if user == "" || job.typ != cmdResume || job.answered {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	page, err := c.s.users.Notifications(ctx, user, users.InboxQuery{After: job.since.String(), Limit: users.MaxNotifications})
	if err != nil {
		c.s.metrics.errors.WithLabelValues("INBOX_UNAVAILABLE").Inc()
		return nil
	}
	return &inboxData{Missed: len(page.Items), Unread: page.Unread}
}

func (c *conversation) everything() wish {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.subs.all()
}

// unread judges an error of the log: a gap ends the job, an outage is waited
// out. The error returned is that of ctx.
func (c *conversation) unread(ctx context.Context, job *replay, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.mu.Lock()
	gap := errors.Is(err, eventlog.ErrGap)
	if gap && !job.lost {
		job.lost = true
		if job.answered && c.job == job {
			c.restartLocked(c.s.hub.at())
		}
	}
	job.tries++
	tries := job.tries
	c.mu.Unlock()
	if gap {
		return nil
	}
	return c.pause(ctx, tries)
}

// catchUp delivers what happened while the conversation was behind, and makes it
// live when there is nothing left.
func (c *conversation) catchUp(ctx context.Context) error {
	c.mu.Lock()
	now := c.s.hub.at()
	c.rebaseLocked(now)
	if !c.behind || c.cursor >= now.telling {
		c.behind, c.log.rest = false, page{}
		c.mu.Unlock()
		return nil
	}
	era, at := c.era, c.cursor
	c.mu.Unlock()
	p, err := c.log.next(ctx, era, at)
	if err != nil {
		return c.caughtNothing(ctx, era, err)
	}
	if p.to == at {
		// The log says less than it told us: a failover lost its end. Run will meet
		// the gap; until then there is nothing to read.
		return c.pause(ctx, 1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.era == era && c.behind && c.cursor == at {
		c.cursor = c.fill(p, c.subs.cover)
	}
	return nil
}

func (c *conversation) caughtNothing(ctx context.Context, era uint64, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !errors.Is(err, eventlog.ErrGap) {
		return c.pause(ctx, 1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.era == era && c.behind {
		c.restartLocked(c.s.hub.at())
	}
	return nil
}

// pause waits before the log is asked again, but not while there is something
// else for the viewer.
func (c *conversation) pause(ctx context.Context, tries int) error {
	t := time.NewTimer(backoff(tries))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.wake:
		// Something was queued, or it is over: Next looks before it comes back here.
	case <-t.C:
	}
	return nil
}

// backoff grows from a tenth of a second to two seconds, with jitter.
func backoff(tries int) time.Duration {
	d := min(100*time.Millisecond<<min(max(tries-1, 0), 5), 2*time.Second)
	return d/2 + rand.N(d/2+1)
}

var _ realtime.Conversation = (*conversation)(nil)
