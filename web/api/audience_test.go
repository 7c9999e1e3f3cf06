package api_test

import (
	"testing"

	"anihub/modules/realtime"
	rt "anihub/modules/realtime/realtimetest"
)

// TestAudience: the number of those who wait goes with the answer about a title, by id and
// by slug, and survives a realtime that is away.
func TestAudience(t *testing.T) {
	t.Parallel()
	s := open(t)
	v, _ := rt.Open(t, s.live)
	v.Do(`{"type":"subscribe_title","data":{"title_id":9901}}`, "subscribed")
	for _, path := range []string{v2 + "/titles/9901", v2 + "/titles/code/tsubaki-dori"} {
		rt.WaitFor(t, func() (string, bool) {
			got := s.get(t, path).Header.Get("X-Subscribers")
			return path + " says " + got, got == "1"
		})
	}
	if got := s.get(t, v2+"/titles?limit=1").Header["X-Subscribers"]; got != nil {
		t.Errorf("a list says %s", got)
	}
	etag := s.get(t, v2+"/titles/9901").Header.Get("Etag")
	if r := s.get(t, v2+"/titles/9901", "If-None-Match", etag); r.StatusCode != 304 || r.Header.Get("X-Subscribers") != "1" {
		t.Errorf("%d says %q", r.StatusCode, r.Header.Get("X-Subscribers"))
	}
	other := s.get(t, v2+"/titles/9902")
	if n, told := other.Header["X-Subscribers"]; told {
		t.Errorf("of a title that nobody waits for: %s", n)
	}
	if r := s.get(t, v2+"/titles/9902", "If-None-Match", other.Header.Get("Etag")); r.StatusCode != 304 || r.Header.Get("X-Subscribers") != "0" {
		t.Errorf("%d says %q, and the reader keeps what was said before", r.StatusCode, r.Header.Get("X-Subscribers"))
	}
	s.live.Fail(realtime.ErrUnavailable)
	if got := s.get(t, v2+"/titles/9901").Header.Get("X-Subscribers"); got != "1" {
		t.Errorf("while realtime is away: %q", got)
	}
}
