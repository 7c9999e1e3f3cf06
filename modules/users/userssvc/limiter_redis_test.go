package userssvc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"anihub/modules/users"
	"anihub/modules/users/userssvc"
	"anihub/platform/redisdb/redistest"
)

// redisServer is one, or a cluster.
type redisServer interface{ Client() redis.UniversalClient }

func shared(r redisServer) func(*userssvc.Config, *userssvc.Deps) {
	client := r.Client()
	return func(_ *userssvc.Config, d *userssvc.Deps) { d.Limiter = userssvc.NewRedisLimiter(client) }
}

// fallbacks is how often the room counted alone.
func fallbacks(t *testing.T, h *house) float64 {
	t.Helper()
	all, err := h.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == "users_limiter_fallbacks_total" {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatal("no metric users_limiter_fallbacks_total")
	return 0
}

// TestFleetSharesTheLimit: two rooms, ten guesses in all, and the right password
// opens neither.
func TestFleetSharesTheLimit(t *testing.T) {
	t.Parallel()
	t.Run("one", func(t *testing.T) { t.Parallel(); shareTheLimit(t, redistest.Start(t)) })
	t.Run("cluster", func(t *testing.T) { t.Parallel(); shareTheLimit(t, redistest.StartCluster(t, 3)) })
}

func shareTheLimit(t *testing.T, redis redisServer) {
	t.Helper()
	here := open(t, shared(redis))
	there := openOn(t, here.store, shared(redis))
	signUp(t, here, "wanderer")
	for i := range 10 {
		room := []*house{here, there}[i%2]
		if err := signIn(room, "wanderer", "wrong password", fmt.Sprintf("198.51.100.%d", i)); !errors.Is(err, users.ErrBadCredentials) {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	for _, room := range []*house{here, there} {
		if err := signIn(room, "wanderer", password, "203.0.113.9"); !errors.Is(err, users.ErrTooMany) {
			t.Errorf("the right password after ten guesses: %v", err)
		}
	}
	if n := fallbacks(t, here) + fallbacks(t, there); n != 0 {
		t.Errorf("%v questions were answered alone", n)
	}
}

// TestFleetSharesTheRegistrations of an address.
func TestFleetSharesTheRegistrations(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	here := open(t, shared(redis))
	there := openOn(t, here.store, shared(redis))
	for i := range 10 {
		signUp(t, []*house{here, there}[i%2], fmt.Sprintf("user%d", i))
	}
	_, err := there.Register(t.Context(), users.Registration{Login: "eleventh", Email: "e@example.org", Password: password, Client: from("192.0.2.1")})
	if !errors.Is(err, users.ErrTooMany) {
		t.Errorf("got %v", err)
	}
}

// TestSuccessClearsForTheFleet: what was guessed here is forgiven by a success there.
func TestSuccessClearsForTheFleet(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	here := open(t, shared(redis))
	there := openOn(t, here.store, shared(redis))
	signUp(t, here, "wanderer")
	for round := range 3 {
		for i := range 9 {
			if err := signIn(here, "wanderer", "wrong password", fmt.Sprintf("198.51.100.%d", i)); !errors.Is(err, users.ErrBadCredentials) {
				t.Fatalf("round %d, guess %d: %v", round, i, err)
			}
		}
		if err := signIn(there, "wanderer", password, "192.0.2.1"); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

// TestRedisDies: whoever was at the limit stays there, guessing goes on to be
// limited by each process, nobody is turned away for it, and it is counted.
func TestRedisDies(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*redistest.Server){
		"killed": (*redistest.Server).Kill, "frozen": (*redistest.Server).Pause,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t)
			h := open(t, shared(redis))
			for _, login := range []string{"wanderer", "stranger", "newcomer"} {
				signUp(t, h, login)
			}
			guess := func(who string, i int) error {
				return signIn(h, who, "wrong password", fmt.Sprintf("198.51.100.%d", i))
			}
			for i := range 10 {
				_ = guess("wanderer", i)
			}
			for i := range 5 {
				_ = guess("stranger", i)
			}
			for range 2 { // forgiven by a success, here as there
				for i := range 6 {
					_ = guess("newcomer", 100+i)
				}
				if err := signIn(h, "newcomer", password, "192.0.2.1"); err != nil {
					t.Fatal(err)
				}
			}
			fault(redis)
			if name == "frozen" {
				t.Cleanup(redis.Resume)
			}
			if err := signIn(h, "wanderer", password, "203.0.113.9"); !errors.Is(err, users.ErrTooMany) {
				t.Errorf("an account at its limit: %v", err)
			}
			for i := range 6 {
				want := users.ErrBadCredentials
				if i == 5 {
					want = users.ErrTooMany
				}
				if err := guess("stranger", i); !errors.Is(err, want) {
					t.Errorf("guess %d of ten: %v", i+6, err)
				}
			}
			if err := signIn(h, "newcomer", password, "192.0.2.1"); err != nil {
				t.Errorf("somebody who knows the password: %v", err)
			}
			if fallbacks(t, h) == 0 {
				t.Error("nothing was counted")
			}
		})
	}
}

// TestRedisLimiterIsTheMemoryLimiter: the same events get the same answers, give or
// take the clocks.
func TestRedisLimiterIsTheMemoryLimiter(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	redis := redistest.Start(t)
	shared, own := userssvc.NewRedisLimiter(redis.Client()), userssvc.NewMemoryLimiter()
	l := userssvc.Limit{Events: 3, Window: time.Hour}
	both := func(f func(userssvc.Limiter) (time.Duration, error)) []string {
		var out []string
		for _, m := range []userssvc.Limiter{shared, own} {
			wait, err := f(m)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, wait.Round(5*time.Minute).String())
		}
		return out
	}
	take := func(m userssvc.Limiter) (time.Duration, error) { return m.Take(ctx, "\x00\xffkey", l) }
	back := func(m userssvc.Limiter) (time.Duration, error) { return 0, m.Return(ctx, "\x00\xffkey", l) }
	clr := func(m userssvc.Limiter) (time.Duration, error) { return 0, m.Clear(ctx, "\x00\xffkey") }
	var waits []string
	for i, step := range []func(userssvc.Limiter) (time.Duration, error){
		back, take, take, take, take, take, back, take, take, back, back, take, take, take, clr, take, take, take, take,
	} {
		got := both(step)
		if got[0] != got[1] {
			t.Errorf("step %d: Redis says %s, memory %s", i, got[0], got[1])
		}
		waits = append(waits, got[1])
	}
	want := strings.Fields("0s 0s 0s 0s 1h0m0s 1h0m0s 0s 0s 1h0m0s 0s 0s 0s 0s 1h0m0s 0s 0s 0s 0s 1h0m0s")
	if diff := cmp.Diff(want, waits); diff != "" {
		t.Error(diff)
	}
}

