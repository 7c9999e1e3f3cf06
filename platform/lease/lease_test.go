package lease_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"anihub/platform/lease"
	"anihub/platform/lease/leasetest"
	"anihub/platform/redisdb/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// oneMemory is "two processes" of a keeper that knows only one.
func oneMemory(testing.TB) (a, b lease.Keeper) {
	m := lease.NewMemory()
	return m, m
}

func TestMemory(t *testing.T) {
	t.Parallel()
	leasetest.Contract(t, leasetest.Target{Open: oneMemory, Sleep: time.Sleep})
}

func TestMeasuredIsTheSameKeeper(t *testing.T) {
	t.Parallel()
	leasetest.Contract(t, leasetest.Target{
		Open: func(t testing.TB) (a, b lease.Keeper) {
			m, _ := oneMemory(t)
			return lease.Measured(m, nil), lease.Measured(m, nil)
		},
		Sleep: time.Sleep,
	})
}

func TestMemoryExpiresExactly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := lease.NewMemory()
		l, err := m.Acquire(t.Context(), "job", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute - time.Nanosecond)
		if _, err := m.Acquire(t.Context(), "job", time.Minute); !errors.Is(err, lease.ErrHeld) {
			t.Fatalf("a nanosecond early: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if err := l.Renew(t.Context(), time.Minute); !errors.Is(err, lease.ErrLost) {
			t.Fatalf("renewed when it was over: %v", err)
		}
		if _, err := m.Acquire(t.Context(), "job", time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

// A token is compared with those in documents that outlive the process.
func TestMemoryTokensGrowOverProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var last int64
		for range 3 {
			l, err := lease.NewMemory().Acquire(t.Context(), "job", time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if l.Token() <= last {
				t.Fatalf("token %d after %d", l.Token(), last)
			}
			last = l.Token()
			time.Sleep(time.Second)
		}
	})
}

func redisPair(client func() redis.UniversalClient) func(t testing.TB) (a, b lease.Keeper) {
	n := 0
	return func(testing.TB) (lease.Keeper, lease.Keeper) {
		n++
		prefix := "p" + string(rune('a'+n))
		return lease.NewRedis(client(), prefix), lease.NewRedis(client(), prefix)
	}
}

func TestRedis(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	leasetest.Contract(t, leasetest.Target{Open: redisPair(s.Client), Sleep: time.Sleep})
}

func TestRedisCluster(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3)
	leasetest.Contract(t, leasetest.Target{Open: redisPair(c.Client), Sleep: time.Sleep})
}

func mustAcquire(t *testing.T, k lease.Keeper) lease.Lease {
	t.Helper()
	var err error
	for range 300 {
		var l lease.Lease
		if l, err = k.Acquire(t.Context(), "job", time.Hour); err == nil {
			return l
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("not acquired: %v", err)
	return nil
}

func TestRedisTokensGrowOverALoss(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	a, b := lease.NewRedis(s.Client(), "x"), lease.NewRedis(s.Client(), "x")
	// A counter that ran ahead of every clock, which only a knows about.
	s.Do("set", "{x:lease:job}:token", "8000000000000000")
	first := mustAcquire(t, a)
	if first.Token() != 8000000000000001 {
		t.Fatalf("token %d", first.Token())
	}
	s.Restart()
	if err := first.Renew(t.Context(), time.Hour); !errors.Is(err, lease.ErrLost) && !errors.Is(err, lease.ErrUnavailable) {
		t.Fatalf("renewed on a server that lost it: %v", err)
	}
	second := mustAcquire(t, a)
	if second.Token() <= first.Token() {
		t.Fatalf("token %d after %d", second.Token(), first.Token())
	}
	// One who never had it still counts on from the clock.
	s.Restart()
	before := time.Now().UnixMilli()
	if third := mustAcquire(t, b); third.Token() < before {
		t.Fatalf("token %d, the clock was at %d", third.Token(), before)
	}
}

func TestRedisUnavailable(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	k := lease.NewRedis(s.Client(), "x")
	l := mustAcquire(t, k)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	s.Pause()
	for name, err := range map[string]error{
		"renew":   l.Renew(ctx, time.Hour),
		"release": l.Release(ctx),
		"acquire": second(k.Acquire(ctx, "other", time.Hour)),
	} {
		if !errors.Is(err, lease.ErrUnavailable) {
			t.Errorf("%s on a paused server: %v", name, err)
		}
	}
	s.Kill()
	if _, err := k.Acquire(t.Context(), "job", time.Hour); !errors.Is(err, lease.ErrUnavailable) {
		t.Errorf("acquire on a dead server: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// A grant whose answer was lost is found again, and does not lock its owner out.
func TestRedisLostAnswer(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	client := s.Client()
	k := lease.NewRedis(client, "x")
	mustAcquire(t, lease.NewRedis(client, "warm")) // the script is known, the connection open
	s.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := k.Acquire(ctx, "job", time.Hour); !errors.Is(err, lease.ErrUnavailable) {
		t.Fatal(err)
	}
	s.Resume()
	for s.Do("exists", "{x:lease:job}:holder") != int64(1) { // granted, but nobody knows
		time.Sleep(10 * time.Millisecond)
	}
	l, err := k.Acquire(t.Context(), "job", time.Hour)
	if err != nil {
		t.Fatalf("locked out by its own grant: %v", err)
	}
	if err := l.Renew(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Acquire(t.Context(), "job", time.Hour); !errors.Is(err, lease.ErrHeld) {
		t.Fatalf("granted twice: %v", err)
	}
}

func TestRedisForeignKeys(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	k := lease.NewRedis(s.Client(), "x")
	// A holder that would never go away, and a counter that counts nothing.
	s.Do("set", "{x:lease:job}:holder", "garbage")
	s.Do("set", "{x:lease:job}:token", "garbage")
	if l := mustAcquire(t, k); l.Token() < 1 {
		t.Fatalf("token %d", l.Token())
	}
	s.Do("set", "{x:lease:other}:holder", "garbage", "px", 3600000)
	if _, err := k.Acquire(t.Context(), "other", time.Hour); !errors.Is(err, lease.ErrHeld) {
		t.Fatal(err)
	}
	s.Do("lpush", "{x:lease:third}:holder", "garbage")
	if _, err := k.Acquire(t.Context(), "third", time.Hour); !errors.Is(err, lease.ErrUnavailable) {
		t.Fatal(err)
	}
}
