package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"anihub/modules/realtime"
	rt "anihub/modules/realtime/realtimetest"
	"anihub/web/api"
	"anihub/web/openapi/openapitest"
)

// client is a client of Socket.IO that speaks packets, over either transport.
type client struct {
	t    *testing.T
	base string // …/socket.io/?EIO=4
	sid  string
	ws   *websocket.Conn
	got  []string // packets that were polled and not yet looked at
}

func (s *station) engine() string { return strings.TrimSuffix(s.url, "/ws") + "/socket.io/?EIO=4" }

// socketIO opens a session over a WebSocket or by polling.
func (s *station) socketIO(t *testing.T, transport string) *client {
	t.Helper()
	c := &client{t: t, base: s.engine()}
	if transport == "websocket" {
		c.dial("")
	}
	var open struct {
		SID          string
		Upgrades     []string
		PingInterval int
		PingTimeout  int
		MaxPayload   int
	}
	first := c.next()
	if err := json.Unmarshal([]byte(first[1:]), &open); err != nil || first[0] != '0' || open.SID == "" || open.MaxPayload != realtime.MaxFrame || open.PingInterval == 0 || open.PingTimeout == 0 {
		t.Fatalf("first packet %s, %v", first, err)
	}
	t.Cleanup(func() {
		if c.sid != "" && c.ws == nil {
			send(t, context.WithoutCancel(t.Context()), http.MethodPost, c.base+"&transport=polling&sid="+c.sid, "1")
		}
	})
	if c.sid = open.SID; (transport == "websocket") != (len(open.Upgrades) == 0) {
		t.Errorf("upgrades %v over %s", open.Upgrades, transport)
	}
	return c
}

// joined is a client that is connected to the namespace.
func (s *station) joined(t *testing.T, transport string) *client {
	t.Helper()
	c := s.socketIO(t, transport)
	c.send("40")
	c.expect(`40{"sid":"`)
	c.expect(`42["hello",{`)
	return c
}

func (c *client) dial(more string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), socketTime)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, c.base+"&transport=websocket"+more, nil) //nolint:bodyclose // an upgraded connection has no body
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = ws.CloseNow() })
	ws.SetReadLimit(1 << 20)
	c.ws = ws
}

func (c *client) send(packets ...string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), socketTime)
	defer cancel()
	if c.ws == nil {
		if status, body := c.request(http.MethodPost, strings.Join(packets, "\x1e")); status != http.StatusOK || body != "ok" {
			c.t.Fatalf("POST %.100q: %d %s", packets, status, body)
		}
		return
	}
	for _, p := range packets {
		if err := c.ws.Write(ctx, websocket.MessageText, []byte(p)); err != nil {
			c.t.Fatalf("write: %v", err)
		}
	}
}

func (c *client) request(method, body string) (status int, answer string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), socketTime)
	defer cancel()
	url := c.base + "&transport=polling"
	if c.sid != "" {
		url += "&sid=" + c.sid
	}
	return send(c.t, ctx, method, url, body)
}

