// Package realtimesvc is the room of realtime: it puts events on the log, follows
// the log, and holds the conversations with viewers (docs/realtime.md is their
// protocol).
//
// One goroutine, Run, follows the log and pushes each event into the queues of
// those who subscribed; an event is encoded once and its bytes are shared. Push
// never waits: a full queue ends its conversation. Everything else happens in the
// calls of the transport: Receive checks commands and leaves those that change
// subscriptions to Next, and Next hands out the queue or, for a viewer who missed
// something, reads the log page by page as the viewer takes it.
package realtimesvc

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/realtime"
	"anihub/modules/users"
	"anihub/platform/documents"
	"anihub/platform/eventlog"
	"anihub/platform/fault"
	"anihub/platform/lease"
)

// Users is what realtime asks of the users module.
type Users interface {
	// Validate tells what an access token is worth now.
	Validate(ctx context.Context, token string) (users.Validation, error)
	// Subscriptions are the titles the user wants to be told about, newest first.
	Subscriptions(ctx context.Context, userID string) ([]users.Subscription, error)
	// Notifications are a page of the user's inbox.
	Notifications(ctx context.Context, userID string, q users.InboxQuery) (users.InboxPage, error)
}

// Titles fills in what an event came without.
type Titles interface {
	// Lookup returns what a title is called and its poster; ok is false when it is
	// not known.
	Lookup(ctx context.Context, id int) (title, poster string, ok bool)
}

// Publisher sends to consumers outside of AniHub, at most once.
type Publisher interface {
	Publish(ctx context.Context, channel string, payload []byte) error
}

// Deps is what the room is built from.
type Deps struct {
	Log        eventlog.Log
	Users      Users           // nil: nobody can sign in
	Titles     Titles          // nil: events are told as they come
	Publisher  Publisher       // nil: nobody outside is told
	Fleet      Fleet           // nil: this process is alone
	Devices    eventlog.Log    // what users' devices tell each other; nil = nothing
	Documents  documents.Store // nil: events are kept by the log alone, and there is no History
	Leases     lease.Keeper    // nil: each process prunes the history for itself
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Service implements realtime.Service.
type Service struct {
	cfg       Config
	log       eventlog.Log
	users     Users
	titles    Titles
	publisher Publisher
	fleet     Fleet
	devices   eventlog.Log
	elsewhere atomic.Pointer[[]map[int]int] // who is subscribed to what in other instances, as the fleet told last
	logger    *slog.Logger
	metrics   *metrics
	hub       *hub
	history   *history // nil = none
	leases    lease.Keeper

	running        atomic.Bool
	open           atomic.Int64
	subscriptions  atomic.Int64
	delivered      atomic.Int64
	dropped        atomic.Int64
	announceFailed sync.Once
}

var _ realtime.Service = (*Service)(nil)

// New builds the room. It serves once Run runs.
func New(cfg Config, d Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if d.Log == nil || d.Logger == nil || d.Registerer == nil {
		return nil, errors.New("realtimesvc: a log, a logger and a registerer are needed")
	}
	m, err := newMetrics(d.Registerer)
	if err != nil {
		return nil, err
	}
	if d.Fleet == nil {
		d.Fleet = &alone{}
	}
	m.instances.Set(1)
	return &Service{
		cfg: cfg, log: d.Log, users: d.Users, titles: d.Titles, publisher: d.Publisher,
		fleet: d.Fleet, devices: d.Devices, logger: d.Logger.With("component", "realtime"), metrics: m, hub: newHub(),
		history: newHistory(d.Documents), leases: d.Leases,
	}, nil
}

// readyTime is how long Open waits for a process that has just started to learn
// where the log ends.
const readyTime = 2 * time.Second

// Open implements realtime.Service.
func (s *Service) Open(ctx context.Context, _ realtime.Client) (realtime.Conversation, error) {
	if err := s.waitReady(ctx); err != nil {
		return nil, err
	}
	c := &conversation{s: s, session: rand.Text(), wake: make(chan struct{}, 1), log: reader{s: s}}
	if !s.hub.join(c) {
		return nil, realtime.ErrUnavailable.Because("shutting down").After(time.Second)
	}
	s.open.Add(1)
	s.metrics.connections.Inc()
	c.begin()
	return c, nil
}

// begin places the conversation, which the hub can see already, where the hub is.
func (c *conversation) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.s.hub.at()
	c.era, c.cursor = now.era, now.telling
	c.enqueue(c.s.cfg.hello(c.session, now))
	if !c.s.cfg.Anonymous {
		c.setTimerLocked(firstAuthTime)
	}
}

func (s *Service) waitReady(ctx context.Context) error {
	select {
	case <-s.hub.ready:
		return nil
	default:
	}
	t := time.NewTimer(readyTime)
	defer t.Stop()
	select {
	case <-s.hub.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return realtime.ErrUnavailable.Because("the event log was not read yet").After(readyTime)
	}
}

// Tail implements realtime.Service.
func (s *Service) Tail(ctx context.Context) (string, error) {
	if err := s.waitReady(ctx); err != nil {
		return "", err
	}
	p := s.hub.at()
	return p.position(p.told), nil
}

// Stats implements realtime.Service.
func (s *Service) Stats(ctx context.Context) (realtime.Stats, error) {
	now := s.hub.at()
	st := realtime.Stats{
		Connections:   int(s.open.Load()),
		Subscriptions: int(s.subscriptions.Load()),
		Delivered:     s.delivered.Load(),
		Dropped:       s.dropped.Load(),
		LagRecords:    -1,
	}
	if now.era > 0 {
		st.Position = now.position(now.told)
	}
	// Stats are asked for when something is wrong: they must not fail because of it.
	if tail, err := s.log.Tail(ctx); err == nil && tail.Epoch == now.epoch && tail.Offset >= now.told {
		st.LagRecords = int64(tail.Offset - now.told) //nolint:gosec // a log of 2^63 records does not exist
	}
	return st, ctx.Err()
}

// subscribed counts subscriptions that came or went.
func (s *Service) subscribed(n int) {
	s.subscriptions.Add(int64(n))
	s.metrics.subscriptions.Add(float64(n))
}

// unavailable is a failure of the log in the words of the door.
func unavailable(err error) error {
	if errors.Is(err, eventlog.ErrUnavailable) {
		f := fault.Of(err)
		return realtime.ErrUnavailable.With(err).After(f.RetryAfter)
	}
	return err
}
