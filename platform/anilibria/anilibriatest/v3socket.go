package anilibriatest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// RouteSocket is the WebSocket of v3: faults of it spoil the handshake. What happens
// on an open socket is spoiled by BreakSockets.
const RouteSocket = "socket"

// SocketFault is how open WebSockets of v3 misbehave, until HealSockets.
type SocketFault struct {
	Lose      bool   // no frame of a change arrives
	Duplicate bool   // every frame comes twice
	Reorder   bool   // the frames of one change come in reverse
	Garbage   bool   // in front of every frame comes what cannot be read
	Huge      int    // in front of every change comes a frame of so many bytes
	Silent    bool   // nothing comes, neither frames nor pings nor a greeting
	NoReplies bool   // subscriptions are never answered
	Refuse    bool   // subscriptions are answered with an error
	Greeting  string // this in place of the greeting
}

// The real server pings every 30 s (FACTS §2).
const socketPing = 30 * time.Second

// socketQueue is how many frames may wait for one listener; over it the listener is cut.
const socketQueue = 10_000

// sockets are the open WebSockets.
type sockets struct {
	mu     sync.Mutex
	open   map[*socket]bool
	fault  SocketFault
	origin string // of the last listener: streams are told to be there
}

// socket is one listener.
type socket struct {
	conn   *websocket.Conn
	cancel context.CancelFunc
	frames chan []byte
	trees  []any // what it subscribed to; none: everything
}

// BreakSockets makes open and future sockets misbehave.
func (s *Server) BreakSockets(f SocketFault) {
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	s.sockets.fault = f
}

// HealSockets ends the misbehaviour.
func (s *Server) HealSockets() { s.BreakSockets(SocketFault{}) }

// DropSockets cuts every open socket without a goodbye and tells how many there were.
func (s *Server) DropSockets() int {
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	n := len(s.sockets.open)
	for k := range s.sockets.open {
		k.cancel()
		delete(s.sockets.open, k)
	}
	return n
}

// Sockets is how many listeners there are; those that have subscribed to something
// are the second number.
func (s *Server) Sockets() (open, subscribed int) {
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	for k := range s.sockets.open {
		if len(k.trees) > 0 {
			subscribed++
		}
	}
	return len(s.sockets.open), subscribed
}

func (s *Server) v3Sockets() {
	for _, path := range []string{"/ws", "/ws/", "/webSocket", "/webSocket/"} {
		if strings.HasSuffix(path, "/") {
			path += "{$}"
		}
		s.mux.HandleFunc("GET "+V3Path+path, s.guarded(RouteSocket, s.socket))
	}
}

// socket serves one listener until either side leaves.
func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	k := &socket{conn: conn, cancel: cancel, frames: make(chan []byte, socketQueue)}
	s.sockets.join(k, originOf(r))
	defer s.sockets.leave(k)
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() {
		defer cancel()
		s.hear(ctx, k)
	})
	s.speak(ctx, k)
	cancel()
	_ = conn.CloseNow()
}

// speak writes what is queued, and pings.
func (s *Server) speak(ctx context.Context, k *socket) {
	ticker := time.NewTicker(socketPing)
	defer ticker.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case frame := <-k.frames:
			err = k.conn.Write(ctx, websocket.MessageText, frame)
		case <-ticker.C:
			if !s.sockets.now().Silent {
				err = k.conn.Ping(ctx)
			}
		}
		if err != nil {
			return
		}
	}
}

// hear takes subscriptions, as text or binary (FACTS §2).
func (s *Server) hear(ctx context.Context, k *socket) {
	for {
		_, body, err := k.conn.Read(ctx)
		if err != nil {
			return
		}
		s.sockets.subscribe(k, body)
	}
}

func (h *sockets) now() SocketFault {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fault
}

// join lets a listener in; its greeting stands in front of everything else.
func (h *sockets) join(k *socket, origin string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open == nil {
		h.open = make(map[*socket]bool)
	}
	h.open[k], h.origin = true, origin
	switch {
	case h.fault.Silent:
	case h.fault.Greeting != "":
		k.frames <- []byte(h.fault.Greeting)
	default:
		k.frames <- appendJSON(nil, object{{"connection", "success"}, {"api_version", "3.0.14"}})
	}
}

func (h *sockets) leave(k *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, k)
}

func (h *sockets) subscribe(k *socket, body []byte) {
	var command map[string]any
	err := json.Unmarshal(body, &command)
	h.mu.Lock()
	defer h.mu.Unlock()
	tree, ok := command["subscribe"].(map[string]any)
	switch {
	case h.fault.NoReplies || h.fault.Silent:
	case err != nil || !ok || h.fault.Refuse:
		k.queue(appendJSON(nil, v3Error(http.StatusBadRequest, "Bad Request")))
	default:
		k.trees = append(k.trees, tree)
		k.queue(appendJSON(nil, object{{"subscribe", "success"}, {"subscription_id", len(k.trees) - 1}}))
	}
}

// queue never waits: a listener that does not read is cut.
func (k *socket) queue(frame []byte) {
	select {
	case k.frames <- frame:
	default:
		k.cancel()
	}
}

// listened tells whether anybody listens, and where streams are for them.
func (h *sockets) listened() (origin string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.origin, len(h.open) > 0
}

// send gives the frames of one change to every listener that subscribed to them.
func (h *sockets) send(change []object) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fault.Silent || h.fault.Lose {
		return
	}
	if h.fault.Reorder {
		slices.Reverse(change)
	}
	if h.fault.Huge > 0 {
		huge := []byte(`{"type":"` + strings.Repeat("a", h.fault.Huge) + `"}`)
		for k := range h.open {
			k.queue(huge)
		}
	}
	for _, frame := range change {
		body := appendJSON(nil, frame)
		var message any
		_ = json.Unmarshal(body, &message) // it was just written
		for k := range h.open {
			if k.wants(message) {
				h.spoilt(k, body)
			}
		}
	}
}

// spoilt sends a frame in the company of its faults.
func (h *sockets) spoilt(k *socket, body []byte) {
	if h.fault.Garbage {
		for _, junk := range []string{"", "\x00\xff", "<html>", `{"type":"playlist_update","data":{"id":{}}}`, `[[[[`, `{"type":7}`, `null`, string(body[:len(body)/2])} {
			k.queue([]byte(junk))
		}
	}
	k.queue(body)
	if h.fault.Duplicate {
		k.queue(body)
	}
}

// wants: without subscriptions everything, else what matches any of them.
func (k *socket) wants(message any) bool {
	if len(k.trees) == 0 {
		return true
	}
	return slices.ContainsFunc(k.trees, func(tree any) bool { return matches(tree, message) })
}

// matches holds when every leaf of the tree is in the message, equal or "*".
func matches(tree, message any) bool {
	branch, ok := tree.(map[string]any)
	if !ok {
		return tree == "*" || tree == message
	}
	found, ok := message.(map[string]any)
	if !ok {
		return false
	}
	for key, below := range branch {
		if value, ok := found[key]; !ok || !matches(below, value) {
			return false
		}
	}
	return true
}
