package realtimesvc_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimesvc"
	rt "anihub/modules/realtime/realtimetest"
	"anihub/platform/redisdb/redistest"
)

// Keys as docs/realtime.md does not promise them: these tests look behind the curtain.
const (
	nodesKey  = "{anihub:realtime}:nodes"
	titlesKey = "{anihub:realtime}:titles"
	userKey   = "{anihub:realtime}:user:"
)

// member is an instance of a fleet, running until the test or stop ends it.
type member struct {
	*realtimesvc.RedisFleet
	stop func()
}

func join(t testing.TB, client redis.UniversalClient) *member {
	t.Helper()
	m := &member{RedisFleet: realtimesvc.NewRedisFleet(client, slog.New(slog.DiscardHandler))}
	ctx, cancel := context.WithCancel(context.Background())
	first := make(chan struct{})
	heard := sync.OnceFunc(func() { close(first) })
	var running sync.WaitGroup
	running.Go(func() {
		m.Run(ctx, func() map[int]int { return nil }, func([]map[int]int, error) { heard() })
	})
	<-first
	m.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(m.stop)
	return m
}

// mustAcquire takes a place for the user u1, of three.
func mustAcquire(t testing.TB, f realtimesvc.Fleet) (release func()) {
	t.Helper()
	release, err := f.Acquire(t.Context(), "u1", 3)
	if err != nil {
		t.Fatalf("no place: %v", err)
	}
	return release
}

func wantFull(t testing.TB, f realtimesvc.Fleet) {
	t.Helper()
	if _, err := f.Acquire(t.Context(), "u1", 3); !errors.Is(err, realtime.ErrTooMany) {
		t.Fatalf("a fourth of three: %v", err)
	}
}

// becomesFull waits until what others hold is counted here.
func becomesFull(t testing.TB, f realtimesvc.Fleet, limit int) {
	t.Helper()
	rt.WaitFor(t, func() (string, bool) {
		release, err := f.Acquire(t.Context(), "u1", limit)
		if err == nil {
			release()
		}
		return "there is still a place", errors.Is(err, realtime.ErrTooMany)
	})
}

// eventually takes a place as soon as there is one.
func eventually(t testing.TB, f realtimesvc.Fleet) (release func()) {
	t.Helper()
	rt.WaitFor(t, func() (string, bool) {
		var err error
		release, err = f.Acquire(t.Context(), "u1", 3)
		return fmt.Sprint(err), err == nil
	})
	return release
}

// TestFleetLimit: wherever a user's connections are, they are counted together.
func TestFleetLimit(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func() redis.UniversalClient{
		"one":     func() redis.UniversalClient { return redistest.Start(t).Client() },
		"cluster": func() redis.UniversalClient { return redistest.StartCluster(t, 3).Client() },
	} {
		t.Run(name, func(t *testing.T) {
			client := start()
			a, b := join(t, client), join(t, client)
			release := mustAcquire(t, a)
			mustAcquire(t, a)
			mustAcquire(t, b)
			wantFull(t, a)
			wantFull(t, b)
			if _, err := b.Acquire(t.Context(), "u2", 3); err != nil {
				t.Errorf("another user has no place: %v", err)
			}
			release()
			release()
			eventually(t, b)
			wantFull(t, a)
		})
	}
}

// TestFleetStorm: whatever comes at once, there are never more than the limit, and when
// all are gone nothing is left.
func TestFleetStorm(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := server.Client()
	members := []*member{join(t, client), join(t, client), join(t, client)}
	var granted atomic.Int64
	var releases sync.Map
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			release, err := members[i%3].Acquire(t.Context(), "u1", 20)
			if err == nil {
				granted.Add(1)
				releases.Store(i, release)
			}
		})
	}
	all.Wait()
	if n := granted.Load(); n > 20 || n < 1 {
		t.Errorf("%d connections of 20", n)
	}
	releases.Range(func(_, release any) bool {
		all.Go(release.(func()))
		return true
	})
	all.Wait()
	rt.WaitFor(t, func() (string, bool) {
		left, err := client.HGetAll(t.Context(), userKey+"u1").Result()
		return fmt.Sprint("left: ", left, err), err == nil && len(left) == 0
	})
}

