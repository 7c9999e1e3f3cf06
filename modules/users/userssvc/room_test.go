package userssvc_test

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"anihub/modules/users"
	"anihub/modules/users/userssvc"
	"anihub/modules/users/userstest"
	"anihub/platform/auth"
	"anihub/platform/documents"
	"anihub/platform/documents/mongowiretest"
	"anihub/platform/eventlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a room with everything around it in the hands of a test.
type house struct {
	*userssvc.Service
	store   *store
	log     *log
	devices *log
	tokens  *auth.Users
	reg     *prometheus.Registry
	deps    userssvc.Deps
}

func cheap() auth.PasswordConfig {
	return auth.PasswordConfig{MemoryKiB: 64, Iterations: 1, Parallelism: 1, AtOnce: 4, Queue: 200}
}

func open(t testing.TB, change ...func(*userssvc.Config, *userssvc.Deps)) *house {
	t.Helper()
	sqlite, err := documents.OpenSQLite(filepath.Join(t.TempDir(), "users.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sqlite.Close(); err != nil {
			t.Error(err)
		}
	})
	return openOn(t, &store{Store: sqlite}, change...)
}

// opener makes a room on a store of its own.
type opener = func(t testing.TB, change ...func(*userssvc.Config, *userssvc.Deps)) *house

// onBoth runs a test of a room on each kind of store.
func onBoth(t *testing.T, test func(*testing.T, opener)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, open)
	})
	t.Run("MongoDB", func(t *testing.T) {
		t.Parallel()
		server := mongowiretest.Start(t)
		test(t, func(t testing.TB, change ...func(*userssvc.Config, *userssvc.Deps)) *house {
			return openOn(t, &store{Store: server.Open(t)}, change...)
		})
	})
}

// openOn furnishes another room on the same store, as another instance would.
func openOn(t testing.TB, s *store, change ...func(*userssvc.Config, *userssvc.Deps)) *house {
	t.Helper()
	keys, err := auth.NewKeys(auth.NewKey([]byte("qK3v9ZpXw7Lr2TnB8sYdHfJc5MgAeUoQ")))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{store: s, log: &log{}, devices: &log{}, tokens: auth.NewUsers(keys), reg: prometheus.NewRegistry()}
	cfg := userssvc.DefaultConfig()
	h.deps = userssvc.Deps{
		Documents: s, Tokens: h.tokens, Passwords: auth.NewPasswords(cheap()), Events: h.log, Devices: h.devices,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Registerer: h.reg,
	}
	for _, c := range change {
		c(&cfg, &h.deps)
	}
	if h.Service, err = userssvc.New(cfg, h.deps); err != nil {
		t.Fatal(err)
	}
	return h
}

// log is an event log that can be dead.
type log struct {
	mu      sync.Mutex
	dead    bool
	entries []eventlog.Entry
}

func (l *log) Append(_ context.Context, e eventlog.Entry) (eventlog.Position, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return eventlog.Position{}, false, eventlog.ErrUnavailable
	}
	for _, old := range l.entries {
		if old.ID == e.ID {
			return eventlog.Position{}, true, nil
		}
	}
	l.entries = append(l.entries, e)
	return eventlog.Position{Epoch: "e", Offset: uint64(len(l.entries))}, false, nil
}

func (l *log) kill(dead bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = dead
}

