package api

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/coder/websocket"

	"anihub/modules/realtime"
)

// socket carries one conversation: one goroutine reads, another writes.
type socket struct {
	*line
	*wire
	conv realtime.Conversation
	last string // type of the message that was written last
}

// run holds the conversation until both sides are through with it.
func (s *socket) run() {
	defer s.e.leave(s.line, s.e.metrics.sockets)
	defer context.AfterFunc(s.life, s.wire.cut)()
	var writing sync.WaitGroup
	writing.Go(s.speak)
	s.listen()
	s.conv.Close()
	writing.Wait()
	_ = s.ws.CloseNow() // it is closed; this frees what is left
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

// speak hands messages to the client until the conversation or the socket ends.
func (s *socket) speak() {
	defer s.line.cut()
	for s.round() {
	}
}

// round writes until it is time for a ping, and pings. False is the end.
func (s *socket) round() bool {
	ctx, cancel := context.WithTimeout(s.stop, s.e.cfg.PingEvery)
	defer cancel()
	for {
		batch, err := s.conv.Next(ctx)
		var closed *realtime.Closed
		switch {
		case err == nil && s.send(batch):
		case err == nil:
			return false
		case errors.As(err, &closed):
			s.end(closed)
			return false
		case s.stop.Err() != nil:
			s.end(&realtime.Closed{Code: realtime.CloseNormal})
			return false
		case ctx.Err() != nil:
			return s.ping()
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

// ping asks whether the client is there. A drain need not wait for the answer.
func (s *socket) ping() bool {
	ctx, cancel := context.WithTimeout(s.stop, s.e.cfg.PongWithin)
	defer cancel()
	if err := s.ws.Ping(ctx); err == nil || s.stop.Err() != nil && s.life.Err() == nil {
		return true
	}
	s.count("dead")
	return false
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
