package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"anihub/modules/realtime"
	"anihub/modules/users"
	"anihub/platform/eventlog"
	"anihub/platform/fault"
	"anihub/web/openapi/openapitest"
)

func asyncMessages(t *testing.T) *openapitest.Messages {
	t.Helper()
	m, err := openapitest.NewMessages()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMessagesAreThoseOfTheCode: every command that is parsed, every message that is sent,
// every code of an error and of a close is documented, and nothing else.
func TestMessagesAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	const room, door = "modules/realtime/realtimesvc", "modules/realtime"
	m := asyncMessages(t)
	commands, errors := openapitest.Words(t, room, "cmd")
	sends, _ := openapitest.Words(t, room, "type")
	sends = append(sends, realtime.NewEpisode, realtime.EpisodeUpdate, realtime.NewTitle, realtime.StatusChange, users.ReadTopic, users.ProgressTopic)
	closes, _ := openapitest.Words(t, door, "Close")
	for _, f := range []error{eventlog.ErrPosition, users.ErrBanned, users.ErrUnavailable, realtime.ErrTooMany, context.DeadlineExceeded, fault.ErrInternal} {
		errors = append(errors, fault.Of(f).Code)
	}
	for name, c := range map[string]struct{ written, coded []string }{
		"sent over websocket":   {m.Sends("websocket"), sends},
		"sent over socketio":    {m.Sends("socketio"), append(slices.Clone(sends), "close")},
		"sent over eventstream": {m.Sends("eventstream"), append(without(sends, "unsubscribed", "pong"), "close")},
		"taken over websocket":  {commandTypes(m, "websocket"), commands},
		"taken over socketio":   {commandTypes(m, "socketio"), commands},
		"errors":                {m.ErrorCodes(), errors},
		"errors in the text":    {told(t, "### Errors", "[A-Z_]+"), errors},
		"closes":                {m.CloseCodes(), closes},
		"closes in the text":    {without(told(t, "## Close codes", "[0-9]+"), "1006"), closes}, // which no server sends
	} {
		slices.Sort(c.written)
		slices.Sort(c.coded)
		if diff := cmp.Diff(c.written, slices.Compact(c.coded)); diff != "" || len(c.written) == 0 {
			t.Errorf("%s: -documented +code\n%s", name, diff)
		}
	}
}

func without(all []string, some ...string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}

func commandTypes(m *openapitest.Messages, channel string) []string {
	var out []string
	for _, c := range m.Commands(channel) {
		out = append(out, c.Type)
	}
	return out
}

// told are the codes in the first column of the table under a heading of docs/realtime.md.
func told(t *testing.T, heading, code string) []string {
	t.Helper()
	text, err := os.ReadFile("docs/realtime.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(text), heading+"\n")
	part, _, _ = strings.Cut(part, "\n#")
	var out []string
	for line := range strings.Lines(part) {
		if first, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " |"); ok && strings.HasPrefix(line, "| ") {
			out = append(out, regexp.MustCompile(`\b`+code+`\b`).FindAllString(first, -1)...)
		}
	}
	return out
}

// tap reads frames of a WebSocket and holds each against the document.
type tap struct {
	t *testing.T
	m *openapitest.Messages
	c *websocket.Conn
}

// frame is what is looked at of one.
type frame struct {
	Type     string
	ID       any
	Position string
	Data     json.RawMessage
}

func (s *site) tap(t *testing.T, m *openapitest.Messages) *tap {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/api/anilibria/v2/ws", nil) //nolint:bodyclose // an upgraded connection has no body
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return &tap{t, m, c}
}

