package test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// swarm are viewers who come back: whatever cuts one off, it connects to an instance that
// lives and goes on from the last position it has. What it heard is held against what was
// published in the end.
type swarm struct {
	t       *testing.T
	ctx     context.Context //nolint:containedctx // it ends with the swarm, as every member does
	members []*fan
	returns atomic.Int64 // connections after the first

	broadcasts atomic.Int64 // how many episodes were broadcast or are about to be
	wrong      atomic.Pointer[string]
	working    sync.WaitGroup
	stall      chan struct{} // who joins from now on does not read before it is closed
	losses     bool          // the log may lose something; without it a reset is a complaint

	mu    sync.Mutex
	homes []*process
	news  []published
	epoch string // of what was published last
}

// published is an event as its publisher was told of it.
type published struct {
	id, epoch string
	offset    uint64
	title     int
}

// fan is one viewer of a swarm.
type fan struct {
	s      *swarm
	titles []int
	stall  chan struct{}
	ready  chan struct{}
	once   sync.Once

	mu   sync.Mutex
	last string
	eras []era // one, and one more for each time that it was told of a loss
}

// era is what a viewer heard of one log from a place on.
type era struct {
	epoch string
	since uint64
	heard []string
}

func newSwarm(t *testing.T, homes ...*process) *swarm {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	s := &swarm{t: t, ctx: ctx, homes: homes}
	t.Cleanup(func() { end(); s.working.Wait() })
	return s
}

// settle is a home that is new; leave one that is no more.
func (s *swarm) settle(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.homes = append(s.homes, p)
}

func (s *swarm) leave(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.homes = slices.DeleteFunc(s.homes, func(h *process) bool { return h == p })
}

// home is any that lives.
func (s *swarm) home() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.homes) == 0 {
		return nil
	}
	return s.homes[rand.IntN(len(s.homes))] //nolint:gosec // not for secrets
}

// join lets n viewers in, each with titles of its own, and returns when all are subscribed.
func (s *swarm) join(n int, titles func(i int) []int) []*fan {
	s.t.Helper()
	var all []*fan
	for i := range n {
		f := &fan{s: s, titles: titles(i), stall: s.stall, ready: make(chan struct{})}
		all = append(all, f)
		s.working.Go(f.live)
	}
	s.members = append(s.members, all...)
	for _, f := range all {
		select {
		case <-f.ready:
		case <-time.After(patience):
			s.t.Fatalf("one of %d is not subscribed; %s", n, s.complaint())
		}
	}
	return all
}

// complain remembers the first thing that went wrong.
func (s *swarm) complain(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.wrong.CompareAndSwap(nil, &text)
}

func (s *swarm) complaint() string {
	if text := s.wrong.Load(); text != nil {
		return *text
	}
	return "nothing else is wrong"
}

// live connects again and again until the swarm ends.
func (f *fan) live() {
	for first := true; f.s.ctx.Err() == nil; first = false {
		if !first {
			f.s.returns.Add(1)
		}
		f.visit()
		select {
		case <-f.s.ctx.Done():
		case <-time.After(10*time.Millisecond + rand.N(100*time.Millisecond)): //nolint:gosec // not for secrets
		}
	}
}

func (f *fan) visit() {
	p := f.s.home()
	if p == nil {
		return
	}
	ws, err := dialRaw(f.s.ctx, p.url)
	if err != nil {
		return
	}
	defer context.AfterFunc(f.s.ctx, ws.close)()
	defer ws.close()
	if f.stall != nil {
		_ = ws.conn.(*net.TCPConn).SetReadBuffer(128 << 10)
	}
	f.mu.Lock()
	wish := fmt.Sprintf(`{"type":"subscribe_updates","data":{"titles":%s,"since":%q}}`, strings.ReplaceAll(fmt.Sprint(f.titles), " ", ","), f.last)
	f.mu.Unlock()
	if ws.say(wish) != nil {
		return
	}
	for {
		frame, err := ws.read()
		if err != nil {
			return
		}
		f.hear(frame)
		f.rest()
	}
}

// rest is what one does who does not read, once subscribed.
func (f *fan) rest() {
	if f.stall == nil || f.last == "" {
		return
	}
	select {
	case <-f.stall:
	case <-f.s.ctx.Done():
	}
}

// hear takes a frame apart without a parser: there are hundreds of thousands of them.
func (f *fan) hear(frame []byte) {
	switch typ := member(frame, "type"); typ {
	case "hello", "reconnect":
	case "subscribed":
		f.subscribed(frame)
	case "new_episode":
		f.mu.Lock()
		defer f.mu.Unlock()
		now := &f.eras[len(f.eras)-1]
		now.heard, f.last = append(now.heard, member(frame, "event_id")), member(frame, "position")
		if !strings.HasPrefix(f.last, now.epoch+":") {
			f.s.complain("of epoch %s a viewer was told %s", now.epoch, frame)
		}
	case "reset":
		f.lost(frame)
	default:
		f.s.complain("a viewer was told %s", frame)
	}
}

func (f *fan) subscribed(frame []byte) {
	if !bytes.Contains(frame, []byte(`"recovered":true`)) {
		f.lost(frame)
		return
	}
	f.once.Do(func() {
		f.begin(frame)
		close(f.ready)
	})
}

