package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/realtime"
	rt "anihub/modules/realtime/realtimetest"
	"anihub/platform/fault"
	"anihub/web/api"
)

// socketTime is how long anything may take before a test gives up on it.
const socketTime = 30 * time.Second

// station serves Events over a fake realtime.
type station struct {
	*api.Events
	rt   *rt.Fake
	url  string
	logs *bytes.Buffer
}

// stationLog guards a buffer that handlers write to while a test reads.
type stationLog struct {
	mu  sync.Mutex
	buf *bytes.Buffer
}

func (l *stationLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func openStation(t *testing.T, change func(*api.EventsConfig)) *station {
	t.Helper()
	cfg := api.EventsConfig{AllowedOrigins: []string{"https://anihub.example", "https://*.friends.example"}}
	if change != nil {
		change(&cfg)
	}
	s := &station{rt: rt.NewFake(), logs: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(&stationLog{buf: s.logs}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	events, err := api.NewEvents(cfg, s.rt, log, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	s.Events = events
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if !c.Response().Committed {
			f := fault.Of(err)
			_ = c.JSON(fault.Status(err), map[string]any{"code": f.Code, "details": f.Details})
		}
	}
	e.GET("/ws", events.Socket)
	e.GET("/events", events.Stream)
	e.GET("/socket.io/", events.SocketIO)
	e.POST("/socket.io/", events.SocketIO)
	server := httptest.NewUnstartedServer(e)
	// Little room in the kernel, so that a client who does not read is felt soon.
	server.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		_ = conn.(*net.TCPConn).SetWriteBuffer(16 << 10)
		return ctx
	}
	server.Start()
	s.url = server.URL + "/ws"
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), socketTime)
		defer cancel()
		s.rt.End(realtime.CloseNormal, "") // sockets end faster than by a drain
		if err := s.Drain(ctx); err != nil {
			t.Errorf("Drain: %v", err)
		}
		server.Close()
	})
	return s
}

// line is a client's end of a socket.
type line struct {
	t  *testing.T
	ws *websocket.Conn
}

func (s *station) dial(t *testing.T, change func(*websocket.DialOptions)) *line {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), socketTime)
	defer cancel()
	opts := &websocket.DialOptions{}
	if change != nil {
		change(opts)
	}
	ws, _, err := websocket.Dial(ctx, s.url, opts) //nolint:bodyclose // an upgraded connection has no body
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	ws.SetReadLimit(1 << 20)
	l := &line{t, ws}
	l.expect("hello")
	return l
}

func (l *line) send(frame string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), socketTime)
	defer cancel()
	if err := l.ws.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
		l.t.Fatalf("write: %v", err)
	}
}

type eventFrame struct {
	Type    string
	EventID string `json:"event_id"`
	Data    json.RawMessage
}

func (l *line) read() (eventFrame, error) {
	ctx, cancel := context.WithTimeout(l.t.Context(), socketTime)
	defer cancel()
	var f eventFrame
	kind, raw, err := l.ws.Read(ctx)
	if err != nil {
		return f, err
	}
	if kind != websocket.MessageText {
		return f, fmt.Errorf("message of kind %v", kind)
	}
	return f, json.Unmarshal(raw, &f)
}

func (l *line) expect(typ string) eventFrame {
	l.t.Helper()
	f, err := l.read()
	if err != nil || f.Type != typ {
		l.t.Fatalf("got %s %s, %v; want %s", f.Type, f.Data, err, typ)
	}
	return f
}

// closed reads on until the socket is closed.
func (l *line) closed() websocket.CloseError {
	l.t.Helper()
	for {
		_, err := l.read()
		var closed websocket.CloseError
		if errors.As(err, &closed) {
			return closed
		}
		if err != nil {
			l.t.Fatalf("read: %v; want a close frame", err)
		}
	}
}

func (s *station) waitOpen(t *testing.T, n int) {
	t.Helper()
	rt.WaitFor(t, func() (string, bool) {
		return fmt.Sprintf("%d sockets are open, want %d", s.Open(), n), s.Open() == n
	})
}

