package cache_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"anihub/platform/cache"
	"anihub/platform/cache/cachetest"
	"anihub/platform/eventlog"
)

var (
	simSeeds = flag.Int("sim.seeds", 60, "how many seeds TestSimulation runs")
	simSeed  = flag.Int64("sim.seed", -1, "the one seed that TestSimulation runs")
)

// TestSimulation lets nodes that share levels, log and origin read and invalidate
// while everything is slow, fails, is cut off or begins anew, and checks that nobody
// is told something old as if it were new:
//
//   - on a node that has invalidated a key, from then on;
//   - on every other node, as soon as its Applied has passed that;
//   - on all, a while after everything has healed;
//
// and that then, when all nodes are asked for a key that none has, it is loaded once.
func TestSimulation(t *testing.T) {
	t.Parallel()
	if *simSeed >= 0 {
		simulate(t, *simSeed)
		return
	}
	workers := int64(runtime.GOMAXPROCS(0)) // a bubble of virtual time keeps about one core busy
	for w := range workers {
		t.Run(fmt.Sprintf("from seed %d", w), func(t *testing.T) {
			t.Parallel()
			for seed := w; seed < int64(*simSeeds); seed += workers {
				simulate(t, seed)
			}
		})
	}
}

const simKeys = 3

type sim struct {
	rand   *rand.Rand
	l2, l3 *cachetest.Fake
	log    *eventlog.Memory
	nodes  []*simNode

	mu    sync.Mutex
	truth [simKeys]int64 // what the origin says
	loads [simKeys]int   // how often it was asked
	acked [simKeys]int64 // the version of the last invalidation that was carried out
	ended []*simProcess
	equal bool // all generations are equal: only fences and epochs protect
	down  bool // the origin
	rnd   sync.Mutex
}

// simNode is a place where one process at a time runs.
type simNode struct {
	cut *cutLog
	now atomic.Pointer[simProcess]
}

// simProcess is a chain, and what its readers may expect of it.
type simProcess struct {
	*cache.Cache
	l1   *cache.Memory
	stop context.CancelFunc
	over chan struct{}

	mu    sync.Mutex
	floor [simKeys]int64 // the least version that may be called fresh here
	known [simKeys][]promise
	kept  [simKeys]kept
}

// kept is an answer with the proof that it still is one.
type kept struct {
	body  string
	proof cache.Proof
}

// recall answers a key by proof, for every other reader.
func (n *simProcess) recall(k int, willing bool) (body string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.kept[k].body, willing && n.Holds(n.kept[k].proof)
}

func (n *simProcess) keep(k int, h cache.Hit, p cache.Proof) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.kept[k] = kept{string(h.Body), p}
}

// promise: once Applied has passed at, nothing below version is fresh.
type promise struct {
	at      uint64
	version int64
}

// cutLog is one node's end of the log, which can be cut.
type cutLog struct {
	eventlog.Log
	mu  sync.Mutex
	cut bool
}

func (c *cutLog) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
}

func (c *cutLog) isCut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cut
}

func (c *cutLog) Append(ctx context.Context, e eventlog.Entry) (eventlog.Position, bool, error) {
	if c.isCut() {
		return eventlog.Position{}, false, eventlog.ErrUnavailable
	}
	return c.Log.Append(ctx, e)
}

func (c *cutLog) Wait(ctx context.Context, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	if c.isCut() {
		return nil, eventlog.ErrUnavailable
	}
	ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	records, err := c.Log.Wait(ctx, after, limit)
	if c.isCut() || ctx.Err() != nil {
		return nil, eventlog.ErrUnavailable
	}
	return records, err
}

func simulate(t *testing.T, seed int64) {
	synctest.Test(t, func(t *testing.T) {
		defer func() {
			if t.Failed() {
				// Goroutines that wake at the same instant take turns as they like, so
				// a seed fixes the faults and the waits, and nearly the order.
				t.Logf("replay with: go test -run 'TestSimulation$' -count=50 -failfast -sim.seed=%d", seed)
			}
		}()
		s := &sim{
			rand: rand.New(rand.NewPCG(uint64(seed), 1)),
			l2:   cachetest.NewFake(), l3: cachetest.NewVersioned(), log: eventlog.NewMemory(4), // who is cut off for long finds it trimmed
			equal: seed%2 == 1,
		}
		s.l2.Delay(func() time.Duration { return s.upTo(30 * time.Millisecond) })
		s.l3.Delay(func() time.Duration { return s.upTo(60 * time.Millisecond) })
		for range 3 {
			n := &simNode{cut: &cutLog{Log: s.log}}
			s.begin(t, n)
			s.nodes = append(s.nodes, n)
		}
		s.play(t)
		s.heal(t)
		for k := range simKeys {
			s.stampede(t, k)
		}
		for _, n := range s.nodes {
			n.now.Load().end(t)
		}
		if err := s.log.Close(); err != nil {
			t.Error(err)
		}
	})
}

