package cache

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"anihub/platform/eventlog"
)

// Topic is the bell's on the event log.
const Topic = "cache"

// bell is this process's end of the event log.
type bell struct {
	log     eventlog.Log
	self    string // names this process, so that it does not answer its own ring
	seq     atomic.Uint64
	breaker *breaker

	mu      sync.Mutex
	applied eventlog.Position
}

// ringing is what is said: which keys have changed. A process that cannot read
// it distrusts its whole L1.
type ringing struct {
	Version int      `json:"v"`
	From    string   `json:"from"`
	Mode    Mode     `json:"mode"`
	Keys    []string `json:"keys,omitempty"`
	Pattern string   `json:"pattern,omitempty"`
	Tags    []string `json:"tags,omitempty"`
}

// loadedMode is a bell that clears nothing: the keys are loaded, and who waits for
// that may look again.
const loadedMode Mode = "loaded"

const (
	bellVersion = 1
	bellTimeout = time.Second
	bellKeys    = 64 // per entry: even escaped six bytes for one, they stay below eventlog.MaxData
)

// ring tells the other processes. What could not be told is owed.
func (c *Cache) ring(ctx context.Context, inv Invalidation) error {
	if c.bell.log == nil {
		return nil
	}
	var err error
	for _, r := range split(inv) {
		if failed := c.bell.append(ctx, r); failed != nil {
			c.debts.add(Invalidation{Keys: r.Keys, Pattern: r.Pattern, Tags: r.Tags, Mode: r.Mode}, owesBell)
			err = ErrPending.With(failed)
		}
	}
	return err
}

func split(inv Invalidation) []ringing {
	var out []ringing
	if inv.Pattern != "" {
		out = append(out, ringing{Mode: inv.Mode, Pattern: inv.Pattern})
	}
	for len(inv.Keys) > 0 {
		n := min(bellKeys, len(inv.Keys))
		out = append(out, ringing{Mode: inv.Mode, Keys: inv.Keys[:n]})
		inv.Keys = inv.Keys[n:]
	}
	for len(inv.Tags) > 0 {
		n := min(bellKeys, len(inv.Tags))
		out = append(out, ringing{Mode: inv.Mode, Tags: inv.Tags[:n]})
		inv.Tags = inv.Tags[n:]
	}
	return out
}

func (b *bell) append(ctx context.Context, r ringing) error {
	r.Version, r.From = bellVersion, b.self
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	p := b.breaker.allow(time.Now())
	if p == refused {
		return errSkipped
	}
	opctx, cancel := context.WithTimeout(ctx, bellTimeout)
	defer cancel()
	id := b.self + "-" + strconv.FormatUint(b.seq.Add(1), 36)
	_, _, err = b.log.Append(opctx, eventlog.Entry{ID: id, Topic: Topic, Data: data})
	b.breaker.report(p, judge(ctx, err), time.Now())
	return err
}

// Applied is the place in the log up to which this process has heeded the bell:
// what it answers now is at least as new. The zero Position before Run knows.
// Whoever passes a position on must read it before the data.
func (c *Cache) Applied() eventlog.Position {
	c.bell.mu.Lock()
	defer c.bell.mu.Unlock()
	return c.bell.applied
}

func (b *bell) advance(at eventlog.Position) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.applied = at
}

// Run heeds the bell and does again what levels have missed, until ctx ends. It
// returns nil then, and never before.
//
// Where the following begins, and wherever the log cannot say what came next, L1
// may hold what an unheard bell made old, and is no longer trusted.
func (c *Cache) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { c.repay(ctx) })
	defer wg.Wait()
	if c.bell.log == nil {
		<-ctx.Done()
		return nil
	}
	return eventlog.Follow(ctx, c.bell.log, c.Applied(), c.hear, c.skip, c.logger)
}

// hear applies records in order. Positions of other topics count as well: they
// are what a client goes on from.
func (c *Cache) hear(records []eventlog.Record) error {
	for _, r := range records {
		if r.Topic == Topic {
			c.heed(r.Data)
		}
		c.bell.advance(r.Position)
	}
	return nil
}

