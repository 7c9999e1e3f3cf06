package realtimehttp

import (
	"context"
	"errors"

	"anihub/modules/realtime"
	"anihub/platform/rpc"
)

// opened records the opening of a conversation as a call.
var opened = rpc.Method[rpc.None, realtime.Conversation]{Module: module, Name: "open"}

// Observe records the calls of a door in this process as the wire records those
// of one elsewhere.
func Observe(door realtime.Service, rec *rpc.Recorder) realtime.Service {
	return &observed{door: door, rec: rec}
}

type observed struct {
	door realtime.Service
	rec  *rpc.Recorder
}

// Publish implements realtime.Service.
func (o *observed) Publish(ctx context.Context, events []realtime.Event) ([]realtime.Published, error) {
	return publish.Here(o.rec, func() ([]realtime.Published, error) { return o.door.Publish(ctx, events) })
}

// Open implements realtime.Service.
func (o *observed) Open(ctx context.Context, c realtime.Client) (realtime.Conversation, error) {
	conv, err := opened.Here(o.rec, func() (realtime.Conversation, error) { return o.door.Open(ctx, c) })
	if err != nil {
		return nil, err
	}
	return &observedConversation{conv, o.rec}, nil
}

// History implements realtime.Service.
func (o *observed) History(ctx context.Context, q realtime.HistoryQuery) ([]realtime.News, error) {
	return history.Here(o.rec, func() ([]realtime.News, error) { return o.door.History(ctx, q) })
}

// Tail implements realtime.Service.
func (o *observed) Tail(ctx context.Context) (string, error) {
	return tail.Here(o.rec, func() (string, error) { return o.door.Tail(ctx) })
}

// Stats implements realtime.Service.
func (o *observed) Stats(ctx context.Context) (realtime.Stats, error) {
	return stats.Here(o.rec, func() (realtime.Stats, error) { return o.door.Stats(ctx) })
}

// Presence implements realtime.Service.
func (o *observed) Presence(ctx context.Context) (realtime.Presence, error) {
	return present.Here(o.rec, func() (realtime.Presence, error) { return o.door.Presence(ctx) })
}

type observedConversation struct {
	realtime.Conversation
	rec *rpc.Recorder
}

// Receive implements realtime.Conversation.
func (o *observedConversation) Receive(ctx context.Context, raw []byte) error {
	// The end of a conversation is an answer and no failure of the call.
	var over *realtime.Closed
	_, err := receive.Here(o.rec, func() (receipt, error) {
		err := o.Conversation.Receive(ctx, raw)
		if errors.As(err, &over) {
			return receipt{}, nil
		}
		return receipt{}, err
	})
	if over != nil {
		return over
	}
	return err
}