func send(t *testing.T, ctx context.Context, method, url, body string) (status int, answer string) { //nolint:revive // t first
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// next is the next packet but pings, which are answered.
func (c *client) next() string {
	c.t.Helper()
	for {
		p, err := c.read()
		if err != nil {
			c.t.Fatalf("read: %v", err)
		}
		if p != "2" {
			return p
		}
		c.send("3")
	}
}

var errPolled = errors.New("poll refused")

func (c *client) read() (string, error) {
	if c.ws != nil {
		ctx, cancel := context.WithTimeout(c.t.Context(), socketTime)
		defer cancel()
		_, b, err := c.ws.Read(ctx)
		return string(b), err
	}
	if len(c.got) == 0 {
		status, body := c.request(http.MethodGet, "")
		if status != http.StatusOK {
			return body, errPolled
		}
		c.got = strings.Split(body, "\x1e")
	}
	p := c.got[0]
	c.got = c.got[1:]
	return p, nil
}

func (c *client) expect(prefix string) string {
	c.t.Helper()
	p := c.next()
	if !strings.HasPrefix(p, prefix) {
		c.t.Fatalf("got %.300s, want %s…", p, prefix)
	}
	return p
}

// ended reads until the transport is closed and returns the packets before that.
func (c *client) ended() (packets []string, closed websocket.CloseError) {
	c.t.Helper()
	for {
		p, err := c.read()
		switch {
		case errors.As(err, &closed):
			return packets, closed
		case err != nil:
			c.t.Fatalf("read: %v; want an orderly end", err)
		case p == "1":
			if status, body := c.request(http.MethodGet, ""); status != 400 || !strings.Contains(body, `"code":1`) {
				c.t.Errorf("after the end: %d %s", status, body)
			}
			return packets, closed
		}
		packets = append(packets, p)
	}
}

func transports() []string { return []string{"websocket", "polling"} }

func TestSocketIOConversation(t *testing.T) {
	t.Parallel()
	for _, transport := range transports() {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := openStation(t, nil)
			s.rt.Admit("sesame", "u1", 77)
			c := s.joined(t, transport)
			if who := s.rt.Clients(); len(who) != 1 || who[0].Transport != "socketio" || who[0].Address == "" {
				t.Errorf("the room saw %+v", who)
			}
			c.send(`420["subscribe_title",{"title_id":5}]`)
			c.expect(`430[{"count":0,"position":"fake:0","recovered":true,"title_id":5}]`)
			done := rt.Publish(t, s.rt, rt.Episode(5, 1))
			p := c.expect(`42["new_episode",{`)
			var args []json.RawMessage
			var meta map[string]string
			if err := errors.Join(json.Unmarshal([]byte(p[2:]), &args), json.Unmarshal(args[2], &meta)); err != nil || meta["event_id"] != done[0].EventID || meta["position"] != "fake:1" {
				t.Errorf("pushed %s, %v", p, err)
			}
			c.send(`4207["subscribe_title",{"title_id":0}]`)
			c.expect(`437[{"error":{"code":"BAD_DATA","message":"The fake refuses."}}]`)
			c.send(`42["subscribe_updates",{"types":["new_title"],"since":"fake:0"}]`)
			c.expect(`42["subscribed",{"count":0,`)
			c.send(`42["no_such"]`)
			c.expect(`42["error",{"code":"UNKNOWN_TYPE"`)
			c.send(`421["auth",{"token":"wrong"}]`, `422["auth",{"token":"sesame"}]`)
			c.expect(`431[{"error":{"code":"BAD_TOKEN"`)
			c.expect(`432[{"expires_at":"`)
			rt.Publish(t, s.rt, rt.Episode(77, 1))
			c.expect(`42["new_episode"`)
			c.send(`423["ping"]`, `424["unsubscribe_title",{"title_id":5}]`)
			c.expect(`433[{}]`)
			c.expect(`434[{"title_id":5}]`)
			c.send("41")
			if packets, _ := c.ended(); len(packets) > 0 {
				t.Errorf("after the client left: %q", packets)
			}
			s.waitOpen(t, 0)
		})
	}
}

func TestSocketIOToken(t *testing.T) {
	t.Parallel()
	for _, transport := range transports() {
		for name, c := range map[string]struct {
			auth string
			want []string
		}{
			"good":       {`{"token":"sesame","page":"home"}`, []string{`40{"sid":"`, `42["hello",`, `42["auth_ok",{"expires_at":`}},
			"none":       {`{"token":null}`, []string{`40{"sid":"`, `42["hello",`}},
			"empty":      {`{"token":""}`, []string{`40{"sid":"`, `42["hello",`}},
			"refused":    {`{"token":"wrong"}`, []string{`44{"data":{"code":"BAD_TOKEN","message":"The fake refuses."},"message":"The fake refuses."}`}},
			"no text":    {`{"token":5}`, []string{`44{"data":{"code":"BAD_DATA"`}},
			"with links": {`{"token":{"a":[[[]]]}}`, []string{`44{"data":{"code":"BAD_DATA"`}},
		} {
			t.Run(transport+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := openStation(t, nil)
				s.rt.Admit("sesame", "u1", 77)
				l := s.socketIO(t, transport)
				l.send("40" + c.auth)
				for _, want := range c.want {
					l.expect(want)
				}
				if strings.HasPrefix(c.want[0], "44") {
					if packets, _ := l.ended(); len(packets) > 0 {
						t.Errorf("after the refusal: %q", packets)
					}
					s.waitOpen(t, 0)
				}
			})
		}
	}
}

