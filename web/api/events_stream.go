package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/modules/realtime"
	"anihub/web/envelope"
)

// maxStreamTitles is how many titles a stream may name, which is what a URL has room
// for and no more than a conversation may subscribe to.
const maxStreamTitles = 1000

// maxStreamList is the text of as many titles, each with a comma behind it.
const maxStreamList = maxStreamTitles * len("2147483647,")

// stream is a conversation over Server-Sent Events (HTML standard §9.2): the frames of
// the WebSocket as data, their types as names of events. Its id is the position up to
// which the viewer has had everything, so that the browser itself resumes from there.
type stream struct {
	*line
	ctrl    *http.ResponseController
	w       http.ResponseWriter
	conv    realtime.Conversation
	missed  bool   // it goes on from where the viewer was
	answer  string // the type of the answer that says how much was missed
	backlog int    // of that, how much is still to come
	begun   bool   // that answer was given
	early   bool   // something came before it, which lies behind what is still to come
	id      string // the newest position that the viewer has been told
}

// Stream is GET …/events?titles=1,2&types=new_episode: what a WebSocket with these
// subscriptions says, and from Last-Event-ID on what it has missed. A bearer token also
// subscribes to the user's own titles.
func (e *Events) Stream(c echo.Context) error {
	r := c.Request()
	in := envelope.ReadQueryUpTo(c, maxStreamList, "titles", "types", "since")
	commands, since, err := streamCommands(in, r)
	if err != nil {
		return err
	}
	if !e.allowed(r) {
		return errOrigin
	}
	l := e.newLine()
	if !e.enter(l, e.metrics.streams) {
		return errDraining()
	}
	defer e.leave(l, e.metrics.streams)
	defer context.AfterFunc(r.Context(), l.cut)()
	conv, err := e.rt.Open(r.Context(), realtime.Client{Address: c.RealIP(), UserAgent: r.UserAgent(), Transport: "sse"})
	if err != nil {
		return err
	}
	defer conv.Close()
	for _, command := range commands {
		if err := conv.Receive(r.Context(), command.frame); err != nil {
			return realtime.ErrUnavailable.With(err)
		}
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, eventStream)
	h.Set(echo.HeaderCacheControl, "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep the events to itself
	c.Response().WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	s := &stream{line: l, w: c.Response(), ctrl: http.NewResponseController(c.Response()), conv: conv, missed: since != "", answer: commands[len(commands)-1].answer}
	s.run()
	return nil
}

// stream looks at the token, where there is one, before anything is told.
func (a *API) stream(c echo.Context) error {
	if c.Request().Header.Get(echo.HeaderAuthorization) != "" {
		if _, err := a.whoAsks(c.Request()); err != nil {
			return err
		}
	}
	return a.events.Stream(c)
}

// streamCommand is a frame and the type of what answers it.
type streamCommand struct {
	frame  []byte
	answer string
}

// streamCommands are the frames that a viewer of a WebSocket would send: who one is,
// what one wants and, behind both, what one has missed of it.
func streamCommands(in *envelope.Query, r *http.Request) (commands []streamCommand, since string, err error) {
	type data map[string]any
	wish := data{}
	ids, types := readIDs(in, "titles", maxStreamTitles), in.List("types", 16)
	if len(ids) > 0 {
		wish["titles"] = ids
	}
	if len(types) > 0 {
		wish["types"] = types
	}
	if len(ids)+len(types) > maxStreamTitles {
		in.Fail(envelope.ErrRange.Detail("parameter", "titles").Detail("accepted", "1000 titles and types together"))
	}
	since = in.Text("since")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		since = last // of the browser that reconnects, which asks with the URL of the first time
	}
	if in.Err != nil {
		return nil, "", in.Err
	}
	if since != "" && !realtime.ValidPosition(since) {
		return nil, "", envelope.ErrParameter.Detail("parameter", "since").Detail("accepted", "a position, as id: and X-Stream-Position have it")
	}
	token, signed := strings.CutPrefix(r.Header.Get(echo.HeaderAuthorization), "Bearer ")
	if len(wish) == 0 && !signed {
		wish["types"] = newsTypes() // who names nothing wants to hear of everything
	}
	say := func(typ, answer string, d data) {
		commands = append(commands, streamCommand{frameOf(typ, d), answer})
	}
	if signed {
		say("auth", "auth_ok", data{"token": token})
	}
	if since != "" && !signed {
		wish["since"] = since
	}
	if len(wish) > 0 {
		say("subscribe_updates", "subscribed", wish)
	}
	if since != "" && signed { // the user's own titles have missed something as well
		say("resume", "resumed", data{"position": since})
	}
	return commands, since, checkTypes(wish)
}

