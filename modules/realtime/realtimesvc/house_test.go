package realtimesvc_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/realtime/realtimesvc"
	"anihub/modules/users"
	"anihub/platform/eventlog"
)

// house is a running room and what it stands on.
type house struct {
	*realtimesvc.Service
	log     *weatheredLog
	devices *followed
	users   *guests
	reg     *prometheus.Registry
	stop    func() // ends Run and waits for it
}

// open runs a room; change may adjust its configuration and what it is built from.
func open(t testing.TB, change ...func(*realtimesvc.Config, *realtimesvc.Deps)) *house {
	t.Helper()
	h := &house{
		log:     &weatheredLog{log: eventlog.NewMemory(10_000)},
		devices: &followed{Memory: eventlog.NewMemory(100), waiting: make(chan struct{})},
		users:   &guests{known: map[string]users.Validation{}},
		reg:     prometheus.NewRegistry(),
	}
	cfg := realtimesvc.DefaultConfig()
	cfg.Commands = 1000
	d := realtimesvc.Deps{Log: h.log, Users: h.users, Devices: h.devices, Logger: slog.New(slog.DiscardHandler), Registerer: h.reg}
	for _, f := range change {
		f(&cfg, &d)
	}
	s, err := realtimesvc.New(cfg, d)
	if err != nil {
		t.Fatal(err)
	}
	h.Service = s
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

// followed is a log that tells when somebody waits for what comes next.
type followed struct {
	*eventlog.Memory
	once    sync.Once
	waiting chan struct{}
}

func (f *followed) Wait(ctx context.Context, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	f.once.Do(func() { close(f.waiting) })
	return f.Memory.Wait(ctx, after, limit)
}

// guests is a users module that knows a few tokens.
type guests struct {
	mu     sync.Mutex
	known  map[string]users.Validation
	titles []int
	inbox  users.InboxPage
	asked  []string // whose inbox, from where
	err    error
	during func() // called inside Validate
}

// admit makes a token good for an hour.
func (g *guests) admit(token, user, session string) {
	g.put(token, users.Validation{
		Valid: true, UserID: user, SessionID: session, Roles: []string{users.RoleUser}, ExpiresAt: time.Now().Add(time.Hour),
	})
}

func (g *guests) put(token string, v users.Validation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known[token] = v
}

func (g *guests) Validate(_ context.Context, token string) (users.Validation, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.during != nil {
		g.during()
	}
	if v, ok := g.known[token]; ok {
		return v, g.err
	}
	return users.Validation{Reason: "malformed"}, g.err
}

func (g *guests) Subscriptions(context.Context, string) ([]users.Subscription, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var subs []users.Subscription
	for _, id := range g.titles {
		subs = append(subs, users.Subscription{TitleID: id})
	}
	return subs, g.err
}

func (g *guests) Notifications(_ context.Context, user string, q users.InboxQuery) (users.InboxPage, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, user+" after "+q.After)
	return g.inbox, g.err
}

// weatheredLog is a log that can be away or be exchanged for an empty one.
type weatheredLog struct {
	patient bool // Wait comes back only with news or when the log is exchanged

	mu    sync.Mutex
	log   *eventlog.Memory
	away  bool
	reads int
}

func (w *weatheredLog) now() (*eventlog.Memory, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away {
		return nil, eventlog.ErrUnavailable
	}
	return w.log, nil
}

// storm takes the log away until calm.
func (w *weatheredLog) storm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = true
}

func (w *weatheredLog) calm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = false
}

// flood exchanges the log for an empty one of another epoch.
func (w *weatheredLog) flood(retain int) {
	w.mu.Lock()
	old := w.log
	w.log = eventlog.NewMemory(retain)
	w.mu.Unlock()
	_ = old.Close()
}

func (w *weatheredLog) Append(ctx context.Context, e eventlog.Entry) (eventlog.Position, bool, error) {
	l, err := w.now()
	if err != nil {
		return eventlog.Position{}, false, err
	}
	return l.Append(ctx, e)
}

func (w *weatheredLog) Tail(ctx context.Context) (eventlog.Position, error) {
	l, err := w.now()
	if err != nil {
		return eventlog.Position{}, err
	}
	return l.Tail(ctx)
}

func (w *weatheredLog) Read(ctx context.Context, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	l, err := w.now()
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.reads++
	w.mu.Unlock()
	return l.Read(ctx, after, limit)
}

// Wait comes back now and then, as a log that blocks in Redis does, so that
// weather is noticed.
func (w *weatheredLog) Wait(ctx context.Context, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	l, err := w.now()
	if err != nil {
		return nil, err
	}
	if w.patient {
		return l.Wait(ctx, after, limit)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	records, err := l.Wait(short, after, limit)
	if err != nil && short.Err() != nil && ctx.Err() == nil {
		return nil, nil
	}
	return records, err
}

func (w *weatheredLog) Close() error { return nil }
