package test

import (
	"regexp"
	"testing"
	"time"

	"anihub/platform/redisdb/redistest"
)

// Redis under viewers who are connected and stay so. What they are promised stands in
// docs/realtime.md, "Positions".

// brisk gives Redis as much time as a production has, so that what it does is felt.
func brisk() []string { return redisWithin("300ms") }

// TestRedisStopsUnderLiveViewers: it answers nobody for three seconds while events are
// published; nobody misses one, hears one twice or has to come back.
func TestRedisStopsUnderLiveViewers(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	homes, _ := instances(t, 2, redis, brisk()...)
	s := newSwarm(t, homes...)
	s.join(200, some)
	s.broadcast(100, 5*time.Millisecond)
	redis.Pause()
	published := s.meanwhile(200)
	time.Sleep(3 * time.Second) // how long it is away
	redis.Resume()
	<-published
	s.broadcast(100, 5*time.Millisecond)
	s.judge()
	if n := s.returns.Load(); n > 0 {
		t.Errorf("%d viewers had to come back", n)
	}
}

// meanwhile broadcasts while something else happens.
func (s *swarm) meanwhile(n int) (done <-chan struct{}) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		s.broadcast(n, 10*time.Millisecond)
	}()
	return over
}

// TestFlushUnderLiveViewers: the log is wiped while events are published. Every viewer is
// told so on the connection it has; what it heard before is not told again, and what is
// published from then on comes once and in order.
func TestFlushUnderLiveViewers(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	homes, _ := instances(t, 2, redis)
	s := newSwarm(t, homes...)
	s.losses = true
	s.join(200, some)
	s.broadcast(200, 5*time.Millisecond)
	s.judge()
	published := s.meanwhile(200)
	eventually(t, "some of it is published", func() bool { return s.count() > 250 })
	redis.Do("FLUSHALL")
	<-published
	s.spread(150, 50, time.Millisecond) // by publishers who did not learn that these were taken
	s.broadcast(100, 5*time.Millisecond)
	s.judge()
	s.allTold(1)
	if n := s.returns.Load(); n > 0 {
		t.Errorf("%d viewers had to come back", n)
	}
}

func (s *swarm) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.news)
}

// allTold: every viewer was told of so many losses.
func (s *swarm) allTold(losses int) {
	s.t.Helper()
	for _, f := range s.members {
		f.mu.Lock()
		if n := len(f.eras) - 1; n != losses {
			s.t.Errorf("a viewer was told of %d losses, want %d", n, losses)
		}
		f.mu.Unlock()
	}
}

var masterOffset = regexp.MustCompile(`master_repl_offset:(\d+)`)

// inStep waits until the replica has everything that the master acknowledged.
func inStep(t *testing.T, s *redistest.Sentinel) {
	t.Helper()
	eventually(t, "the replica has everything", func() bool {
		master, _ := s.Master.Do("info", "replication").(string)
		replica, _ := s.Replica.Do("info", "replication").(string)
		a, b := masterOffset.FindStringSubmatch(master), masterOffset.FindStringSubmatch(replica)
		return a != nil && b != nil && a[1] == b[1]
	})
}

// behindSentinel are two instances, and viewers who have heard the first events.
func behindSentinel(t *testing.T) (*swarm, *redistest.Sentinel) {
	t.Helper()
	redis := redistest.StartSentinel(t)
	u := newUpstream(t, slim(4))
	var homes []*process
	for range 2 {
		homes = append(homes, start(t, []string{"serve"}, together(u.quiet(), redisWithin("2s"), redisEnv(redis.URL()))...))
	}
	s := newSwarm(t, homes...)
	s.join(200, some)
	s.broadcast(200, 5*time.Millisecond)
	s.judge()
	return s, redis
}

// TestFailoverToAReplicaThatHasEverything is no gap, and no reason to come back.
func TestFailoverToAReplicaThatHasEverything(t *testing.T) {
	t.Parallel()
	s, redis := behindSentinel(t)
	inStep(t, redis)
	redis.Master.Kill()
	s.broadcast(200, 5*time.Millisecond)
	s.judge()
	s.allTold(0)
	if n := s.returns.Load(); n > 0 {
		t.Errorf("%d viewers had to come back", n)
	}
}

// TestFailoverThatLosesTheEnd: events were acknowledged and told that the replica never
// got. Every viewer is told of the loss, nothing that was told comes again, and nothing new
// hides behind a position that stood for something else.
func TestFailoverThatLosesTheEnd(t *testing.T) {
	t.Parallel()
	s, redis := behindSentinel(t)
	s.losses = true
	redis.Replica.Do("replicaof", "127.0.0.1", "1") // from here on it misses everything
	s.broadcast(50, 5*time.Millisecond)
	s.judge()
	redis.Replica.Do("replicaof", "no", "one")
	redis.Master.Kill()
	s.spread(150, 100, time.Millisecond) // by publishers who did not learn that these were taken
	s.broadcast(100, 5*time.Millisecond)
	s.judge()
	s.allTold(1)
}