// TestRedisLimiterGrowsAndForgets: each wait in a row is twice the one before, four
// windows at most, and the key goes by itself. Time passes by moving the past.
func TestRedisLimiterGrowsAndForgets(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := redistest.Start(t).Client()
	m, l := userssvc.NewRedisLimiter(client), userssvc.Limit{Events: 1, Window: time.Hour}
	take := func() time.Duration {
		wait, err := m.Take(ctx, "k", l)
		if err != nil {
			t.Fatal(err)
		}
		return wait
	}
	var waits []string
	for range 4 {
		if wait := take(); wait != 0 {
			t.Fatalf("closed for %s after its wait", wait)
		}
		wait := take()
		waits = append(waits, wait.Round(time.Minute).String())
		passes(t, client, wait)
	}
	if diff := cmp.Diff([]string{"1h0m0s", "2h0m0s", "4h0m0s", "4h0m0s"}, waits); diff != "" {
		t.Error(diff)
	}
	passes(t, client, 9*time.Hour)
	if take(); take().Round(time.Minute) != time.Hour {
		t.Error("an idle key is not forgiven")
	}
	if ttl := client.PTTL(ctx, onlyKey(t, client)).Val().Round(time.Minute); ttl != 9*time.Hour {
		t.Errorf("the key lives %s", ttl)
	}
}

func onlyKey(t *testing.T, client redis.UniversalClient) string {
	t.Helper()
	keys, err := client.Keys(context.Background(), "*").Result()
	if err != nil || len(keys) != 1 || !strings.HasPrefix(keys[0], "anihub:limit:") {
		t.Fatalf("keys %q, %v", keys, err)
	}
	return keys[0]
}

// passes moves what is known of the only key into the past.
func passes(t *testing.T, client redis.UniversalClient, d time.Duration) {
	t.Helper()
	ctx, key := context.Background(), onlyKey(t, client)
	for _, field := range []string{"e", "u"} {
		ms, err := client.HGet(ctx, key, field).Int64()
		if err != nil {
			t.Fatalf("%s: %v", field, err)
		}
		if err := client.HSet(ctx, key, field, ms-d.Milliseconds()).Err(); err != nil {
			t.Fatal(err)
		}
	}
}
