package realtimehttp

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"

	"anihub/modules/realtime"
	"anihub/platform/rpc"
)

// Mount serves the door to other processes.
func Mount(s *rpc.Server, door realtime.Service) {
	d := &desk{door: door, open: make(map[string]realtime.Conversation)}
	publish.Handle(s, d.publish)
	history.Handle(s, door.History)
	tail.Handle(s, func(ctx context.Context, _ rpc.None) (string, error) { return door.Tail(ctx) })
	stats.Handle(s, func(ctx context.Context, _ rpc.None) (realtime.Stats, error) { return door.Stats(ctx) })
	present.Handle(s, func(ctx context.Context, _ rpc.None) (realtime.Presence, error) { return door.Presence(ctx) })
	open.Handle(s, d.converse)
	receive.Handle(s, d.receive)
}

// desk knows the conversations that other processes hold.
type desk struct {
	door realtime.Service
	mu   sync.Mutex
	open map[string]realtime.Conversation
}

func (d *desk) publish(ctx context.Context, req publishRequest) ([]realtime.Published, error) {
	events := make([]realtime.Event, len(req.Events))
	for i, w := range req.Events {
		e, err := w.unpack()
		if err != nil {
			return nil, err
		}
		events[i] = e
	}
	return d.door.Publish(ctx, events)
}

// converse holds one conversation for as long as its stream lasts.
func (d *desk) converse(ctx context.Context, c realtime.Client, send func(item) error) error {
	conv, err := d.door.Open(ctx, c)
	if err != nil {
		return err
	}
	defer conv.Close()
	id := rand.Text()
	d.put(id, conv)
	defer d.drop(id)
	if err := send(item{ID: id}); err != nil {
		return err
	}
	for {
		batch, err := conv.Next(ctx)
		var closed *realtime.Closed
		switch {
		case errors.As(err, &closed):
			return send(item{Closed: closed})
		case err != nil:
			return err
		}
		if err := send(item{Messages: packMessages(batch)}); err != nil {
			return err
		}
	}
}

func (d *desk) receive(ctx context.Context, f frame) (receipt, error) {
	conv := d.find(f.Conversation)
	if conv == nil {
		return receipt{Closed: broken()}, nil
	}
	err := conv.Receive(ctx, f.Frame)
	var closed *realtime.Closed
	if errors.As(err, &closed) {
		return receipt{Closed: closed}, nil
	}
	return receipt{}, err
}

func (d *desk) put(id string, c realtime.Conversation) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[id] = c
}

func (d *desk) find(id string) realtime.Conversation {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open[id]
}

func (d *desk) drop(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, id)
}
