// Package realtimetest is the inspector of the realtime door: the contract that
// every implementation passes, and a fake for the tests of those who use it.
package realtimetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"anihub/modules/realtime"
)

// patience is how long a message may take before a test gives up on it. It is no
// measure of speed.
const patience = 20 * time.Second

// Viewer is a conversation in a test: what is not expected fails the test.
type Viewer struct {
	t       testing.TB
	conv    realtime.Conversation
	pending []realtime.Message
}

// Open begins a conversation and returns it with its hello.
func Open(t testing.TB, s realtime.Service) (*Viewer, realtime.Message) {
	t.Helper()
	conv, err := s.Open(t.Context(), realtime.Client{Address: "192.0.2.1", UserAgent: "test", Transport: "websocket"})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(conv.Close)
	v := &Viewer{t: t, conv: conv}
	return v, v.Expect("hello")
}

// Send sends a frame.
func (v *Viewer) Send(frame string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), patience)
	defer cancel()
	if err := v.conv.Receive(ctx, []byte(frame)); err != nil {
		v.t.Fatalf("Receive(%.80q): %v", frame, err)
	}
}

// Next is the next message.
func (v *Viewer) Next() realtime.Message {
	v.t.Helper()
	if len(v.pending) == 0 {
		ctx, cancel := context.WithTimeout(v.t.Context(), patience)
		defer cancel()
		batch, err := v.conv.Next(ctx)
		if err != nil {
			v.t.Fatalf("Next: %v", err)
		}
		v.pending = batch
	}
	m := v.pending[0]
	v.pending = v.pending[1:]
	return m
}

// Expect is the next message, which has to be of this type.
func (v *Viewer) Expect(typ string) realtime.Message {
	v.t.Helper()
	m := v.Next()
	if m.Type != typ {
		v.t.Fatalf("got %s, want a message of type %s", m.Frame, typ)
	}
	return m
}

// ExpectEvent is the next message, which has to be this event.
func (v *Viewer) ExpectEvent(id string) realtime.Message {
	v.t.Helper()
	m := v.Next()
	if m.EventID != id {
		v.t.Fatalf("got %s, want event %s", m.Frame, id)
	}
	return m
}

// ExpectError is the next message, which has to be an error with this code.
func (v *Viewer) ExpectError(code string) realtime.Message {
	v.t.Helper()
	m := v.Expect("error")
	if got := Data[struct{ Code string }](v.t, m).Code; got != code {
		v.t.Fatalf("got %s, want code %s", m.Frame, code)
	}
	return m
}

// Do sends a command and expects its answer next.
func (v *Viewer) Do(frame, answer string) realtime.Message {
	v.t.Helper()
	v.Send(frame)
	return v.Expect(answer)
}

// Quiet fails the test when there is anything to read: what comes back first is
// the answer to a ping. An event that was published before and is on its way is
// caught only when it has been told.
func (v *Viewer) Quiet() {
	v.t.Helper()
	v.Do(`{"type":"ping"}`, "pong")
}

// Closed reads on until the conversation is over.
func (v *Viewer) Closed() *realtime.Closed {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), patience)
	defer cancel()
	for {
		batch, err := v.conv.Next(ctx)
		var closed *realtime.Closed
		if errors.As(err, &closed) {
			return closed
		}
		if err != nil {
			v.t.Fatalf("Next: %v, want *Closed", err)
		}
		v.pending = append(v.pending, batch...)
	}
}

// Close ends the conversation.
func (v *Viewer) Close() { v.conv.Close() }

// Data decodes the data of a message.
func Data[T any](t testing.TB, m realtime.Message) T {
	t.Helper()
	var frame struct{ Data T }
	if err := json.Unmarshal(m.Frame, &frame); err != nil {
		t.Fatalf("frame %s: %v", m.Frame, err)
	}
	return frame.Data
}

// Publish publishes events and returns what became of them.
func Publish(t testing.TB, s realtime.Service, events ...realtime.Event) []realtime.Published {
	t.Helper()
	done, err := s.Publish(t.Context(), events)
	if err != nil {
		t.Fatalf("Publish: %v", err)
	}
	return done
}

// WaitTail waits until the service has told everything up to a position.
func WaitTail(t testing.TB, s realtime.Service, position string) {
	t.Helper()
	WaitFor(t, func() (string, bool) {
		tail, err := s.Tail(t.Context())
		return fmt.Sprintf("Tail = %q, %v; want %q", tail, err, position), err == nil && tail == position
	})
}

// WaitFor waits until something is so; what it is instead is what the test says
// when it never becomes so.
func WaitFor(t testing.TB, so func() (instead string, ok bool)) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		instead, ok := so()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(instead)
		}
		time.Sleep(time.Millisecond)
	}
}

// Episode is news of an episode.
func Episode(title int, number float64) realtime.Event {
	return realtime.Event{
		Type: realtime.NewEpisode, TitleID: title, Episode: number,
		Data: map[string]any{"title": "Звёздный причал", "episode_name": "Прилив", "poster": "/posters/1.webp"},
		At:   time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
	}
}
