package realtimesvc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimesvc"
	rt "anihub/modules/realtime/realtimetest"
	"anihub/modules/users"
	"anihub/platform/eventlog"
)

// TestProtocol: in whatever order a viewer and the world do things, a conversation says
// exactly what the model of it says, message by message, and ends when the model does.
// Time is virtual, so "nothing else is said" is a fact and no guess.
func TestProtocol(t *testing.T) {
	t.Parallel()
	for range 4 { // a bubble has a day, which a hundred plays nearly take
		synctest.Test(t, testProtocol)
	}
}

func testProtocol(t *testing.T) {
	// Without a deadline, which is not to be asked for in a bubble.
	rapid.Check(struct{ testing.TB }{t}, func(r *rapid.T) {
		p := newPlay(t, r)
		defer p.leave()
		r.Repeat(map[string]func(*rapid.T){
			"publish":   p.publish,
			"again":     p.publishAgain,
			"title":     p.subscribeTitle,
			"updates":   p.subscribeUpdates,
			"leave":     p.unsubscribe,
			"resume":    p.resume,
			"auth":      p.auth,
			"ping":      p.ping,
			"garbage":   p.garbage,
			"session":   p.endSession,
			"gap":       p.replaceLog,
			"time":      p.pass,
			"reconnect": p.reconnect,
			"":          p.settle,
		})
	})
}

// play is a conversation, the world around it and the model of both.
type play struct {
	t    *testing.T
	r    *rapid.T
	h    *house
	conv realtime.Conversation
	ears sync.WaitGroup
	n    int // of what needs another name each time

	mu    sync.Mutex
	heard []string

	model
}

// model is what a viewer may know from docs/realtime.md.
type model struct {
	want   []string          // what is to be heard next
	over   bool              // the conversation has ended
	subs   map[string]uint64 // "title 3" or a type → what lies behind this is covered
	user   string
	login  string
	until  time.Time // when the token, or the grace after it, ends
	warned bool

	epoch  string
	epochs []string // and what they are called in complaints, which have to be the same each time
	log    []fact   // record n is the offset n+1
	places []string // positions that were ever seen
	told   map[string]bool
	events []realtime.Event
}

// fact is a record of the log; one of a session is no event.
type fact struct {
	id, typ  string
	title    int
	position string
}

func (f fact) keys() []string { return []string{fmt.Sprint("title ", f.title), f.typ} }

func newPlay(t *testing.T, r *rapid.T) *play {
	t.Helper()
	log := &weatheredLog{log: eventlog.NewMemory(1000), patient: true}
	p := &play{t: t, r: r, model: model{told: map[string]bool{}}}
	p.h = open(t, func(c *realtimesvc.Config, d *realtimesvc.Deps) {
		c.Commands = 1_000_000
		d.Log = log
	})
	p.h.log = log
	p.h.users.titles = []int{2, 3}
	p.h.users.inbox = users.InboxPage{Unread: 5}
	p.h.users.put("expired", users.Validation{Reason: "expired"})
	p.h.users.put("banned", users.Validation{Reason: "banned"})
	synctest.Wait()
	p.meet()
	p.connect()
	return p
}

func (p *play) leave() {
	p.conv.Close()
	p.ears.Wait()
	p.h.stop()
}

// meet learns where the log is.
func (p *play) meet() {
	at, err := p.h.log.Tail(p.t.Context())
	if err != nil {
		p.r.Fatal(err)
	}
	p.epoch, p.log = at.Epoch, nil
	p.epochs = append(p.epochs, at.Epoch, fmt.Sprint("epoch", len(p.epochs)/2))
	p.places = append(p.places, at.String())
}

func (p *play) connect() {
	conv, err := p.h.Open(p.t.Context(), realtime.Client{})
	if err != nil {
		p.r.Fatal(err)
	}
	p.conv = conv
	p.over, p.user, p.login, p.warned, p.until, p.subs = false, "", "", false, time.Time{}, map[string]uint64{}
	p.expect("hello at %s", p.tail())
	p.ears.Go(func() { p.listen(conv) })
}

