package cache_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
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
// while everything is slow, fails or is cut off, and checks that nobody is told
// something old as if it were new:
//
//   - on a node that has invalidated a key, from then on;
//   - on every other node, as soon as its Applied has passed that;
//   - on all, a while after everything has healed.
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
	equal bool           // all generations are equal: only fences and epochs protect
	down  bool           // the origin
	rnd   sync.Mutex
}

type simNode struct {
	*cache.Cache
	l1  *cache.Memory
	cut *cutLog

	mu    sync.Mutex
	floor [simKeys]int64 // the least version that may be called fresh here
	known [simKeys][]promise
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
				t.Logf("replay with: go test -run TestSimulation -sim.seed=%d", seed)
			}
		}()
		s := &sim{
			rand: rand.New(rand.NewPCG(uint64(seed), 1)),
			l2:   cachetest.NewFake(), l3: cachetest.NewFake(), log: eventlog.NewMemory(4), // who is cut off for long finds it trimmed
			equal: seed%2 == 1,
		}
		s.l2.Delay(func() time.Duration { return s.upTo(30 * time.Millisecond) })
		s.l3.Delay(func() time.Duration { return s.upTo(60 * time.Millisecond) })
		ctx, stop := context.WithCancel(context.Background())
		var loops sync.WaitGroup
		for range 3 {
			n := s.node(t)
			s.nodes = append(s.nodes, n)
			loops.Go(func() { _ = n.Run(ctx) })
		}
		s.play(t)
		s.heal(t)
		for _, n := range s.nodes {
			if err := n.Close(); err != nil {
				t.Error(err)
			}
		}
		stop()
		loops.Wait()
		for _, n := range s.nodes {
			n.l1.Close()
		}
		if err := s.log.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (s *sim) node(t *testing.T) *simNode {
	l1, err := cache.NewMemory(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	cfg := cache.DefaultConfig()
	cfg.L1.TTL, cfg.L2.TTL, cfg.L3.TTL = 5*time.Second, 15*time.Second, time.Minute
	cfg.HardTimeout = 2 * time.Second
	n := &simNode{l1: l1, cut: &cutLog{Log: s.log}}
	n.Cache, err = cache.New(cfg, cache.Deps{L1: l1, L2: s.l2, L3: s.l3, Log: n.cut, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return n
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
		for range 3 {
			wg.Go(func() {
				for range 150 {
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
			s.fault()
		}
	})
	wg.Wait()
}

func (s *sim) fault() {
	n := s.nodes[s.draw(len(s.nodes))]
	on := s.draw(2) == 0
	switch s.draw(5) {
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
		s.mu.Unlock()
		generation := v + 1
		if s.equal {
			generation = 1
		}
		time.Sleep(s.upTo(time.Second))
		if down {
			return cache.Entry{}, errDown
		}
		return cache.Entry{Body: []byte(fmt.Sprint(v)), ETag: fmt.Sprint(v), Generation: generation, Tags: []string{simTag(k)}}, ctx.Err()
	}
}

func simName(k int) string { return fmt.Sprint("title:", k) }

func simTag(k int) string { return fmt.Sprint("tag:", k) }

// least is what may be called fresh on a node now.
func (n *simNode) least(k int) int64 {
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
	least := n.least(k)
	h, err := n.Get(t.Context(), simName(k), s.load(k))
	if err != nil || h.Stale {
		return
	}
	if v, _ := strconv.ParseInt(string(h.Body), 10, 64); v < least {
		t.Errorf("%s on node %d: %d from %s as fresh, %d was promised", simName(k), s.index(n), v, h.Level, least)
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

// write changes the origin and then invalidates, by key, pattern or tag.
func (s *sim) write(t *testing.T, n *simNode, k int) {
	s.mu.Lock()
	s.truth[k]++
	v := s.truth[k]
	s.mu.Unlock()
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
	if _, err := n.Invalidate(t.Context(), inv); err != nil {
		return // promised for later only
	}
	at, err := s.log.Tail(t.Context())
	if err != nil {
		t.Error(err)
	}
	n.mu.Lock()
	n.floor[k] = max(n.floor[k], v)
	n.mu.Unlock()
	for _, other := range s.nodes {
		other.mu.Lock()
		other.known[k] = append(other.known[k], promise{at.Offset, v})
		other.mu.Unlock()
	}
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
		for i, n := range s.nodes {
			h, err := n.Get(t.Context(), simName(k), s.load(k))
			if h.Stale { // answered at the soft timeout: the refresh is under way
				if err := n.Settle(t.Context()); err != nil {
					t.Fatal(err)
				}
				h, err = n.Get(t.Context(), simName(k), s.load(k))
			}
			if err != nil || h.Stale || string(h.Body) != fmt.Sprint(s.truth[k]) {
				t.Errorf("after all healed, %s on node %d: %s, want %d; owed %d",
					simName(k), i, describe(h, err), s.truth[k], n.Stats().Owed)
			}
		}
	}
}
