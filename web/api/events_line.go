package api

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"anihub/modules/realtime"
)

// receiveTime is how long a command may take; a pong is not read meanwhile.
const receiveTime = 5 * time.Second

// maxReason is what a close frame has room for.
const maxReason = 123

// line is the connection of one viewer, whichever the transport.
type line struct {
	e *Events

	life context.Context // ends when the connection is to be cut
	cut  context.CancelFunc
	stop context.Context // ends when the process drains
	halt context.CancelFunc

	bye atomic.Pointer[realtime.Closed] // why we end it, when the conversation does not say
}

func (e *Events) newLine() *line {
	l := &line{e: e}
	// Not of the request: its context may have a deadline, and a connection has none.
	l.life, l.cut = context.WithCancel(context.Background())
	l.stop, l.halt = context.WithCancel(l.life)
	return l
}

// drain ends the connection because the process ends.
func (l *line) drain(in time.Duration) {
	l.bye.CompareAndSwap(nil, restart(in))
	l.halt()
}

// why is the reason of an end: what was found here goes before what the conversation
// says, which only learned that it was to end.
func (l *line) why(c *realtime.Closed) *realtime.Closed {
	if bye := l.bye.Load(); bye != nil && c.Code == realtime.CloseNormal {
		return bye
	}
	return c
}

// receive hands a frame to the conversation; false when that is over.
func (l *line) receive(conv realtime.Conversation, frame []byte) bool {
	ctx, cancel := context.WithTimeout(l.life, receiveTime)
	defer cancel()
	err := conv.Receive(ctx, frame)
	var closed *realtime.Closed
	switch {
	case err == nil:
		return true
	case errors.As(err, &closed):
		return false // Next says so too, after what is still queued
	case l.life.Err() == nil:
		// A command that got no answer: the client must not wait for one.
		l.e.log.Warn("command lost", "err", err)
		l.bye.CompareAndSwap(nil, restart(500*time.Millisecond+rand.N(4500*time.Millisecond)))
	}
	return false
}

// part closes a WebSocket, says why, and gives the client a while to take it. What is to
// be said before, last says.
func (l *line) part(w *wire, why *realtime.Closed, last func()) {
	l.count(strconv.Itoa(why.Code))
	if l.life.Err() != nil {
		return // nobody waits for a handshake any more
	}
	until := time.Now().Add(l.e.cfg.CloseTimeout)
	last()
	w.close(why.Code, why.Reason[:min(len(why.Reason), maxReason)], until)
}

func tooBig() *realtime.Closed {
	return &realtime.Closed{Code: realtime.CloseTooBig, Reason: fmt.Sprintf("frame over %d bytes", realtime.MaxFrame)}
}

func restart(in time.Duration) *realtime.Closed {
	return &realtime.Closed{Code: realtime.CloseRestart, Reason: fmt.Sprintf(`{"retry_in_ms":%d}`, in.Milliseconds())}
}

// count counts an end by its code.
func (l *line) count(code string) { l.e.metrics.closes.WithLabelValues(code).Inc() }
