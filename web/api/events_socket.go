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
	s.part(s.ws, why, func() {
		if why.Code == realtime.CloseRestart && s.last != "reconnect" && json.Valid([]byte(why.Reason)) {
			s.send([]realtime.Message{{Type: "reconnect", Frame: []byte(`{"type":"reconnect","data":` + why.Reason + `}`)}})
		}
	})
}
