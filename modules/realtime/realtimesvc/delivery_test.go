package realtimesvc_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimesvc"
	rt "anihub/modules/realtime/realtimetest"
)

// oracle knows what a viewer has to get: for every subscription the lowest
// position it was asked from, and every event that was published.
type oracle struct {
	t         *rapid.T
	from      map[string]uint64 // by "title 3" or a type
	published []published
	got       map[uint64]int
	owed      int    // events that an answer promised and that must come next
	last      uint64 // of those
	upTo      uint64
}

type published struct {
	offset uint64
	keys   []string // of subscriptions that match
}

func offset(t *rapid.T, position string) uint64 {
	_, text, _ := strings.Cut(position, ":")
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("position %q: %v", position, err)
	}
	return n
}

func (o *oracle) lower(key string, from uint64) {
	if old, ok := o.from[key]; !ok || from < old {
		o.from[key] = from
	}
}

func (o *oracle) message(m realtime.Message) {
	if m.EventID == "" {
		if m.Type != "pong" && o.owed > 0 {
			o.t.Fatalf("%s while %d missed events are owed", m.Frame, o.owed)
		}
		return
	}
	n := offset(o.t, m.Position)
	if o.got[n]++; o.got[n] > 1 {
		o.t.Fatalf("delivered twice: %s", m.Frame)
	}
	if o.owed > 0 {
		if o.owed--; n <= o.last || n > o.upTo {
			o.t.Fatalf("%s is not what follows %d in a backlog up to %d", m.Frame, o.last, o.upTo)
		}
		o.last = n
	}
}

func (o *oracle) expected() map[uint64]bool {
	want := map[uint64]bool{}
	for _, p := range o.published {
		for _, k := range p.keys {
			if from, ok := o.from[k]; ok && from < p.offset {
				want[p.offset] = true
			}
		}
	}
	return want
}

// Whatever a viewer subscribes to and resumes from, in whatever order, while
// events happen: each event comes exactly once, and backlogs come as announced.
func TestDelivery(t *testing.T) {
	t.Parallel()
	h := open(t)
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++
		base := round * 10 // titles of this round
		v, hello := rt.Open(t, h)
		defer v.Close()
		first := rt.Data[struct{ Position string }](t, hello).Position
		epoch, _, _ := strings.Cut(first, ":")
		o := &oracle{t: r, from: map[string]uint64{}, got: map[uint64]int{}}
		positions := []string{first}
		position := func() string { return rapid.SampledFrom(positions).Draw(r, "position") }
		answered := func(frame, typ string) (at uint64) {
			v.Send(frame)
			for {
				m := v.Next()
				o.message(m)
				if m.Type == typ {
					a := rt.Data[struct {
						Position  string
						Count     int
						Recovered bool
					}](t, m)
					if !a.Recovered {
						r.Fatalf("not recovered: %s", m.Frame)
					}
					o.owed, o.last, o.upTo = a.Count, 0, offset(r, a.Position)
					return o.upTo
				}
			}
		}
		subscribe := func(typ, data string, keys []string) {
			since := uint64(0)
			if rapid.Bool().Draw(r, "since") {
				p := position()
				since = offset(r, p)
				answered(fmt.Sprintf(`{"type":%q,"data":{%s,"since":%q}}`, typ, data, p), "subscribed")
			} else {
				since = answered(fmt.Sprintf(`{"type":%q,"data":{%s}}`, typ, data), "subscribed")
			}
			for _, k := range keys {
				o.lower(k, since)
			}
		}
		r.Repeat(map[string]func(*rapid.T){
			"publish": func(r *rapid.T) {
				for range rapid.IntRange(1, 8).Draw(r, "n") {
					e := rt.Episode(base+rapid.IntRange(1, 3).Draw(r, "title"), 1)
					e.ID = fmt.Sprintf("r%d-%d", round, len(o.published))
					if rapid.Bool().Draw(r, "update") {
						e.Type = realtime.EpisodeUpdate
					}
					done := rt.Publish(t, h, e)[0]
					o.published = append(o.published, published{offset(r, done.Position), []string{fmt.Sprint("title ", e.TitleID), e.Type}})
					positions = append(positions, done.Position)
				}
			},
			"title": func(r *rapid.T) {
				title := base + rapid.IntRange(1, 3).Draw(r, "title")
				subscribe("subscribe_title", fmt.Sprintf(`"title_id":%d`, title), []string{fmt.Sprint("title ", title)})
			},
			"updates": func(r *rapid.T) {
				typ := rapid.SampledFrom([]string{realtime.NewEpisode, realtime.EpisodeUpdate}).Draw(r, "type")
				subscribe("subscribe_updates", fmt.Sprintf(`"types":[%q]`, typ), []string{typ})
			},
			"resume": func(r *rapid.T) {
				p := position()
				answered(fmt.Sprintf(`{"type":"resume","data":{"position":%q}}`, p), "resumed")
				for k := range o.from {
					o.lower(k, offset(r, p))
				}
			},
			"read": func(*rapid.T) {
				v.Send(`{"type":"ping"}`)
				for m := v.Next(); m.Type != "pong"; m = v.Next() {
					o.message(m)
				}
			},
		})
		// A last event, for which everybody has to wait, ends the round.
		if _, ok := o.from[realtime.NewEpisode]; !ok {
			subscribe("subscribe_updates", `"types":["new_episode"]`, []string{realtime.NewEpisode})
		}
		end := rt.Publish(t, h, realtime.Event{ID: fmt.Sprintf("r%d-end", round), Type: realtime.NewEpisode, TitleID: 1})[0]
		for m := v.Next(); m.EventID != end.EventID; m = v.Next() {
			o.message(m)
		}
		rt.WaitTail(t, h, end.Position) // the next round begins behind this one
		want := o.expected()
		for n := range want {
			if o.got[n] != 1 {
				r.Fatalf("event at %s:%d was not delivered; got %v", epoch, n, slices.Sorted(maps.Keys(o.got)))
			}
		}
		for n := range o.got {
			if !want[n] {
				r.Fatalf("event at %s:%d was not asked for", epoch, n)
			}
		}
	})
}

