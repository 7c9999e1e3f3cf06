package api

import (
	"bufio"
	"bytes"
	"compress/flate"
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

	"anihub/modules/realtime/realtimetest"
)

// wired serves one WebSocket after another with serve, which ends it.
func wired(t testing.TB, serve func(w *wire)) (address string) {
	t.Helper()
	e, err := NewEvents(EventsConfig{}, realtimetest.NewFake(), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	router := echo.New()
	var serving sync.WaitGroup
	router.GET("/", func(c echo.Context) error {
		if w := e.accept(c); w != nil {
			serving.Go(func() { serve(w) })
		}
		return nil
	})
	server := httptest.NewServer(router)
	t.Cleanup(func() { server.Close(); serving.Wait() })
	return strings.TrimPrefix(server.URL, "http://")
}

func dialWired(t testing.TB, address string) *websocket.Conn {
	t.Helper()
	ws, _, err := websocket.Dial(t.Context(), "ws://"+address, nil) //nolint:bodyclose // an upgraded connection has no body
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return ws
}

// TestWireWritesFramesOfEverySize, each of the three forms that a length has.
func TestWireWritesFramesOfEverySize(t *testing.T) {
	t.Parallel()
	sizes := []int{0, 1, 125, 126, 127, 65_535, 65_536, 300_000}
	address := wired(t, func(w *wire) {
		for _, n := range sizes {
			if err := w.write(bytes.Repeat([]byte("x"), n)); err != nil {
				t.Error(err)
			}
		}
		w.close(1000, "", time.Now().Add(time.Minute))
	})
	ws := dialWired(t, address)
	for _, n := range sizes {
		kind, text, err := ws.Read(t.Context())
		if err != nil || kind != websocket.MessageText || len(text) != n {
			t.Fatalf("%v, %d bytes, %v; want %d", kind, len(text), err, n)
		}
	}
	if _, _, err := ws.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("ended with %v", err)
	}
}

// TestWireWritesBetweenPongs: frames of ours and of the library do not mix.
func TestWireWritesBetweenPongs(t *testing.T) {
	t.Parallel()
	const many = 2000
	address := wired(t, func(w *wire) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range many {
				if err := w.write(fmt.Appendf(nil, `{"n":%d,"text":%q}`, i, strings.Repeat("ы", i%400))); err != nil {
					t.Error(err)
					return
				}
			}
		}()
		_, _, _ = w.read() // answers pings until the client closes
		<-done
		w.cut()
	})
	ws := dialWired(t, address)
	stop := make(chan struct{})
	var pinging sync.WaitGroup
	pinging.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = ws.Ping(t.Context())
			}
		}
	})
	for i := range many {
		_, text, err := ws.Read(t.Context())
		if want := fmt.Sprintf(`{"n":%d,`, i); err != nil || !bytes.HasPrefix(text, []byte(want)) {
			t.Fatalf("%.40s, %v; want %s", text, err, want)
		}
	}
	close(stop)
	_ = ws.Close(websocket.StatusNormalClosure, "")
	pinging.Wait()
}

// TestWireHearsWhatCameWithTheHandshake: a client may talk before it is answered.
func TestWireHearsWhatCameWithTheHandshake(t *testing.T) {
	t.Parallel()
	early := bytes.Repeat([]byte("early "), 300) // more than the buffer of a wire
	heard := make(chan []byte, 1)
	address := wired(t, func(w *wire) {
		_, text, err := w.read()
		if err != nil {
			t.Error(err)
		}
		heard <- text
		w.cut()
	})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	frame := append([]byte{0x81, 0x80 | 126, byte(len(early) >> 8), byte(len(early)), 0, 0, 0, 0}, early...)
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+address+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"+string(frame))
	if err != nil {
		t.Fatal(err)
	}
	if got := <-heard; !bytes.Equal(got, early) {
		t.Errorf("heard %d bytes, want %d", len(got), len(early))
	}
}

// TestWireSaysNothingAfterClose (RFC 6455 §5.5.1).
func TestWireSaysNothingAfterClose(t *testing.T) {
	t.Parallel()
	address := wired(t, func(w *wire) {
		if err := w.under.SetReadDeadline(time.Now()); err != nil { // the client's answer is not waited for
			t.Error(err)
		}
		_ = w.ws.Close(websocket.StatusGoingAway, "bye")
		if err := w.write([]byte("and another thing")); err == nil {
			t.Error("a frame went out after the close")
		}
	})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+address+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	rest, _ := io.ReadAll(in)
	if want := append([]byte{0x88, 5, 3, 0xe9}, "bye"...); !bytes.Equal(rest, want) {
		t.Errorf("the client was sent % x, want % x", rest, want)
	}
}

// TestWireGivesAWriteItsTime: a client who takes nothing holds a write only so long, and
// each write has at least half of the time.
func TestWireGivesAWriteItsTime(t *testing.T) {
	t.Parallel()
	server, client := net.Pipe()
	defer func() { _ = server.Close(); _ = client.Close() }()
	w := &timedConn{Conn: server, within: 100 * time.Millisecond}
	go func() { _, _ = io.CopyN(io.Discard, client, 2) }()
	for range 2 {
		if _, err := w.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Write([]byte("y")); err == nil {
		t.Error("a write that nobody takes succeeded")
	}
}

// BenchmarkDeflate is what permessage-deflate (RFC 7692) would cost for each socket that keeps a
// window of its own, and for all of them together when each message stands alone.
func BenchmarkDeflate(b *testing.B) {
	event := []byte(`{"type":"new_episode","event_id":"new_episode:9901:14","position":"k2f9kd0s1mzqa:104233","data":{"episode":14,"episode_name":"Дорога, которая никуда не ведёт","poster":"/storage/releases/posters/9901/aBcDeFgHiJkLmNoP__0123456789abcdef.webp","timestamp":"2026-07-01T12:00:00Z","title":"Фонарщик с улицы Цубаки","title_id":9901}}`)
	for _, level := range []int{flate.BestSpeed, flate.DefaultCompression} {
		b.Run(fmt.Sprint("level ", level), func(b *testing.B) {
			var out bytes.Buffer
			z, err := flate.NewWriter(&out, level)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				out.Reset()
				z.Reset(&out)
				_, _ = z.Write(event)
				_ = z.Flush()
			}
			b.ReportMetric(float64(out.Len())/float64(len(event)), "of-its-size")
		})
	}
	b.Run("none", func(b *testing.B) {
		var frame []byte
		for b.Loop() {
			frame = appendFrame(frame[:0], event)
		}
	})
}
