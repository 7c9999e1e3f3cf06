package v3_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/anilibriatest"
	v3 "anihub/platform/anilibria/v3"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// cable is a network in the process: a listener whose connections are pipes, so that
// real servers and clients meet in virtual time.
type cable struct {
	ends   chan net.Conn
	closed chan struct{}

	mu    sync.Mutex
	dials []time.Time
	down  error
}

func newCable() *cable {
	return &cable{ends: make(chan net.Conn), closed: make(chan struct{})}
}

func (c *cable) Accept() (net.Conn, error) {
	select {
	case end := <-c.ends:
		return end, nil
	case <-c.closed:
		return nil, net.ErrClosed
	}
}

func (c *cable) Close() error   { close(c.closed); return nil }
func (c *cable) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (c *cable) dial(context.Context, string, string) (net.Conn, error) {
	c.mu.Lock()
	c.dials = append(c.dials, time.Now())
	down := c.down
	c.mu.Unlock()
	if down != nil {
		return nil, down
	}
	mine, theirs := net.Pipe()
	c.ends <- theirs
	return mine, nil
}

// cut makes dialling fail until it is nil again.
func (c *cable) cut(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = err
}

func (c *cable) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.dials)
}

// bench is a socket, running, on a cable to the fake.
type bench struct {
	*v3.Socket
	fake     *anilibriatest.Server
	cable    *cable
	registry *prometheus.Registry
	logs     *bytes.Buffer
	ctx      context.Context
}

// wired runs a test in virtual time with a socket that is being run.
func wired(t *testing.T, test func(t *testing.T, b *bench), fault ...anilibriatest.SocketFault) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{fake: anilibriatest.New(anilibriatest.Catalogue()), cable: newCable(), registry: prometheus.NewRegistry(), logs: &bytes.Buffer{}}
		for _, f := range fault {
			b.fake.BreakSockets(f)
		}
		server := &http.Server{Handler: b.fake}
		c := anilibria.DefaultConfig()
		c.Driver, c.BaseURLs = anilibria.DriverV3, []string{"http://a.test/v3", "http://b.test/v3"}
		var err error
		log := slog.New(slog.NewTextHandler(b.logs, &slog.HandlerOptions{Level: slog.LevelInfo}))
		if b.Socket, err = v3.NewSocketOver(c, log, b.registry, &http.Transport{DialContext: b.cable.dial}); err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		group.Go(func() { _ = server.Serve(b.cable) })
		ctx, cancel := context.WithCancel(t.Context())
		b.ctx = ctx
		ran := make(chan error, 1)
		go func() { ran <- b.Run(ctx) }()
		test(t, b)
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		b.fake.DropSockets()
		_ = server.Close()
		group.Wait()
	})
}

// takes reads events until nothing more comes.
func (b *bench) takes(t *testing.T) (all []anilibria.Event) {
	t.Helper()
	for {
		synctest.Wait()
		ctx, cancel := context.WithTimeout(b.ctx, time.Millisecond)
		e, err := b.Next(ctx)
		cancel()
		if err != nil {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			return all
		}
		all = append(all, e)
	}
}

// expect compares what has come with what should have.
func (b *bench) expect(t *testing.T, want ...anilibria.Event) {
	t.Helper()
	if d := cmp.Diff(want, b.takes(t)); d != "" {
		t.Error(d)
	}
}

func (b *bench) count(t *testing.T, name string, labels ...string) (sum float64) {
	t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (len(labels) == 0 || m.GetLabel()[0].GetValue() == labels[0]) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func (b *bench) air(t *testing.T, id int) {
	t.Helper()
	if _, err := b.fake.AirEpisode(id); err != nil {
		t.Fatal(err)
	}
}