// Subscribers who come and go while events are told disturb nobody.
func TestComingAndGoing(t *testing.T) {
	t.Parallel()
	h := open(t)
	steady, _ := rt.Open(t, h)
	steady.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				conv, err := h.Open(t.Context(), realtime.Client{})
				if err != nil {
					t.Errorf("Open: %v", err)
					return
				}
				for _, frame := range []string{
					`{"type":"subscribe_title","data":{"title_id":5}}`, `{"type":"subscribe_updates","data":{"types":["new_episode"]}}`,
					`{"type":"unsubscribe_title","data":{"title_id":5}}`,
				} {
					_ = conv.Receive(t.Context(), []byte(frame))
					_, _ = conv.Next(t.Context())
				}
				conv.Close()
			}
		})
	}
	for n := range 500 {
		steady.ExpectEvent(rt.Publish(t, h, rt.Episode(5, float64(n)))[0].EventID)
	}
	cancel()
	wg.Wait()
	st, err := h.Stats(t.Context())
	if err != nil || st.Connections != 1 || st.Subscriptions != 1 {
		t.Errorf("afterwards Stats = %+v, %v", st, err)
	}
}

// Viewers who resume again and again while events are told get each event once:
// the moment between live and behind loses none and doubles none.
func TestResumingWhileTold(t *testing.T) {
	t.Parallel()
	const viewers, events = 24, 400
	h := open(t, func(c *realtimesvc.Config, _ *realtimesvc.Deps) { c.Commands = 1_000_000 })
	start, err := h.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // no measure: an event that is lost never comes
	defer cancel()
	var wg sync.WaitGroup
	for range viewers {
		conv, err := h.Open(t.Context(), realtime.Client{})
		if err != nil {
			t.Fatal(err)
		}
		defer conv.Close()
		say := func(frame string) {
			if err := conv.Receive(t.Context(), []byte(frame)); err != nil {
				t.Errorf("Receive: %v", err)
			}
		}
		say(fmt.Sprintf(`{"type":"subscribe_updates","data":{"types":["new_episode"],"since":%q}}`, start))
		wg.Go(func() {
			got := map[string]int{}
			for len(got) < events {
				batch, err := conv.Next(ctx)
				if err != nil {
					t.Errorf("Next: %v with %d events", err, len(got))
					return
				}
				last := ""
				for _, m := range batch {
					if m.EventID != "" {
						got[m.EventID]++
						last = m.Position
					}
				}
				if last != "" { // one per batch: more would be a flood of waiting commands
					say(fmt.Sprintf(`{"type":"resume","data":{"position":%q}}`, last))
				}
			}
			for id, n := range got {
				if n != 1 {
					t.Errorf("%s was delivered %d times", id, n)
				}
			}
		})
	}
	for n := range events {
		rt.Publish(t, h, rt.Episode(5, float64(n)))
	}
	wg.Wait()
}
