// Package realtime is the door of the news: events go in, conversations with
// viewers come out. A conversation is independent of its transport (WebSocket,
// Server-Sent Events, Socket.IO): frames in, messages out.
//
// The protocol of the frames is SPEC §5 (docs/realtime.md).
package realtime

import (
	"context"
	"strconv"
	"strings"
	"time"

	"anihub/platform/fault"
)

// What the realtime module can answer besides success.
var (
	ErrUnknownType = fault.New(fault.Unprocessable, "UNKNOWN_EVENT_TYPE", "There is no such type of event.")
	ErrBadEvent    = fault.New(fault.Unprocessable, "BAD_EVENT", "A field of the event is not acceptable.")
	ErrBadPosition = fault.New(fault.Unprocessable, "BAD_POSITION", "A position looks like epoch:offset.")
	ErrTooMany     = fault.New(fault.TooMany, "TOO_MANY_CONNECTIONS", "Too many connections.")
	ErrUnavailable = fault.New(fault.Unavailable, "REALTIME_UNAVAILABLE", "Realtime is not available right now; try again later.")
)

// Service is realtime. Every method may also return ErrUnavailable or a context error.
type Service interface {
	// Publish puts events on the log, in order; one that was published before (by its
	// ID) is answered as Duplicate and not told again. An error means that some may
	// not be published; publishing all again is safe. ErrUnknownType, ErrBadEvent.
	Publish(ctx context.Context, events []Event) ([]Published, error)
	// Open begins a conversation with one viewer. It lives until Close, not until
	// ctx ends. ErrTooMany.
	Open(ctx context.Context, c Client) (Conversation, error)
	// History is what was published in the last 90 days, oldest first, whatever became
	// of the log since. ErrUnknownType, ErrBadPosition.
	History(ctx context.Context, q HistoryQuery) ([]News, error)
	// Tail is the position, "epoch:offset", up to which the process that serves
	// realtime has told everything. It costs no call to the log.
	Tail(ctx context.Context) (string, error)
	// Stats counts what goes on in the process that serves realtime.
	Stats(ctx context.Context) (Stats, error)
	// Presence is who is subscribed to what, in all instances. What other instances say
	// is a few seconds old, and of one that died it is kept for 15 s.
	Presence(ctx context.Context) (Presence, error)
}

// Conversation is one viewer's side of the protocol. Receive and Next may be
// called at the same time, each by one goroutine.
type Conversation interface {
	// Receive takes one frame from the viewer. Its answer comes out of Next: a bad
	// frame is answered with an error message, not with an error here. When the
	// conversation is over it returns a *Closed.
	Receive(ctx context.Context, frame []byte) error
	// Next blocks until there are messages for the viewer and returns them in order; the
	// slice is the caller's until Next is called again. When the conversation is over it
	// returns a *Closed.
	Next(ctx context.Context) ([]Message, error)
	// Close ends the conversation from the viewer's side. Idempotent.
	Close()
}

// Client is who converses.
type Client struct {
	Address   string
	UserAgent string
	Transport string // websocket, sse, socketio
}

// Message is one frame for the viewer. Its bytes are shared between all viewers:
// nobody may change them.
type Message struct {
	Type     string // "hello", "new_episode", …
	EventID  string // of a push
	Position string // of a push
	Frame    []byte // the whole JSON frame
	Data     []byte // its "data"
}

// ValidPosition tells whether a text has the form of a position, epoch:offset. Whether the
// log still holds what follows it, only the log can say.
func ValidPosition(s string) bool {
	epoch, offset, ok := strings.Cut(s, ":")
	n, err := strconv.ParseUint(offset, 10, 64)
	return ok && epoch != "" && len(s) <= 64 && err == nil && strconv.FormatUint(n, 10) == offset &&
		strings.Trim(epoch, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
}

// Closed ends a conversation: a WebSocket close code and what the viewer is told.
type Closed struct {
	Code   int
	Reason string
}

// Error makes Closed the last error of Next.
func (c *Closed) Error() string { return "closed " + strconv.Itoa(c.Code) + ": " + c.Reason }

// MaxFrame is the largest frame a viewer may send, in bytes.
const MaxFrame = 64 << 10

// Close codes. docs/realtime.md says what a client should do about each.
const (
	CloseNormal   = 1000 // the viewer ended it
	CloseProtocol = 1002 // broken WebSocket framing: a defect of the client
	CloseData     = 1003 // binary frame
	CloseRestart  = 1012 // the service restarts: reconnect after retry_in_ms
	CloseSlow     = 4008 // slow consumer: reconnect and resume
	CloseFlood    = 4029 // too many commands: reconnect later
	CloseAuth     = 4401 // token expired, or signed out elsewhere: sign in, then reconnect
	CloseBanned   = 4403 // banned: do not reconnect
	CloseTooBig   = 1009 // frame over the limit
	CloseBadFrame = 1007 // not UTF-8 text
)

// The types of events that Publish takes.
const (
	NewEpisode    = "new_episode"
	EpisodeUpdate = "episode_update"
	NewTitle      = "new_title"
	StatusChange  = "status_change"
)

// Event is one piece of news.
type Event struct {
	ID      string // "" = derived from Type, TitleID, Episode and, by type, At or NewStatus
	Type    string
	TitleID int
	Episode float64        // new_episode, episode_update
	Data    map[string]any // what viewers see beside title_id, episode and timestamp
	At      time.Time
}

// Published says what became of an event.
type Published struct {
	EventID     string
	Position    string
	Subscribers int // conversations of this process that are told
	Duplicate   bool
}

// Stats counts conversations.
type Stats struct {
	Connections   int
	Subscriptions int
	Delivered     int64
	Dropped       int64 // conversations closed as slow
	Position      string
	LagRecords    int64 // records of the log this process has not told yet; -1 = unknown
}

// Presence counts over all instances that serve realtime.
type Presence struct {
	Instances int
	Titles    map[int]int // conversations that are subscribed to a title, by its id; of every other instance at most its busiest 5,000
}

// HistoryQuery selects news. The zero HistoryQuery is the oldest page of everything.
type HistoryQuery struct {
	// After is a position: what was published behind it. It may be of an epoch that is
	// over; of one that nothing is known of, everything is told.
	After string
	// AfterOrder is the Order of the last one that was read: the exact way to go on,
	// where a position may tell of an event again. It goes before After.
	AfterOrder int64
	Titles     []int    // only of these; empty = all
	Types      []string // only these; empty = all
	Limit      int      // 1–1000; 0 = 1000
}

// News is one event as the history keeps it.
type News struct {
	Order    int64 // larger than that of everything that was there before, in every epoch
	EventID  string
	Type     string
	TitleID  int
	Position string    // where it was published first
	At       time.Time // when it was published, to the millisecond
	Data     []byte    // JSON as viewers see it
}