func TestSocketTalks(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	l := s.dial(t, func(o *websocket.DialOptions) {
		o.Subprotocols = []string{"anihub.v1"}
		o.HTTPHeader = http.Header{"User-Agent": {"tester"}}
		o.CompressionMode = websocket.CompressionContextTakeover
	})
	if l.ws.Subprotocol() != "anihub.v1" {
		t.Errorf("subprotocol %q", l.ws.Subprotocol())
	}
	l.send(`{"type":"subscribe_title","id":1,"data":{"title_id":5}}`)
	l.expect("subscribed")
	done := rt.Publish(t, s.rt, rt.Episode(5, 1), rt.Episode(6, 1), rt.Episode(5, 2))
	for _, i := range []int{0, 2} {
		if f := l.expect("new_episode"); f.EventID != done[i].EventID {
			t.Errorf("got %s, want %s", f.EventID, done[i].EventID)
		}
	}
	l.send(`{"type":"ping"}`)
	l.expect("pong")
	for _, bad := range []string{`{`, `{"type":"dance"}`, ``} {
		l.send(bad)
		l.expect("error")
	}
	if who := s.rt.Clients(); who[0].UserAgent != "tester" || who[0].Transport != "websocket" || who[0].Address == "" {
		t.Errorf("the room saw %+v", who)
	}
	if err := l.ws.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Errorf("close: %v", err)
	}
	s.waitOpen(t, 0)
}

func TestSocketBadFrames(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	for name, c := range map[string]struct {
		kind  websocket.MessageType
		frame []byte
		code  int
	}{
		"binary":    {websocket.MessageBinary, []byte(`{"type":"ping"}`), realtime.CloseData},
		"not UTF-8": {websocket.MessageText, []byte("{\"type\":\"\xff\"}"), realtime.CloseBadFrame},
		"oversized": {websocket.MessageText, bytes.Repeat([]byte("x"), realtime.MaxFrame+1), realtime.CloseTooBig},
		"huge":      {websocket.MessageText, bytes.Repeat([]byte("x"), 8<<20), realtime.CloseTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := s.dial(t, nil)
			go func() { // the server stops reading before the end of a huge one
				ctx, cancel := context.WithTimeout(context.Background(), socketTime)
				defer cancel()
				_ = l.ws.Write(ctx, c.kind, c.frame)
			}()
			if got := l.closed(); int(got.Code) != c.code {
				t.Errorf("closed with %v, want %d", got, c.code)
			}
		})
	}
	t.Run("largest", func(t *testing.T) {
		t.Parallel()
		l := s.dial(t, nil)
		l.send(`{"type":"ping","data":"` + strings.Repeat("x", realtime.MaxFrame-25) + `"}`)
		l.expect("pong")
	})
}

// Frames that no library would send, byte by byte.
func TestSocketBrokenFraming(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	mask := []byte{0, 0, 0, 0}
	for name, c := range map[string]struct {
		bytes []byte
		code  int // 0 = stays open
	}{
		"unmasked":            {append([]byte{0x81, 15}, `{"type":"ping"}`...), realtime.CloseProtocol},
		"reserved bit":        {append([]byte{0xc1, 0x80}, mask...), realtime.CloseProtocol},
		"unknown opcode":      {append([]byte{0x83, 0x80}, mask...), realtime.CloseProtocol},
		"lone continuation":   {append([]byte{0x80, 0x80}, mask...), realtime.CloseProtocol},
		"fragmented ping":     {append([]byte{0x09, 0x80}, mask...), realtime.CloseProtocol},
		"long ping":           {append([]byte{0x89, 0xfe, 0, 200}, make([]byte, 204)...), realtime.CloseProtocol},
		"length of a promise": {append([]byte{0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, make([]byte, 4+realtime.MaxFrame+10)...), realtime.CloseTooBig},
		"thousand pings":      {bytes.Repeat(append([]byte{0x89, 0x80}, mask...), 1000), 0},
		"endless fragments":   {fragments(), realtime.CloseTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, in := s.rawDial(t)
			go func() { _, _ = conn.Write(c.bytes) }()
			if c.code == 0 {
				for range 1000 {
					if op, _ := readRaw(t, in); op != 0xa {
						t.Fatalf("opcode %x, want a pong", op)
					}
				}
				return
			}
			op, payload := readRaw(t, in)
			if code := int(payload[0])<<8 | int(payload[1]); op != 8 || code != c.code {
				t.Errorf("opcode %x, code %d; want a close with %d", op, code, c.code)
			}
		})
	}
}

// fragments is a message in pieces of 100 bytes that never ends.
func fragments() []byte {
	head := []byte{0x01, 0x80 | 100, 0, 0, 0, 0}
	next := []byte{0x00, 0x80 | 100, 0, 0, 0, 0}
	piece := bytes.Repeat([]byte("x"), 100)
	all := append(head, piece...)
	for range realtime.MaxFrame / 100 * 2 {
		all = append(append(all, next...), piece...)
	}
	return all
}

