package anilibria_test

import (
	"net/http"
	"testing"
	"time"

	"anihub/platform/anilibria"
	"anihub/platform/fault"
)

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