// listen writes down what is said, until the end.
func (p *play) listen(conv realtime.Conversation) {
	for {
		batch, err := conv.Next(context.Background())
		p.mu.Lock()
		for _, m := range batch {
			p.heard = append(p.heard, line(m))
		}
		var closed *realtime.Closed
		if errors.As(err, &closed) && closed.Code != realtime.CloseNormal {
			p.heard = append(p.heard, fmt.Sprint("closed ", closed.Code))
		}
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// line is what matters of a message.
func line(m realtime.Message) string {
	var f struct {
		ID   json.RawMessage
		Data struct {
			Code, Position string
			Recovered      *bool
			Count          int
			TitleID        int `json:"title_id"`
			Inbox          *struct{ Missed, Unread int }
		}
	}
	if err := json.Unmarshal(m.Frame, &f); err != nil {
		return fmt.Sprintf("no JSON: %s", m.Frame)
	}
	switch m.Type {
	case "hello", "reset":
		return m.Type + " at " + f.Data.Position
	case "subscribed", "resumed":
		inbox := ""
		if f.Data.Inbox != nil {
			inbox = " inbox"
		}
		return fmt.Sprintf("%s%s at %s: %d, %v%s", m.Type, f.ID, f.Data.Position, f.Data.Count, *f.Data.Recovered, inbox)
	case "error":
		return fmt.Sprintf("error%s %s", f.ID, f.Data.Code)
	case "auth_expired":
		return m.Type
	}
	if m.EventID != "" {
		return fmt.Sprintf("%s %s at %s", m.Type, m.EventID, m.Position)
	}
	return fmt.Sprintf("%s%s", m.Type, f.ID)
}

func (m *model) expect(format string, args ...any) {
	m.want = append(m.want, fmt.Sprintf(format, args...))
}

func (m *model) at(offset uint64) string { return fmt.Sprintf("%s:%d", m.epoch, offset) }
func (m *model) end() uint64             { return uint64(len(m.log)) }
func (m *model) tail() string            { return m.at(m.end()) }

// close is an ending that the world or the clock brings.
func (m *model) close(code int) {
	m.expect("closed %d", code)
	m.over = true
}

// settle compares, and lets who was closed come back sooner or later.
func (p *play) settle(r *rapid.T) {
	p.compare()
	if p.over && rapid.Bool().Draw(r, "return") {
		p.reconnect(r)
		p.compare()
	}
}

// compare waits until nothing moves any more.
func (p *play) compare() {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	names := strings.NewReplacer(p.epochs...)
	if diff := cmp.Diff(names.Replace(strings.Join(p.want, "\n")), names.Replace(strings.Join(p.heard, "\n"))); diff != "" {
		p.r.Fatalf("-want +heard\n%s", diff)
	}
	p.want, p.heard = nil, nil
}

// say sends a command with an id of some form and returns the id; false when nobody
// listens any more.
func (p *play) say(r *rapid.T, typ string, data map[string]any) (id string, ok bool) {
	p.n++
	id = rapid.SampledFrom([]string{"", fmt.Sprint(p.n), fmt.Sprintf(`"я%d"`, p.n), "-1.5e3"}).Draw(r, "id")
	raw, err := json.Marshal(data)
	if err != nil {
		r.Fatal(err)
	}
	frame := fmt.Sprintf(`{"type":%q,"data":%s}`, typ, raw)
	if id != "" {
		frame = fmt.Sprintf(`{"type":%q,"id":%s,"data":%s}`, typ, id, raw)
	}
	return id, p.send(frame)
}

func (p *play) send(frame string) bool {
	err := p.conv.Receive(p.t.Context(), []byte(frame))
	var closed *realtime.Closed
	if p.over != errors.As(err, &closed) || !p.over && err != nil {
		p.r.Fatalf("%s: %v; over: %v", frame, err, p.over)
	}
	return !p.over
}

func (p *play) ping(r *rapid.T) {
	if id, ok := p.say(r, "ping", nil); ok {
		p.expect("pong%s", id)
	}
}

func (p *play) garbage(r *rapid.T) {
	g := rapid.SampledFrom([]struct{ frame, answer string }{
		{``, "error BAD_FRAME"},
		{`null`, "error BAD_FRAME"},
		{`{"type":"ping"`, "error BAD_FRAME"},
		{`{"type":"ping","id":[]}`, "error BAD_FRAME"},
		{`{"id":7}`, "error7 BAD_FRAME"},
		{strings.Repeat(`{"a":`, 50), "error BAD_FRAME"},
		{`{"type":"dance","id":7}`, "error7 UNKNOWN_TYPE"},
		{`{"type":"hello"}`, "error UNKNOWN_TYPE"},
		{`{"type":"subscribe_title","id":7,"data":{"title_id":"1"}}`, "error7 BAD_DATA"},
		{`{"type":"subscribe_title","data":{"title_id":1,"since":"x"}}`, "error BAD_POSITION"},
		{`{"type":"subscribe_updates","data":{"types":["new_episode","x"]}}`, "error BAD_DATA"},
		{`{"type":"subscribe_updates","data":{"titles":[1,0]}}`, "error BAD_DATA"},
		{`{"type":"unsubscribe_title","data":{}}`, "error BAD_DATA"},
		{`{"type":"resume","data":{"position":"x:-1"}}`, "error BAD_POSITION"},
		{`{"type":"auth","data":{"token":7}}`, "error BAD_DATA"},
		{"\n{\t\"data\":{} , \"id\":7,\"type\":\"ping\"}\r\n", "pong7"},
		{`{"type":"ping","id":null,"data":[1]}`, "pong"},
	}).Draw(r, "garbage")
	if p.send(g.frame) {
		p.expect("%s", g.answer)
	}
}

// covered tells whether an event was considered for what is subscribed already.
func (m *model) covered(f fact, offset uint64) bool {
	for _, k := range f.keys() {
		if from, ok := m.subs[k]; ok && from < offset {
			return true
		}
	}
	return false
}

func (p *play) publish(r *rapid.T) {
	for range rapid.IntRange(1, 6).Draw(r, "events") {
		p.publishOne(r)
	}
}

func (p *play) publishOne(r *rapid.T) {
	p.n++
	e := rt.Episode(rapid.IntRange(1, 4).Draw(r, "title"), float64(p.n))
	e.Type = rapid.SampledFrom([]string{realtime.NewEpisode, realtime.EpisodeUpdate}).Draw(r, "type")
	e.ID = fmt.Sprint("event", p.n)
	p.events = append(p.events, e)
	p.put(e)
}

// publishAgain is what a publisher does who did not learn whether its event got on the log.
func (p *play) publishAgain(r *rapid.T) {
	if len(p.events) > 0 {
		p.put(rapid.SampledFrom(p.events).Draw(r, "event"))
	}
}

func (p *play) put(e realtime.Event) {
	known := false
	for _, f := range p.log {
		known = known || f.id == e.ID
	}
	done, err := p.h.Publish(p.t.Context(), []realtime.Event{e})
	if err != nil || done[0].Duplicate != known {
		p.r.Fatalf("published %+v, %v; known: %v", done, err, known)
	}
	if known {
		return
	}
	f := fact{e.ID, e.Type, e.TitleID, done[0].Position}
	p.log = append(p.log, f)
	p.places = append(p.places, f.position)
	if f.position != p.tail() {
		p.r.Fatalf("published at %s, want %s", f.position, p.tail())
	}
	// One that another epoch had told is not told again.
	if !p.told[e.ID] && !p.over && p.covered(f, p.end()) {
		p.expect("%s %s at %s", f.typ, f.id, f.position)
	}
	p.told[e.ID] = true
}

// from is where a subscription begins: a place that was, is or will be; "" is now.
func (p *play) from(r *rapid.T) string {
	if rapid.IntRange(0, 2).Draw(r, "since") == 0 {
		return ""
	}
	return p.place(r)
}

func (p *play) place(r *rapid.T) string {
	if rapid.IntRange(0, 9).Draw(r, "unknown") == 0 {
		return rapid.SampledFrom([]string{p.at(p.end() + 1), p.at(1 << 60), "elsewhere:1", p.at(0)}).Draw(r, "place")
	}
	return rapid.SampledFrom(p.places[max(0, len(p.places)-20):]).Draw(r, "place")
}

func (p *play) subscribeTitle(r *rapid.T) {
	title := rapid.IntRange(1, 4).Draw(r, "title")
	data, since := map[string]any{"title_id": title}, p.from(r)
	if since != "" {
		data["since"] = since
	}
	if id, ok := p.say(r, "subscribe_title", data); ok {
		p.add("subscribed"+id, since, fmt.Sprint("title ", title))
	}
}

func (p *play) subscribeUpdates(r *rapid.T) {
	titles := rapid.SliceOfN(rapid.IntRange(1, 4), 0, 3).Draw(r, "titles")
	types := rapid.SliceOfN(rapid.SampledFrom([]string{realtime.NewEpisode, realtime.EpisodeUpdate, realtime.NewTitle}), 0, 2).Draw(r, "types")
	data, since, keys := map[string]any{}, p.from(r), []string(nil)
	if since != "" {
		data["since"] = since
	}
	if len(titles) > 0 {
		data["titles"] = titles
	}
	if len(types) > 0 {
		data["types"] = types
	}
	for _, id := range titles {
		keys = append(keys, fmt.Sprint("title ", id))
	}
	keys = append(keys, types...)
	id, ok := p.say(r, "subscribe_updates", data)
	switch {
	case ok && len(keys) == 0:
		p.expect("error%s BAD_DATA", id)
	case ok:
		p.add("subscribed"+id, since, keys...)
	}
}

// add is the answer to a subscription, what it missed, and what it covers from now on.
func (p *play) add(answer, since string, keys ...string) {
	from, held := p.held(since)
	var missed []string
	for i := from; i < p.end(); i++ {
		f := p.log[i]
		for _, k := range f.keys() {
			if slices.Contains(keys, k) && !p.covered(f, i+1) {
				missed = append(missed, fmt.Sprintf("%s %s at %s", f.typ, f.id, f.position))
				break
			}
		}
	}
	inbox := ""
	if strings.HasPrefix(answer, "resumed") && !held && p.user != "" {
		inbox = " inbox"
	}
	p.expect("%s at %s: %d, %v%s", answer, p.tail(), len(missed), held, inbox)
	p.want = append(p.want, missed...)
	for _, k := range keys {
		if old, ok := p.subs[k]; !ok || from < old {
			p.subs[k] = from
		}
	}
}

// held is the offset of a position, or the end of the log when it holds nothing of it.
func (m *model) held(since string) (from uint64, ok bool) {
	if since == "" {
		return m.end(), true
	}
	at, err := eventlog.ParsePosition(since)
	if err != nil || at.Epoch != m.epoch || at.Offset > m.end() {
		return m.end(), false
	}
	return at.Offset, true
}

func (p *play) unsubscribe(r *rapid.T) {
	title := rapid.IntRange(1, 4).Draw(r, "title")
	if id, ok := p.say(r, "unsubscribe_title", map[string]any{"title_id": title}); ok {
		p.expect("unsubscribed%s", id)
		delete(p.subs, fmt.Sprint("title ", title))
	}
}

func (p *play) resume(r *rapid.T) {
	since := p.place(r)
	if id, ok := p.say(r, "resume", map[string]any{"position": since}); ok {
		p.add("resumed"+id, since, slices.Collect(maps.Keys(p.subs))...)
	}
}

func (p *play) auth(r *rapid.T) {
	life := rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 15 * time.Minute}).Draw(r, "life")
	ends := time.Now().Add(life)
	for token, session := range map[string]string{"u1a": "s1", "u1b": "s2", "u2a": "s3"} {
		p.h.users.put(token, users.Validation{Valid: true, UserID: token[:2], SessionID: session, ExpiresAt: ends})
	}
	token := rapid.SampledFrom([]string{"u1a", "u1b", "u2a", "u1a", "expired", "banned", "worthless"}).Draw(r, "token")
	id, ok := p.say(r, "auth", map[string]any{"token": token})
	switch {
	case !ok:
	case token == "banned":
		p.expect("error%s BANNED", id)
		p.close(realtime.CloseBanned)
	case token == "expired", token == "worthless":
		p.expect("error%s BAD_TOKEN", id)
	case p.user != "" && p.user != token[:2]:
		p.expect("error%s OTHER_USER", id)
	default:
		p.user, p.login, p.until, p.warned = token[:2], map[string]string{"u1a": "s1", "u1b": "s2", "u2a": "s3"}[token], ends, false
		p.expect("auth_ok%s", id)
		for _, title := range []string{"title 2", "title 3"} {
			if _, ok := p.subs[title]; !ok {
				p.subs[title] = p.end()
			}
		}
	}
}