// rawDial upgrades by hand and reads the hello.
func (s *station) rawDial(t *testing.T) (net.Conn, *bufio.Reader) {
	t.Helper()
	host := strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/ws")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(socketTime)); err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", host)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("upgrade: %v, %v", resp, err)
	}
	_ = resp.Body.Close()
	if op, hello := readRaw(t, in); op != 1 || !bytes.Contains(hello, []byte(`"hello"`)) {
		t.Fatalf("hello is %s", hello)
	}
	return conn, in
}

// readRaw reads a frame of a server.
func readRaw(t *testing.T, in *bufio.Reader) (op byte, payload []byte) {
	t.Helper()
	head := make([]byte, 2)
	if _, err := io.ReadFull(in, head); err != nil {
		t.Fatalf("frame: %v", err)
	}
	n := int(head[1])
	if n == 126 {
		long := make([]byte, 2)
		if _, err := io.ReadFull(in, long); err != nil {
			t.Fatalf("frame: %v", err)
		}
		n = int(long[0])<<8 | int(long[1])
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(in, payload); err != nil {
		t.Fatalf("frame: %v", err)
	}
	return head[0] & 0xf, payload
}

func TestSocketRefuses(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	host := strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/ws")
	upgrade := map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
	}
	for name, c := range map[string]struct {
		header map[string]string // on top of a good upgrade; "" = without it
		status int
		code   string
	}{
		"no upgrade":        {map[string]string{"Upgrade": ""}, 400, "UPGRADE_REQUIRED"},
		"other upgrade":     {map[string]string{"Upgrade": "h2c"}, 400, "UPGRADE_REQUIRED"},
		"no connection":     {map[string]string{"Connection": "keep-alive"}, 400, "UPGRADE_REQUIRED"},
		"old version":       {map[string]string{"Sec-WebSocket-Version": "8"}, 400, "UPGRADE_REQUIRED"},
		"no key":            {map[string]string{"Sec-WebSocket-Key": ""}, 400, "UPGRADE_REQUIRED"},
		"short key":         {map[string]string{"Sec-WebSocket-Key": "AAAA"}, 400, "UPGRADE_REQUIRED"},
		"foreign origin":    {map[string]string{"Origin": "https://evil.example"}, 403, "ORIGIN_NOT_ALLOWED"},
		"null origin":       {map[string]string{"Origin": "null"}, 403, "ORIGIN_NOT_ALLOWED"},
		"other scheme":      {map[string]string{"Origin": "http://anihub.example"}, 403, "ORIGIN_NOT_ALLOWED"},
		"suffix":            {map[string]string{"Origin": "https://anihub.example.evil.example"}, 403, "ORIGIN_NOT_ALLOWED"},
		"not a friend":      {map[string]string{"Origin": "https://friends.example"}, 403, "ORIGIN_NOT_ALLOWED"},
		"friend in a path":  {map[string]string{"Origin": "https://evil.example/a.friends.example"}, 403, "ORIGIN_NOT_ALLOWED"},
		"garbage":           {map[string]string{"Origin": "https://%zz"}, 403, "ORIGIN_NOT_ALLOWED"},
		"allowed origin":    {map[string]string{"Origin": "https://anihub.example"}, 101, ""},
		"allowed subdomain": {map[string]string{"Origin": "https://a.friends.example"}, 101, ""},
		"own origin":        {map[string]string{"Origin": "http://" + host}, 101, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range upgrade {
				r.Header.Set(k, v)
			}
			for k, v := range c.header {
				if r.Header.Set(k, v); v == "" {
					r.Header.Del(k)
				}
			}
			resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			if resp.StatusCode != c.status {
				t.Fatalf("status %d, want %d", resp.StatusCode, c.status)
			}
			if c.status == http.StatusSwitchingProtocols {
				return
			}
			var body struct{ Code string }
			if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || body.Code != c.code {
				t.Errorf("code %q, %v; want %s", body.Code, err, c.code)
			}
		})
	}
}

