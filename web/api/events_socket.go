package api

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"anihub/modules/realtime"
)

// socket carries one conversation. One goroutine reads; another comes when there is
// something to tell, and goes: of thousands of sockets most are silent.
type socket struct {
	*line
	*wire
	conv  realtime.Conversation
	beat  *time.Timer
	stirs atomic.Int64  // how often it was stirred since nobody speaks; speaking while not 0
	over  chan struct{} // closed when there is nothing more to tell
	last  string        // type of the message that was written last
}

// run holds the conversation until both sides are through with it.
func (s *socket) run() {
	defer s.e.leave(s.line, s.e.metrics.sockets)
	defer context.AfterFunc(s.life, s.wire.cut)()
	defer context.AfterFunc(s.stop, s.stir)()
	s.over = make(chan struct{})
	s.beat = time.AfterFunc(s.e.cfg.PingEvery, s.tick)
	defer s.beat.Stop()
	s.conv.Watch(s.stir)
	s.listen()
	s.conv.Close()
	<-s.over
	_ = s.ws.CloseNow() // it is closed; this frees what is left
}

// stir has what there is told, and does not wait for it.
func (s *socket) stir() {
	if s.stirs.Add(1) == 1 {
		go s.speak()
	}
}

// speak hands messages to the client until there are none. After the end it leaves stirs
// as they are, so that nobody speaks any more.
func (s *socket) speak() {
	for {
		before := s.stirs.Load()
		if !s.tellAll() {
			s.line.cut()
			close(s.over)
			return
		}
		if s.stirs.CompareAndSwap(before, 0) {
			return
		}
	}
}

// listen hands frames to the conversation until there are no more.
func (s *socket) listen() {
	for {
		kind, frame, err := s.read()
		switch {
		case err != nil:
			s.bye.CompareAndSwap(nil, ofRead(err))
			return
		case kind != websocket.MessageText:
			s.bye.CompareAndSwap(nil, &realtime.Closed{Code: realtime.CloseData, Reason: "text frames only"})
			return
		}
		if !s.receive(s.conv, frame) {
			return
		}
	}
}

// ofRead is what a failed read means.
func ofRead(err error) *realtime.Closed {
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		return tooBig()
	case websocket.CloseStatus(err) != -1:
		return &realtime.Closed{Code: realtime.CloseNormal}
	}
	// A connection that broke, or frames against RFC 6455: the first reads no
	// answer, the second gets this one.
	return &realtime.Closed{Code: realtime.CloseProtocol, Reason: "broken framing"}
}

// tellAll tells what there is. False is the end.
func (s *socket) tellAll() bool {
	for {
		batch, err := s.conv.Take(s.stop)
		var closed *realtime.Closed
		switch {
		case err == nil && len(batch) == 0:
			return true
		case err == nil && s.send(batch):
		case err == nil:
			return false
		case errors.As(err, &closed):
			s.end(closed)
			return false
		case s.life.Err() != nil:
			return false // whoever cut it has counted it
		case s.stop.Err() != nil:
			s.end(&realtime.Closed{Code: realtime.CloseNormal})
			return false
		default:
			s.e.log.Error("conversation failed", "err", err)
			s.end(restart(time.Second))
			return false
		}
	}
}

func (s *socket) send(batch []realtime.Message) bool {
	for _, m := range batch {
		if err := s.write(m.Frame); err != nil {
			s.count("gone")
			return false
		}
		s.last = m.Type
	}
	return true
}

// tick asks whether the client is there, and cuts the connection of one who is not.
func (s *socket) tick() {
	ctx, cancel := context.WithTimeout(s.stop, s.e.cfg.PongWithin)
	defer cancel()
	switch err := s.ws.Ping(ctx); {
	case err == nil:
		s.beat.Reset(s.e.cfg.PingEvery)
	case s.stop.Err() == nil: // a drain does not wait for the answer
		s.count("dead")
		s.line.cut()
	}
}

// end says why and gives the client a while to take it.
func (s *socket) end(why *realtime.Closed) {
	why = s.why(why)
	s.part(s.wire, why, func() {
		if why.Code == realtime.CloseRestart && s.last != "reconnect" && json.Valid([]byte(why.Reason)) {
			s.send([]realtime.Message{{Type: "reconnect", Frame: []byte(`{"type":"reconnect","data":` + why.Reason + `}`)}})
		}
	})
}
