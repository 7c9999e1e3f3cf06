package test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/redisdb/redistest"
)

// season is what happened upstream: a script that chance writes, and an oracle.
type season struct {
	t     *testing.T
	u     *upstream
	rnd   *rand.Rand
	ids   []int
	mute  map[int]float64  // title → its last episode, which nothing plays yet
	aired map[int][]string // title → ids of the episodes that play, in order
	steps int
}

// steps lets n things happen.
func (s *season) play(n int) {
	s.t.Helper()
	for range n {
		s.steps++
		id := s.ids[s.rnd.IntN(len(s.ids))]
		if err := s.step(id); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *season) step(id int) error {
	if ordinal, ok := s.mute[id]; ok {
		return s.unmute(id, ordinal)
	}
	switch s.rnd.IntN(10) {
	case 0: // a special between two episodes
		return s.air(id, anilibriatest.Episode{Ordinal: s.last(id) + 0.5, Quality: 720, Duration: 600})
	case 1: // there, and not encoded yet
		e, err := s.u.Air(id, anilibriatest.Episode{Duration: 1420})
		s.mute[id] = e.Ordinal
		return err
	case 2: // only elsewhere
		return s.air(id, anilibriatest.Episode{RutubeID: "0a1b2c3d4e5f60718293a4b5c6d7e8f9", Duration: 1420})
	case 3:
		return s.u.Reupload(id, s.last(id))
	case 4:
		return s.u.AddTorrent(id, anilibriatest.Torrent{ID: 700_000 + s.steps, Quality: "1080p"})
	case 5: // two at once
		if err := s.air(id, anilibriatest.Episode{Quality: 1080, Duration: 1420}); err != nil {
			return err
		}
		fallthrough
	default:
		return s.air(id, anilibriatest.Episode{Quality: 1080, Duration: 1420})
	}
}

func (s *season) air(id int, e anilibriatest.Episode) error {
	e, err := s.u.Air(id, e)
	if err == nil {
		s.aired[id] = append(s.aired[id], e.ID)
	}
	return err
}

func (s *season) unmute(id int, ordinal float64) error {
	delete(s.mute, id)
	s.aired[id] = append(s.aired[id], s.u.EpisodeID(id, ordinal))
	return s.u.Reupload(id, ordinal)
}

func (s *season) last(id int) float64 {
	title, _ := s.u.Title(id)
	last := 0.0
	for _, e := range title.Episodes {
		last = max(last, e.Ordinal)
	}
	return last
}

// stumble makes the upstream err for a moment, now and then.
func (s *season) stumble() {
	faults := []anilibriatest.Fault{
		{Status: 500, Times: 2}, {Reset: true, Times: 1}, {Truncate: true, Times: 1}, {Delay: 200 * time.Millisecond, Times: 3},
	}
	if s.rnd.IntN(3) == 0 {
		s.u.Break(anilibriatest.All, faults[s.rnd.IntN(len(faults))])
	}
}

// everything is told from a position on.
const everythingSince = `{"type":"subscribe_updates","data":{"types":["new_episode","episode_update","new_title","status_change"],"since":%q}}`

// TestASeasonIsToldOnceWhateverDies: hundreds of episodes, re-uploads and torrents come
// while the process is killed fifty times for each dialect of the upstream, at moments
// that chance picks; once with the log in its own file, once in Redis. In the end the log
// holds each playable episode once, those of a title in order.
func TestASeasonIsToldOnceWhateverDies(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]func(t *testing.T, u *upstream) []string{
		"polled, alone": func(_ *testing.T, u *upstream) []string { return u.env() },
		"told over a socket, with Redis": func(t *testing.T, u *upstream) []string {
			t.Helper()
			base := strings.TrimSuffix(u.base, anilibriatest.BasePath) + anilibriatest.V3Path
			return together(redisWithin("5s"), redisEnv(redistest.Start(t).URL()), []string{
				"ANIHUB_PLATFORM_ANILIBRIA_DRIVER=v3", "ANIHUB_PLATFORM_ANILIBRIA_BASE_URLS=" + base,
				"ANIHUB_MODULES_SYNC_POLL_INTERVAL=1s",
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replay(t, 50, env)
		})
	}
}

func replay(t *testing.T, rounds int, around func(*testing.T, *upstream) []string) {
	t.Helper()
	const many = 24
	u := newUpstream(t, slim(many))
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // a seed
	t.Logf("seed %d", seed)
	s := &season{
		t: t, u: u, rnd: rand.New(rand.NewPCG(seed, 0)), ids: u.IDs(), //nolint:gosec // not for secrets
		mute: map[int]float64{}, aired: map[int][]string{},
	}
	env := together(around(t, u), []string{
		"ANIHUB_PLATFORM_STORAGE_DATA_DIR=" + t.TempDir(), "ANIHUB_MODULES_SYNC_LEASE_TTL=1s",
	})
	p := start(t, []string{"serve"}, env...)
	p.holds(many)
	eventually(t, "the baseline is settled", func() bool { return p.metric("sync_polls_total", `result="ok"`) > 0 })
	from := p.read(titles + "?limit=1").header.Get("X-Stream-Position")
	for range rounds {
		p.kill()
		s.play(s.rnd.IntN(5))
		s.stumble()
		p = start(t, []string{"serve"}, env...)
		s.play(1 + s.rnd.IntN(4))
		eventually(t, "it is the runner", func() bool { return strings.Contains(p.out.String(), "runs the scheduled work") })
		s.play(s.rnd.IntN(4))
		time.Sleep(time.Duration(s.rnd.IntN(400)) * time.Millisecond) // so that it dies in the midst of anything
	}
	u.Heal(anilibriatest.All)
	for id, ordinal := range s.mute {
		if err := s.unmute(id, ordinal); err != nil {
			t.Fatal(err)
		}
	}
	p.awaitPass(p.beginPass())
	s.judge(p, from)
}

// judge reads the whole log as a viewer who comes back does, and holds it against the
// oracle.
func (s *season) judge(p *process, from string) {
	t := s.t
	t.Helper()
	want := 0
	for _, list := range s.aired {
		want += len(list)
	}
	var told map[int][]string
	events := 0
	eventually(t, "every episode is told", func() bool {
		told, events = s.listen(p, from)
		n := 0
		for _, list := range told {
			n += len(list)
		}
		return n >= want || t.Failed()
	})
	for id, list := range s.aired {
		if !slices.Equal(told[id], list) {
			t.Errorf("title %d was told as\n%v, want\n%v", id, told[id], list)
		}
	}
	if len(told) != len(s.aired) {
		t.Errorf("news of %d titles, want %d", len(told), len(s.aired))
	}
	t.Logf("%d updates: %d episodes of %d titles, %d events in all", s.steps, want, len(s.aired), events)
}

// listen takes what is told since a position: the episodes of each title, in order.
func (s *season) listen(p *process, from string) (told map[int][]string, events int) {
	t := s.t
	t.Helper()
	v := p.connect()
	v.expect("hello")
	if err := v.c.Write(t.Context(), websocket.MessageText, fmt.Appendf(nil, everythingSince, from)); err != nil {
		t.Fatal(err)
	}
	began := v.expect("subscribed")
	if began.Data["recovered"] != true {
		t.Fatalf("the log was not recovered: %+v", began)
	}
	told, seen := map[int][]string{}, map[string]bool{}
	for range int(began.Data["count"].(float64)) {
		m, err := v.next()
		if err != nil {
			t.Fatal(err)
		}
		if seen[m.EventID] {
			t.Errorf("%s was told twice", m.EventID)
		}
		seen[m.EventID] = true
		if m.Type == "new_episode" {
			id := int(m.Data["title_id"].(float64))
			_, episode, _ := strings.Cut(strings.TrimPrefix(m.EventID, "new_episode:"), ":")
			told[id] = append(told[id], episode)
		}
	}
	return told, len(seen)
}