// begin starts a process on a node; what it remembers is in the shared levels.
func (s *sim) begin(t *testing.T, n *simNode) {
	l1, err := cache.NewMemory(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	cfg := cache.DefaultConfig()
	cfg.L1.TTL, cfg.L2.TTL, cfg.L3.TTL = 5*time.Second, 15*time.Second, time.Minute
	cfg.HardTimeout = 2 * time.Second
	p := &simProcess{l1: l1, over: make(chan struct{})}
	p.Cache, err = cache.New(cfg, cache.Deps{L1: l1, L2: s.l2, L3: s.l3, Log: n.cut, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if old := n.now.Load(); old != nil {
		old.mu.Lock()
		p.floor, p.known = old.floor, old.known
		for k := range p.known {
			p.known[k] = slices.Clone(p.known[k])
		}
		old.mu.Unlock()
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	go func() { _ = p.Run(ctx); close(p.over) }()
	n.now.Store(p)
}

func (p *simProcess) end(t *testing.T) {
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	p.stop()
	<-p.over
	p.l1.Close()
}

// restart begins another process on a node and ends the old one, with all that only
// that remembers.
func (s *sim) restart(t *testing.T, n *simNode) {
	old := n.now.Load()
	s.begin(t, n)
	old.end(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = append(s.ended, old)
}

// forgot tells whether a process that ended owes something, which nobody will do. It is
// asked in the end: an invalidation that was under way in it may have failed afterwards.
func (s *sim) forgot() bool {
	return slices.ContainsFunc(s.ended, func(p *simProcess) bool { return p.Stats().Owed > 0 })
}

func (s *sim) upTo(d time.Duration) time.Duration {
	s.rnd.Lock()
	defer s.rnd.Unlock()
	if s.rand.IntN(3) == 0 {
		return 0
	}
	return time.Duration(s.rand.Int64N(int64(d)))
}

func (s *sim) draw(n int) int {
	s.rnd.Lock()
	defer s.rnd.Unlock()
	return s.rand.IntN(n)
}

// play is a minute and a half of readers, writers and faults.
func (s *sim) play(t *testing.T) {
	var wg sync.WaitGroup
	for _, n := range s.nodes {
		for range 2 {
			wg.Go(func() {
				for range 140 {
					time.Sleep(s.upTo(400 * time.Millisecond))
					s.read(t, n, s.draw(simKeys))
				}
			})
		}
		wg.Go(func() {
			for range 12 {
				time.Sleep(s.upTo(4 * time.Second))
				s.write(t, n, s.draw(simKeys))
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			time.Sleep(s.upTo(3 * time.Second))
			s.fault(t)
		}
	})
	wg.Wait()
}

func (s *sim) fault(t *testing.T) {
	n := s.nodes[s.draw(len(s.nodes))]
	on := s.draw(2) == 0
	switch s.draw(6) {
	case 5:
		s.restart(t, n)
	case 0:
		s.l2.Down(on)
	case 1:
		s.l2.Hole(on)
	case 2:
		s.l3.Down(on)
	case 3:
		n.cut.set(on)
	case 4:
		s.mu.Lock()
		s.down = on
		s.mu.Unlock()
	}
}

func (s *sim) load(k int) cache.Load {
	return func(ctx context.Context) (cache.Entry, error) {
		s.mu.Lock()
		v, down := s.truth[k], s.down
		s.loads[k]++
		s.mu.Unlock()
		generation := v + 1
		if s.equal {
			generation = 1
		}
		time.Sleep(s.upTo(time.Second))
		if down {
			return cache.Entry{}, errDown
		}
		e := simEntry(k, v, generation)
		e.FreshUntil = time.Time{}
		return e, ctx.Err()
	}
}

// simEntry is a version as the owner of the deepest level writes it.
func simEntry(k int, v, generation int64) cache.Entry {
	now := time.Now()
	return cache.Entry{
		Body: []byte(fmt.Sprint(v)), ETag: fmt.Sprint(v), Generation: generation, Tags: []string{simTag(k)},
		StoredAt: now, FreshUntil: now.Add(time.Minute),
	}
}

func simName(k int) string { return fmt.Sprint("title:", k) }

func simTag(k int) string { return fmt.Sprint("tag:", k) }

// least is what may be called fresh on a node now.
func (n *simProcess) least(k int) int64 {
	at := n.Applied().Offset
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.known[k] {
		if at >= p.at {
			n.floor[k] = max(n.floor[k], p.version)
		}
	}
	return n.floor[k]
}

func (s *sim) read(t *testing.T, n *simNode, k int) {
	p := n.now.Load()
	least := p.least(k)
	changes, from := p.Changes(), "proof"
	body, ok := p.recall(k, s.draw(2) == 0)
	if !ok {
		h, err := p.Get(t.Context(), simName(k), s.load(k))
		if err != nil || h.Stale {
			return
		}
		p.keep(k, h, p.Prove(changes, h))
		body, from = string(h.Body), h.Level
	}
	if v, _ := strconv.ParseInt(body, 10, 64); v < least {
		t.Errorf("%s on node %d: %d from %s as fresh, %d was promised", simName(k), s.index(n), v, from, least)
	}
}

func (s *sim) index(n *simNode) int {
	for i := range s.nodes {
		if s.nodes[i] == n {
			return i
		}
	}
	return -1
}

// write changes the origin and then lets a node carry that out.
func (s *sim) write(t *testing.T, n *simNode, k int) {
	_, _, fence, err := s.l3.GetFenced(t.Context(), simName(k))
	s.mu.Lock()
	s.truth[k]++
	v := s.truth[k]
	s.mu.Unlock()
	p := n.now.Load()
	if err == nil && s.draw(2) == 0 && s.own(t, k, v, fence) {
		err = p.Supersede(t.Context(), []string{simName(k)})
	} else {
		_, err = p.Invalidate(t.Context(), s.invalidation(k))
	}
	if err != nil {
		return // promised for later only
	}
	s.mu.Lock()
	s.acked[k] = max(s.acked[k], v)
	s.mu.Unlock()
	at, err := s.log.Tail(t.Context())
	if err != nil {
		t.Error(err)
	}
	p.mu.Lock()
	p.floor[k] = max(p.floor[k], v)
	p.mu.Unlock()
	for _, n := range s.nodes {
		other := n.now.Load()
		other.mu.Lock()
		other.known[k] = append(other.known[k], promise{at.Offset, v})
		other.mu.Unlock()
	}
}

// own writes the deepest level, as the owner of it does who has seen that fence before he
// asked the origin; false when he cannot. Equal generations would not tell which of two
// writers was later.
func (s *sim) own(t *testing.T, k int, v int64, fence uint64) bool {
	if s.equal {
		return false
	}
	kept, err := s.l3.SetFenced(t.Context(), simName(k), simEntry(k, v, v+1), fence)
	return kept && err == nil
}

// invalidation names a key by itself, by pattern or by tag.
func (s *sim) invalidation(k int) cache.Invalidation {
	inv := cache.Invalidation{Keys: []string{simName(k)}}
	switch s.draw(4) {
	case 0:
		inv = cache.Invalidation{Pattern: "*:" + strconv.Itoa(k)}
	case 1:
		inv.Tags = []string{simTag(k)}
	}
	if s.draw(4) == 0 {
		inv.Mode = cache.Remove
	}
	return inv
}

// heal ends all faults; a while later everybody must know the truth.
func (s *sim) heal(t *testing.T) {
	s.l2.Down(false)
	s.l2.Hole(false)
	s.l3.Down(false)
	s.mu.Lock()
	s.down = false
	s.mu.Unlock()
	for _, n := range s.nodes {
		n.cut.set(false)
	}
	time.Sleep(15 * time.Second)
	for k := range simKeys {
		for i, node := range s.nodes {
			n := node.now.Load()
			h, err := n.Get(t.Context(), simName(k), s.load(k))
			for range 3 {
				if !h.Stale {
					break
				}
				time.Sleep(2 * time.Second) // answered at the soft timeout, or while a breaker tried its level
				h, err = n.Get(t.Context(), simName(k), s.load(k))
			}
			least := s.truth[k]
			if s.forgot() { // what was only promised may have been forgotten
				least = s.acked[k]
			}
			if v, _ := strconv.ParseInt(string(h.Body), 10, 64); err != nil || h.Stale || v < least {
				t.Errorf("after all healed, %s on node %d: %s, want %d; owed %d",
					simName(k), i, describe(h, err), least, n.Stats().Owed)
			}
		}
	}
}

// stampede lets readers on all nodes ask for a key that was just removed.
func (s *sim) stampede(t *testing.T, k int) {
	s.mu.Lock()
	s.truth[k]++
	s.mu.Unlock()
	if _, err := s.nodes[0].now.Load().Invalidate(t.Context(), cache.Invalidation{Keys: []string{simName(k)}, Mode: cache.Remove}); err != nil {
		t.Errorf("in good times: %v", err)
	}
	time.Sleep(15 * time.Second) // for the bell
	before := s.loads[k]
	var wg sync.WaitGroup
	for i, n := range s.nodes {
		for range 4 {
			wg.Go(func() {
				time.Sleep(s.upTo(100 * time.Millisecond))
				h, err := n.now.Load().Get(t.Context(), simName(k), s.load(k))
				if err != nil || h.Stale || string(h.Body) != fmt.Sprint(s.truth[k]) {
					t.Errorf("stampede for %s on node %d: %s, want %d", simName(k), i, describe(h, err), s.truth[k])
				}
			})
		}
	}
	wg.Wait()
	if n := s.loads[k] - before; n > 1 { // 0: what had been under way was quicker
		t.Errorf("stampede for %s: %d loads, want 1", simName(k), n)
	}
}