// TestFleetMemberDies: what it counted ends with its lease. Here the lease is run out by
// hand, because the clock is the server's.
func TestFleetMemberDies(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	dead := realtimesvc.NewRedisFleet(server.Client(), slog.New(slog.DiscardHandler))
	mustAcquire(t, dead)
	mustAcquire(t, dead)
	b := join(t, server.Client())
	for range 3 { // dead has no lease: it never ran
		mustAcquire(t, b)
	}
	wantFull(t, b)
}

// TestFleetMemberSleeps: what others struck out while it was away is counted again when
// it is back.
func TestFleetMemberSleeps(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := join(t, server.Client()), join(t, server.Client())
	mustAcquire(t, a)
	mustAcquire(t, a)
	server.Do("flushall")
	becomesFull(t, b, 2)
}

// TestFleetWithoutRedis: each counts for itself, and all together when it is back.
func TestFleetWithoutRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := join(t, server.Client()), join(t, server.Client())
	mustAcquire(t, a)
	server.Kill()
	mustAcquire(t, a)
	mustAcquire(t, a)
	wantFull(t, a)
	mustAcquire(t, b)
	server.Restart()
	becomesFull(t, b, 3)
}

// TestFleetLeaves: who ends in order need not run out.
func TestFleetLeaves(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := join(t, server.Client()), join(t, server.Client())
	mustAcquire(t, a)
	mustAcquire(t, a)
	mustAcquire(t, a)
	wantFull(t, b)
	a.stop()
	mustAcquire(t, b)
}

func TestFleetGarbage(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	server.Do("hset", nodesKey, "x", "9999999999999999", "y", "soon", "z", "9999999999999999")
	server.Do("hset", titlesKey, "x", "not JSON", "y", `{"5":7}`)
	server.Do("hset", userKey+"u1", "x", "many", "y", "7")
	h := open(t, func(_ *realtimesvc.Config, d *realtimesvc.Deps) {
		d.Fleet = realtimesvc.NewRedisFleet(server.Client(), slog.New(slog.DiscardHandler))
	})
	v, _ := rt.Open(t, h)
	v.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	rt.WaitFor(t, func() (string, bool) {
		p, err := h.Presence(t.Context())
		return fmt.Sprintf("%+v, %v", p, err), err == nil && p.Instances == 2 && p.Titles[5] == 1 // z says nothing, and lives
	})
}

// TestPresence is counted over the instances, and without those that ended.
func TestPresence(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	instance := func() *house {
		return open(t, func(_ *realtimesvc.Config, d *realtimesvc.Deps) {
			d.Fleet = realtimesvc.NewRedisFleet(server.Client(), slog.New(slog.DiscardHandler))
		})
	}
	a, b := instance(), instance()
	for i, at := range []*house{a, a, b} {
		v, _ := rt.Open(t, at)
		v.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
		v.Do(fmt.Sprintf(`{"type":"subscribe_title","data":{"title_id":%d}}`, 10+i), "subscribed")
	}
	want := realtime.Presence{Instances: 2, Titles: map[int]int{5: 3, 10: 1, 11: 1, 12: 1}}
	for _, at := range []*house{a, b} {
		waitPresence(t, at, want)
	}
	b.stop()
	waitPresence(t, a, realtime.Presence{Instances: 1, Titles: map[int]int{5: 2, 10: 1, 11: 1}})
}

func waitPresence(t *testing.T, at realtime.Service, want realtime.Presence) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		got, err := at.Presence(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		diff := cmp.Diff(want, got)
		if diff == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(diff)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