func (p *play) endSession(r *rapid.T) {
	p.n++
	user := rapid.SampledFrom([]string{"u1", "u2"}).Draw(r, "user")
	session := rapid.SampledFrom([]string{"s1", "s2", "s3", ""}).Draw(r, "session")
	reason := rapid.SampledFrom([]string{"logout", "banned", "expired"}).Draw(r, "reason")
	raw := fmt.Sprintf(`{"user_id":%q,"session_id":%q,"reason":%q}`, user, session, reason)
	at, _, err := p.h.log.Append(p.t.Context(), eventlog.Entry{ID: fmt.Sprint("session", p.n), Topic: "session", Data: []byte(raw)})
	if err != nil {
		r.Fatal(err)
	}
	p.log = append(p.log, fact{position: at.String()})
	p.places = append(p.places, at.String())
	if p.over || p.user != user || session != "" && session != p.login {
		return
	}
	if reason == "banned" {
		p.close(realtime.CloseBanned)
		return
	}
	p.close(realtime.CloseAuth)
}

// replaceLog is a log that lost everything. When that is noticed is known to the
// millisecond, and everything else happens at whole ones.
func (p *play) replaceLog(r *rapid.T) {
	if rapid.IntRange(0, 2).Draw(r, "flood") > 0 {
		return
	}
	p.h.log.flood(1000)
	p.meet()
	for told := ""; told != p.tail(); {
		time.Sleep(time.Millisecond)
		synctest.Wait()
		var err error
		if told, err = p.h.Tail(p.t.Context()); err != nil {
			r.Fatal(err)
		}
	}
	p.clock(time.Now().Add(-time.Millisecond))
	if p.over {
		return
	}
	p.expect("reset at %s", p.tail())
	for k := range p.subs {
		p.subs[k] = 0
	}
	if p.user != "" && !p.warned {
		p.warned, p.until = true, time.Now().Add(grace)
		p.expect("auth_expired")
	}
	p.clock(time.Now())
}

// grace is what a user has to show another token.
const grace = 30 * time.Second

// pass lets time go by.
func (p *play) pass(r *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{time.Second, 29 * time.Second, time.Minute, 16 * time.Minute}).Draw(r, "time")
	p.clock(time.Now().Add(d))
	time.Sleep(d)
}

// clock is what the clock of the token brings up to then.
func (p *play) clock(then time.Time) {
	for p.user != "" && !p.over && !p.until.After(then) {
		if p.warned {
			p.close(realtime.CloseAuth)
			return
		}
		p.warned, p.until = true, p.until.Add(grace)
		p.expect("auth_expired")
	}
}

func (p *play) reconnect(*rapid.T) {
	p.conv.Close()
	p.connect()
}
