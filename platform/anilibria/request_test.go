package anilibria_test

import (
	"errors"
	"net/http"
	"testing"

	"anihub/platform/anilibria"
)

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

func TestRedirectOutOfTLSIsNotFollowed(t *testing.T) {
	virtual(t, func(t *testing.T) {
		c := anilibria.DefaultConfig()
		c.BaseURLs = []string{"https://a.test/api/v1"}
		r := newRigWith(t, c)
		r.world.is("a.test", func(q *http.Request) (*http.Response, error) {
			if q.URL.Scheme == "https" {
				return says(301, "", "Location", "http://a.test/api/v1/anything")(q)
			}
			return fine()(q)
		})
		want(t, r.ask(t.Context()), anilibria.ErrGarbage)
		if n := r.world.calls("a.test"); n != 1 {
			t.Errorf("%d requests, want the first one only", n)
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
