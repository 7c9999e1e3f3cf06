// Package realtimehttp is the corridor of realtime: both ends of the door's wire
// (package rpc). A conversation is a stream from the serving side, whose first
// item names it, and one call per frame to the serving side. When the stream
// breaks, the serving side closes the conversation, and the other side tells its
// viewer to come back.
package realtimehttp

import (
	"bytes"
	"encoding/json"
	"math"
	"time"

	"anihub/modules/realtime"
	"anihub/platform/rpc"
)

const module = "realtime"

// publish is safe: an event that was published already is answered as duplicate.
// Receiving is not: a frame may be a command to be answered once.
var (
	publish = rpc.Method[publishRequest, []realtime.Published]{Module: module, Name: "publish", Safe: true}
	history = rpc.Method[realtime.HistoryQuery, []realtime.News]{Module: module, Name: "history", Safe: true}
	tail    = rpc.Method[rpc.None, string]{Module: module, Name: "tail", Safe: true}
	stats   = rpc.Method[rpc.None, realtime.Stats]{Module: module, Name: "stats", Safe: true}
	present = rpc.Method[rpc.None, realtime.Presence]{Module: module, Name: "presence", Safe: true}
	open    = rpc.Stream[realtime.Client, item]{Module: module, Name: "open"}
	receive = rpc.Method[frame, receipt]{Module: module, Name: "receive"}
)

type publishRequest struct{ Events []event }

// event is realtime.Event with its data as it was written, so that numbers keep
// all their digits.
type event struct {
	ID, Type string
	TitleID  int
	Episode  float64
	Data     json.RawMessage `json:",omitempty"`
	At       time.Time
}

func packEvent(e realtime.Event) (event, error) {
	w := event{ID: e.ID, Type: e.Type, TitleID: e.TitleID, Episode: e.Episode, At: e.At}
	if math.IsNaN(e.Episode) || math.IsInf(e.Episode, 0) {
		return w, realtime.ErrBadEvent.Detail("field", "episode")
	}
	if e.Data == nil {
		return w, nil
	}
	raw, err := json.Marshal(e.Data)
	if err != nil {
		return w, realtime.ErrBadEvent.Detail("field", "data").With(err)
	}
	w.Data = raw
	return w, nil
}

func (w event) unpack() (realtime.Event, error) {
	e := realtime.Event{ID: w.ID, Type: w.Type, TitleID: w.TitleID, Episode: w.Episode, At: w.At}
	if len(w.Data) == 0 {
		return e, nil
	}
	dec := json.NewDecoder(bytes.NewReader(w.Data))
	dec.UseNumber()
	if err := dec.Decode(&e.Data); err != nil {
		return e, realtime.ErrBadEvent.Detail("field", "data").With(err)
	}
	return e, nil
}

// item is a step of a conversation: the first has only ID, the last only Closed.
type item struct {
	ID       string           `json:",omitempty"` // cannot be guessed: whoever has it may speak
	Messages []message        `json:",omitempty"`
	Closed   *realtime.Closed `json:",omitempty"`
}

// message carries the frame as it is; its data is found in it.
type message struct {
	Type     string
	EventID  string `json:",omitempty"`
	Position string `json:",omitempty"`
	Frame    json.RawMessage
}

func packMessages(batch []realtime.Message) []message {
	out := make([]message, len(batch))
	for i, m := range batch {
		out[i] = message{m.Type, m.EventID, m.Position, m.Frame}
	}
	return out
}

func unpackMessages(batch []message) ([]realtime.Message, error) {
	out := make([]realtime.Message, len(batch))
	for i, m := range batch {
		var f struct {
			Data json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(m.Frame, &f); err != nil {
			return nil, rpc.ErrPeer.With(err)
		}
		out[i] = realtime.Message{Type: m.Type, EventID: m.EventID, Position: m.Position, Frame: m.Frame, Data: f.Data}
	}
	return out, nil
}

// frame is what a viewer sent. It need not be JSON, so it travels as base64.
type frame struct {
	Conversation string
	Frame        []byte
}

// receipt says why nobody took the frame, when nobody did.
type receipt struct {
	Closed *realtime.Closed `json:",omitempty"`
}