func TestSocketDoorFails(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	for want, err := range map[int]error{429: realtime.ErrTooMany, 503: realtime.ErrUnavailable} {
		s.rt.Fail(err)
		_, resp, err := websocket.Dial(t.Context(), s.url, nil) //nolint:bodyclose // Dial closes it
		if err == nil || resp.StatusCode != want {
			t.Errorf("got %v, %v; want status %d", resp, err, want)
		}
	}
	s.waitOpen(t, 0)
}

// A token in the URL is neither used nor written anywhere.
func TestSocketTokenInURL(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	s.rt.Admit("sesame", "u1", 77)
	s.url += "?token=sesame&access_token=sesame"
	l := s.dial(t, nil)
	rt.Publish(t, s.rt, rt.Episode(77, 1))
	l.send(`{"type":"ping"}`)
	l.expect("pong") // and not the event
	l.send(`{"type":"auth","data":{"token":"sesame"}}`)
	l.expect("auth_ok")
	if err := l.ws.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Fatal(err)
	}
	s.waitOpen(t, 0)
	if strings.Contains(s.logs.String(), "sesame") {
		t.Errorf("logged: %s", s.logs)
	}
}

// narrow is a client whose connection takes little before it is read.
func narrow(t *testing.T) *http.Client {
	t.Helper()
	tr := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return conn, conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// A client that takes nothing, not even the close frame, is cut.
func TestSocketStalledIsCut(t *testing.T) {
	t.Parallel()
	s := openStation(t, func(c *api.EventsConfig) { c.WriteTimeout, c.CloseTimeout = time.Second, time.Second })
	l := s.dial(t, func(o *websocket.DialOptions) { o.HTTPClient = narrow(t) })
	l.send(`{"type":"subscribe_title","data":{"title_id":5}}`)
	l.expect("subscribed")
	for n := 0; n < 1000 && s.Open() > 0; n++ {
		e := rt.Episode(5, float64(n))
		e.Data["filling"] = strings.Repeat("x", 15<<10)
		rt.Publish(t, s.rt, e)
	}
	// Publishing is faster than the timeouts that cut it.
	for deadline := time.Now().Add(time.Minute); s.Open() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("15 MB later the stalled one is still served")
		}
	}
}

// A client that does not answer pings is cut, whatever its TCP says.
func TestSocketHalfOpen(t *testing.T) {
	t.Parallel()
	s := openStation(t, func(c *api.EventsConfig) { c.PingEvery, c.PongWithin = 10*time.Millisecond, 10*time.Millisecond })
	_, in := s.rawDial(t)
	if op, _ := readRaw(t, in); op != 9 {
		t.Fatalf("opcode %x, want a ping", op)
	}
	s.waitOpen(t, 0)
}

func TestSocketServiceCloses(t *testing.T) {
	t.Parallel()
	s := openStation(t, nil)
	for _, c := range []realtime.Closed{
		{Code: realtime.CloseAuth, Reason: "signed out"},
		{Code: realtime.CloseBanned, Reason: "banned"},
		{Code: realtime.CloseFlood, Reason: "too many commands"},
		{Code: realtime.CloseRestart, Reason: `{"retry_in_ms":5}`},
		{Code: realtime.CloseSlow, Reason: strings.Repeat("long", 100)},
	} {
		l := s.dial(t, nil)
		s.rt.End(c.Code, c.Reason)
		if c.Code == realtime.CloseRestart {
			if f := l.expect("reconnect"); string(f.Data) != c.Reason {
				t.Errorf("reconnect %s", f.Data)
			}
		}
		if got := l.closed(); int(got.Code) != c.Code || !strings.HasPrefix(c.Reason, got.Reason) || got.Reason == "" {
			t.Errorf("closed with %v, want %v", got, c)
		}
	}
}

// Drain waits no longer than it may for a client that does not take the close, and lets
// nobody in afterwards.
func TestSocketDrainDeadline(t *testing.T) {
	t.Parallel()
	s := openStation(t, func(c *api.EventsConfig) { c.CloseTimeout = time.Hour })
	s.rawDial(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Drain: %v, want that one had to be cut", err)
	}
	s.waitOpen(t, 0)
	_, resp, err := websocket.Dial(t.Context(), s.url, nil) //nolint:bodyclose // Dial closes it
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("dialled after the drain: %v, %v", resp, err)
	}
}

func TestNewEventsChecksOrigins(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"*", "anihub.example", "https://", "https://*", "ftp://x.example", "https://x.example/path", "https://[a"} {
		_, err := api.NewEvents(api.EventsConfig{AllowedOrigins: []string{bad}}, rt.NewFake(), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", bad)) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
