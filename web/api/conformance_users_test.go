package api_test

import (
	"errors"
	"strings"

	"anihub/modules/realtime"
	rt "anihub/modules/realtime/realtimetest"
	"anihub/modules/users"
)

func testTokens(s *scene) {
	good, banned, left := s.guest(7), s.guest(7), s.guest(7)
	_, err1 := s.users.SetBanned(s.t.Context(), banned.User.Login, true)
	if err := errors.Join(err1, s.users.Logout(s.t.Context(), left.User.ID, left.ID)); err != nil {
		s.t.Fatal(err)
	}
	expired := ""
	for _, f := range maker(good).Forgeries() {
		if f.Name == "expired" {
			expired = f.Token
		}
	}
	for name, c := range map[string]struct{ token, reason string }{
		"nonsense": {"nonsense", "malformed"}, "expired": {expired, "expired"},
		"banned": {banned.AccessToken, "banned"}, "signed out": {left.AccessToken, "session_ended"},
	} {
		e, h := s.expectRefusal(wish{token: c.token, titles: []int{5}}, "BAD_TOKEN", "BANNED")
		if !strings.Contains(string(h.data), `"reason":"`+c.reason+`"`) && h.id != "BANNED" || (h.id == "BANNED") != (c.reason == "banned" && !s.stream()) {
			s.t.Errorf("%s: refused with %s", name, h.data)
		}
		if h.id == "BANNED" && s.by == (overWebSocket{}) {
			if why, _ := s.expectEnd(e); why.code != realtime.CloseBanned {
				s.t.Errorf("%s: parted with %v", name, why)
			}
		}
	}
	e := s.by.open(s.t, s.at, wish{token: good.AccessToken})
	s.expect(e, "hello")
	if h := s.expect(e, "auth_ok"); !strings.Contains(string(h.data), `"user_id":"`+good.User.ID+`"`) || strings.Contains(string(h.data), good.AccessToken) {
		s.t.Errorf("answered %s", h.data)
	}
}

func (s *scene) stream() bool { return s.by == transport(overStream{}) }

func testOwnTitles(s *scene) {
	g := s.guest(7, 8)
	e, _ := s.open(wish{token: g.AccessToken})
	both, _ := s.open(wish{token: g.AccessToken, titles: []int{5}})
	p := s.at.tell(s.t, rt.Episode(5, 1), rt.Episode(7, 1), rt.Episode(9, 1), rt.Episode(8, 1))
	s.expectEvents(e, p[1], p[3])
	s.expectEvents(both, p[0], p[1], p[3])
	if e.last() != p[3].Position || both.last() != p[3].Position {
		s.t.Errorf("viewers are at %q and %q, want %q", e.last(), both.last(), p[3].Position)
	}
}

// testMissedByUser: what the user's own titles missed and what was named besides come in
// one order, from wherever the viewer is cut off again.
func testMissedByUser(s *scene) {
	g := s.guest(7, 8)
	w := wish{token: g.AccessToken, titles: []int{5}}
	e, _ := s.open(w)
	s.expectEvents(e, s.at.tell(s.t, rt.Episode(5, 1))...)
	e.cut()
	w.since = e.last()
	p := s.at.tell(s.t, rt.Episode(8, 1), rt.Episode(5, 2), rt.Episode(9, 2), rt.Episode(7, 2))
	mine := []realtime.Published{p[0], p[1], p[3]}
	for len(mine) > 0 {
		var a answered
		e, a = s.open(w)
		if !a.Recovered || a.Count != len(mine) {
			s.t.Fatalf("answered %+v, want %d", a, len(mine))
		}
		s.expectEvents(e, mine[0])
		e.cut()
		w.since, mine = e.last(), mine[1:]
	}
	e, _ = s.open(wish{token: g.AccessToken, since: p[1].Position})
	s.expectEvents(e, p[3])
}

func testSessionEnds(s *scene) {
	for name, c := range map[string]struct {
		code int
		end  func(users.Session) error
	}{
		"sign-out": {realtime.CloseAuth, func(u users.Session) error { return s.users.Logout(s.t.Context(), u.User.ID, u.ID) }},
		"ban": {realtime.CloseBanned, func(u users.Session) error {
			_, err := s.users.SetBanned(s.t.Context(), u.User.Login, true)
			return err
		}},
	} {
		g, other := s.guest(7), s.guest(7)
		mine, _ := s.open(wish{token: g.AccessToken})
		theirs, _ := s.open(wish{token: other.AccessToken})
		p := s.at.tell(s.t, rt.Episode(7, float64(c.code)))
		if err := c.end(g); err != nil {
			s.t.Fatal(err)
		}
		why, before := s.expectEnd(mine)
		if why.code != c.code || why.reason == "" || len(before) != 1 || before[0].id != p[0].EventID {
			s.t.Errorf("%s: %v after %v", name, why, before)
		}
		p = append(p, s.at.tell(s.t, rt.Episode(7, float64(c.code+1)))...)
		s.expectEvents(theirs, p...)
	}
}

// testTooManyOfUser: one who is one too many is told so and hears what anybody may hear.
func testTooManyOfUser(s *scene) {
	g := s.guest(7)
	first, _ := s.open(wish{token: g.AccessToken})
	second, _ := s.expectRefusal(wish{token: g.AccessToken, titles: []int{5}}, "TOO_MANY_CONNECTIONS")
	if _, socketIO := s.by.(overSocketIO); socketIO {
		return // a token that is refused refuses the connection there
	}
	s.expect(second, "subscribed")
	p := s.at.tell(s.t, rt.Episode(7, 1), rt.Episode(5, 1))
	s.expectEvents(first, p[0])
	s.expectEvents(second, p[1])
}
