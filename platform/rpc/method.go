package rpc

import (
	"context"
	"net/http"
	"time"
)

// Method is one method of a door as both ends of the wire know it: a corridor
// declares it once and uses it to handle and to call.
type Method[Req, Resp any] struct {
	Module string // the door: "catalog"
	Name   string // the method: "title"
	Safe   bool   // doing it twice is doing it once: may be retried
}

func (m Method[Req, Resp]) path() string { return path(m.Module, m.Name) }

func path(module, name string) string { return "/internal/rpc/" + module + "/" + name }

// None is the request or answer of a method that has none.
type None struct{}

// Handle serves the method on s by calling fn.
func (m Method[Req, Resp]) Handle(s *Server, fn func(context.Context, Req) (Resp, error)) {
	s.handle(m.path(), m.Module, m.Name, func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		var req Req
		if err := decode(r.Body, &req); err != nil {
			return err
		}
		resp, err := fn(ctx, req)
		if err != nil {
			return err
		}
		return encode(w, resp)
	})
}

// Call calls the method at the peer. It returns the faults of the door, or
// ErrPeer when the peer cannot be asked, or a context error.
func (m Method[Req, Resp]) Call(ctx context.Context, p *Peer, req Req) (Resp, error) {
	var resp Resp
	err := p.call(ctx, call{path: m.path(), name: m.Name, safe: m.Safe, req: req, resp: &resp})
	return resp, err
}

// Here records a call that stays in this process in the same metrics.
func (m Method[Req, Resp]) Here(rec *Recorder, fn func() (Resp, error)) (Resp, error) {
	start := time.Now()
	resp, err := fn()
	rec.record(m.Module, m.Name, start, err)
	return resp, err
}
