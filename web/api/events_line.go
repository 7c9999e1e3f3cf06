package api

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"anihub/modules/realtime"
)

// line is the connection of one viewer, whichever the transport.
type line struct {
	e    *Events
	ctrl *http.ResponseController

	life context.Context // ends when the connection is to be cut
	cut  context.CancelFunc
	stop context.Context // ends when the process drains
	halt context.CancelFunc

	bye atomic.Pointer[realtime.Closed] // why we end it, when the conversation does not say
}

func (e *Events) newLine(w http.ResponseWriter) *line {
	l := &line{e: e, ctrl: http.NewResponseController(w)}
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

func restart(in time.Duration) *realtime.Closed {
	return &realtime.Closed{Code: realtime.CloseRestart, Reason: fmt.Sprintf(`{"retry_in_ms":%d}`, in.Milliseconds())}
}

// count counts an end by its code.
func (l *line) count(code string) { l.e.metrics.closes.WithLabelValues(code).Inc() }
