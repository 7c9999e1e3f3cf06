// Package leasetest is what every lease.Keeper must do.
package leasetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"anihub/platform/fault"
	"anihub/platform/lease"
)

// Target is an implementation under test.
type Target struct {
	// Open makes two keepers of one fleet, as two processes have them, with nothing held.
	Open func(t testing.TB) (a, b lease.Keeper)
	// Sleep lets that much time pass for the keepers.
	Sleep func(d time.Duration)
}

// long is a ttl that does not run out during a test, short one that does.
const (
	long  = time.Hour
	short = 100 * time.Millisecond
)

// Contract runs everything, one after the other.
func Contract(t *testing.T, target Target) {
	for _, c := range []struct {
		name string
		test func(k *kit)
	}{
		{"one holder", oneHolder},
		{"raced", raced},
		{"names are independent", names},
		{"release lets the next in", release},
		{"expiry lets the next in", expiry},
		{"renew keeps it", renew},
		{"renew after expiry", renewExpired},
		{"a stale holder is found out", stale},
		{"tokens grow", tokens},
		{"the rest is told", rest},
		{"invalid", invalid},
		{"cancelled", cancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := target.Open(t)
			c.test(&kit{T: t, a: a, b: b, sleep: target.Sleep})
		})
	}
}

type kit struct {
	*testing.T
	a, b  lease.Keeper
	sleep func(time.Duration)
}

func (k *kit) acquire(from lease.Keeper, ttl time.Duration) lease.Lease {
	k.Helper()
	l, err := from.Acquire(k.Context(), "job", ttl)
	if err != nil {
		k.Fatalf("acquire: %v", err)
	}
	return l
}

func (k *kit) want(err, target error) {
	k.Helper()
	if !errors.Is(err, target) {
		k.Fatalf("error = %v, want %v", err, target)
	}
}

func (k *kit) held() {
	k.Helper()
	for _, from := range []lease.Keeper{k.a, k.b} {
		_, err := from.Acquire(k.Context(), "job", long)
		k.want(err, lease.ErrHeld)
	}
}

func oneHolder(k *kit) {
	k.acquire(k.a, long)
	k.held()
}

func raced(k *kit) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var holders []lease.Lease
	for i := range 20 {
		from := k.a
		if i%2 == 0 {
			from = k.b
		}
		wg.Go(func() {
			l, err := from.Acquire(k.Context(), "job", long)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				holders = append(holders, l)
			} else if !errors.Is(err, lease.ErrHeld) {
				k.Error(err)
			}
		})
	}
	wg.Wait()
	if len(holders) != 1 {
		k.Fatalf("%d holders", len(holders))
	}
}

func names(k *kit) {
	k.acquire(k.a, long)
	if _, err := k.b.Acquire(k.Context(), "job2", long); err != nil {
		k.Fatal(err)
	}
}

func release(k *kit) {
	first := k.acquire(k.a, long)
	for range 2 {
		if err := first.Release(k.Context()); err != nil {
			k.Fatal(err)
		}
	}
	k.want(first.Renew(k.Context(), long), lease.ErrLost)
	k.acquire(k.b, long)
	if err := first.Release(k.Context()); err != nil {
		k.Fatal(err)
	}
	k.held() // the release of the first is not the second's
}

func expiry(k *kit) {
	k.acquire(k.a, short)
	k.sleep(2 * short)
	k.acquire(k.b, long)
	k.held()
}

func renew(k *kit) {
	l := k.acquire(k.a, short)
	if err := l.Renew(k.Context(), long); err != nil {
		k.Fatal(err)
	}
	k.sleep(2 * short)
	k.held()
	if err := l.Renew(k.Context(), short); err != nil {
		k.Fatal(err)
	}
	k.sleep(2 * short)
	k.acquire(k.b, long) // a renewal can shorten, too
}

func renewExpired(k *kit) {
	l := k.acquire(k.a, short)
	k.sleep(2 * short)
	// Nobody else took it, but somebody may have had it in between.
	k.want(l.Renew(k.Context(), long), lease.ErrLost)
	k.acquire(k.b, long)
}

func stale(k *kit) {
	old := k.acquire(k.a, short)
	k.sleep(2 * short)
	now := k.acquire(k.b, long)
	if old.Token() >= now.Token() {
		k.Fatalf("the stale holder has token %d, the new one %d", old.Token(), now.Token())
	}
	k.want(old.Renew(k.Context(), long), lease.ErrLost)
	if err := old.Release(k.Context()); err != nil {
		k.Fatal(err)
	}
	if err := now.Renew(k.Context(), long); err != nil {
		k.Fatalf("the stale holder took the new one's lease away: %v", err)
	}
}

func tokens(k *kit) {
	var last int64
	for i := range 50 {
		from := k.a
		if i%3 == 0 {
			from = k.b
		}
		l := k.acquire(from, long)
		if l.Token() <= last {
			k.Fatalf("token %d after %d", l.Token(), last)
		}
		last = l.Token()
		if err := l.Release(k.Context()); err != nil {
			k.Fatal(err)
		}
	}
}

func rest(k *kit) {
	k.acquire(k.a, long)
	_, err := k.b.Acquire(k.Context(), "job", long)
	if left := fault.Of(err).RetryAfter; left <= long/2 || left > long {
		k.Fatalf("%s left of %s", left, long)
	}
}

func invalid(k *kit) {
	for _, name := range []string{"", "Job", "a b", "a/b", "{x}", "ж", "a\n", strings.Repeat("x", 65)} {
		_, err := k.a.Acquire(k.Context(), name, long)
		k.want(err, lease.ErrInvalid)
	}
	for _, ttl := range []time.Duration{0, -1, time.Microsecond, 25 * time.Hour} {
		_, err := k.a.Acquire(k.Context(), "job", ttl)
		k.want(err, lease.ErrInvalid)
	}
	l := k.acquire(k.a, long)
	k.want(l.Renew(k.Context(), 0), lease.ErrInvalid)
	k.held()
}

func cancelled(k *kit) {
	l := k.acquire(k.a, long)
	ctx, cancel := context.WithCancel(k.Context())
	cancel()
	_, err := k.b.Acquire(ctx, "job", long)
	k.want(err, context.Canceled)
	k.want(l.Renew(ctx, long), context.Canceled)
	k.want(l.Release(ctx), context.Canceled)
	k.held()
}
