package test

import (
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"anihub/platform/redisdb/redistest"
)

// instances starts n that share a Redis, and what starts another.
func instances(t *testing.T, n int, redis *redistest.Server, env ...string) (all []*process, another func() *process) {
	t.Helper()
	u := newUpstream(t, slim(4))
	another = func() *process {
		return start(t, []string{"serve"}, together(u.quiet(), redisWithin("5s"), redisEnv(redis.URL()), env)...)
	}
	for range n {
		all = append(all, another())
	}
	return all, another
}

// some are ten of fifty titles.
func some(int) []int {
	titles := make([]int, 10)
	for i, at := range rand.Perm(50)[:10] { //nolint:gosec // not for secrets
		titles[i] = 1000 + at
	}
	return titles
}

// broadcast publishes n more episodes of fifty titles and returns when all are taken.
func (s *swarm) broadcast(n int, every time.Duration) {
	s.spread(int(s.broadcasts.Add(int64(n)))-n, n, every)
}

// spread publishes n episodes, from a first one on, through several publishers at once.
func (s *swarm) spread(first, n int, every time.Duration) {
	var work sync.WaitGroup
	const publishers = 4
	for k := range publishers {
		work.Go(func() {
			for i := first + k; i < first+n; i += publishers {
				s.publish(1000+i%50, float64(1+i/50), "{}")
				time.Sleep(rand.N(2 * every)) //nolint:gosec // not for secrets
			}
		})
	}
	work.Wait()
}

// TestEveryViewerHearsEverythingOnceWhateverDies: instances are killed and started anew at
// random moments, Redis once, while 2,000 events are published.
func TestEveryViewerHearsEverythingOnceWhateverDies(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.AOF())
	homes, another := instances(t, 3, redis)
	s := newSwarm(t, homes...)
	s.join(300, some)
	done, kills := make(chan struct{}), 0
	go func() {
		defer close(done)
		s.broadcast(2000, 20*time.Millisecond)
	}()
	for running := true; running; kills++ {
		select {
		case <-done:
			running = false
		case <-time.After(rand.N(time.Second)): //nolint:gosec // not for secrets
		}
		victim := s.home()
		s.leave(victim)
		victim.kill()
		if kills == 3 {
			redis.Restart()
		}
		s.settle(another())
	}
	s.judge()
	t.Logf("%d instances were killed", kills)
}

// TestRollingRestart: each of three instances is stopped in order and replaced, under a
// thousand viewers; nobody misses anything or hears it twice.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	homes, another := instances(t, 3, redistest.Start(t), "ANIHUB_MODULES_REALTIME_DRAIN_SECONDS=2")
	s := newSwarm(t, homes...)
	s.join(1000, some)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.broadcast(400, 40*time.Millisecond)
	}()
	for _, old := range homes {
		fresh := another()
		s.settle(fresh)
		old.signal(syscall.SIGTERM)
		if code := old.wait(); code != 0 {
			t.Errorf("exit %d", code)
		}
		s.leave(old)
	}
	<-done
	s.judge()
	if n := s.returns.Load(); n < 1000 {
		t.Errorf("only %d viewers had to come back", n)
	}
}

// heavy is the title whose news is long; light are those of everybody else.
const (
	heavy = 7777
	light = 1000
)

// TestFiveThousandViewersAndFiftyWhoDoNotRead: those who do not read are closed with 4008,
// cost the others nothing and the process little, and have missed nothing when they read
// again. Then the process is killed, and all come back at once.
func TestFiveThousandViewersAndFiftyWhoDoNotRead(t *testing.T) {
	t.Parallel()
	const many, stalled = 5000, 50
	u := newUpstream(t, slim(4))
	env := together(u.quiet(), []string{
		"ANIHUB_PLATFORM_STORAGE_DATA_DIR=" + t.TempDir(), "ANIHUB_MODULES_REALTIME_QUEUE_BYTES=65536", "ANIHUB_MODULES_REALTIME_DRAIN_SECONDS=0",
	})
	p := start(t, []string{"serve"}, env...)
	s := newSwarm(t, p)
	s.join(many, func(int) []int { return []int{light} })
	wake := make(chan struct{})
	s.stall = wake
	s.join(stalled, func(int) []int { return []int{heavy} })

	long := `{"synopsis":"` + strings.Repeat("долго ", 1200) + `"}`
	for i := range 400 {
		s.publish(heavy, float64(i+1), long)
		if i%20 == 0 {
			s.publish(light, float64(i+1), "{}")
		}
	}
	eventually(t, "those who do not read are closed", func() bool { return p.metric("realtime_slow_consumers_total") >= stalled })
	if n := p.metric("realtime_slow_consumers_total"); n != stalled {
		t.Errorf("%v were slow, want %d", n, stalled)
	}
	eventually(t, "their sockets are gone", func() bool { return p.metric("websocket_open") == many })
	if mb := p.metric("process_resident_memory_bytes") / (1 << 20); mb > 400 {
		t.Errorf("%.0f MB resident", mb)
	} else {
		t.Logf("%.0f MB resident with %d sockets", mb, many)
	}
	close(wake)
	s.judge()

	s.leave(p)
	p.kill()
	p = start(t, []string{"serve"}, env...)
	s.settle(p)
	s.publish(light, 1000, "{}")
	s.publish(heavy, 1000, "{}")
	s.judge()
	eventually(t, "all are back", func() bool { return p.metric("websocket_open") == many+stalled })
}
