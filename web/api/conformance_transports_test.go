package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
)

// wish is what a viewer wants to hear, who they are, and where they stopped.
type wish struct {
	titles []int
	types  []string
	token  string
	since  string
	narrow bool // over a connection that holds little of what is not read
}

func (w wish) client(t *testing.T) *http.Client {
	if w.narrow {
		return narrow(t)
	}
	return http.DefaultClient
}

// heard is one thing that a viewer is told. A refusal is heard as "error", whether the
// transport has a status for it or a message; its id is the code.
type heard struct {
	typ, id, position string
	data              json.RawMessage
}

// parted is the end that the server gave to a connection.
type parted struct {
	code   int
	reason string
}

func (p *parted) Error() string { return fmt.Sprintf("parted with %d %q", p.code, p.reason) }

// transport is one way to hear the news.
type transport interface {
	String() string
	// open connects and says what is wanted.
	open(t *testing.T, at *instance, w wish) ear
}

// ear is a viewer's end of a connection.
type ear interface {
	// next is what comes next; *parted, or another error when the connection broke.
	next() (heard, error)
	// beats is how often the server showed that it is there.
	beats() int
	// last is the position that a viewer who follows the documentation has kept.
	last() string
	// cut breaks the connection.
	cut()
}

func everyTransport() []transport {
	return []transport{overWebSocket{}, overStream{}, overSocketIO{"websocket"}, overSocketIO{"polling"}}
}

// kept is the bookkeeping of positions that docs/realtime.md asks of who sends commands.
type kept struct{ position string }

func (k *kept) last() string { return k.position }

func (k *kept) note(h heard) {
	var d struct{ Position string }
	_ = json.Unmarshal(h.data, &d)
	switch {
	case h.position != "":
		k.position = h.position
	case h.typ == "reset", h.typ == "hello" && k.position == "":
		k.position = d.Position
	}
}

// commands are the wish as a conversation puts it.
func (w wish) commands() (types []string, datas []map[string]any) {
	say := func(typ string, data map[string]any) { types, datas = append(types, typ), append(datas, data) }
	if w.token != "" {
		say("auth", map[string]any{"token": w.token})
	}
	sub := map[string]any{}
	if len(w.titles) > 0 {
		sub["titles"] = w.titles
	}
	if len(w.types) > 0 {
		sub["types"] = w.types
	}
	if w.since != "" && w.token == "" {
		sub["since"] = w.since
	}
	if len(w.titles)+len(w.types) > 0 {
		say("subscribe_updates", sub)
	}
	if w.since != "" && w.token != "" {
		say("resume", map[string]any{"position": w.since})
	}
	return types, datas
}

func codeOf(data json.RawMessage) string {
	var d struct{ Code string }
	_ = json.Unmarshal(data, &d)
	return d.Code
}

// overWebSocket is the protocol itself.
type overWebSocket struct{}

func (overWebSocket) String() string { return "WebSocket" }

type socketEar struct {
	kept
	t     *testing.T
	ws    *websocket.Conn
	pings atomic.Int64
}

func (overWebSocket) open(t *testing.T, at *instance, w wish) ear {
	t.Helper()
	e := &socketEar{t: t, kept: kept{w.since}}
	ctx, cancel := context.WithTimeout(t.Context(), socketTime)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, at.url+"/api/anilibria/v2/ws", &websocket.DialOptions{
		HTTPClient: w.client(t), OnPingReceived: func(context.Context, []byte) bool { e.pings.Add(1); return true },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.cut)
	ws.SetReadLimit(1 << 20)
	e.ws = ws
	types, datas := w.commands()
	for i, typ := range types {
		e.say(typ, datas[i])
	}
	return e
}

func (e *socketEar) say(typ string, data any) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), socketTime)
	defer cancel()
	frame := jsonText(e.t, map[string]any{"type": typ, "data": data})
	if err := e.ws.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
		e.t.Fatalf("say %s: %v", typ, err)
	}
}

