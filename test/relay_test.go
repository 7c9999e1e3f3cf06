package test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// relay passes connections on to a server, and can turn into a black hole: it goes
// on accepting and never answers.
type relay struct {
	listener net.Listener
	target   string
	from     net.Addr // where it dials from; nil = anywhere
	hole     atomic.Bool
	mu       sync.Mutex
	open     []net.Conn
}

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	return newRelayFrom(t, target, nil)
}

func newRelayFrom(t *testing.T, target string, from net.Addr) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, target: target, from: from}
	var wg sync.WaitGroup
	wg.Go(func() { r.serve(&wg) })
	t.Cleanup(func() { _ = l.Close(); r.cut(); wg.Wait() })
	return r
}

func (r *relay) addr() string { return r.listener.Addr().String() }

func (r *relay) serve(wg *sync.WaitGroup) {
	for {
		in, err := r.listener.Accept()
		if err != nil {
			return
		}
		out, err := (&net.Dialer{LocalAddr: r.from}).Dial("tcp", r.target)
		if err != nil {
			_ = in.Close()
			continue
		}
		r.mu.Lock()
		r.open = append(r.open, in, out)
		r.mu.Unlock()
		wg.Go(func() { r.carry(in, out) })
		wg.Go(func() { r.carry(out, in) })
	}
}

// carry takes everything and hands it on, unless the relay is a hole.
func (r *relay) carry(from, to net.Conn) {
	defer func() { _, _ = from.Close(), to.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if r.hole.Load() {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (r *relay) swallow() { r.hole.Store(true) }

// pass ends the hole. What was swallowed is gone, so those connections are cut.
func (r *relay) pass() {
	r.cut()
	r.hole.Store(false)
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.open {
		_ = c.Close()
	}
	r.open = nil
}
