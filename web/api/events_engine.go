package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/labstack/echo/v4"

	"anihub/modules/realtime"
)

// socketIOPath is where the client's library asks when it is told nothing else.
const socketIOPath = "/socket.io/"

// engineError refuses a request in the form that Engine.IO has for it.
type engineError struct {
	status  int
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Why a request is refused. The codes and the sentences are Engine.IO's.
var (
	errTransport = &engineError{http.StatusBadRequest, 0, "Transport unknown"}
	errSession   = &engineError{http.StatusBadRequest, 1, "Session ID unknown"}
	errMethod    = &engineError{http.StatusBadRequest, 2, "Bad handshake method"}
	errRequest   = &engineError{http.StatusBadRequest, 3, "Bad request"}
	errPayload   = &engineError{http.StatusRequestEntityTooLarge, 3, "Payload too large"}
	errForbidden = &engineError{http.StatusForbidden, 4, "Forbidden"}
	errProtocol  = &engineError{http.StatusBadRequest, 5, "Unsupported protocol version"}
)

func (f *engineError) send(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(f.status, f)
}

// SocketIO is GET and POST /socket.io/: the news for clients of Socket.IO v4, by WebSocket
// or by polling. Of the URL it reads what Engine.IO 4 puts there and nothing else: a token
// goes into the CONNECT packet or into an event.
func (e *Events) SocketIO(c echo.Context) error {
	r := c.Request()
	q := r.URL.Query()
	s, refused := e.engine(r, q)
	switch {
	case refused != nil:
		return refused.send(c)
	case s != nil && q.Get("transport") == "websocket":
		return s.upgrade(c)
	case s != nil && r.Method == http.MethodPost:
		return s.post(c)
	case s != nil:
		return s.poll(c)
	}
	return e.shake(c, q.Get("transport") == "polling")
}

// engine judges a request, and finds its session when it names one.
func (e *Events) engine(r *http.Request, q url.Values) (*sioSession, *engineError) {
	transport, sid := q.Get("transport"), q.Get("sid")
	upgrade := checkUpgrade(r) == nil
	switch {
	case transport != "websocket" && transport != "polling":
		return nil, errTransport
	case !e.allowed(r):
		return nil, errForbidden
	case transport == "websocket" && !upgrade, r.Method == http.MethodHead:
		return nil, errRequest
	case q.Get("EIO") != "4":
		return nil, errProtocol
	case sid == "" && r.Method != http.MethodGet:
		return nil, errMethod
	case sid == "":
		return nil, nil
	}
	e.mu.Lock()
	s := e.sessions[sid]
	e.mu.Unlock()
	if s == nil {
		return nil, errSession
	}
	if !s.polling() {
		return nil, errRequest
	}
	return s, nil
}

func (s *sioSession) polling() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.polls
}

// shake begins a session.
func (e *Events) shake(c echo.Context, polls bool) error {
	r := c.Request()
	l := e.newLine()
	if !e.enter(l, e.metrics.clients) {
		return errDraining()
	}
	conv, err := e.rt.Open(r.Context(), realtime.Client{Address: c.RealIP(), UserAgent: r.UserAgent(), Transport: "socketio"})
	if err != nil {
		e.leave(l, e.metrics.clients)
		return err
	}
	s := e.newSession(l, conv, polls)
	if polls {
		return s.answer(c, s.open("websocket"))
	}
	w := e.accept(c)
	if w == nil {
		s.leave()
		return nil
	}
	s.say(s.open())
	go s.run(w)
	return nil
}

// open is the first packet.
func (s *sioSession) open(upgrades ...string) []byte {
	return append([]byte{engineOpen}, jsonOf(struct {
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}{s.sid, append([]string{}, upgrades...), s.e.cfg.PingEvery.Milliseconds(), s.e.cfg.PongWithin.Milliseconds(), realtime.MaxFrame})...)
}

// poll answers with what there is for the client, and waits for it.
func (s *sioSession) poll(c echo.Context) error {
	if !s.sending.TryLock() {
		s.breach("two requests poll at once")
		return errRequest.send(c)
	}
	packets, over := s.await(c.Request().Context())
	s.sending.Unlock() // before the answer, on which the next poll may follow at once
	if over {
		packets = append(packets, []byte{engineClose})
	}
	if len(packets) == 0 {
		s.leave() // the client went away, or the session was cut
		return errSession.send(c)
	}
	err := s.answer(c, packets...)
	if over {
		s.count(strconv.Itoa(s.why.Code))
		s.leave()
	}
	return err
}

// await is what a poll is answered with.
func (s *sioSession) await(ctx context.Context) (packets [][]byte, over bool) {
	if s.yields() {
		return [][]byte{{engineNoop}}, false
	}
	life, cancel := context.WithCancel(s.life)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	return s.pull(life)
}

// yields tells whether a WebSocket is about to take over: polls are then answered at once.
func (s *sioSession) yields() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.upgrading
}