func (e *socketEar) next() (heard, error) {
	ctx, cancel := context.WithTimeout(e.t.Context(), socketTime)
	defer cancel()
	_, raw, err := e.ws.Read(ctx)
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		return heard{}, &parted{int(closed.Code), closed.Reason}
	}
	if err != nil {
		return heard{}, err
	}
	h, err := ofFrame(raw)
	e.note(h)
	return h, err
}

func ofFrame(raw []byte) (heard, error) {
	var f struct {
		Type     string
		EventID  string `json:"event_id"`
		Position string
		Data     json.RawMessage
	}
	err := json.Unmarshal(raw, &f)
	h := heard{f.Type, f.EventID, f.Position, f.Data}
	if h.typ == "error" {
		h.id = codeOf(h.data)
	}
	return h, err
}

func (e *socketEar) beats() int { return int(e.pings.Load()) }
func (e *socketEar) cut()       { _ = e.ws.CloseNow() }

// overStream is Server-Sent Events.
type overStream struct{}

func (overStream) String() string { return "SSE" }

// streamEar reads as browsers do (HTML standard §9.2.6).
type streamEar struct {
	resp     *http.Response
	in       *bufio.Reader
	id       string
	comments atomic.Int64
	retry    string
	refused  bool
}

func (overStream) open(t *testing.T, at *instance, w wish) ear {
	t.Helper()
	q := url.Values{}
	if len(w.titles) > 0 {
		q.Set("titles", strings.Trim(strings.ReplaceAll(fmt.Sprint(w.titles), " ", ","), "[]"))
	}
	if len(w.types) > 0 {
		q.Set("types", strings.Join(w.types, ","))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*socketTime)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.url+"/api/anilibria/v2/events?"+q.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if w.since != "" {
		r.Header.Set("Last-Event-ID", w.since)
	}
	if w.token != "" {
		r.Header.Set("Authorization", "Bearer "+w.token)
	}
	resp, err := w.client(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return &streamEar{resp: resp, in: bufio.NewReader(resp.Body), id: w.since}
}

func (e *streamEar) next() (heard, error) {
	if e.resp.StatusCode != http.StatusOK {
		return e.refusal()
	}
	name, data, err := e.event()
	if err != nil {
		return heard{}, err
	}
	h, err := ofFrame([]byte(data))
	switch {
	case err == nil && h.typ != name:
		err = fmt.Errorf("event %s carries a frame of %s", name, h.typ)
	case h.typ == "close":
		return heard{}, e.closed(h)
	}
	return h, err
}

// refusal is the error envelope, once.
func (e *streamEar) refusal() (heard, error) {
	if e.refused {
		return heard{}, io.EOF
	}
	e.refused = true
	var body struct{ Error json.RawMessage }
	err := json.NewDecoder(e.resp.Body).Decode(&body)
	return heard{typ: "error", id: codeOf(body.Error), data: body.Error}, err
}

func (e *streamEar) event() (name, data string, err error) {
	for {
		line, err := e.in.ReadString('\n')
		if err != nil {
			return "", "", err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "id":
			e.id = value
		case "event":
			name = value
		case "data":
			data += value
		case "retry":
			e.retry = value
		case "":
			if value != "" {
				e.comments.Add(1)
			}
			if data != "" {
				return name, data, nil
			}
		}
	}
}

// closed is the end in words of a WebSocket. What a restart asks for, browsers read in
// retry.
func (e *streamEar) closed(h heard) error {
	var why struct {
		Code   int
		Reason string
	}
	if err := json.Unmarshal(h.data, &why); err != nil {
		return err
	}
	if ms, err := strconv.Atoi(e.retry); err == nil && why.Reason != fmt.Sprintf(`{"retry_in_ms":%d}`, ms) {
		return fmt.Errorf("retry %d and reason %s", ms, why.Reason)
	}
	return &parted{why.Code, why.Reason}
}

func (e *streamEar) beats() int   { return int(e.comments.Load()) }
func (e *streamEar) last() string { return e.id }
func (e *streamEar) cut()         { _ = e.resp.Body.Close() }

// overSocketIO is Socket.IO v4 by one of its own transports.
type overSocketIO struct{ by string }

func (o overSocketIO) String() string { return "Socket.IO by " + o.by }

type sioEar struct {
	kept
	*client
	first string // what answered the CONNECT
	ended heard  // the event that says why, before the transport closes
	pings atomic.Int64
}

func (o overSocketIO) open(t *testing.T, at *instance, w wish) ear {
	t.Helper()
	c := (&station{url: at.url + "/ws"}).socketIO(t, o.by)
	e := &sioEar{client: c, kept: kept{w.since}}
	types, datas := w.commands()
	hello := "40"
	if w.token != "" {
		hello += jsonText(t, datas[0])
		types, datas = types[1:], datas[1:]
	}
	c.send(hello)
	var packets []string
	for i, typ := range types {
		packets = append(packets, "42"+jsonText(t, []any{typ, datas[i]}))
	}
	// As the library does, which keeps what is said until the server has connected it.
	if e.first = c.next(); strings.HasPrefix(e.first, "40") && len(packets) > 0 {
		c.send(packets...)
	}
	return e
}

func (e *sioEar) packet() (string, error) {
	if p := e.first; p != "" {
		e.first = ""
		return p, nil
	}
	return e.read()
}

func (e *sioEar) next() (heard, error) {
	for {
		p, err := e.packet()
		var closed websocket.CloseError
		switch {
		case errors.As(err, &closed):
			return heard{}, &parted{int(closed.Code), closed.Reason}
		case err != nil:
			e.sid = "" // nothing is left to say good-bye to
			return heard{}, err
		case p == "2":
			e.pings.Add(1)
			e.send("3")
		case p == "1":
			return heard{}, e.polledEnd()
		case strings.HasPrefix(p, "44"):
			var refused struct{ Data json.RawMessage }
			err := json.Unmarshal([]byte(p[2:]), &refused)
			return heard{typ: "error", id: codeOf(refused.Data), data: refused.Data}, err
		case strings.HasPrefix(p, "42"):
			h, err := ofPacket(p)
			if h.typ == "close" || h.typ == "reconnect" {
				e.ended = h
			}
			if h.typ != "close" {
				e.note(h)
				return h, err
			}
		}
	}
}

// polledEnd is what was said before the end: polling has no close code.
func (e *sioEar) polledEnd() error {
	e.sid = ""
	if e.ended.typ == "reconnect" {
		return &parted{1012, string(e.ended.data)}
	}
	var why struct {
		Code   int
		Reason string
	}
	_ = json.Unmarshal(e.ended.data, &why)
	return &parted{why.Code, why.Reason}
}

func ofPacket(p string) (heard, error) {
	var args []json.RawMessage
	var h heard
	if err := json.Unmarshal([]byte(p[2:]), &args); err != nil || len(args) < 2 {
		return h, fmt.Errorf("packet %.200s: %w", p, err)
	}
	h.data = args[1]
	var meta struct {
		EventID  string `json:"event_id"`
		Position string
	}
	err := json.Unmarshal(args[0], &h.typ)
	if len(args) > 2 {
		err = errors.Join(err, json.Unmarshal(args[2], &meta))
	}
	h.id, h.position = meta.EventID, meta.Position
	if h.typ == "error" {
		h.id = codeOf(h.data)
	}
	return h, err
}

func (e *sioEar) beats() int { return int(e.pings.Load()) }

// cut ends a session that polls with a word: there is no connection to break.
func (e *sioEar) cut() {
	switch {
	case e.ws != nil:
		_ = e.ws.CloseNow()
	case e.sid != "":
		e.send("1")
		e.sid = ""
	}
}
