package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"

	"anihub/modules/realtime"
)

// receiveTime is how long a command may take; a pong is not read meanwhile.
const receiveTime = 5 * time.Second

// maxReason is what a close frame has room for.
const maxReason = 123

// socket carries one conversation: the handler's goroutine reads, another writes.
type socket struct {
	*line
	ws   *websocket.Conn
	conv realtime.Conversation
	last string // type of the message that was written last
}

// run holds the conversation until both sides are through with it.
func (s *socket) run(conv realtime.Conversation, ws *websocket.Conn) {
	s.conv, s.ws = conv, ws
	ws.SetReadLimit(realtime.MaxFrame)
	var wg sync.WaitGroup
	wg.Go(s.write)
	s.read()
	conv.Close()
	wg.Wait()
	_ = ws.CloseNow() // it is closed; this frees what is left
}

// read hands frames to the conversation until there are no more.
func (s *socket) read() {
	for {
		kind, frame, err := s.ws.Read(s.life)
		switch {
		case err != nil:
			s.bye.CompareAndSwap(nil, ofRead(err))
			return
		case kind != websocket.MessageText:
			s.bye.CompareAndSwap(nil, &realtime.Closed{Code: realtime.CloseData, Reason: "text frames only"})
			return
		}
		if !s.receive(frame) {
			return
		}
	}
}

// receive is false when the conversation is over.
func (s *socket) receive(frame []byte) bool {
	ctx, cancel := context.WithTimeout(s.life, receiveTime)
	defer cancel()
	err := s.conv.Receive(ctx, frame)
	var closed *realtime.Closed
	switch {
	case err == nil:
		return true
	case errors.As(err, &closed):
		return false // Next says so too, after what is still queued
	case s.life.Err() == nil:
		// A command that got no answer: the client must not wait for one.
		s.e.log.Warn("command lost", "err", err)
		s.bye.CompareAndSwap(nil, restart(500*time.Millisecond+rand.N(4500*time.Millisecond)))
	}
	return false
}

// ofRead is what a failed read means.
func ofRead(err error) *realtime.Closed {
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		return &realtime.Closed{Code: realtime.CloseTooBig, Reason: fmt.Sprintf("frame over %d bytes", realtime.MaxFrame)}
	case websocket.CloseStatus(err) != -1:
		return &realtime.Closed{Code: realtime.CloseNormal}
	}
	// A connection that broke, or frames against RFC 6455: the first reads no
	// answer, the second gets this one.
	return &realtime.Closed{Code: realtime.CloseProtocol, Reason: "broken framing"}
}

// write hands messages to the client until the conversation or the socket ends.
func (s *socket) write() {
	defer s.cut()
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
			s.close(closed)
			return false
		case s.stop.Err() != nil:
			s.close(&realtime.Closed{Code: realtime.CloseNormal})
			return false
		case ctx.Err() != nil:
			return s.ping()
		default:
			s.e.log.Error("conversation failed", "err", err)
			s.close(restart(time.Second))
			return false
		}
	}
}

func (s *socket) send(batch []realtime.Message) bool {
	ctx, cancel := context.WithTimeout(s.life, s.e.cfg.WriteTimeout)
	defer cancel()
	for _, m := range batch {
		if err := s.ws.Write(ctx, websocket.MessageText, m.Frame); err != nil {
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

// close says why and gives the client a while to take it.
func (s *socket) close(why *realtime.Closed) {
	why = s.why(why)
	s.count(strconv.Itoa(why.Code))
	if s.life.Err() != nil {
		_ = s.ws.CloseNow() // nobody waits for a handshake any more
		return
	}
	deadline := time.Now().Add(s.e.cfg.CloseTimeout)
	// The library waits for its own time twice; a deadline of the connection holds
	// for both. Where there is none, its time has to do.
	_ = s.ctrl.SetReadDeadline(deadline)
	_ = s.ctrl.SetWriteDeadline(deadline)
	if why.Code == realtime.CloseRestart && s.last != "reconnect" && json.Valid([]byte(why.Reason)) {
		s.send([]realtime.Message{{Type: "reconnect", Frame: []byte(`{"type":"reconnect","data":` + why.Reason + `}`)}})
	}
	reason := why.Reason[:min(len(why.Reason), maxReason)]
	_ = s.ws.Close(websocket.StatusCode(why.Code), reason) // a client that is gone reads no reason
}
