package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"anihub/platform/auth"
	"anihub/platform/fault"
	"anihub/platform/telemetry"
)

// What the plumbing itself can answer.
var (
	// ErrPeer: the other process cannot be asked, or answered garbage.
	ErrPeer     = fault.New(fault.Unavailable, "PEER_UNAVAILABLE", "A part of the service is not available right now; try again later.")
	errBody     = fault.New(fault.Invalid, "BAD_RPC_BODY", "The body of the call cannot be read.")
	errTooLarge = fault.New(fault.TooLarge, "RPC_TOO_LARGE", "The body of the call is too large.")
	errToken    = fault.New(fault.Unauthenticated, "BAD_SERVICE_TOKEN", "The service token is missing or not valid here.")
)

// maxBody bounds requests and answers: 50 releases with all their episodes are a
// few MiB.
const maxBody = 32 << 20

// maxTime bounds a call that came without a deadline.
const maxTime = time.Minute

// Verify checks a service token made for an audience (the module).
type Verify func(token, audience string) (auth.Principal, error)

// Server is the serving end for the doors that live in this process.
type Server struct {
	mux    *http.ServeMux
	verify Verify
	log    *slog.Logger
	routes []Route
}

// Route is a method that is served, and the audience that its tokens are made for.
type Route struct{ Path, Audience string }

// Routes are all that is served, in the order in which it was mounted.
func (s *Server) Routes() []Route { return slices.Clone(s.routes) }

// NewServer serves on mux.
func NewServer(mux *http.ServeMux, verify Verify, log *slog.Logger) *Server {
	return &Server{mux: mux, verify: verify, log: log}
}

type handler func(ctx context.Context, w http.ResponseWriter, r *http.Request) error

func (s *Server) handle(path, module, name string, h handler) {
	s.routes = append(s.routes, Route{path, module})
	s.mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel, err := s.enter(r, module)
		defer cancel()
		if err == nil {
			w.Header().Set(headerDoor, module)
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			err = guarded(ctx, h, w, r)
		}
		if err != nil {
			s.fail(ctx, w, module+"."+name, err)
		}
	})
}

// enter makes the caller's context again on this side.
func (s *Server) enter(r *http.Request, module string) (context.Context, context.CancelFunc, error) {
	ctx := readTrace(r.Context(), r.Header)
	if id := r.Header.Get(headerRequestID); telemetry.ValidRequestID(id) {
		ctx = telemetry.WithRequestID(ctx, id)
	}
	nop := func() {}
	if _, err := s.verify(bearer(r.Header), module); err != nil {
		return ctx, nop, errToken.With(err)
	}
	ctx, err := readPrincipal(ctx, r.Header)
	if err != nil {
		return ctx, nop, err
	}
	left, err := readTimeout(r.Header)
	if err != nil {
		return ctx, nop, err
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	return ctx, cancel, nil
}

// guarded turns a panic of the room into INTERNAL, as the web floor does for a
// room in its own process.
func guarded(ctx context.Context, h handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.ErrInternal.Because("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(ctx, w, r)
}

func (s *Server) fail(ctx context.Context, w http.ResponseWriter, method string, err error) {
	f := fault.Of(err)
	if f.Kind == fault.Internal {
		s.log.ErrorContext(ctx, "call failed", "method", method, "err", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(fault.Status(f))
	_ = json.NewEncoder(w).Encode(pack(f)) // the peer is gone: nobody to tell
}

// wireFault is a fault without its private cause.
type wireFault struct {
	Kind          fault.Kind
	Code, Message string
	Details       map[string]any `json:",omitempty"`
	RetryAfterMS  int64          `json:",omitempty"`
}

func pack(f *fault.Error) wireFault {
	return wireFault{f.Kind, f.Code, f.Message, f.Details, f.RetryAfter.Milliseconds()}
}

func (w wireFault) unpack() *fault.Error {
	f := fault.New(w.Kind, w.Code, w.Message)
	f.Details = w.Details
	f.RetryAfter = time.Duration(w.RetryAfterMS) * time.Millisecond
	return f
}

func decode(body io.Reader, into any) error {
	dec := json.NewDecoder(body)
	if err := dec.Decode(into); err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return errTooLarge
		}
		return errBody.With(err)
	}
	return nil
}

func encode(w http.ResponseWriter, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(b)
	if err != nil {
		return fault.ErrCanceled.With(err)
	}
	return nil
}
