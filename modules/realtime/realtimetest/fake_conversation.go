package realtimetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"anihub/modules/realtime"
)

// fakeConversation is guarded by its fake's lock.
type fakeConversation struct {
	f       *Fake
	wants   map[string]int // "title 5" or a type → told from behind this event on
	queue   []realtime.Message
	closed  *realtime.Closed
	wake    chan struct{}
	watcher func()

	waiting int // bytes in queue
}

func (c *fakeConversation) covers(n int) bool {
	e := c.f.history[n-1]
	for _, key := range []string{e.typ, fmt.Sprint("title ", e.title)} {
		if from, ok := c.wants[key]; ok && from < n {
			return true
		}
	}
	return false
}

func (c *fakeConversation) tell(n int) bool {
	if !c.covers(n) {
		return false
	}
	c.put(c.f.history[n-1].msg)
	return true
}

func (c *fakeConversation) put(m realtime.Message) {
	if c.closed == nil {
		c.queue = append(c.queue, m)
		c.waiting += len(m.Frame)
	}
	if c.f.limit > 0 && c.waiting > c.f.limit {
		c.queue = nil
		c.end(&realtime.Closed{Code: realtime.CloseSlow, Reason: "slow consumer"})
	}
	c.signal()
}

func (c *fakeConversation) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
	if c.watcher != nil {
		c.watcher()
	}
}

func (c *fakeConversation) end(why *realtime.Closed) {
	if c.closed == nil {
		c.closed = why
	}
	delete(c.f.convs, c)
	c.signal()
}

func (c *fakeConversation) say(typ string, id json.RawMessage, data any) {
	frame := map[string]any{"type": typ, "data": data}
	if len(id) > 0 {
		frame["id"] = id
	}
	c.put(realtime.Message{Type: typ, Frame: encode(frame), Data: encode(data)})
}

func (c *fakeConversation) fail(id json.RawMessage, code string) {
	c.say("error", id, map[string]any{"code": code, "message": "The fake refuses."})
}

// Next implements realtime.Conversation.
func (c *fakeConversation) Next(ctx context.Context) ([]realtime.Message, error) {
	for {
		batch, err := c.Take(ctx)
		if len(batch) > 0 || err != nil {
			return batch, err
		}
		select {
		case <-ctx.Done():
		case <-c.wake:
		}
	}
}

// Take implements realtime.Conversation.
func (c *fakeConversation) Take(ctx context.Context) ([]realtime.Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	batch := c.queue
	c.queue, c.waiting = nil, 0
	if len(batch) == 0 && c.closed != nil {
		return nil, c.closed
	}
	return batch, nil
}

// Watch implements realtime.Conversation.
func (c *fakeConversation) Watch(f func()) {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.watcher = f
	f()
}

// Close implements realtime.Conversation.
func (c *fakeConversation) Close() {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.queue = nil
	c.end(&realtime.Closed{Code: realtime.CloseNormal})
}

// Receive implements realtime.Conversation.
func (c *fakeConversation) Receive(ctx context.Context, frame []byte) error {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case c.closed != nil:
		return c.closed
	case len(frame) > realtime.MaxFrame:
		c.end(&realtime.Closed{Code: realtime.CloseTooBig, Reason: "too big"})
	case !utf8.Valid(frame):
		c.end(&realtime.Closed{Code: realtime.CloseBadFrame, Reason: "not UTF-8"})
	default:
		c.obey(frame)
	}
	return nil
}

// fakeCommand is a frame of which everything is read at once.
type fakeCommand struct {
	Type string          `json:"type"`
	ID   json.RawMessage `json:"id"`
	Data json.RawMessage `json:"data"`
	args fakeArgs
}

type fakeArgs struct {
	Token    string   `json:"token"`
	TitleID  int      `json:"title_id"`
	Types    []string `json:"types"`
	Titles   []int    `json:"titles"`
	Since    string   `json:"since"`
	Position string   `json:"position"`
}

