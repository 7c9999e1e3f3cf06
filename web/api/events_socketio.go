package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"anihub/modules/realtime"
)

// phase is how far a Socket.IO client has come.
type phase uint8

const (
	phaseStrange phase = iota // it has not connected to the namespace
	phaseJoining              // it has, with a token that is being looked at
	phaseJoined
	phaseOver
)

// maxOwn bounds what we say besides the conversation while nobody takes it.
const maxOwn = 64

// joinID is the id of the command that a CONNECT with a token becomes. Ids of clients are
// numbers.
const joinID = `"connect"`

// sioSession is a conversation with a client of Socket.IO v4, over a WebSocket or over HTTP
// requests that it polls with (events_engine.go): events become frames, answers become
// acknowledgements, news become events. What is for the client is pulled by the transport,
// so a slow client is the conversation's business here as everywhere.
type sioSession struct {
	*line
	sid     string // knowing it is what lets a request take part
	conv    realtime.Conversation
	unwatch func()
	once    sync.Once

	sending   sync.Mutex // whose turn it is to take what is for the client
	receiving sync.Mutex // whose turn it is to hand over what the client says

	mu        sync.Mutex
	phase     phase
	polls     bool               // by HTTP requests; false = it has a WebSocket
	upgrading bool               // a WebSocket asks to take over
	out       [][]byte           // what is to be taken next
	wake      context.CancelFunc // ends the wait of who takes it
	held      []realtime.Message // what came before the token was looked at
	last      string             // type of the message that came last
	why       *realtime.Closed   // the end, when it is over
	pinged    bool               // and no pong yet
	beat      *time.Timer
}

// newSession begins a session; the caller has entered the line.
func (e *Events) newSession(l *line, conv realtime.Conversation, polls bool) *sioSession {
	s := &sioSession{line: l, sid: rand.Text(), conv: conv, polls: polls, wake: func() {}}
	s.mu.Lock() // the timer and the contexts may end at once
	defer s.mu.Unlock()
	s.beat = time.AfterFunc(e.cfg.PingEvery, s.tick)
	ends := context.AfterFunc(l.stop, func() { s.finish(&realtime.Closed{Code: realtime.CloseNormal}) })
	cut := context.AfterFunc(l.life, s.leave)
	s.unwatch = func() { ends(); cut() }
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sessions[s.sid] = s
	return s
}

// leave frees everything. Idempotent.
func (s *sioSession) leave() {
	s.once.Do(func() {
		s.finish(&realtime.Closed{Code: realtime.CloseNormal})
		s.unwatch()
		s.beat.Stop()
		s.conv.Close()
		s.e.mu.Lock()
		delete(s.e.sessions, s.sid)
		s.e.mu.Unlock()
		s.e.leave(s.line, s.e.metrics.clients)
	})
}

// finish ends the session: what waits for the client and the reason can still be taken, for
// a while.
func (s *sioSession) finish(why *realtime.Closed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finishLocked(why)
}

func (s *sioSession) finishLocked(why *realtime.Closed) {
	if s.phase == phaseOver {
		return
	}
	s.why = s.line.why(why)
	if s.phase == phaseJoined {
		s.out = append(s.out, s.farewell()...)
	}
	s.phase = phaseOver
	s.beat.Reset(s.e.cfg.CloseTimeout)
	s.wake()
}

// farewell says why it ends. A client comes back by itself when its transport closes, and
// does not when the namespace is closed before: that is for ends after which it has to do
// something first.
func (s *sioSession) farewell() [][]byte {
	switch s.why.Code {
	case realtime.CloseNormal:
		return nil
	case realtime.CloseRestart:
		if s.last == "reconnect" || !json.Valid([]byte(s.why.Reason)) {
			return nil
		}
		return [][]byte{eventPacket("reconnect", []byte(s.why.Reason))}
	}
	end := eventPacket("close", jsonOf(struct {
		Code   int    `json:"code"`
		Reason string `json:"reason"`
	}{s.why.Code, s.why.Reason}))
	if s.why.Code == realtime.CloseSlow {
		return [][]byte{end}
	}
	return [][]byte{end, {engineMessage, sioDisconnect}}
}

// breach ends a session with a client that does not speak the protocol.
func (s *sioSession) breach(what string) bool {
	s.finish(&realtime.Closed{Code: realtime.CloseProtocol, Reason: what})
	return false
}

// tick is the heartbeat: time for a ping, or for the pong that did not come.
func (s *sioSession) tick() {
	if !s.ping() {
		s.leave()
	}
}

// ping is false when the session is dead: the last ping was not answered, the client never
// connected, or did not take the end.
func (s *sioSession) ping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.phase == phaseOver:
		return false
	case s.phase == phaseStrange || s.pinged:
		s.count("dead")
		return false
	}
	s.pinged = true
	s.beat.Reset(s.e.cfg.PongWithin)
	s.sayLocked([]byte{enginePing})
	return true
}

func (s *sioSession) ponged() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pinged && s.phase != phaseOver {
		s.pinged = false
		s.beat.Reset(s.e.cfg.PingEvery)
	}
}

// say queues a packet besides the conversation.
func (s *sioSession) say(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sayLocked(p)
}

func (s *sioSession) sayLocked(p []byte) {
	switch {
	case s.phase == phaseOver:
		return
	case len(s.out) >= maxOwn:
		s.finishLocked(&realtime.Closed{Code: realtime.CloseFlood, Reason: "too many answers wait to be taken"})
		return
	}
	s.out = append(s.out, p)
	s.wake()
}