// skip goes on behind what cannot be replayed.
func (c *Cache) skip(to eventlog.Position) error {
	if c.Applied() != (eventlog.Position{}) {
		c.metrics.inval.gaps.Add(1)
	}
	c.distrust()
	c.bell.advance(to)
	return nil
}

// Changed reads an entry of the log's Topic for those who follow the bell beside the
// chain: the keys whose values are new or no longer fresh. Bells by pattern and tag
// name none. False means that a later version wrote it, or nobody: any key may have
// changed.
func Changed(data []byte) (keys []string, ok bool) {
	r, err := readBell(data)
	if err != nil || r.Mode == loadedMode {
		return nil, err == nil
	}
	return r.Keys, true
}

func readBell(data []byte) (ringing, error) {
	var r ringing
	if err := json.Unmarshal(data, &r); err != nil {
		return ringing{}, err
	}
	if r.Version != bellVersion {
		return ringing{}, fmt.Errorf("a bell of version %d", r.Version)
	}
	return r, nil
}

// heed applies one bell. It cannot fail: L1 is memory, and what an L3 of this
// process misses is owed.
func (c *Cache) heed(data []byte) {
	ctx := context.Background()
	r, err := readBell(data)
	if err != nil {
		c.logger.Warn("a bell cannot be read: L1 is not trusted", "error", err)
		c.distrust()
		return
	}
	c.flights.nudge(r.Keys)
	if r.From == c.bell.self || r.Mode == loadedMode {
		return
	}
	inv, err := Invalidation{Keys: r.Keys, Pattern: r.Pattern, Tags: r.Tags, Mode: r.Mode}.canonical()
	if err != nil {
		c.logger.Warn("a bell makes no sense: L1 is not trusted", "error", err)
		c.distrust()
		return
	}
	c.metrics.inval.heard.Add(1)
	s, _ := c.flights.mark(inv.names(), inv.Tags)
	defer c.flights.finishSweep(s)
	keys := c.heldByL1(inv)
	c.clearMemory(ctx, keys, inv.Mode)
	c.heedBelow(ctx, inv)
}

// heldByL1 is the keys to clear in memory.
func (c *Cache) heldByL1(inv Invalidation) []string {
	keys := append([]string{}, inv.Keys...)
	note := func(k string) bool {
		keys = append(keys, k)
		return true
	}
	ctx := context.Background() // memory
	if inv.Pattern != "" {
		_ = c.l1.list(ctx, inv.Pattern, note)
	}
	if len(inv.Tags) > 0 {
		_ = c.l1.listTagged(ctx, inv.Tags, note)
	}
	return keys
}

// heedBelow clears what this process keeps in tiers of its own.
func (c *Cache) heedBelow(ctx context.Context, inv Invalidation) {
	keys := append([]string{}, inv.Keys...)
	note := func(k string) bool {
		keys = append(keys, k)
		return true
	}
	for _, t := range c.tiers() {
		if t.own && inv.Pattern != "" {
			_ = t.list(ctx, inv.Pattern, note) // a level that is down is owed below, by its keys
		}
		if t.own && len(inv.Tags) > 0 {
			_ = t.listTagged(ctx, inv.Tags, note)
		}
	}
	for _, part := range c.byRoute(keys) {
		for _, t := range part.route.below {
			if !t.own {
				continue
			}
			left := t.clear(ctx, part.keys, inv.Mode)
			c.owe(t, Invalidation{Keys: left, Mode: inv.Mode})
		}
	}
}

// distrust lets everything in L1 count as stale, and everything that is being
// loaded as overtaken.
func (c *Cache) distrust() {
	s, _ := c.flights.mark(func(string) bool { return true }, nil)
	defer c.flights.finishSweep(s)
	c.clearMemory(context.Background(), c.heldByL1(Invalidation{Pattern: "*"}), Expire)
}
