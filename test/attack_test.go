package test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestHostileSockets: what no library would send, and what no decent client would, gets
// the documented end; it costs the witness nothing and leaves nothing behind.
func TestHostileSockets(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, slim(4))
	p := start(t, []string{"serve"}, append(u.quiet(), "ANIHUB_MODULES_REALTIME_PING=1s", "ANIHUB_MODULES_REALTIME_PONG=1s")...)
	p.holds(4)
	witness := newSwarm(t, p)
	witness.join(1, func(int) []int { return []int{light} })
	eventually(t, "one socket is open", func() bool { return p.metric("websocket_open") == 1 })
	calm := p.metric("go_goroutines")

	t.Run("attacks", func(t *testing.T) { attack(t, p) })

	witness.publish(light, 1, "{}")
	witness.judge()
	if n := witness.returns.Load(); n != 0 {
		t.Errorf("the witness was cut off %d times", n)
	}
	// A few more may be at work on something else at any moment.
	eventually(t, fmt.Sprintf("as few goroutines as before, %v", calm), func() bool {
		browser().CloseIdleConnections()
		return p.metric("websocket_open") == 1 && p.metric("go_goroutines") <= calm+10
	})
	if strings.Contains(p.out.String(), "panic") {
		t.Error("there was a panic")
	}
}

func attack(t *testing.T, p *process) {
	t.Helper()
	for name, c := range map[string]struct {
		do   func(s *rawSocket) error
		code int
	}{
		"reserved bit, as a compressed bomb has it": {raw(bitFin|bitRSV1|opText, bytes.Repeat([]byte{0}, 1000)), 1002},
		"unknown opcode":           {raw(bitFin|3, nil), 1002},
		"continuation of nothing":  {raw(bitFin|opContinuation, []byte("x")), 1002},
		"binary":                   {raw(bitFin|opBinary, []byte(`{"type":"ping"}`)), 1003},
		"not UTF-8":                {raw(bitFin|opText, []byte("{\"type\":\"\xff\"}")), 1007},
		"oversized":                {raw(bitFin|opText, bytes.Repeat([]byte("x"), 65<<10)), 1009},
		"oversized in pieces":      {pieces, 1009},
		"unmasked":                 {bare, 1002},
		"flood of subscriptions":   {flood, 4029},
		"silence: no pong":         {func(*rawSocket) error { return nil }, 0},
		"half of a frame, no more": {func(s *rawSocket) error { _, err := s.conn.Write([]byte{0x81}); return err }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := dialRaw(t.Context(), p.url)
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			go func() { _ = c.do(s) }() // the server may hang up in the midst of it
			if err := s.lastWord(c.code == 0); !closedWith(err, c.code) {
				t.Errorf("ended with %v, want %d", err, c.code)
			}
		})
	}
	t.Run("thousands of pings", func(t *testing.T) {
		t.Parallel()
		s, err := dialRaw(t.Context(), p.url)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		go func() {
			for range 5000 {
				_ = s.write(bitFin|opPing, []byte("are you there"))
			}
			_ = s.say(`{"type":"ping","id":1}`)
		}()
		for {
			if frame, err := s.read(); err != nil || bytes.Contains(frame, []byte(`"pong","id":1`)) {
				if err != nil {
					t.Error(err)
				}
				return
			}
		}
	})
	t.Run("another site", func(t *testing.T) {
		t.Parallel()
		if _, err := dialRaw(t.Context(), p.url, "Origin: https://evil.example"); err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("a page of another site: %v", err)
		}
		s, err := dialRaw(t.Context(), p.url, "Origin: "+p.url)
		if err != nil {
			t.Fatalf("a page of this one: %v", err)
		}
		s.close()
	})
}

func raw(first byte, payload []byte) func(*rawSocket) error {
	return func(s *rawSocket) error { return s.write(first, payload) }
}

func bare(s *rawSocket) error {
	_, err := s.conn.Write(append([]byte{bitFin | opText, 15}, `{"type":"ping"}`...))
	return err
}

func pieces(s *rawSocket) error {
	piece, first := bytes.Repeat([]byte("x"), 1000), byte(opText)
	for range 100 {
		if err := s.write(first, piece); err != nil {
			return err
		}
		first = opContinuation
	}
	return nil
}

func flood(s *rawSocket) error {
	for i := range 100_000 {
		if err := s.say(fmt.Sprintf(`{"type":"subscribe_title","data":{"title_id":%d}}`, i+1)); err != nil {
			return err
		}
	}
	return nil
}

// lastWord reads until the socket ends; a mute one answers no pings.
func (s *rawSocket) lastWord(mute bool) error {
	_ = s.conn.SetReadDeadline(time.Now().Add(patience))
	for {
		var err error
		if mute {
			_, _, err = s.frame()
		} else {
			_, err = s.read()
		}
		if err != nil {
			return err
		}
	}
}

// closedWith tells whether a socket ended with a code; 0 = it was cut.
func closedWith(err error, code int) bool {
	var c closedError
	if code == 0 {
		return errors.Is(err, io.EOF) || err != nil && strings.Contains(err.Error(), "reset")
	}
	return errors.As(err, &c) && c.code == code
}

// TestATokenInTheAddressIsWorthNothing, and stands in no log.
func TestATokenInTheAddressIsWorthNothing(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, slim(4))
	p := start(t, []string{"serve"}, append(u.quiet(), "ANIHUB_PLATFORM_LOG_LEVEL=debug")...)
	token := p.account("mira")
	for _, path := range []string{socketPath + "?token=" + token, socketPath + "?access_token=" + token} {
		s, err := dialRawAt(t.Context(), p.url, path)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.say(`{"type":"ping"}`); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"hello"`, `"pong"`} { // and no auth_ok between them
			if frame, err := s.read(); err != nil || !bytes.Contains(frame, []byte(want)) {
				t.Errorf("%s, %v; want %s", frame, err, want)
			}
		}
		s.close()
	}
	if status, _, text := ask(t, http.MethodGet, p.url+"/api/auth/me?token="+token, "", ""); status != 401 {
		t.Errorf("a token in the address of a request: %d %s", status, text)
	}
	if _, middle, _ := strings.Cut(token, "."); strings.Contains(p.out.String(), middle[:40]) {
		t.Error("the token stands in the log")
	}
}