func (p *tap) send(frame []byte) {
	p.t.Helper()
	if err := p.c.Write(p.t.Context(), websocket.MessageText, frame); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tap) text() []byte {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 60*time.Second)
	defer cancel()
	_, b, err := p.c.Read(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// until reads up to the first message of a type.
func (p *tap) until(types ...string) frame {
	p.t.Helper()
	for {
		b := p.text()
		if err := p.m.Check("websocket", b); err != nil {
			p.t.Error(err)
		}
		var f frame
		if err := json.Unmarshal(b, &f); err != nil {
			p.t.Fatal(err)
		}
		if slices.Contains(types, f.Type) {
			return f
		}
	}
}

// TestExamplesOfTheMessages sends every example of a command to the whole product, over the
// WebSocket and over Socket.IO, and holds everything that it says against the document.
func TestExamplesOfTheMessages(t *testing.T) {
	t.Parallel()
	m := asyncMessages(t)
	s := newSite(t, []string{"all"})
	s.ready(t)
	_, a := s.call(t, "POST", s.url+"/api/auth/register", "", `{"login":"mira","email":"mira@example.org","password":"a long password"}`)
	var session struct {
		Token string `json:"access_token"`
	}
	a.into(t, &session)
	p := s.tap(t, m)
	live := strings.NewReplacer("eyJhbGciOiJIUzI1NiJ9.access.token", session.Token, "k2f9q:1040", s.position(t, p))
	for _, c := range m.Commands("websocket") {
		for _, example := range c.Examples {
			p.send([]byte(live.Replace(string(example))))
			answer := p.until(append(c.Replies, "error")...)
			var sent frame
			if err := json.Unmarshal(example, &sent); err != nil || answer.Type == "error" || answer.ID != sent.ID {
				t.Errorf("%s was answered by %s %v %s, %v", example, answer.Type, answer.ID, answer.Data, err)
			}
		}
	}
	s.everything(t, p, session.Token)
	s.examplesOfSocketIO(t, m, live, session.Token)
	s.examplesOfStream(t, m)
	// What ends something: TestSocketIODrain has the first; a log that breaks and a token that
	// expires are the room's own tests.
	if diff := cmp.Diff([]string{"auth_expired", "reconnect", "reset"}, without(m.Unseen(), commandTypes(m, "websocket")...)); diff != "" {
		t.Errorf("documented, but not heard: %s", diff)
	}
}

// position is where the log is, as hello says.
func (s *site) position(t *testing.T, p *tap) string {
	t.Helper()
	var hello struct{ Position string }
	if err := json.Unmarshal(p.until("hello").Data, &hello); err != nil {
		t.Fatal(err)
	}
	return hello.Position
}

// everything makes the server say what no command asks for.
func (s *site) everything(t *testing.T, p *tap, token string) {
	t.Helper()
	p.send([]byte(`{"type":"subscribe_updates","data":{"types":["new_episode","episode_update","new_title","status_change"]}}`))
	p.until("subscribed")
	if status, a := s.call(t, "PUT", s.url+"/api/users/subscriptions/9904", token, ""); status != 200 {
		t.Errorf("subscribe: %d %+v", status, a.Error)
	}
	var told frame
	for typ, body := range map[string]string{
		"new_episode":    `{"type":"new_episode","title_id":9904,"episode":77}`,
		"episode_update": `{"type":"episode_update","title_id":9904,"episode":25.5,"timestamp":"2026-07-01T12:00:00Z"}`,
		"new_title":      `{"type":"new_title","title_id":9904}`,
		"status_change":  `{"type":"status_change","title_id":9904,"data":{"new_status":"completed"}}`,
	} {
		s.notify(t, body)
		told = p.until(typ)
	}
	if status, a := s.call(t, "PUT", s.url+"/api/users/progress/9904", token, `{"episodes":[{"episode":3,"seconds":61.5,"watched":false,"updated_at":"2026-07-01T12:00:00Z"}]}`); status != 200 {
		t.Errorf("progress: %d %+v", status, a.Error)
	}
	p.until("progress")
	eventually(t, "the inbox can be read up to there", func() bool {
		status, _ := s.call(t, "POST", s.url+"/api/users/notifications/read", token, fmt.Sprintf(`{"up_to":%q}`, told.Position))
		return status == 200
	})
	p.until("notification_read")
	for _, bad := range []string{`x`, `{"type":"no_such"}`, `{"type":"resume","data":{"position":"x"}}`, `{"type":"auth","data":{"token":"x"}}`} {
		p.send([]byte(bad))
		p.until("error")
	}
	p.send([]byte(`{"type":"resume","data":{"position":"gone:1"}}`))
	if f := p.until("resumed"); !bytes.Contains(f.Data, []byte(`"inbox"`)) {
		t.Errorf("resumed %s", f.Data)
	}
}

// examplesOfSocketIO says the same in packets, and is signed out at the end.
func (s *site) examplesOfSocketIO(t *testing.T, m *openapitest.Messages, live *strings.Replacer, token string) {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/socket.io/?EIO=4&transport=websocket", nil) //nolint:bodyclose // an upgraded connection has no body
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.CloseNow() }()
	p := &tap{t, m, c}
	p.send([]byte("40"))
	for _, command := range m.Commands("socketio") {
		for n, example := range command.Examples {
			var e frame
			if err := json.Unmarshal([]byte(live.Replace(string(example))), &e); err != nil {
				t.Fatal(err)
			}
			args := fmt.Sprintf(`["%s"`, e.Type)
			if len(e.Data) > 0 {
				args += "," + string(e.Data)
			}
			p.send([]byte("42" + strconv.Itoa(n) + args + "]"))
			ack := p.packet("43" + strconv.Itoa(n) + "[")
			said := fmt.Sprintf(`{"type":%q,"data":%s}`, command.Replies[0], ack[:len(ack)-1])
			if err := m.Check("socketio", []byte(said)); err != nil {
				t.Errorf("%s: %v", example, err)
			}
		}
	}
	if status, _ := s.call(t, "POST", s.url+"/api/auth/logout", token, ""); status != 200 {
		t.Errorf("logout: %d", status)
	}
	end := p.packet(`42["close",`)
	if err := m.Check("socketio", []byte(`{"type":"close","data":`+end[:len(end)-1]+`}`)); err != nil || !strings.Contains(end, "4401") {
		t.Errorf("closed with %s, %v", end, err)
	}
}

// packet passes over packets that begin otherwise and returns what follows.
func (p *tap) packet(prefix string) string {
	p.t.Helper()
	for {
		if rest, ok := strings.CutPrefix(string(p.text()), prefix); ok {
			return rest
		}
	}
}

// examplesOfStream listens until an episode airs.
func (s *site) examplesOfStream(t *testing.T, m *openapitest.Messages) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"/api/anilibria/v2/events?types=new_episode", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if err := m.Check("eventstream", []byte(data)); err != nil {
			t.Error(err)
		}
		switch {
		case strings.HasPrefix(data, `{"type":"subscribed"`):
			s.notify(t, `{"type":"new_episode","title_id":9904,"episode":79}`)
		case strings.HasPrefix(data, `{"type":"new_episode"`):
			return
		}
	}
	t.Error("the stream ended")
}