// lost begins another era, where a loss is no complaint.
func (f *fan) lost(frame []byte) {
	if !f.s.losses {
		f.s.complain("a viewer was told of a loss: %s", frame)
	}
	f.begin(frame)
}

// begin is where the position of a frame says.
func (f *fan) begin(frame []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = member(frame, "position")
	epoch, offset, _ := strings.Cut(f.last, ":")
	since, err := strconv.ParseUint(offset, 10, 64)
	if err != nil {
		f.s.complain("no position in %s", frame)
	}
	f.eras = append(f.eras, era{epoch: epoch, since: since})
}

// member is the text of a member of a frame of ours.
func member(frame []byte, name string) string {
	_, rest, _ := bytes.Cut(frame, []byte(`"`+name+`":"`))
	text, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(text)
}

// publish puts an episode on the log of whichever home takes it, as a publisher does who
// must not lose it: again and again, until there is an answer.
func (s *swarm) publish(title int, episode float64, data string) {
	token, err := adminToken()
	if err != nil {
		s.complain("%v", err)
		return
	}
	body := fmt.Sprintf(`{"type":"new_episode","title_id":%d,"episode":%v,"data":%s,"timestamp":"2026-07-01T12:00:00Z"}`, title, episode, data)
	for s.ctx.Err() == nil {
		if p := s.home(); p != nil && s.taken(p, token, title, body) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (s *swarm) taken(p *process, token string, title int, body string) bool {
	status, _, text := ask(s.t, "POST", p.internal+"/internal/anilibria/notify", token, body)
	if status != 200 {
		return false
	}
	var a struct {
		Data struct {
			EventID  string `json:"event_id"`
			Position string
		}
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		s.complain("notify answered %s", text)
	}
	epoch, offset, _ := strings.Cut(a.Data.Position, ":")
	at, err := strconv.ParseUint(offset, 10, 64)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || s.epoch != "" && s.epoch != epoch && !s.losses {
		s.complain("%s was published at %s, epoch %s", a.Data.EventID, a.Data.Position, s.epoch)
	}
	s.epoch = epoch
	s.news = append(s.news, published{a.Data.EventID, epoch, at, title})
	return true
}

// want is what a viewer should have heard in an era, in order.
func (s *swarm) want(f *fan, e era) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var mine []published
	for _, n := range s.news {
		if n.epoch == e.epoch && n.offset > e.since && slices.Contains(f.titles, n.title) {
			mine = append(mine, n)
		}
	}
	slices.SortFunc(mine, func(a, b published) int { return cmp.Compare(a.offset, b.offset) })
	ids := make([]string, len(mine))
	for i, n := range mine {
		ids[i] = n.id
	}
	return ids
}

// judge waits until everybody has heard as much as there was, and then compares.
func (s *swarm) judge() {
	s.t.Helper()
	total, losses := 0, 0
	for _, f := range s.members {
		deadline := time.Now().Add(patience)
		want, heard := s.account(f)
		for ; !f.arrived() || len(heard) < len(want); want, heard = s.account(f) {
			if time.Now().After(deadline) {
				s.t.Fatalf("a viewer of %v has heard %d of %d, up to %s; %s", f.titles, len(heard), len(want), f.last, s.complaint())
			}
			time.Sleep(10 * time.Millisecond)
		}
		if !slices.Equal(heard, want) {
			s.t.Errorf("a viewer of %v heard %d, wanted %d; first difference at %d", f.titles, len(heard), len(want), differ(heard, want))
		}
		total += len(want)
		losses += len(f.eras) - 1
	}
	if text := s.wrong.Load(); text != nil {
		s.t.Error(*text)
	}
	s.t.Logf("%d viewers came back %d times, were told of %d losses, heard %d of %d events", len(s.members), s.returns.Load(), losses, total, len(s.news))
}

// arrived tells whether a viewer knows of the log that is now.
func (f *fan) arrived() bool {
	f.s.mu.Lock()
	epoch := f.s.epoch
	f.s.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	return epoch == "" || f.eras[len(f.eras)-1].epoch == epoch
}

// account is what a viewer should have heard and has. Of a log that is lost that is the
// beginning, as far as it was told; of the one that is now everything that was not told
// before.
func (s *swarm) account(f *fan) (want, heard []string) {
	f.mu.Lock()
	eras := slices.Clone(f.eras)
	f.mu.Unlock()
	before := map[string]bool{}
	for i, e := range eras {
		was := s.want(f, e)
		if i < len(eras)-1 {
			was = was[:min(len(was), s.acknowledged(e))]
		}
		for _, id := range was {
			if !before[id] {
				want = append(want, id)
			}
		}
		for _, id := range e.heard {
			if before[id] || i == len(eras)-1 || s.of(e.epoch, id) {
				heard = append(heard, id)
			}
		}
		for _, id := range e.heard {
			before[id] = true
		}
	}
	return want, heard
}

// acknowledged counts what was heard in an era and published in it. The rest was not
// acknowledged before the log was lost, and published again.
func (s *swarm) acknowledged(e era) (n int) {
	for _, id := range e.heard {
		if s.of(e.epoch, id) {
			n++
		}
	}
	return n
}

func (s *swarm) of(epoch, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.news, func(n published) bool { return n.epoch == epoch && n.id == id })
}

func differ(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
