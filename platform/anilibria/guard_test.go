package anilibria_test

import (
	"context"
	"errors"
	"fmt"
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

// U3
func TestRetryAfterIsWaitedFor(t *testing.T) {
	for name, header := range map[string]func() string{
		"seconds": func() string { return "7" },
		"date":    func() string { return time.Now().Add(7 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				r := newRig(t, "a.test")
				n := 0
				r.world.is("a.test", func(q *http.Request) (*http.Response, error) {
					if n++; n == 1 {
						return says(429, `{"message":"Too Many Attempts."}`, "Retry-After", header())(q)
					}
					return fine()(q)
				})
				start := time.Now()
				if err := r.ask(anilibria.Background(t.Context())); err != nil {
					t.Error(err)
				}
				if waited := time.Since(start); waited < 7*time.Second || waited > 8*time.Second {
					t.Errorf("waited %s", waited)
				}
			})
		})
	}
}

// U3
func TestViewerDoesNotWaitLong(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", says(429, `{}`, "Retry-After", "20"))
		start := time.Now()
		for range 10 {
			err := r.ask(t.Context())
			want(t, err, anilibria.ErrUnavailable)
			if after := fault.Of(err).RetryAfter; after != 20*time.Second {
				t.Errorf("RetryAfter %s", after)
			}
		}
		took(t, start, 0)
		if n := r.world.calls("a.test"); n != 1 || r.breaker(0) != "closed" {
			t.Errorf("asked %d times while it wanted to be left alone, breaker %s", n, r.breaker(0))
		}
		r.world.is("a.test", fine())
		time.Sleep(20 * time.Second)
		if err := r.ask(t.Context()); err != nil {
			t.Errorf("not asked when the wait was over: %v", err)
		}
	})
}

func TestShortRetryAfterIsWorthWaiting(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		n := 0
		r.world.is("a.test", func(q *http.Request) (*http.Response, error) {
			if n++; n == 1 {
				return says(503, `{}`, "Retry-After", "1")(q)
			}
			return fine()(q)
		})
		start := time.Now()
		if err := r.ask(t.Context()); err != nil {
			t.Error(err)
		}
		took(t, start, time.Second)
	})
}

// U3: another host serves meanwhile.
func TestThrottledHostIsPassedOver(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test", "b.test")
		r.world.is("a.test", says(429, `{}`, "Retry-After", "99999"))
		r.world.is("b.test", fine())
		start := time.Now()
		for range 5 {
			if err := r.ask(t.Context()); err != nil {
				t.Error(err)
			}
		}
		took(t, start, 0)
		if a, b := r.world.calls("a.test"), r.world.calls("b.test"); a != 1 || b != 5 {
			t.Errorf("asked a %d, b %d times", a, b)
		}
		time.Sleep(60 * time.Second) // the cap
		if err := r.ask(t.Context()); err != nil || r.world.calls("a.test") != 2 {
			t.Errorf("a was asked %d times after the capped wait, %v", r.world.calls("a.test"), err)
		}
	})
}

func TestRetryAfterHeader(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 9, 26, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                              0,
		"5":                             5 * time.Second,
		" 5 ":                           5 * time.Second,
		"0":                             time.Second,
		"-5":                            0,
		"5.5":                           0,
		"soon":                          0,
		"60":                            time.Minute,
		"61":                            time.Minute,
		"18446744073709551615":          time.Minute,
		"99999999999999999999":          0,
		"Sat, 26 Sep 2026 12:00:09 GMT": 9 * time.Second,
		"Sat, 26 Sep 2026 11:00:00 GMT": time.Second,
		"Sat, 26 Sep 2126 12:00:00 GMT": time.Minute,
	} {
		if got := anilibria.RetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	for attempts := range 50 {
		if d := anilibria.Backoff(attempts); d < 100*time.Millisecond || d > 6400*time.Millisecond {
			t.Errorf("backoff after %d attempts: %s", attempts, d)
		}
	}
}

