package anilibria_test

import (
	"fmt"
	"testing"

	"anihub/platform/anilibria"
	"anihub/platform/fault"
)

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
