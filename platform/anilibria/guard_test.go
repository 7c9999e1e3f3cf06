package anilibria_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"anihub/platform/anilibria"
	"anihub/platform/fault"
)

// virtual runs a test in virtual time: waits cost nothing and are exact.
func virtual(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

func want(t *testing.T, err error, is *fault.Error) {
	t.Helper()
	if !errors.Is(err, is) {
		t.Errorf("want %s, got %v", is.Code, err)
	}
}

func took(t *testing.T, start time.Time, d time.Duration) {
	t.Helper()
	if got := time.Since(start); got != d {
		t.Errorf("took %s of virtual time, want %s", got, d)
	}
}

func (r *rig) breaker(i int) string { return r.State()[i].Breaker }

// U1
func TestHangEndsTheAttemptAndTheNextHostServes(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test", "b.test")
		r.world.is("a.test", hangs)
		r.world.is("b.test", fine())
		start := time.Now()
		if err := r.ask(t.Context()); err != nil {
			t.Error(err)
		}
		took(t, start, 10*time.Second)
	})
}

// U1
func TestWholeQuestionEndsWithinItsTime(t *testing.T) {
	for name, slow := range map[string]answer{"hang": hangs, "drip": drips} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				r := newRig(t, "a.test", "b.test", "c.test", "d.test")
				for _, h := range []string{"a.test", "b.test", "c.test", "d.test"} {
					r.world.is(h, slow)
				}
				start := time.Now()
				want(t, r.ask(t.Context()), anilibria.ErrUnavailable)
				took(t, start, 30*time.Second)
				if n := r.metric(t, "upstream_requests_total", "result", "timeout"); n < 3 {
					t.Errorf("%v timeouts counted", n)
				}
			})
		})
	}
}

// U2
func TestServerErrorsAreRetriedAFewTimes(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", says(502, `{"message":"Bad Gateway"}`))
		want(t, r.ask(t.Context()), anilibria.ErrUnavailable)
		if n := r.world.calls("a.test"); n != 3 {
			t.Errorf("%d attempts, want 3", n)
		}
		first, second := r.world.times[1].Sub(r.world.times[0]), r.world.times[2].Sub(r.world.times[1])
		if first < 100*time.Millisecond || first > 200*time.Millisecond || second < 200*time.Millisecond || second > 400*time.Millisecond {
			t.Errorf("waits of %s and %s", first, second)
		}
		if r.metric(t, "upstream_retries_total") != 2 {
			t.Error("the retries are not counted")
		}
	})
}

// U2
func TestBreakerOpensAtTheFifthFailure(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", says(500, `{}`))
		for range 20 {
			want(t, r.ask(t.Context()), anilibria.ErrUnavailable)
		}
		if n := r.world.calls("a.test"); n != 5 || r.breaker(0) != "open" {
			t.Errorf("%d attempts reached the host, breaker %s", n, r.breaker(0))
		}
		if after := fault.Of(r.ask(t.Context())).RetryAfter; after <= 0 || after > 30*time.Second {
			t.Errorf("RetryAfter %s", after)
		}
		if r.metric(t, "upstream_breaker_state", "host", "a.test") != 2 || r.logs.count("host is down") != 1 {
			t.Error("the open breaker is not told, or told twice")
		}
	})
}

// U2
func TestExactlyOneProbe(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", fails(errors.New("refused")))
		for range 2 {
			want(t, r.ask(t.Context()), anilibria.ErrUnavailable)
		}
		time.Sleep(30 * time.Second)
		r.world.is("a.test", after(time.Second, fine()))
		before := r.world.calls("a.test")
		var group sync.WaitGroup
		var mu sync.Mutex
		ok := 0
		for range 50 {
			group.Go(func() {
				if r.ask(t.Context()) == nil {
					mu.Lock()
					ok++
					mu.Unlock()
				}
			})
		}
		group.Wait()
		if n := r.world.calls("a.test") - before; n != 1 || ok != 1 {
			t.Errorf("%d probes, %d answers", n, ok)
		}
		if err := r.ask(t.Context()); err != nil || r.breaker(0) != "closed" {
			t.Errorf("after the probe: %v, breaker %s", err, r.breaker(0))
		}
		if r.logs.count("host is back") != 1 {
			t.Error("the return is not told")
		}
	})
}

func TestFailedProbeOpensAgain(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", says(503, `{}`))
		for range 2 {
			want(t, r.ask(t.Context()), anilibria.ErrUnavailable)
		}
		for range 3 {
			time.Sleep(30 * time.Second)
			before := r.world.calls("a.test")
			for range 10 {
				want(t, r.ask(t.Context()), anilibria.ErrUnavailable)
			}
			if n := r.world.calls("a.test") - before; n != 1 {
				t.Errorf("%d probes in one half-open", n)
			}
		}
		if r.logs.count("host is down") != 1 {
			t.Error("one outage is told more than once")
		}
	})
}

// U2
func TestRetriesStayWithinTheBudget(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		n := 0
		// Every first attempt fails, every second one works: the breaker stays
		// closed, and only the budget holds the retries back.
		r.world.is("a.test", func(q *http.Request) (*http.Response, error) {
			if n++; n%2 == 1 {
				return says(500, `{}`)(q)
			}
			return fine()(q)
		})
		const questions = 2000
		for range questions {
			_ = r.ask(t.Context())
		}
		if retries := r.metric(t, "upstream_retries_total"); retries > questions/10+20 || retries < 20 {
			t.Errorf("%v retries for %d questions", retries, questions)
		}
		time.Sleep(5 * time.Minute)
		before := r.metric(t, "upstream_retries_total")
		n = 0
		if err := r.ask(t.Context()); err != nil || r.metric(t, "upstream_retries_total") == before {
			t.Errorf("a system that was quiet may not retry: %v", err)
		}
	})
}