// U4
func TestRefusalsAreFinalAndNoEvidence(t *testing.T) {
	for status, is := range map[int]*fault.Error{
		404: anilibria.ErrNotFound, 400: anilibria.ErrRefused, 401: anilibria.ErrRefused, 403: anilibria.ErrRefused,
		410: anilibria.ErrRefused, 412: anilibria.ErrRefused, 422: anilibria.ErrRefused, 451: anilibria.ErrRefused,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				r := newRig(t, "a.test", "b.test")
				r.world.is("a.test", says(status, `{"message":"no"}`))
				r.world.is("b.test", fine())
				for range 20 {
					want(t, r.ask(t.Context()), is)
				}
				if a, b := r.world.calls("a.test"), r.world.calls("b.test"); a != 20 || b != 0 || r.breaker(0) != "closed" {
					t.Errorf("asked a %d, b %d times, breaker %s", a, b, r.breaker(0))
				}
			})
		})
	}
}

// U4, U5: a page of an edge is not the API's word, not even as a 404.
func TestHTMLIsTheEdgeTalking(t *testing.T) {
	for _, c := range []struct {
		status int
		is     *fault.Error
		opens  bool
	}{{200, anilibria.ErrGarbage, true}, {404, anilibria.ErrGarbage, false}, {403, anilibria.ErrRefused, false}, {302, anilibria.ErrGarbage, true}} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				r := newRig(t, "a.test")
				r.world.is("a.test", says(c.status, "<html>", "Content-Type", "text/html"))
				for range 5 {
					want(t, r.ask(t.Context()), c.is)
				}
				if n := r.world.calls("a.test"); n != 5 || (r.breaker(0) == "open") != c.opens {
					t.Errorf("%d attempts, breaker %s", n, r.breaker(0))
				}
				two := newRig(t, "a.test", "b.test")
				two.world.is("a.test", says(c.status, "<html>", "Content-Type", "text/html"))
				two.world.is("b.test", fine())
				if err := two.ask(t.Context()); err != nil {
					t.Errorf("the next host did not serve: %v", err)
				}
			})
		})
	}
}

// U5
func TestGarbage(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "truncated": `{"n":`, "HTML": "<html>", "two values": `{} {}`, "wrong types": `{"n":"one"}`, "binary": "\x00\x01\xff", "array": `[1]`,
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				r := newRig(t, "a.test")
				r.world.is("a.test", says(200, body))
				for range 3 {
					want(t, r.ask(t.Context()), anilibria.ErrGarbage)
				}
				if r.world.calls("a.test") != 3 || r.logs.count("upstream answer cannot be read") != 1 || r.metric(t, "upstream_requests_total", "result", "garbage") != 3 {
					t.Error("garbage is retried, or not told once and counted each time")
				}
				r.world.is("a.test", fine())
				if err := r.ask(t.Context()); err != nil || r.logs.count("readable again") != 1 {
					t.Errorf("the recovery is not told: %v", err)
				}
			})
		})
	}
}

func TestContentTypesThatMayHoldJSON(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		for kind, ok := range map[string]bool{
			"": true, "application/json": true, "application/json; charset=utf-8": true, "application/vnd.api+json": true, "text/plain": true,
			"text/html": false, "image/png": false, "application/xml": false,
		} {
			r.world.is("a.test", says(200, alive, "Content-Type", kind))
			if err := r.ask(t.Context()); (err == nil) != ok {
				t.Errorf("%q: %v", kind, err)
			}
		}
	})
}

func TestLeavingIsNoEvidence(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", hangs)
		for range 20 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			if err := r.ask(ctx); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := r.ask(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			cancel()
		}
		if r.breaker(0) != "closed" {
			t.Error("callers who left opened the breaker")
		}
		// A deadline as long as the attempt's does not shield a host that hangs.
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
			if err := r.ask(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			cancel()
		}
		if r.breaker(0) != "open" {
			t.Error("five hangs of nine seconds did not open the breaker")
		}
	})
}

// T8: a probe whose caller leaves must not keep the breaker half-open for ever.
func TestLeavingDuringTheProbe(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", says(500, "{}"))
		for range 2 {
			_ = r.ask(t.Context())
		}
		time.Sleep(30 * time.Second)
		r.world.is("a.test", hangs)
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := r.ask(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("not a probe that was left: %v", err)
			}
			cancel()
		}
		if r.breaker(0) != "half-open" {
			t.Errorf("breaker %s", r.breaker(0))
		}
		r.world.is("a.test", fine())
		if err := r.ask(t.Context()); err != nil || r.breaker(0) != "closed" {
			t.Errorf("the next probe: %v, breaker %s", err, r.breaker(0))
		}
	})
}