func (c *fakeConversation) obey(frame []byte) {
	var cmd fakeCommand
	err := strict(frame, &cmd)
	var id any
	_ = json.Unmarshal(cmd.ID, &id)
	text, isText := id.(string)
	if _, number := id.(float64); id != nil && !number && (!isText || len(text) > 64) {
		cmd.ID, err = nil, errors.New("id is neither text nor a number")
	}
	switch {
	case err != nil || cmd.Type == "" || strings.Count(string(frame), "[") > 16:
		c.fail(cmd.ID, "BAD_FRAME")
	case cmd.Type == "ping":
		c.say("pong", cmd.ID, struct{}{})
	case !slices.Contains([]string{"auth", "subscribe_title", "unsubscribe_title", "subscribe_updates", "resume"}, cmd.Type):
		c.fail(cmd.ID, "UNKNOWN_TYPE")
	case strict(cmd.Data, &cmd.args) != nil:
		c.fail(cmd.ID, "BAD_DATA")
	default:
		c.act(cmd)
	}
}

func strict(raw []byte, into any) error {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

func (c *fakeConversation) act(cmd fakeCommand) {
	a, title := cmd.args, fmt.Sprint("title ", cmd.args.TitleID)
	switch {
	case cmd.Type == "auth":
		c.auth(cmd)
	case cmd.Type == "resume":
		c.since(cmd, "resumed", slices.Collect(maps.Keys(c.wants)), a.Position, map[string]any{})
	case cmd.Type == "subscribe_updates":
		c.updates(cmd, a)
	case a.TitleID < 1:
		c.fail(cmd.ID, "BAD_DATA")
	case cmd.Type == "unsubscribe_title":
		delete(c.wants, title)
		c.say("unsubscribed", cmd.ID, map[string]any{"title_id": a.TitleID})
	default:
		c.since(cmd, "subscribed", []string{title}, a.Since, map[string]any{"title_id": a.TitleID})
	}
}

func (c *fakeConversation) updates(cmd fakeCommand, a fakeArgs) {
	slices.Sort(a.Types)
	slices.Sort(a.Titles)
	keys, data := slices.Clone(a.Types), map[string]any{}
	if len(a.Types) > 0 {
		data["types"] = a.Types
	}
	if len(a.Titles) > 0 {
		data["titles"] = a.Titles
	}
	for _, id := range a.Titles {
		keys = append(keys, fmt.Sprint("title ", id))
	}
	unknown := func(t string) bool { return !slices.Contains(fakeTypes(), t) }
	if len(keys) == 0 || slices.ContainsFunc(a.Types, unknown) || len(a.Titles) > 0 && a.Titles[0] < 1 {
		c.fail(cmd.ID, "BAD_DATA")
		return
	}
	c.since(cmd, "subscribed", keys, a.Since, data)
}

func (c *fakeConversation) auth(cmd fakeCommand) {
	u, ok := c.f.users[cmd.args.Token]
	switch {
	case cmd.args.Token == "":
		c.fail(cmd.ID, "BAD_DATA")
	case !ok:
		c.fail(cmd.ID, "BAD_TOKEN")
	default:
		c.say("auth_ok", cmd.ID, map[string]any{"user_id": u.id, "expires_at": time.Now().Add(time.Hour).UTC()})
		for _, id := range u.titles {
			c.want(fmt.Sprint("title ", id), len(c.f.history))
		}
	}
}

func (c *fakeConversation) want(key string, from int) {
	if old, ok := c.wants[key]; !ok || from < old {
		c.wants[key] = from
	}
}

// since subscribes to the keys from a position on: what that adds to what was
// delivered is delivered now.
func (c *fakeConversation) since(cmd fakeCommand, answer string, keys []string, position string, data map[string]any) {
	from, recovered := len(c.f.history), true
	if position != "" || cmd.Type == "resume" {
		epoch, offset, ok := strings.Cut(position, ":")
		n, err := strconv.Atoi(offset)
		if !ok || err != nil {
			c.fail(cmd.ID, "BAD_POSITION")
			return
		}
		if recovered = epoch == fakeEpoch && n <= len(c.f.history); recovered {
			from = n
		}
	}
	delivered := map[int]bool{}
	for n := range c.f.history {
		delivered[n+1] = c.covers(n + 1)
	}
	for _, k := range keys {
		c.want(k, from)
	}
	var missed []realtime.Message
	for n, e := range c.f.history {
		if !delivered[n+1] && c.covers(n+1) {
			missed = append(missed, e.msg)
		}
	}
	data["position"], data["recovered"], data["count"] = c.f.position(len(c.f.history)), recovered, len(missed)
	c.say(answer, cmd.ID, data)
	for _, m := range missed {
		c.put(m)
	}
}
