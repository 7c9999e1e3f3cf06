package api_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/realtime"
	rt "anihub/modules/realtime/realtimetest"
)

// TestConformance holds every transport against one list of promises, docs/realtime.md's:
// over real listeners, rooms and users, on a log that instances share.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, c := range promises() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, tr := range everyTransport() {
				t.Run(tr.String(), func(t *testing.T) {
					t.Parallel()
					v := newVenue(t)
					if c.change != nil {
						c.change(v)
					}
					c.test(&scene{venue: v, t: t, by: tr, at: v.instance()})
				})
			}
		})
	}
}

// promise is something that holds however one listens.
type promise struct {
	name   string
	change func(*venue) // of what is usual
	test   func(*scene)
}

func promises() []promise {
	return []promise{
		{"hello comes first", nil, testHelloFirst},
		{"who asks for nothing", nil, testNothingAsked},
		{"only what was asked for", nil, testOnlyAsked},
		{"once though two match", nil, testOnceThoughTwo},
		{"what events say", nil, testEventsSay},
		{"each position resumes there", nil, testEachPosition},
		{"across a cut", nil, testAcrossACut},
		{"across instances while told", nil, testAcrossInstances},
		{"backlog beyond the queue", smallQueues, testBacklog},
		{"what the log does not hold", nil, testNotHeld},
		{"no position at all", nil, testNoPosition},
		{"a log that is replaced", nil, testReplaced},
		{"tokens", nil, testTokens},
		{"titles of the user", nil, testOwnTitles},
		{"missed by the user", nil, testMissedByUser},
		{"a session ends", nil, testSessionEnds},
		{"too many of one user", fewOfAUser, testTooManyOfUser},
		{"an instance ends", quickDrain, testInstanceEnds},
		{"one who does not read", smallQueues, testDoesNotRead},
		{"heartbeat", quickPings, testBeats},
		{"limits", nil, testLimits},
		{"a thousand at once", nil, testThousand},
	}
}

func smallQueues(v *venue) { v.room.QueueBytes, v.writes = 64<<10, time.Hour }
func fewOfAUser(v *venue)  { v.room.MaxConnectionsPerUser = 1 }
func quickDrain(v *venue)  { v.surface.DrainSpread = 2 * time.Second }
func quickPings(v *venue)  { v.surface.Ping, v.surface.Pong = 700*time.Millisecond, socketTime }

// scene is one promise over one transport.
type scene struct {
	*venue
	t  *testing.T
	by transport
	at *instance
}

// answered is what the last answer says of what was missed.
type answered struct {
	Position  string
	Recovered bool
	Count     int
}

// open connects to the first instance and takes hello and what answers the wish, in order
// and with nothing between.
func (s *scene) open(w wish) (ear, answered) {
	s.t.Helper()
	return s.openAt(s.at, w)
}

func (s *scene) openAt(at *instance, w wish) (ear, answered) {
	s.t.Helper()
	e := s.by.open(s.t, at, w)
	s.expect(e, "hello")
	var a answered
	for _, typ := range s.answers(w) {
		h := s.expect(e, typ)
		if err := json.Unmarshal(h.data, &a); err != nil {
			s.t.Fatalf("%s says %s: %v", typ, h.data, err)
		}
	}
	if a.Count > 0 && e.last() != w.since {
		s.t.Errorf("who has heard nothing yet of what was missed since %s is at %s", w.since, e.last())
	}
	return e, a
}

// answers are the types of what comes before anything missed.
func (s *scene) answers(w wish) []string {
	commands, _ := w.commands()
	if _, stream := s.by.(overStream); stream && len(commands) == 0 || len(commands) == 1 && commands[0] == "resume" {
		return []string{"subscribed"} // to all
	}
	for i, c := range commands {
		commands[i] = map[string]string{"auth": "auth_ok", "subscribe_updates": "subscribed", "resume": "resumed"}[c]
	}
	return commands
}

func (s *scene) expect(e ear, typ string) heard {
	s.t.Helper()
	h, err := e.next()
	if err != nil || h.typ != typ {
		s.t.Fatalf("heard %s %q %s, %v; want %s", h.typ, h.id, h.data, err, typ)
	}
	return h
}

// expectEvents are what comes next, in this order.
func (s *scene) expectEvents(e ear, want ...realtime.Published) {
	s.t.Helper()
	for _, p := range want {
		h, err := e.next()
		if err != nil || h.id != p.EventID || h.position != p.Position {
			s.t.Fatalf("heard %s %q at %q %.300s, %v; want %s at %s", h.typ, h.id, h.position, h.data, err, p.EventID, p.Position)
		}
	}
}

// expectEnd reads on to the end and returns it with what came before.
func (s *scene) expectEnd(e ear) (*parted, []heard) {
	s.t.Helper()
	var before []heard
	for {
		h, err := e.next()
		var p *parted
		if errors.As(err, &p) {
			return p, before
		}
		if err != nil {
			s.t.Fatalf("%v after %d; want to be told the end", err, len(before))
		}
		before = append(before, h)
	}
}

// expectRefusal: one of the codes that comes first, besides hello and answers.
func (s *scene) expectRefusal(w wish, codes ...string) (ear, heard) {
	s.t.Helper()
	e := s.by.open(s.t, s.at, w)
	for {
		h, err := e.next()
		if err != nil {
			s.t.Fatalf("%v; want one of %v", err, codes)
		}
		if h.typ != "error" {
			continue
		}
		for _, c := range codes {
			if h.id == c {
				return e, h
			}
		}
		s.t.Fatalf("refused with %s %s, want one of %v", h.id, h.data, codes)
	}
}

func (s *scene) same(what string, got, want any) {
	s.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("%s: -want +got\n%s", what, diff)
	}
}

// number is n episodes of a title, from the first number on.
func number(title, first, n int) []realtime.Event {
	all := make([]realtime.Event, n)
	for i := range all {
		all[i] = rt.Episode(title, float64(first+i))
	}
	return all
}