// T8: neither the bulkhead nor a half-open breaker loses a place to a panic.
func TestPanicInADecoder(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", fine())
		explodes := question()
		explodes.Decode = func([]byte, anilibria.Skip) error { panic("boom") }
		for range 150 {
			want(t, r.Fetch(t.Context(), explodes), fault.ErrInternal)
		}
		if err := r.ask(t.Context()); err != nil {
			t.Error(err)
		}
		if r.breaker(0) != "closed" {
			t.Error("our own defect opened the breaker")
		}
	})
}

// A late answer of the closed breaker says nothing about the half-open one.
func TestLateAnswersDoNotDecide(t *testing.T) {
	virtual(t, func(t *testing.T) {
		c := anilibria.DefaultConfig()
		c.BaseURLs = []string{"http://a.test"}
		c.Breaker.Delay = time.Second
		r := newRigWith(t, c)
		r.world.is("a.test", after(5*time.Second, fine()))
		var group sync.WaitGroup
		group.Go(func() { _ = r.ask(t.Context()) })
		synctest.Wait()
		r.world.is("a.test", says(500, "{}"))
		for range 2 {
			_ = r.ask(t.Context())
		}
		group.Wait()
		if r.breaker(0) != "open" {
			t.Errorf("breaker %s after an answer from before it opened", r.breaker(0))
		}
	})
}

func TestBulkhead(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", after(3*time.Second, fine()))
		var group sync.WaitGroup
		for range 250 {
			group.Go(func() {
				if err := r.ask(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if r.world.most() != 100 {
			t.Errorf("%d at once", r.world.most())
		}
	})
}

func TestBackgroundGivesWay(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", fine())
		start := time.Now()
		var group sync.WaitGroup
		for range 12 {
			group.Go(func() {
				if err := r.ask(anilibria.Background(t.Context())); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		for range 50 {
			if err := r.ask(t.Context()); err != nil {
				t.Error(err)
			}
		}
		took(t, start, 0)
		group.Wait()
		took(t, start, 5*time.Second) // two at once, then two a second
	})
}

func TestBackgroundIsUnlimitedOnLoopback(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "127.0.0.1:1", "localhost:2", "[::1]:3")
		r.world.is("127.0.0.1:1", fine())
		start := time.Now()
		for range 500 {
			if err := r.ask(anilibria.Background(t.Context())); err != nil {
				t.Error(err)
			}
		}
		took(t, start, 0)
	})
}

func TestBackgroundLeavesHalfOfTheConnections(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "127.0.0.1:1")
		r.world.is("127.0.0.1:1", after(time.Second, fine()))
		var group sync.WaitGroup
		for range 200 {
			group.Go(func() { _ = r.ask(anilibria.Background(t.Context())) })
		}
		synctest.Wait()
		if r.world.most() != 50 {
			t.Errorf("background work holds %d connections", r.world.most())
		}
		group.Wait()
	})
}

func TestFailoverAndReturn(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test", "b.test", "c.test")
		r.world.is("a.test", fails(errors.New("no route to host")))
		r.world.is("b.test", fine())
		r.world.is("c.test", fine())
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			if err := r.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		for range 20 {
			if err := r.ask(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if a, b, c := r.world.calls("a.test"), r.world.calls("b.test"), r.world.calls("c.test"); a != 5 || b != 20 || c != 0 {
			t.Errorf("asked a %d, b %d, c %d times", a, b, c)
		}
		state := r.State()
		if !state[1].Active || state[0].Active || state[0].Breaker != "open" || state[0].LastError == "" || r.metric(t, "upstream_active_host", "host", "b.test") != 1 {
			t.Errorf("state %+v", state)
		}
		time.Sleep(95 * time.Second)
		if n := r.world.calls("a.test") - 5; n != 3 {
			t.Errorf("%d probes in 95 s", n)
		}
		r.world.is("a.test", fine())
		time.Sleep(30 * time.Second)
		before := r.world.calls("a.test")
		if err := r.ask(t.Context()); err != nil || r.world.calls("a.test") != before+1 {
			t.Error("the preferred host has healed and is not preferred")
		}
		if s := r.State()[0]; !s.Active || s.LastError != "" || r.logs.count("host is back") != 1 || r.logs.count("host is down") != 1 {
			t.Errorf("state %+v", s)
		}
		cancel()
		group.Wait()
	})
}

