package realtimesvc

import (
	"context"
	"encoding/json"

	"anihub/modules/realtime"
	"anihub/platform/eventlog"
)

// task is a command that changes subscriptions. Next does them, in the order
// they came, when the viewer has taken what was before.
type task struct {
	typ   string
	id    json.RawMessage
	wish  wish
	types []string           // as answered by subscribe_updates
	many  []int              // the titles that it names
	since *eventlog.Position // nil = from now on

	signed authData // the answer to auth
}

// work does one step of what is to be done besides waiting: a page of a replay,
// a page of catching up, or a task. An error is that of ctx.
func (c *conversation) work(ctx context.Context) error {
	c.mu.Lock()
	job := c.job
	var next *task
	if job == nil && len(c.tasks) > 0 && c.closed == nil {
		t := c.tasks[0]
		next, c.tasks = &t, c.tasks[1:]
	}
	c.mu.Unlock()
	switch {
	case job != nil:
		return c.replay(ctx, job)
	case next != nil:
		c.do(*next)
		return nil
	}
	return c.catchUp(ctx)
}

func (c *conversation) do(t task) {
	switch {
	case t.typ == cmdUnsubscribeTitle:
		c.unsubscribe(t)
	case t.typ == cmdAuth:
		c.subscribeNow(c.fitting(t))
	case !c.fits(t.wish):
		c.fail(t.id, errLimit.Detail("limit", c.s.cfg.MaxSubscriptions))
	case t.since == nil:
		c.subscribeNow(t)
	default:
		c.beginReplay(t)
	}
}

func (c *conversation) fits(w wish) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.subs.count+c.subs.missing(w).size() <= c.s.cfg.MaxSubscriptions
}

// fitting cuts the user's own titles, of which the newest come first, to what
// the limit leaves room for.
func (c *conversation) fitting(t task) task {
	c.mu.Lock()
	defer c.mu.Unlock()
	titles := c.subs.missing(t.wish).titles
	room := max(c.s.cfg.MaxSubscriptions-c.subs.count, 0)
	t.wish = wish{titles: titles[:min(len(titles), room)]}
	return t
}

// subscribeNow subscribes from this moment on.
func (c *conversation) subscribeNow(t task) {
	c.subscribe(t.wish, func(now place) uint64 {
		c.enqueue(t.subscribed(now.position(now.telling), true, 0))
		return now.telling
	})
}

// subscribe enters the wish into the index and then into the conversation, with
// the offset that then tells. In this order the hub finds the conversation for
// every record behind that offset.
func (c *conversation) subscribe(w wish, then func(now place) (from uint64)) {
	c.shard.add(c, w)
	c.mu.Lock()
	gone, before := c.closed != nil, c.subs.count
	if !gone {
		now := c.s.hub.at()
		c.rebaseLocked(now)
		c.subs.add(w, then(now))
	}
	added := c.subs.count - before
	c.mu.Unlock()
	if gone {
		c.shard.drop(c, w)
	}
	c.s.subscribed(added)
}

func (c *conversation) unsubscribe(t task) {
	c.mu.Lock()
	removed := c.closed == nil && c.subs.remove(t.wish.titles[0])
	c.enqueue(answer(typeUnsubscribed, t.id, struct {
		TitleID int `json:"title_id"`
	}{t.wish.titles[0]}))
	c.mu.Unlock()
	if removed {
		c.shard.drop(c, t.wish)
		c.s.subscribed(-1)
	}
}

// subscribed is the answer to what subscribes: a subscription, a resume or auth.
func (t task) subscribed(position string, recovered bool, count int) realtime.Message {
	return t.answer(subscribedData{Position: position, Recovered: recovered, Count: count})
}

// lostAt is the answer when the log no longer holds what was missed.
func (t task) lostAt(position string, inbox *inboxData) realtime.Message {
	return t.answer(subscribedData{Position: position, Inbox: inbox})
}

func (t task) answer(d subscribedData) realtime.Message {
	typ := typeSubscribed
	d.Types, d.Titles = t.types, t.many
	switch t.typ {
	case cmdAuth:
		return answer(typeAuthOK, t.id, t.signed)
	case cmdResume:
		typ = typeResumed
	case cmdSubscribeTitle:
		d.TitleID = t.wish.titles[0]
	}
	return answer(typ, t.id, d)
}
