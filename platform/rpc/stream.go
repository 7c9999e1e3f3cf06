package rpc

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"anihub/platform/fault"
)

// Stream is a method of a door that answers many items over a long time.
type Stream[Req, Item any] struct {
	Module string
	Name   string
}

// heartbeat keeps a silent stream known to be alive; a reader that heard nothing
// for three of them gives up.
const (
	heartbeat = 10 * time.Second
	silence   = 3 * heartbeat
)

// maxLine bounds one item.
const maxLine = 4 << 20

// line is one line of a stream.
type line[Item any] struct {
	Item  *Item      `json:",omitempty"`
	Error *wireFault `json:",omitempty"`
	End   bool       `json:",omitempty"`
}

// Handle serves the stream on s. fn sends items until it returns; its error ends
// the stream on the other side too. The context ends when the reader goes away.
func (m Stream[Req, Item]) Handle(s *Server, fn func(ctx context.Context, req Req, send func(Item) error) error) {
	s.handleStream(path(m.Module, m.Name), m.Module, m.Name, func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		var req Req
		if err := decode(r.Body, &req); err != nil {
			return err
		}
		out := newLineWriter(w)
		stop := out.beat(ctx)
		defer stop()
		err := fn(ctx, req, func(i Item) error { return out.write(line[Item]{Item: &i}) })
		if err == nil {
			return out.write(line[Item]{End: true})
		}
		if !out.started() {
			return err
		}
		f := pack(fault.Of(err))
		return out.write(line[Item]{Error: &f})
	})
}

// handleStream is handle without a deadline: a stream lives as long as its reader.
func (s *Server) handleStream(path, module, name string, h handler) {
	s.mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel, err := s.enter(r, module)
		cancel()
		if err == nil {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			ctx, cancel = context.WithCancel(context.WithoutCancel(ctx))
			defer cancel()
			defer context.AfterFunc(r.Context(), cancel)()
			err = guarded(ctx, h, w, r)
		}
		if err != nil {
			s.fail(ctx, w, module+"."+name, err)
		}
	})
}

// lineWriter writes whole lines, one at a time, and flushes each.
type lineWriter struct {
	mu      sync.Mutex
	w       io.Writer
	ctrl    *http.ResponseController
	written bool
}

func newLineWriter(w http.ResponseWriter) *lineWriter {
	w.Header().Set("Content-Type", "application/x-ndjson")
	return &lineWriter{w: w, ctrl: http.NewResponseController(w)}
}

func (l *lineWriter) started() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written
}

func (l *lineWriter) write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return l.raw(append(b, '\n'))
}

func (l *lineWriter) raw(b []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.written = true
	// Without a deadline a reader that stopped reading would hold this goroutine.
	if err := l.ctrl.SetWriteDeadline(time.Now().Add(heartbeat)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fault.ErrCanceled.With(err)
	}
	if _, err := l.w.Write(b); err != nil {
		return fault.ErrCanceled.With(err)
	}
	if err := l.ctrl.Flush(); err != nil {
		return fault.ErrCanceled.With(err)
	}
	return nil
}

// beat writes empty lines until stopped.
func (l *lineWriter) beat(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		t := time.NewTicker(heartbeat)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				if l.raw([]byte{'\n'}) != nil {
					return
				}
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// Reader reads a stream. Next is for one goroutine at a time; Close for any.
type Reader[Item any] struct {
	body   io.ReadCloser
	lines  *bufio.Scanner
	cancel context.CancelFunc
	alive  *time.Timer
}

// Call opens the stream at the peer. It lives until Close, not until ctx ends;
// ctx bounds only the opening. Errors as Method.Call.
func (m Stream[Req, Item]) Call(ctx context.Context, p *Peer, req Req) (*Reader[Item], error) {
	body, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	if !p.breaker.TryAcquirePermit() {
		return nil, ErrPeer.Because("%s: breaker is open", m.Module).After(p.breaker.RemainingDelay())
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	opened := context.AfterFunc(ctx, cancel)
	resp, err := p.send(life, path(m.Module, m.Name), body)
	if !opened() && err == nil {
		_ = resp.Body.Close()
		err = context.Cause(ctx)
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = readFault(resp.StatusCode, io.LimitReader(resp.Body, maxLine))
		_ = resp.Body.Close()
	}
	if err := p.judge(ctx, err); err != nil {
		cancel()
		return nil, err
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	return &Reader[Item]{body: resp.Body, lines: lines, cancel: cancel, alive: time.AfterFunc(silence, cancel)}, nil
}

// Next is the next item. io.EOF ends a stream that its sender ended, a fault one
// that failed there; ErrPeer one that broke on the way.
func (r *Reader[Item]) Next() (Item, error) {
	var none Item
	for r.lines.Scan() {
		r.alive.Reset(silence)
		if len(r.lines.Bytes()) == 0 {
			continue
		}
		var l line[Item]
		if err := json.Unmarshal(r.lines.Bytes(), &l); err != nil {
			return none, ErrPeer.With(err)
		}
		return l.take()
	}
	return none, ErrPeer.Because("stream broke: %v", r.lines.Err())
}

func (l line[Item]) take() (Item, error) {
	switch {
	case l.Item != nil:
		return *l.Item, nil
	case l.Error != nil:
		return *new(Item), l.Error.unpack()
	case l.End:
		return *new(Item), io.EOF
	}
	return *new(Item), ErrPeer.Because("empty line object")
}

// Close ends the stream; a waiting Next returns ErrPeer.
func (r *Reader[Item]) Close() {
	r.alive.Stop()
	r.cancel()
	_ = r.body.Close()
}