// A host that answers app/status with a page, a refusal or is_alive false is not back.
func TestProbeWantsTheTruth(t *testing.T) {
	for name, probe := range map[string]answer{
		"page": page(), "403": says(403, "{}"), "edge": says(403, "<html>", "Content-Type", "text/html"), "404": says(404, "{}"),
		"not alive": says(200, `{"is_alive":false}`), "something": says(200, `{}`), "429": says(429, "{}", "Retry-After", "5"),
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				r := newRig(t, "a.test", "b.test")
				r.world.is("a.test", says(500, "{}"))
				r.world.is("b.test", fine())
				ctx, cancel := context.WithCancel(t.Context())
				var group sync.WaitGroup
				group.Go(func() { _ = r.Run(ctx) })
				for range 5 {
					_ = r.ask(t.Context())
				}
				r.world.is("a.test", probe)
				time.Sleep(10 * time.Minute)
				if n := r.world.calls("a.test") - 5; r.State()[0].Active || n < 10 || n > 25 {
					t.Errorf("%d probes, %+v", n, r.State()[0])
				}
				cancel()
				group.Wait()
			})
		})
	}
}

// Background work probes; a viewer is served by the host that is up.
func TestViewerIsNoGuineaPig(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test", "b.test")
		r.world.is("a.test", hangs)
		r.world.is("b.test", fine())
		for range 5 {
			_ = r.ask(t.Context())
		}
		time.Sleep(31 * time.Second)
		start := time.Now()
		if err := r.ask(t.Context()); err != nil {
			t.Error(err)
		}
		took(t, start, 0)
		r.world.is("a.test", fine())
		if err := r.ask(anilibria.Background(t.Context())); err != nil || !r.State()[0].Active {
			t.Errorf("background work did not heal the host: %v", err)
		}
	})
}

func TestRedirectToAnotherHostIsNotFollowed(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", says(301, "", "Location", "http://block.test/"))
		r.world.is("block.test", fine())
		want(t, r.ask(t.Context()), anilibria.ErrGarbage)
		if r.world.calls("block.test") != 0 {
			t.Error("followed to another host")
		}
		r.world.is("a.test", func(q *http.Request) (*http.Response, error) {
			if q.URL.Path == "/api/v1/anything" {
				return says(301, "", "Location", "/api/v1/anything/")(q)
			}
			return fine()(q)
		})
		if err := r.ask(t.Context()); err != nil {
			t.Errorf("a redirect on the same host: %v", err)
		}
	})
}

func TestHeadersAndRoutes(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", fine())
		if err := r.ask(t.Context()); err != nil {
			t.Fatal(err)
		}
		h := r.world.last.Header
		if h.Get("Accept") != "application/json" || len(h.Get("User-Agent")) < len("AniHub/") || h.Get("User-Agent")[:7] != "AniHub/" {
			t.Errorf("headers %v", h)
		}
		if r.metric(t, "upstream_requests_total", "host", "a.test", "route", "test", "result", "ok") != 1 ||
			r.metric(t, "upstream_request_duration_seconds", "route", "test") != 1 {
			t.Error("the request is not counted")
		}
	})
}

func TestSkippedItemsAreToldOnceAndCounted(t *testing.T) {
	virtual(t, func(t *testing.T) {
		r := newRig(t, "a.test")
		r.world.is("a.test", fine())
		q := question()
		q.Decode = func(_ []byte, skip anilibria.Skip) error {
			skip("episode", errors.New("bad"))
			skip("episode", errors.New("worse"))
			return nil
		}
		for range 3 {
			if err := r.Fetch(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		if n := r.metric(t, "upstream_skipped_items_total", "kind", "episode"); n != 6 || r.logs.count("left out") != 1 {
			t.Errorf("counted %v, told %d times", n, r.logs.count("left out"))
		}
	})
}
