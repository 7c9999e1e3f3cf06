// Package userssvc is the room of the users module: accounts, sessions, profiles
// and subscriptions, kept in the document store.
package userssvc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/users"
	"anihub/platform/auth"
	"anihub/platform/documents"
	"anihub/platform/eventlog"
	"anihub/platform/fault"
	"anihub/platform/lease"
)

// Config is modules.users. A limit of 0 is no limit.
type Config struct {
	LoginFailures           int           `yaml:"login_failures"`             // per account and login_window
	LoginFailuresPerAddress int           `yaml:"login_failures_per_address"` // per address and login_window
	LoginWindow             time.Duration `yaml:"login_window"`
	RegistrationsPerHour    int           `yaml:"registrations_per_hour"` // per address

	Webhooks WebhooksConfig `yaml:"webhooks"`
	Push     PushConfig     `yaml:"push"`
}

// DefaultConfig is what SPEC §1 asks for.
func DefaultConfig() Config {
	return Config{
		LoginFailures: 10, LoginFailuresPerAddress: 30, LoginWindow: 15 * time.Minute,
		RegistrationsPerHour: 10,
	}
}

// maxEvents bounds what the limiter remembers of one key.
const maxEvents = 10_000

// Validate names what cannot be, by its path.
func (c Config) Validate() error {
	var errs []error
	within := func(key string, n int) {
		if n < 0 || n > maxEvents {
			errs = append(errs, fmt.Errorf("%s: must be 0 (no limit) to %d, is %d", key, maxEvents, n))
		}
	}
	within("login_failures", c.LoginFailures)
	within("login_failures_per_address", c.LoginFailuresPerAddress)
	within("registrations_per_hour", c.RegistrationsPerHour)
	if c.LoginWindow < time.Second || c.LoginWindow > 24*time.Hour {
		errs = append(errs, fmt.Errorf("login_window: must be 1s to 24h, is %s", c.LoginWindow))
	}
	return errors.Join(append(errs, c.Push.validate())...)
}

// Events is the part of the event log that users need.
type Events interface {
	Append(ctx context.Context, e eventlog.Entry) (at eventlog.Position, duplicate bool, err error)
}

// Deps is what the room works with.
type Deps struct {
	Documents   documents.Store
	Tokens      *auth.Users
	Passwords   *auth.Passwords
	Events      Events
	Devices     Events       // to the user's other devices; nil = they are not told
	Limiter     Limiter      // shared with other instances, may fail; nil = within this process
	News        News         // nil = no inboxes
	Titles      Titles       // nil = every episode is good enough
	Leases      lease.Keeper // which process looks after webhooks and push; nil = each does
	Bell        eventlog.Log // rings when there is news; nil = they are asked for now and then
	Log         *slog.Logger
	Registerer  prometheus.Registerer
	Development bool // the first user to register becomes an admin
}

// Service implements users.Service.
type Service struct {
	deps Deps
	log  *slog.Logger

	belongings *belongings // what users own

	store   *store
	refresh refreshTokens
	limits  limits
	memo    *memo
	metrics *metrics

	news      *newsfeed
	qualities qualities

	worker   *worker // of the outlets
	webhooks *channel
	pushes   *channel
	vapid    *vapid
}

var _ users.Service = (*Service)(nil)

// New furnishes the room; it touches no store. It fails when the metrics are
// registered already.
func New(cfg Config, deps Deps) (*Service, error) {
	m, err := newMetrics(deps.Registerer)
	if err != nil {
		return nil, err
	}
	keys, err := deps.Tokens.Subkeys("refresh tokens")
	if err != nil {
		return nil, err
	}
	limiter := Limiter(NewMemoryLimiter())
	if deps.Limiter != nil {
		limiter = newFallback(deps.Limiter, m.alone, deps.Log)
	}
	kept := &belongings{Store: deps.Documents}
	deps.Documents = kept
	st := newStore(deps.Documents)
	return &Service{
		belongings: kept,
		deps:       deps, log: deps.Log, store: st, refresh: refreshTokens{keys},
		limits: limits{cfg, limiter}, memo: newMemo(), metrics: m,
		news: newNewsfeed(deps.News, deps.Log), worker: newWorker(),
		webhooks: webhookChannel(st.webhooks, cfg.Webhooks), pushes: pushChannel(st.pushes, cfg.Push),
		vapid: newVAPID(st.pushKeys, cfg.Push.Contact),
	}, nil
}

// How often Run looks for work. Ends that were not announced are the aftermath of a
// crash, of an event log that was down, or of a command of the operator that has no
// log; the sockets of an ended session close within this time.
const (
	announceEvery = time.Second
	expireEvery   = time.Hour
)

// Run finishes what a crash or a failing store left: ends of sessions that were not
// announced, accounts that changed with something left to end, sessions past their
// life. It returns when ctx ends.
func (s *Service) Run(ctx context.Context) error {
	defer s.tell(ctx)()
	announce := time.NewTicker(announceEvery)
	defer announce.Stop()
	expire := time.NewTicker(expireEvery)
	defer expire.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-announce.C:
			err = errors.Join(s.announceEnded(ctx), s.sweepAccounts(ctx))
		case <-expire.C:
			err = errors.Join(s.expireSessions(ctx), s.pruneNotices(ctx))
		}
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "sessions could not be tidied; trying again", "err", err)
		}
	}
}

// tell follows the news and tells of them until ctx ends; what it returns waits for it.
func (s *Service) tell(ctx context.Context) (wait func()) {
	var wg sync.WaitGroup
	wg.Go(func() { s.news.run(ctx, s.deps.Bell) })
	wg.Go(func() { s.runOutlets(ctx) })
	return wg.Wait
}

// observed is what every method of the door goes through: a caller who is gone
// costs nothing, failures leave in the door's words, and all is counted.
func observed[T any](ctx context.Context, s *Service, operation string, fn func() (T, error)) (T, error) {
	if err := ctx.Err(); err != nil {
		var none T
		return none, err
	}
	v, err := fn()
	err = outward(err)
	s.metrics.count(operation, err)
	return v, err
}

// outward says in the door's words what the floor below said in its own.
func outward(err error) error {
	var f *fault.Error
	switch {
	case !errors.As(err, &f):
		return err
	case f.Is(documents.ErrUnavailable), f.Is(eventlog.ErrUnavailable), f.Is(documents.ErrVersion):
		return users.ErrUnavailable.With(err).After(time.Second)
	case f.Is(auth.ErrBusy):
		return users.ErrBusy.With(err).After(time.Second)
	case f.Is(documents.ErrNotFound), f.Is(documents.ErrExists), f.Is(documents.ErrUnfit):
		return fault.ErrInternal.With(err) // each has a meaning where it arises
	}
	return err
}
