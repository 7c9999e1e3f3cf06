package realtimesvc

import (
	"encoding/json"
	"fmt"
	"time"

	"anihub/modules/realtime"
	"anihub/platform/fault"
)

// Types of the messages a viewer gets besides the events.
const (
	typeHello        = "hello"
	typeAuthOK       = "auth_ok"
	typeAuthExpired  = "auth_expired"
	typeSubscribed   = "subscribed"
	typeUnsubscribed = "unsubscribed"
	typeResumed      = "resumed"
	typePong         = "pong"
	typeError        = "error"
	typeReset        = "reset"
	typeReconnect    = "reconnect"
)

// protocolVersion is what hello announces.
const protocolVersion = 1

type helloData struct {
	Protocol    int         `json:"protocol"`
	Session     string      `json:"session"`
	Epoch       string      `json:"epoch"`
	Position    string      `json:"position"`
	PingSeconds int         `json:"ping_seconds"`
	Limits      helloLimits `json:"limits"`
}

type helloLimits struct {
	Subscriptions      int `json:"subscriptions"`
	FrameBytes         int `json:"frame_bytes"`
	Commands           int `json:"commands"`
	CommandsSeconds    int `json:"commands_seconds"`
	ConnectionsPerUser int `json:"connections_per_user"`
	QueueBytes         int `json:"queue_bytes"`
}

type authData struct {
	UserID    string    `json:"user_id"`
	ExpiresAt time.Time `json:"expires_at"`
}

type subscribedData struct {
	TitleID   int      `json:"title_id,omitempty"`
	Types     []string `json:"types,omitempty"`
	Titles    []int    `json:"titles,omitempty"`
	Position  string   `json:"position"`
	Recovered bool     `json:"recovered"`
	Count     int      `json:"count"`

	Inbox *inboxData `json:"inbox,omitempty"`
}

// inboxData is what the inbox knows of what the log lost.
type inboxData struct {
	Missed int `json:"missed"` // notifications since the position, 100 when there are more
	Unread int `json:"unread"` // in the whole inbox
}

type resetData struct {
	Epoch     string `json:"epoch"`
	Position  string `json:"position"`
	Recovered bool   `json:"recovered"`
}

type errorData struct {
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Details map[string]any `json:"details,omitempty"`
}

type retryData struct {
	RetryInMS int64 `json:"retry_in_ms"`
}

// answer is a message of the protocol; id is the command's, or nothing.
func answer(typ string, id json.RawMessage, data any) realtime.Message {
	raw, err := json.Marshal(data)
	if err != nil {
		// Only a fault's details can hold what JSON cannot say; the rest is ours.
		raw = []byte(`{}`)
	}
	frame := make([]byte, 0, len(raw)+len(typ)+len(id)+32)
	frame = append(frame, `{"type":"`...)
	frame = append(frame, typ...)
	frame = append(frame, '"')
	if len(id) > 0 {
		frame = append(frame, `,"id":`...)
		frame = append(frame, id...)
	}
	frame = append(frame, `,"data":`...)
	frame = append(frame, raw...)
	frame = append(frame, '}')
	return realtime.Message{Type: typ, Frame: frame, Data: frame[len(frame)-1-len(raw) : len(frame)-1]}
}

// push is an event as viewers see it, made once for all of them.
func push(typ, eventID, position string, data json.RawMessage) (realtime.Message, error) {
	id, err := json.Marshal(eventID)
	if err != nil {
		return realtime.Message{}, fmt.Errorf("encode %s: %w", typ, err)
	}
	frame := make([]byte, 0, len(typ)+len(id)+len(position)+len(data)+64)
	frame = append(frame, `{"type":"`...)
	frame = append(frame, typ...)
	frame = append(frame, `","event_id":`...)
	frame = append(frame, id...)
	frame = append(frame, `,"position":"`...)
	frame = append(frame, position...)
	frame = append(frame, `","data":`...)
	frame = append(frame, data...)
	frame = append(frame, '}')
	return realtime.Message{Type: typ, EventID: eventID, Position: position, Frame: frame, Data: frame[len(frame)-1-len(data) : len(frame)-1]}, nil
}

// failure is the error message for a fault: never its private cause.
func failure(id json.RawMessage, f *fault.Error) realtime.Message {
	return answer(typeError, id, errorData{f.Code, f.Message, f.Details})
}

func (c Config) hello(session string, p place) realtime.Message {
	return answer(typeHello, nil, helloData{
		Protocol: protocolVersion, Session: session, Epoch: p.epoch, Position: p.position(p.told),
		PingSeconds: int(c.Ping.Seconds()),
		Limits: helloLimits{
			Subscriptions: c.MaxSubscriptions, FrameBytes: realtime.MaxFrame,
			Commands: c.Commands, CommandsSeconds: int(c.CommandsWindow.Seconds()),
			ConnectionsPerUser: c.MaxConnectionsPerUser, QueueBytes: c.QueueBytes,
		},
	})
}