// checkTypes says in the request what the conversation would say in the stream.
func checkTypes(wish map[string]any) error {
	types, _ := wish["types"].([]string)
	for _, t := range types {
		if !slices.Contains(newsTypes(), t) {
			return envelope.ErrParameter.Detail("parameter", "types").Detail("accepted", newsTypes())
		}
	}
	return nil
}

func newsTypes() []string {
	return []string{realtime.NewEpisode, realtime.EpisodeUpdate, realtime.NewTitle, realtime.StatusChange}
}

func frameOf(typ string, data any) []byte {
	b, err := json.Marshal(map[string]any{"type": typ, "data": data})
	if err != nil {
		panic(err) // texts and numbers
	}
	return b
}

// run tells until the viewer, the conversation or the process is through.
func (s *stream) run() {
	for s.round() {
	}
}

// round tells what there is, or a comment when it is time for one: it keeps proxies from
// closing what seems idle, and finds viewers who are gone.
func (s *stream) round() bool {
	ctx, cancel := context.WithTimeout(s.stop, s.e.cfg.PingEvery)
	defer cancel()
	batch, err := s.conv.Next(ctx)
	var closed *realtime.Closed
	switch {
	case err == nil:
		return s.tell(batch)
	case errors.As(err, &closed):
		s.end(closed)
	case s.stop.Err() != nil:
		s.end(&realtime.Closed{Code: realtime.CloseNormal})
	case ctx.Err() != nil:
		return s.write([]byte(": still here\n\n"))
	default:
		s.e.log.Error("conversation failed", "err", err)
		s.end(restart(time.Second))
	}
	return false
}

func (s *stream) tell(batch []realtime.Message) bool {
	var out []byte
	for _, m := range batch {
		out = s.append(out, m)
	}
	return s.write(out)
}

// append writes a message. A frame has no line breaks, so it is one line of data.
func (s *stream) append(out []byte, m realtime.Message) []byte {
	if id := s.place(m); id != "" && id != s.id {
		s.id = id
		out = append(append(append(out, "id: "...), id...), '\n')
	}
	out = append(append(append(out, "event: "...), m.Type...), '\n')
	return append(append(append(out, "data: "...), m.Frame...), "\n\n"...)
}

// place is the position that a message brings the viewer to; "" while something that was
// missed is still to come and lies before what came already.
func (s *stream) place(m realtime.Message) string {
	switch {
	case m.Type == "reset", m.Type == "hello" && !s.missed:
		return positionIn(m)
	case !s.begun && m.Type == s.answer:
		s.begun, s.backlog = true, countIn(m)
		if s.backlog > 0 {
			return ""
		}
		return positionIn(m)
	case m.Position == "":
		return ""
	case !s.begun:
		s.early = true
		return ""
	case s.backlog > 0:
		s.backlog--
		if s.early {
			return ""
		}
	}
	return m.Position
}

type placed struct {
	Position string `json:"position"`
	Count    int    `json:"count"`
}

func positionIn(m realtime.Message) string { return placedIn(m).Position }
func countIn(m realtime.Message) int       { return placedIn(m).Count }

func placedIn(m realtime.Message) (p placed) {
	_ = json.Unmarshal(m.Data, &p) // one that says nothing of it has none
	return p
}

// write hands over what is to be told; false when the viewer does not take it.
func (s *stream) write(b []byte) bool {
	_ = s.ctrl.SetWriteDeadline(time.Now().Add(s.e.cfg.WriteTimeout))
	_, err := s.w.Write(b)
	if err == nil {
		err = s.ctrl.Flush()
	}
	if err != nil {
		s.count("gone")
	}
	return err == nil
}

// end says why, as the close of a WebSocket does. Browsers come back by themselves,
// after the time that a restart asks for.
func (s *stream) end(why *realtime.Closed) {
	why = s.why(why)
	s.count(strconv.Itoa(why.Code))
	var again struct {
		MS int `json:"retry_in_ms"`
	}
	var out []byte
	if json.Unmarshal([]byte(why.Reason), &again) == nil && again.MS > 0 {
		out = append(strconv.AppendInt([]byte("retry: "), int64(again.MS), 10), '\n')
	}
	out = append(append(append(out, "event: close\ndata: "...), frameOf("close", map[string]any{"code": why.Code, "reason": why.Reason})...), "\n\n"...)
	s.write(out)
}