// expect compares what the log got with "topic data".
func (l *log) expect(t *testing.T, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var got []string
	for _, e := range l.entries {
		got = append(got, e.Topic+" "+string(e.Data))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

type ended struct {
	User    string `json:"user_id"`
	Session string `json:"session_id"`
	Reason  string `json:"reason"`
}

// ended is what the log says about sessions, in order.
func (l *log) ended(t *testing.T) []ended {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []ended
	for _, e := range l.entries {
		var x ended
		if err := json.Unmarshal(e.Data, &x); err != nil || e.Topic != users.SessionTopic {
			t.Fatalf("entry %+v: %v", e, err)
		}
		all = append(all, x)
	}
	return all
}

// store is a document store that can be down, and counts what it is asked.
type store struct {
	documents.Store
	down      atomic.Bool
	asked     atomic.Int64
	scanned   atomic.Int64           // questions for all outlets
	written   atomic.Int64           // inserts and replacements that succeeded
	specs     sync.Map               // name → documents.Spec
	fatal     atomic.Value           // what takes the store down once it is done: "users Replace"
	meanwhile atomic.Pointer[func()] // what happens right before the next Replace
}

// downAfter takes the store down right after the next such operation succeeded.
func (s *store) downAfter(collection, operation string) { s.fatal.Store(collection + " " + operation) }

func (s *store) did(collection, operation string) {
	if s.fatal.CompareAndSwap(collection+" "+operation, "") {
		s.down.Store(true)
	}
}

// raw is a collection that the room declared, past the faults and counts.
func (s *store) raw(t *testing.T, name string) documents.Collection {
	t.Helper()
	spec, ok := s.specs.Load(name)
	if !ok {
		t.Fatalf("the room has no collection %s", name)
	}
	return s.Store.Collection(spec.(documents.Spec))
}

func (s *store) Collection(spec documents.Spec) documents.Collection {
	s.specs.Store(spec.Name, spec)
	return &collection{s.Store.Collection(spec), s, spec.Name}
}

func (s *store) ask() error {
	s.asked.Add(1)
	if s.down.Load() {
		return documents.ErrUnavailable
	}
	return nil
}

// wrote counts what was written.
func (s *store) wrote(err error) error {
	if err == nil {
		s.written.Add(1)
	}
	return err
}

type collection struct {
	documents.Collection
	store *store
	name  string
}

func (c *collection) Get(ctx context.Context, id string, into any) (int64, error) {
	if err := c.store.ask(); err != nil {
		return 0, err
	}
	return c.Collection.Get(ctx, id, into)
}

func (c *collection) Insert(ctx context.Context, id string, doc any) error {
	if err := c.store.ask(); err != nil {
		return err
	}
	err := c.store.wrote(c.Collection.Insert(ctx, id, doc))
	if err == nil {
		c.store.did(c.name, "Insert")
	}
	return err
}

func (c *collection) Replace(ctx context.Context, id string, version int64, doc any) error {
	if err := c.store.ask(); err != nil {
		return err
	}
	if f := c.store.meanwhile.Swap(nil); f != nil {
		(*f)()
	}
	err := c.store.wrote(c.Collection.Replace(ctx, id, version, doc))
	if err == nil {
		c.store.did(c.name, "Replace")
	}
	return err
}

func (c *collection) Delete(ctx context.Context, id string) error {
	if err := c.store.ask(); err != nil {
		return err
	}
	return c.Collection.Delete(ctx, id)
}

func (c *collection) Find(ctx context.Context, field string, value any) iter.Seq2[documents.Document, error] {
	if err := c.store.ask(); err != nil {
		return func(yield func(documents.Document, error) bool) { yield(documents.Document{}, err) }
	}
	return c.Collection.Find(ctx, field, value)
}

func (c *collection) Scan(ctx context.Context, s documents.Scan) iter.Seq2[documents.Document, error] {
	if c.name == "webhooks" || c.name == "pushes" {
		c.store.scanned.Add(1)
	}
	if err := c.store.ask(); err != nil {
		return func(yield func(documents.Document, error) bool) { yield(documents.Document{}, err) }
	}
	return c.Collection.Scan(ctx, s)
}

func TestContract(t *testing.T) {
	t.Parallel()
	userstest.Contract(t, func(t *testing.T) users.Service { return open(t) })
}

func TestContractOverMongo(t *testing.T) {
	t.Parallel()
	server := mongowiretest.Start(t)
	userstest.Contract(t, func(t *testing.T) users.Service {
		return openOn(t, &store{Store: server.Open(t)})
	})
}

const password = "correct horse 7"

func from(address string) users.Client { return users.Client{Address: address, UserAgent: "test/1"} }

func signUp(t testing.TB, s users.Service, login string) users.Session {
	t.Helper()
	out, err := s.Register(context.Background(), users.Registration{
		Login: login, Email: login + "@example.org", Password: password, Client: from("192.0.2.1"),
	})
	if err != nil {
		t.Fatalf("register %s: %v", login, err)
	}
	return out
}

func signIn(s users.Service, who, pass, address string) error {
	_, err := s.Login(context.Background(), users.Credentials{Login: who, Password: pass, Client: from(address)})
	return err
}
