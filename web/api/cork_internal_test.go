package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/labstack/echo/v4"
)

// counting is a listener that counts what its connections write.
type counting struct {
	net.Listener
	writes atomic.Int64
}

func (l *counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &countingConn{c, l}, err
}

type countingConn struct {
	net.Conn
	l *counting
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.l.writes.Add(1)
	return c.Conn.Write(p)
}

// TestAnAnswerGoesOutInOnePiece, whatever its size, and as it would without that.
func TestAnAnswerGoesOutInOnePiece(t *testing.T) {
	t.Parallel()
	bodies := map[string]*encoded{}
	for _, n := range []int{1, 2000, corkFrom - 1, corkFrom, 4096, 5000, 8198, 300_000} {
		doc := document{"text/plain", variesAlways, bytes.Repeat([]byte("x"), n)}
		bodies[fmt.Sprintf("/%d", n)] = &encoded{identity: newBody(doc.bytes), etag: `"e"`}
	}
	e := echo.New()
	e.GET("/*", func(c echo.Context) error { return send(c, bodies[c.Request().URL.Path], "x:1") })
	l := &counting{}
	server := httptest.NewUnstartedServer(e)
	l.Listener, server.Listener = server.Listener, Corked(l)
	server.Config.ConnContext = ConnContext
	server.Start()
	t.Cleanup(server.Close)
	for path, want := range bodies {
		for range 2 { // the connection is used again
			before := l.writes.Load()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || !bytes.Equal(got, want.identity.bytes) || resp.ContentLength != int64(len(got)) {
				t.Errorf("%s: %d bytes of %d, %v", path, len(got), len(want.identity.bytes), err)
			}
			if n := l.writes.Load() - before; n != 1 {
				t.Errorf("%s went out in %d pieces", path, n)
			}
		}
	}
}

// TestACorkIsReleased once, and where there is no connection of ours there is none.
func TestACorkIsReleased(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	defer func() { _ = ours.Close() }()
	heard := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(theirs)
		heard <- string(all)
	}()
	ctx := ConnContext(t.Context(), &corked{Conn: ours})
	release, ok := cork(ctx)
	if !ok {
		t.Fatal("no cork")
	}
	if _, ok := cork(ctx); ok {
		t.Error("a second cork in the same connection")
	}
	c, _ := ctx.Value(corkKey{}).(*corked)
	for _, part := range []string{"one ", "two "} {
		if n, err := c.Write([]byte(part)); n != len(part) || err != nil {
			t.Error(n, err)
		}
	}
	release()
	_, _ = c.Write([]byte("three"))
	_ = ours.Close()
	if got := <-heard; got != "one two three" {
		t.Errorf("heard %q", got)
	}
	for _, ctx := range []context.Context{context.Background(), ConnContext(t.Context(), theirs)} {
		if _, ok := cork(ctx); ok {
			t.Error("a cork in a connection that has none")
		}
	}
}
