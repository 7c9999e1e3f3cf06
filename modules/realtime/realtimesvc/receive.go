package realtimesvc

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"anihub/modules/realtime"
)

// maxTasks bounds the commands that wait for Next: a viewer who asks and asks
// but never takes an answer.
const maxTasks = 256

// Receive implements realtime.Conversation.
func (c *conversation) Receive(ctx context.Context, frame []byte) error {
	if err := c.over(); err != nil {
		return err
	}
	switch {
	case len(frame) > realtime.MaxFrame:
		c.finish(&realtime.Closed{Code: realtime.CloseTooBig, Reason: fmt.Sprintf("frame over %d bytes", realtime.MaxFrame)}, true)
		return nil
	case !utf8.Valid(frame):
		c.finish(&realtime.Closed{Code: realtime.CloseBadFrame, Reason: "not UTF-8 text"}, true)
		return nil
	}
	cmd, f := parseCommand(frame)
	switch c.meter.take(time.Now(), c.s.cfg.Commands, c.s.cfg.CommandsWindow) {
	case over:
		c.fail(cmd.id, errRate.Detail("commands", c.s.cfg.Commands).Detail("seconds", int(c.s.cfg.CommandsWindow.Seconds())))
		return nil
	case flood:
		c.finish(&realtime.Closed{Code: realtime.CloseFlood, Reason: "too many commands"}, true)
		return nil
	}
	if f != nil {
		c.fail(cmd.id, f)
		return nil
	}
	return c.obey(ctx, cmd)
}

func (c *conversation) obey(ctx context.Context, cmd command) error {
	switch {
	case cmd.typ == cmdPing:
		c.say(answer(typePong, cmd.id, struct{}{}))
	case cmd.typ == cmdAuth:
		return c.auth(ctx, cmd)
	case !c.admitted():
		c.fail(cmd.id, errSignIn)
	default:
		c.assign(taskOf(cmd))
	}
	return nil
}

// admitted tells whether the viewer may subscribe.
func (c *conversation) admitted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.s.cfg.Anonymous || c.user != ""
}

// assign leaves a task to Next, which does them in order.
func (c *conversation) assign(t task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed != nil {
		return
	}
	if len(c.tasks) >= maxTasks {
		c.finishLocked(&realtime.Closed{Code: realtime.CloseFlood, Reason: "too many commands wait for an answer"}, true)
		return
	}
	c.tasks = append(c.tasks, t)
	c.signal()
}

func taskOf(cmd command) task {
	t := task{typ: cmd.typ, id: cmd.id, since: cmd.since}
	switch cmd.typ {
	case cmdSubscribeTitle, cmdUnsubscribeTitle:
		t.wish.titles = []int{cmd.titleID}
	case cmdSubscribeUpdates:
		t.types, t.many, t.wish.titles = slices.Clone(cmd.types), cmd.titles, cmd.titles
		for _, name := range cmd.types {
			k, _ := kindOf(name) // parseCommand let only known ones through
			t.wish.kinds = append(t.wish.kinds, k)
		}
	}
	return t
}

// meter counts commands in windows of time, the first of which begins with the
// first command.
type meter struct {
	since time.Time
	count int
}

type verdict uint8

const (
	within verdict = iota
	over           // answered with an error
	flood          // twice too many: it goes on in spite of the errors
)

func (m *meter) take(now time.Time, limit int, window time.Duration) verdict {
	if now.Sub(m.since) >= window {
		m.since, m.count = now, 0
	}
	m.count++
	switch {
	case m.count <= limit:
		return within
	case m.count <= 2*limit:
		return over
	}
	return flood
}