// answer writes packets as one body. A client that does not take it has lost them, so its
// session ends.
func (s *sioSession) answer(c echo.Context, packets ...[]byte) error {
	if err := payload(c, bytes.Join(packets, []byte{separator}), s.e.cfg.WriteTimeout); err != nil {
		s.count("gone")
		s.leave()
	}
	return nil
}

// payload writes a body within a time.
func payload(c echo.Context, body []byte, within time.Duration) error {
	ctrl := http.NewResponseController(c.Response())
	_ = ctrl.SetWriteDeadline(time.Now().Add(within))
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, echo.MIMETextPlainCharsetUTF8)
	h.Set(echo.HeaderCacheControl, "no-store")
	h.Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
	c.Response().WriteHeader(http.StatusOK)
	_, err := c.Response().Write(body)
	err = errors.Join(err, ctrl.Flush())
	_ = ctrl.SetWriteDeadline(time.Time{}) // the connection is used again
	return err
}

// post takes packets that the client sends while it polls.
func (s *sioSession) post(c echo.Context) error {
	if !s.receiving.TryLock() {
		s.breach("two requests send at once")
		return errRequest.send(c)
	}
	refused := s.hand(http.MaxBytesReader(c.Response(), c.Request().Body, realtime.MaxFrame))
	s.receiving.Unlock()
	if refused != nil {
		return refused.send(c)
	}
	_ = payload(c, []byte("ok"), s.e.cfg.WriteTimeout) // who does not take it does not send again
	return nil
}

// hand takes the packets of a body one after another.
func (s *sioSession) hand(body io.Reader) *engineError {
	packets, err := io.ReadAll(body)
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		s.finish(tooBig())
		return errPayload
	case err != nil:
		return errRequest
	}
	for p := range bytes.SplitSeq(packets, []byte{separator}) {
		if !s.receive(p) {
			s.conv.Close()
			break
		}
	}
	return nil
}

// upgrade lets a WebSocket take over from the requests. It asks with a probe; polls are
// answered at once from then on, and when the client has no more under way it says so.
func (s *sioSession) upgrade(c echo.Context) error {
	if !s.yield() {
		return errRequest.send(c)
	}
	w := s.e.accept(c)
	if w == nil {
		s.stay()
		return nil
	}
	if !s.probed(w) {
		s.stay()
		w.close(int(websocket.StatusPolicyViolation), "no upgrade", time.Now().Add(s.e.cfg.CloseTimeout))
		return nil
	}
	go s.takeOver(w)
	return nil
}

// takeOver waits for the requests that are under way, and goes on without any.
func (s *sioSession) takeOver(w *wire) {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.receiving.Lock()
	defer s.receiving.Unlock()
	s.mu.Lock()
	s.polls, s.upgrading = false, false
	s.mu.Unlock()
	s.run(w)
}

// yield is false when another WebSocket asks already.
func (s *sioSession) yield() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.upgrading || !s.polls || s.phase == phaseOver {
		return false
	}
	s.upgrading = true
	return true
}

func (s *sioSession) stay() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.upgrading = false
}

// probed does Engine.IO's handshake of an upgrade.
func (s *sioSession) probed(w *wire) bool {
	ctx, cancel := context.WithTimeout(s.life, s.e.cfg.PongWithin)
	defer cancel()
	if _, p, err := w.ws.Read(ctx); err != nil || string(p) != string(enginePing)+"probe" {
		return false
	}
	if err := w.write([]byte(string(enginePong) + "probe")); err != nil {
		return false
	}
	s.say([]byte{engineNoop}) // for the poll that waits
	_, p, err := w.ws.Read(ctx)
	return err == nil && string(p) == string(engineUpgrade)
}

// run holds the conversation over a WebSocket until both sides are through with it.
func (s *sioSession) run(w *wire) {
	defer s.leave()
	defer context.AfterFunc(s.life, w.cut)()
	var writing sync.WaitGroup
	writing.Go(func() { s.write(w) })
	s.read(w)
	s.conv.Close()
	writing.Wait()
	_ = w.ws.CloseNow() // it is closed; this frees what is left
}

func (s *sioSession) read(w *wire) {
	for {
		kind, p, err := w.read()
		switch {
		case err != nil:
			s.finish(ofRead(err))
			return
		case kind != websocket.MessageText:
			s.binary()
			return
		}
		if !s.receive(p) {
			return
		}
	}
}

func (s *sioSession) write(w *wire) {
	defer s.cut()
	for {
		packets, over := s.pull(s.life)
		switch {
		case over:
			s.part(w, s.why, func() { sendAll(w, packets) })
			return
		case len(packets) == 0:
			return // it was cut
		case !sendAll(w, packets):
			s.count("gone")
			return
		}
	}
}

func sendAll(w *wire, packets [][]byte) bool {
	for _, p := range packets {
		if w.write(p) != nil {
			return false
		}
	}
	return true
}
