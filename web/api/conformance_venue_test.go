package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"

	"anihub/modules/catalog/catalogtest"
	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimesvc"
	rt "anihub/modules/realtime/realtimetest"
	"anihub/modules/users"
	"anihub/modules/users/userssvc"
	"anihub/platform/auth"
	"anihub/platform/documents"
	"anihub/platform/eventlog"
	"anihub/platform/telemetry"
	"anihub/web/api"
)

// venue is what instances share: a log, and who is known.
type venue struct {
	t      *testing.T
	log    *changedLog
	users  *userssvc.Service
	guests int

	// Of the instances that open from now on.
	room    realtimesvc.Config
	surface api.Config
	writes  time.Duration
}

func newVenue(t *testing.T) *venue {
	t.Helper()
	v := &venue{t: t, log: &changedLog{log: eventlog.NewMemory(5000)}, room: realtimesvc.DefaultConfig(), writes: 5 * time.Second}
	store, err := documents.OpenSQLite(filepath.Join(t.TempDir(), "users.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	keys, err := auth.NewKeys(auth.NewKey([]byte(userSecret)))
	if err != nil {
		t.Fatal(err)
	}
	v.users, err = userssvc.New(userssvc.Config{LoginWindow: time.Minute}, userssvc.Deps{
		Documents: store, Tokens: auth.NewUsers(keys), Events: v.log, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
		Passwords: auth.NewPasswords(auth.PasswordConfig{MemoryKiB: 64, Iterations: 1, Parallelism: 1, AtOnce: 4, Queue: 100}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// guest is somebody new who wants to hear of these titles.
func (v *venue) guest(titles ...int) users.Session {
	v.t.Helper()
	v.guests++
	login := fmt.Sprintf("guest%d", v.guests)
	s, err := v.users.Register(v.t.Context(), users.Registration{Login: login, Email: login + "@example.org", Password: "a long password"})
	if err != nil {
		v.t.Fatal(err)
	}
	for _, id := range titles {
		if _, err := v.users.Subscribe(v.t.Context(), s.User.ID, id); err != nil {
			v.t.Fatal(err)
		}
	}
	return s
}

// instance is one process of a venue: the whole public surface over a real room, behind a
// listener of its own.
type instance struct {
	*realtimesvc.Service
	url string
	end func() // as a process that is asked to stop
}

func (v *venue) instance() *instance {
	v.t.Helper()
	room, err := realtimesvc.New(v.room, realtimesvc.Deps{
		Log: v.log, Users: v.users, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		v.t.Fatal(err)
	}
	a, err := api.New(v.surface, api.Deps{
		Catalog: catalogtest.NewFake(), Users: v.users, Realtime: room, Health: telemetry.NewHealth(), Log: slog.New(slog.DiscardHandler),
		Registry: prometheus.NewRegistry(), Tracer: noop.NewTracerProvider().Tracer(""), Version: "test", Started: time.Now(),
	})
	if err != nil {
		v.t.Fatal(err)
	}
	api.SetWriteTimeout(a, v.writes)
	handler, err := a.Handler(func(echo.Context) error { return echo.ErrNotFound })
	if err != nil {
		v.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	// Little room in the kernel, so that a viewer who does not read is felt soon.
	server.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		_ = conn.(*net.TCPConn).SetWriteBuffer(16 << 10)
		return ctx
	}
	server.Start()
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- room.Run(ctx) }()
	i := &instance{Service: room, url: server.URL}
	i.end = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), socketTime)
		defer cancel()
		if err := a.Drain(ctx); err != nil {
			v.t.Errorf("Drain: %v", err)
		}
		stop()
		if err := <-ran; err != nil {
			v.t.Errorf("Run: %v", err)
		}
		server.Close()
		a.Close()
	})
	v.t.Cleanup(i.end)
	return i
}

// tell publishes and waits until the instance has told.
func (i *instance) tell(t *testing.T, events ...realtime.Event) []realtime.Published {
	t.Helper()
	done := rt.Publish(t, i, events...)
	rt.WaitTail(t, i, done[len(done)-1].Position)
	return done
}

// changedLog can be exchanged for an empty one of another epoch.
type changedLog struct {
	mu  sync.Mutex
	log *eventlog.Memory
}

func (c *changedLog) now() *eventlog.Memory {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log
}

func (c *changedLog) change() {
	c.mu.Lock()
	old := c.log
	c.log = eventlog.NewMemory(5000)
	c.mu.Unlock()
	_ = old.Close() // who waits there looks again
}

func (c *changedLog) Append(ctx context.Context, e eventlog.Entry) (eventlog.Position, bool, error) {
	return c.now().Append(ctx, e)
}

func (c *changedLog) Tail(ctx context.Context) (eventlog.Position, error) { return c.now().Tail(ctx) }

func (c *changedLog) Read(ctx context.Context, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	return c.now().Read(ctx, after, limit)
}

func (c *changedLog) Wait(ctx context.Context, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	return c.now().Wait(ctx, after, limit)
}

func (c *changedLog) Close() error { return nil }