// pull blocks until there are packets for the client; over when they are the last ones. It
// returns none when ctx ends. The caller holds sending.
func (s *sioSession) pull(ctx context.Context) (packets [][]byte, over bool) {
	for ctx.Err() == nil {
		turn, done := context.WithCancel(ctx)
		packets, at := s.take(done)
		if len(packets) > 0 || at == phaseOver {
			done()
			return packets, at == phaseOver
		}
		s.listen(turn, at)
		done()
	}
	return nil, false
}

// take is what is there; who finds nothing is woken when there is something.
func (s *sioSession) take(wake context.CancelFunc) (packets [][]byte, at phase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	packets, s.out = s.out, nil
	s.wake = wake
	return packets, s.phase
}

// listen waits for what the conversation says next, or for the end of the turn. To who is
// not connected, nothing is said.
func (s *sioSession) listen(turn context.Context, at phase) {
	if at == phaseStrange {
		<-turn.Done()
		return
	}
	batch, err := s.conv.Next(turn)
	var closed *realtime.Closed
	switch {
	case err == nil:
		s.hear(batch)
	case errors.As(err, &closed):
		s.finish(closed)
	case turn.Err() != nil:
	default:
		s.e.log.ErrorContext(turn, "conversation failed", "err", err)
		s.finish(restart(time.Second))
	}
}

// hear makes packets of messages.
func (s *sioSession) hear(batch []realtime.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range batch {
		s.last = m.Type
		switch s.phase {
		case phaseJoining:
			s.judge(m)
		case phaseJoined:
			s.out = append(s.out, s.packet(m))
		}
	}
}

// packet is a message as it goes to the client.
func (s *sioSession) packet(m realtime.Message) []byte {
	if id := idOf(m); len(id) > 0 && string(id) != joinID {
		return ackPacket(id, m)
	}
	return s.e.packets.of(m)
}

// judge waits for what the conversation says of the token of a CONNECT.
func (s *sioSession) judge(m realtime.Message) {
	if string(idOf(m)) != joinID {
		s.held = append(s.held, m) // hello; there are no subscriptions yet
		return
	}
	if m.Type == "error" {
		s.out = append(s.out, refusal(m))
		s.finishLocked(&realtime.Closed{Code: realtime.CloseAuth, Reason: "refused"})
		return
	}
	s.joinLocked()
	for _, before := range s.held {
		s.out = append(s.out, s.packet(before))
	}
	s.held = nil
	s.out = append(s.out, s.packet(m))
}

func (s *sioSession) joinLocked() {
	s.phase = phaseJoined
	s.out = append(s.out, append([]byte("40"), jsonOf(map[string]string{"sid": rand.Text()})...))
}

// receive takes one packet of Engine.IO; false when no more are taken.
func (s *sioSession) receive(p []byte) bool {
	if len(p) == 0 {
		return s.breach("an empty packet")
	}
	switch p[0] {
	case engineMessage:
		return s.message(p[1:])
	case enginePong:
		s.ponged()
		return true
	case engineNoop:
		return true
	case engineClose:
		s.cut() // it takes nothing any more
		return false
	case engineBinary:
		return s.binary()
	}
	return s.breach("no packet that a client of Engine.IO 4 sends")
}

func (s *sioSession) binary() bool {
	s.finish(&realtime.Closed{Code: realtime.CloseData, Reason: "text only"})
	return false
}

// message takes one packet of Socket.IO.
func (s *sioSession) message(b []byte) bool {
	p, ok := parsePacket(b)
	switch {
	case !ok:
		return s.breach("no packet of Socket.IO 5")
	case p.kind >= sioBinaryEvent:
		return s.binary()
	case p.namespace != "/":
		return s.stranger(p)
	case p.kind == sioConnect:
		return s.connect(p.data)
	case !s.joined():
		return s.breach("connect first")
	case p.kind == sioEvent:
		frame, ok := p.frame()
		if !ok {
			return s.breach("an event is a list that begins with its name")
		}
		return s.line.receive(s.conv, frame)
	case p.kind == sioDisconnect:
		s.finish(&realtime.Closed{Code: realtime.CloseNormal})
		return false
	case p.kind == sioAck:
		return true // we never ask for one
	}
	return s.breach("no packet that a client of Socket.IO 5 sends")
}

// stranger refuses a namespace. There is one.
func (s *sioSession) stranger(p packet) bool {
	if p.kind == sioConnect {
		s.say([]byte("44" + p.namespace + `,{"message":"Invalid namespace"}`))
	}
	return true
}

func (s *sioSession) joined() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase == phaseJoined
}

// connect admits a client to the namespace; a token that it brings must be good.
func (s *sioSession) connect(data []byte) bool {
	var auth struct {
		Token json.RawMessage `json:"token"`
	}
	if len(data) > 0 && json.Unmarshal(data, &auth) != nil {
		return s.breach("what a client connects with is an object")
	}
	token := auth.Token
	if string(token) == "null" || string(token) == `""` {
		token = nil // of a page on which nobody is signed in
	}
	s.mu.Lock()
	if s.phase != phaseStrange {
		s.mu.Unlock()
		return s.breach("connected already")
	}
	if s.phase = phaseJoining; len(token) == 0 {
		s.joinLocked()
	}
	s.wake()
	s.mu.Unlock()
	if len(token) == 0 {
		return true
	}
	frame := append(append([]byte(`{"type":"auth","id":`+joinID+`,"data":{"token":`), token...), "}}"...)
	return s.line.receive(s.conv, frame)
}