// TestSocketIOBadPackets: what no client's library sends ends its session with a reason, and
// nothing else.
func TestSocketIOBadPackets(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	nested := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	for name, c := range map[string]struct {
		packet string
		code   int // 0 = goes on
	}{
		"empty":                    {"", realtime.CloseProtocol},
		"garbage":                  {"\x00\xff\x13", realtime.CloseProtocol},
		"open":                     {`0{"sid":"x"}`, realtime.CloseProtocol},
		"ping of a client":         {"2", realtime.CloseProtocol},
		"late upgrade":             {"5", realtime.CloseProtocol},
		"unknown type":             {"9", realtime.CloseProtocol},
		"no message":               {"4", realtime.CloseProtocol},
		"unknown message":          {"47", realtime.CloseProtocol},
		"error of a client":        {`44{"message":"x"}`, realtime.CloseProtocol},
		"second connect":           {"40", realtime.CloseProtocol},
		"no event":                 {"42", realtime.CloseProtocol},
		"object":                   {`42{"a":1}`, realtime.CloseProtocol},
		"no JSON":                  {`42["a"`, realtime.CloseProtocol},
		"empty list":               {`42[]`, realtime.CloseProtocol},
		"id without end":           {"42" + strings.Repeat("9", 1000) + `["ping"]`, realtime.CloseProtocol},
		"nested beyond all bounds": {`42["ping",` + nested + `]`, realtime.CloseProtocol},
		"name of a namespace":      {"40/" + strings.Repeat("x", 100) + ",", realtime.CloseProtocol},
		"control in a namespace":   {"40/a\nb,", realtime.CloseProtocol},
		"binary event":             {`451-["a",{"_placeholder":true,"num":0}]`, realtime.CloseData},
		"binary ack":               {`461-5[]`, realtime.CloseData},
		"not UTF-8":                {"42[\"ping\",\"\xff\"]", realtime.CloseBadFrame},
		"pong":                     {"3", 0},
		"noop":                     {"6", 0},
		"ack of nothing":           {`4399[1]`, 0},
		"ack of what":              {"43", 0},
		"foreign event":            {`42/admin,["ping"]`, 0},
		"foreign end":              {"41/admin,", 0},
	} {
		for _, transport := range transports() {
			t.Run(name+"/"+transport, func(t *testing.T) {
				t.Parallel()
				l := s.joined(t, transport)
				l.send(c.packet)
				if c.code == 0 {
					l.send(`421["ping"]`)
					l.expect("431[{}]")
					return
				}
				packets, closed := l.ended()
				want := `42["close",{"code":` + jsonText(t, c.code)
				if len(packets) != 2 || !strings.HasPrefix(packets[0], want) || packets[1] != "41" {
					t.Errorf("ended with %q, want %s", packets, want)
				}
				if transport == "websocket" && int(closed.Code) != c.code {
					t.Errorf("closed with %v", closed)
				}
			})
		}
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSocketIOBadCommands: what is an event but no good command is answered, not closed.
func TestSocketIOBadCommands(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	for _, transport := range transports() {
		l := s.joined(t, transport)
		for packet, code := range map[string]string{
			`421["nothing"]`:              "UNKNOWN_TYPE",
			`421[5]`:                      "BAD_FRAME",
			`421[null]`:                   "BAD_FRAME",
			`421[["subscribe_title"],{}]`: "BAD_FRAME",
			`421["ping",{},{}]`:           "BAD_FRAME",
			`421["subscribe_title",{"title_id":5},null]`: "BAD_FRAME",
			`421["subscribe_title"]`:                     "BAD_DATA",
			`421["subscribe_title",[5]]`:                 "BAD_DATA",
			`421["subscribe_title","5"]`:                 "BAD_DATA",
		} {
			l.send(packet)
			if got := l.next(); !strings.HasPrefix(got, `431[{"error":{"code":"`+code) {
				t.Errorf("%s: %s, want %s", packet, got, code)
			}
		}
		l.send(`40/admin,{"token":"x"}`)
		l.expect(`44/admin,{"message":"Invalid namespace"}`)
	}
}

// TestSocketIOBeforeConnect: nobody is told anything before, and nobody says anything.
func TestSocketIOBeforeConnect(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	for _, transport := range transports() {
		for _, packet := range []string{`42["ping"]`, `421["subscribe_title",{"title_id":5}]`, "41", "40[]", "40{", `40"x"`} {
			l := s.socketIO(t, transport)
			l.send(packet)
			packets, closed := l.ended()
			if len(packets) > 0 || transport == "websocket" && int(closed.Code) != realtime.CloseProtocol {
				t.Errorf("%s over %s: %q, %v", packet, transport, packets, closed)
			}
		}
	}
	s.waitOpen(t, 0)
}

// TestSocketIOFrames: frames of a WebSocket that carry no packet.
func TestSocketIOFrames(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	for name, c := range map[string]struct {
		kind  websocket.MessageType
		frame []byte
		code  int
	}{
		"binary":    {websocket.MessageBinary, []byte("x"), realtime.CloseData},
		"oversized": {websocket.MessageText, bytes.Repeat([]byte("x"), realtime.MaxFrame+1), realtime.CloseTooBig},
	} {
		l := s.joined(t, "websocket")
		ctx, cancel := context.WithTimeout(t.Context(), socketTime)
		if err := l.ws.Write(ctx, c.kind, c.frame); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, closed := l.ended(); int(closed.Code) != c.code {
			t.Errorf("%s: closed with %v", name, closed)
		}
	}
	l := s.joined(t, "polling")
	if status, body := l.request(http.MethodPost, strings.Repeat("x", realtime.MaxFrame+1)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body too large: %d %s", status, body)
	}
	if packets, _ := l.ended(); len(packets) != 2 || !strings.HasPrefix(packets[0], `42["close",{"code":1009`) {
		t.Errorf("a body too large: %q", packets)
	}
	l = s.joined(t, "polling")
	l.send("bAAAA")
	if packets, _ := l.ended(); len(packets) != 2 || !strings.HasPrefix(packets[0], `42["close",{"code":1003`) {
		t.Errorf("binary in a body: %q", packets)
	}
	s.waitOpen(t, 0)
}

func TestSocketIORefuses(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	base := strings.TrimSuffix(s.url, "/ws") + "/socket.io/"
	live := s.joined(t, "polling")
	socket := s.joined(t, "websocket")
	for name, c := range map[string]struct {
		method, query, origin string
		status                int
		want                  string
	}{
		"EIO 3":             {"GET", "?EIO=3&transport=polling", "", 400, `{"code":5,"message":"Unsupported protocol version"}`},
		"no EIO":            {"GET", "?transport=polling", "", 400, `{"code":5,"message":"Unsupported protocol version"}`},
		"EIO 4 and a bit":   {"GET", "?EIO=4%20&transport=polling", "", 400, `{"code":5,`},
		"no transport":      {"GET", "?EIO=4", "", 400, `{"code":0,"message":"Transport unknown"}`},
		"other transport":   {"GET", "?EIO=4&transport=webtransport", "", 400, `{"code":0,`},
		"no query":          {"GET", "", "", 400, `{"code":0,`},
		"no query readable": {"GET", "?%zz;&", "", 400, `{"code":0,`},
		"no upgrade":        {"GET", "?EIO=4&transport=websocket", "", 400, `{"code":3,"message":"Bad request"}`},
		"no handshake":      {"POST", "?EIO=4&transport=polling", "", 400, `{"code":2,"message":"Bad handshake method"}`},
		"unknown session":   {"GET", "?EIO=4&transport=polling&sid=nobody", "", 400, `{"code":1,"message":"Session ID unknown"}`},
		"unknown, POST":     {"POST", "?EIO=4&transport=polling&sid=nobody", "", 400, `{"code":1,`},
		"has a socket":      {"POST", "?EIO=4&transport=polling&sid=" + socket.sid, "", 400, `{"code":3,`},
		"foreign origin":    {"GET", "?EIO=4&transport=polling", "https://evil.example", 403, `{"code":4,"message":"Forbidden"}`},
		"foreign, session":  {"POST", "?EIO=4&transport=polling&sid=" + live.sid, "https://evil.example", 403, `{"code":4,`},
		"allowed origin":    {"GET", "?EIO=4&transport=polling&t=Pq1x&b64=1", "https://anihub.example", 200, `0{"sid":`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, base+c.query, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || !strings.HasPrefix(string(body), c.want) {
			t.Errorf("%s: %d %s, %v; want %d %s", name, resp.StatusCode, body, err, c.status, c.want)
		}
	}
	for want, err := range map[int]error{429: realtime.ErrTooMany, 503: realtime.ErrUnavailable} {
		s.rt.Fail(err)
		if status, body := send(t, t.Context(), "GET", base+"?EIO=4&transport=polling", ""); status != want {
			t.Errorf("the room says %v: %d %s", err, status, body)
		}
	}
	s.rt.Fail(nil)
	live.send(`421["ping"]`)
	live.expect("431[{}]")
}

// TestSocketIOUpgrade: a WebSocket takes over while news comes, and nothing is lost or
// comes twice.
func TestSocketIOUpgrade(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	c := s.joined(t, "polling")
	c.send(`421["subscribe_title",{"title_id":5}]`)
	c.expect("431")
	polled := make(chan string, 1)
	go func() {
		_, body := send(t, context.WithoutCancel(t.Context()), "GET", c.base+"&transport=polling&sid="+c.sid, "")
		polled <- body
	}()
	c.dial("&sid=" + c.sid)
	c.send("2probe")
	c.expect("3probe")
	if got := <-polled; got != "6" {
		t.Errorf("the poll that waited got %q", got)
	}
	rt.Publish(t, s.rt, rt.Episode(5, 1))
	ws := c.ws
	if c.ws = nil; c.next() != "6" {
		t.Error("a poll meanwhile is not answered at once")
	}
	c.ws = ws
	c.send("5")
	rt.Publish(t, s.rt, rt.Episode(5, 2))
	for n := range 2 {
		p := c.next()
		for p == "6" {
			p = c.next()
		}
		if want := `"episode":` + jsonText(t, n+1); !strings.Contains(p, want) {
			t.Errorf("got %s, want %s", p, want)
		}
	}
	if status, body := c.request("GET", ""); status != 400 || !strings.Contains(body, `"code":3`) {
		t.Errorf("a poll after the upgrade: %d %s", status, body)
	}
	c.send(`422["ping"]`)
	c.expect("432[{}]")
}

// TestSocketIOUpgradeFails: who asks and does not go on stays with its polls.
func TestSocketIOUpgradeFails(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	for _, packets := range [][]string{{"2"}, {`40`}, {"2probe", "3"}, {"2probe", ""}} {
		c := s.joined(t, "polling")
		c.dial("&sid=" + c.sid)
		c.send(packets...)
		for {
			if _, err := c.read(); err != nil {
				break
			}
		}
		c.ws = nil
		c.send(`421["ping"]`)
		for p := c.next(); p != "431[{}]"; p = c.next() {
			if p != "6" {
				t.Errorf("%q: got %s", packets, p)
			}
		}
	}
}

// TestSocketIOOverlap: two requests of one kind at once are no client of ours.
func TestSocketIOOverlap(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	c := s.joined(t, "polling")
	first := make(chan string, 2)
	for range 2 {
		go func() {
			_, body := send(t, context.WithoutCancel(t.Context()), "GET", c.base+"&transport=polling&sid="+c.sid, "")
			first <- body
		}()
	}
	all := <-first + <-first
	if !strings.Contains(all, `"code":3`) || !strings.Contains(all, `42["close",{"code":1002`) {
		t.Errorf("answered %q", all)
	}
	s.waitOpen(t, 0)
}

func TestSocketIOServiceCloses(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	for _, transport := range transports() {
		for code, want := range map[int][]string{
			realtime.CloseAuth:    {`42["close",{"code":4401,"reason":"why"}]`, "41"},
			realtime.CloseBanned:  {`42["close",{"code":4403,"reason":"why"}]`, "41"},
			realtime.CloseFlood:   {`42["close",{"code":4029,"reason":"why"}]`, "41"},
			realtime.CloseSlow:    {`42["close",{"code":4008,"reason":"why"}]`},
			realtime.CloseRestart: {`42["reconnect",{"retry_in_ms":5}]`},
		} {
			l := s.joined(t, transport)
			reason := "why"
			if code == realtime.CloseRestart {
				reason = `{"retry_in_ms":5}`
			}
			s.rt.End(code, reason)
			packets, closed := l.ended()
			if strings.Join(packets, " ") != strings.Join(want, " ") {
				t.Errorf("%d over %s: %q, want %q", code, transport, packets, want)
			}
			if transport == "websocket" && (int(closed.Code) != code || closed.Reason != reason) {
				t.Errorf("closed with %v", closed)
			}
		}
	}
	s.waitOpen(t, 0)
}

// TestSocketIODrain: all are asked to come back by themselves, each at another time.
func TestSocketIODrain(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	var all []*client
	for n := range 10 {
		all = append(all, s.joined(t, transports()[n%2]))
	}
	stranger := s.socketIO(t, "polling") // who never connected
	drained := make(chan error)
	go func() { drained <- s.Drain(t.Context()) }()
	retries := map[string]bool{}
	messages, err := openapitest.NewMessages()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		packets, _ := c.ended()
		if len(packets) != 1 || !strings.HasPrefix(packets[0], `42["reconnect",{"retry_in_ms":`) {
			t.Errorf("ended with %q", packets)
			continue
		}
		retries[packets[0]] = true
		said := `{"type":"reconnect","data":` + strings.TrimPrefix(packets[0], `42["reconnect",`)
		if err := messages.Check("socketio", []byte(said[:len(said)-1]+"}")); err != nil {
			t.Error(err)
		}
	}
	if packets, _ := stranger.ended(); len(retries) != len(all) || len(packets) > 0 {
		t.Errorf("%d different times for %d clients, %q for a stranger", len(retries), len(all), packets)
	}
	if err := <-drained; err != nil {
		t.Errorf("Drain: %v", err)
	}
	if status, body := send(t, t.Context(), "GET", s.engine()+"&transport=polling", ""); status != http.StatusServiceUnavailable {
		t.Errorf("after the drain: %d %s", status, body)
	}
}

// TestSocketIODead: a client that answers no ping, or never connects, is cut.
func TestSocketIODead(t *testing.T) {
	t.Parallel()
	s := openStation(t, func(c *api.EventsConfig) { c.PingEvery, c.PongWithin = 20*time.Millisecond, 20*time.Millisecond })
	for _, transport := range transports() {
		for _, join := range []bool{true, false} {
			c := s.socketIO(t, transport)
			if join {
				c.send("40")
			}
			s.waitOpen(t, 0)
		}
	}
}

// TestSocketIOTokenInURL: a token there is neither used nor written anywhere.
func TestSocketIOTokenInURL(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	s.rt.Admit("sesame", "u1", 77)
	c := &client{t: t, base: s.engine() + "&token=sesame&auth=sesame"}
	c.dial("")
	c.expect("0{")
	c.send("40")
	c.expect("40")
	c.expect(`42["hello"`)
	rt.Publish(t, s.rt, rt.Episode(77, 1))
	c.send(`421["ping"]`)
	c.expect("431[{}]") // and not the event
	c.send("41")
	c.ended()
	s.waitOpen(t, 0)
	if strings.Contains(s.logs.String(), "sesame") {
		t.Errorf("logged: %s", s.logs)
	}
}

// TestSocketIOFloodOfRefusals: answers that nobody takes do not pile up.
func TestSocketIOFloodOfRefusals(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	c := s.joined(t, "polling")
	var many []string
	for range 1000 {
		many = append(many, "40/x,")
	}
	c.send(many...)
	packets, _ := c.ended()
	if len(packets) > 100 || !strings.HasPrefix(packets[len(packets)-2], `42["close",{"code":4029`) {
		t.Errorf("%d packets, the last %q", len(packets), packets[len(packets)-1])
	}
}

// TestSocketIOPollEnds: a client that goes away while it polls is gone.
func TestSocketIOPollEnds(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	c := s.joined(t, "polling")
	for gone := false; !gone; { // a request may be given up before it has arrived
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"&transport=polling&sid="+c.sid, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			gone = resp.StatusCode == http.StatusBadRequest
			_ = resp.Body.Close()
		}
		cancel()
	}
	s.waitOpen(t, 0)
}

// TestSocketIOPollsFollowAtOnce: a client polls again the moment it has an answer, which is
// no second poll at once.
func TestSocketIOPollsFollowAtOnce(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	c := s.joined(t, "polling")
	c.send(`421["subscribe_title",{"title_id":5}]`)
	c.expect("431")
	host := strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/ws")
	polled := make(chan string, 300)
	go func() {
		for range 300 {
			polled <- pollAlone(host, c.sid)
		}
	}()
	for n := range 300 {
		rt.Publish(t, s.rt, rt.Episode(5, float64(n)))
		if body := <-polled; !strings.HasPrefix(body, `42["new_episode"`) {
			t.Errorf("poll %d: %s", n, body)
		}
	}
}

// pollAlone polls on a connection of its own; on one that is kept the server would wait for
// the end of the request before.
func pollAlone(host, sid string) string {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "GET /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\n\r\n", sid); err != nil {
		return err.Error()
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}
