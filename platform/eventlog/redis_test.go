package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"anihub/platform/config"
	"anihub/platform/eventlog"
	"anihub/platform/eventlog/eventlogtest"
	"anihub/platform/fault"
	"anihub/platform/redisdb"
	"anihub/platform/redisdb/redistest"
)

const testRetain = 100

// slack: Redis trims a stream by whole nodes of up to 100 records.
const testSlack = 200

func redisLog(t testing.TB, client redis.UniversalClient, prefix string) *eventlog.Redis {
	t.Helper()
	cfg := eventlog.DefaultRedisConfig()
	cfg.Prefix, cfg.Retain, cfg.Block, cfg.Timeout = prefix, testRetain, 100*time.Millisecond, 5*time.Second
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	l := eventlog.NewRedis(client, cfg)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func redisContract(t *testing.T, client redis.UniversalClient) {
	var n atomic.Int64
	eventlogtest.Contract(t, eventlogtest.Target{
		Open: func(t testing.TB) eventlog.Log {
			return redisLog(t, client, "log"+strconv.FormatInt(n.Add(1), 10))
		},
		Retain: testRetain,
		Slack:  testSlack,
	})
}

func TestRedis(t *testing.T) {
	t.Parallel()
	redisContract(t, redistest.Start(t).Client())
}

func TestRedisCluster(t *testing.T) {
	t.Parallel()
	redisContract(t, redistest.StartCluster(t, 3).Client())
}

func add(t *testing.T, l eventlog.Log, ids ...string) eventlog.Position {
	t.Helper()
	var at eventlog.Position
	for _, id := range ids {
		p, duplicate, err := l.Append(t.Context(), eventlog.Entry{ID: id, Topic: "event", Data: []byte(id)})
		if err != nil || duplicate {
			t.Fatalf("append %s: duplicate %v, %v", id, duplicate, err)
		}
		at = p
	}
	return at
}

func numbered(from, to int) []string {
	var ids []string
	for i := from; i <= to; i++ {
		ids = append(ids, strconv.Itoa(i))
	}
	return ids
}

func tailOf(t *testing.T, l eventlog.Log) eventlog.Position {
	t.Helper()
	at, err := l.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func readIDs(t *testing.T, l eventlog.Log, after eventlog.Position) []string {
	t.Helper()
	records, err := l.Read(t.Context(), after, eventlog.MaxRead)
	if err != nil {
		t.Fatalf("read after %s: %v", after, err)
	}
	var ids []string
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids
}

// heals tries until Redis answers again; it is bounded by tries.
func heals(t *testing.T, f func() error) {
	t.Helper()
	var err error
	for range 300 {
		if err = f(); !errors.Is(err, eventlog.ErrUnavailable) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("did not heal: %v", err)
	}
}

func TestTwoProcessesSeeOneOrder(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	a, b := redisLog(t, s.Client(), "x"), redisLog(t, s.Client(), "x")
	start := tailOf(t, a)
	if got := tailOf(t, b); got != start {
		t.Fatalf("two epochs of one log: %s and %s", start, got)
	}
	done := make(chan []string, 2)
	for i, l := range []eventlog.Log{a, b} {
		go func() {
			for j := range 30 {
				_, _, err := l.Append(t.Context(), eventlog.Entry{ID: fmt.Sprintf("%d/%d", i, j), Topic: "event"})
				if err != nil {
					t.Error(err)
				}
			}
		}()
		go func() { done <- waitIDs(t, l, start, 60) }()
	}
	if diff := cmp.Diff(<-done, <-done); diff != "" {
		t.Fatal(diff)
	}
}

func waitIDs(t *testing.T, l eventlog.Log, after eventlog.Position, n int) []string {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var ids []string
	for len(ids) < n {
		records, err := l.Wait(ctx, after, 7)
		if err != nil {
			t.Errorf("wait after %s: %v", after, err)
			return ids
		}
		for _, r := range records {
			ids = append(ids, r.ID)
		}
		after = records[len(records)-1].Position
	}
	return ids
}

func TestRestartedEmpty(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	l := redisLog(t, s.Client(), "x")
	before := add(t, l, "a", "b", "c")
	waiting := make(chan error, 1)
	go func() {
		_, err := l.Wait(t.Context(), before, 1)
		waiting <- err
	}()
	s.Kill()
	if err := <-waiting; !errors.Is(err, eventlog.ErrUnavailable) {
		t.Fatalf("a waiter on a killed server: %v", err)
	}
	_, _, err := l.Append(t.Context(), eventlog.Entry{ID: "d", Topic: "event"})
	if !errors.Is(err, eventlog.ErrUnavailable) || fault.Of(err).Kind != fault.Unavailable {
		t.Fatalf("append to a killed server: %v", err)
	}
	s.Restart()
	var after eventlog.Position
	heals(t, func() (err error) { after, err = l.Tail(t.Context()); return err })
	if after.Epoch == before.Epoch || after.Offset != 0 {
		t.Fatalf("after the loss the tail is %s, was %s", after, before)
	}
	if _, err := l.Read(t.Context(), before, 1); !errors.Is(err, eventlog.ErrGap) {
		t.Fatalf("a lost position: %v", err)
	}
	if got := add(t, l, "a"); got.Offset != 1 {
		t.Fatalf("first record of the new epoch at %s", got)
	}
}

func TestRestartedWithAOF(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.AOF())
	l := redisLog(t, s.Client(), "x")
	start := tailOf(t, l)
	before := add(t, l, "a", "b", "c")
	s.Restart()
	heals(t, func() error { _, err := l.Tail(t.Context()); return err })
	if got := tailOf(t, l); got != before {
		t.Fatalf("tail %s, was %s", got, before)
	}
	if got := add(t, l, "d"); got != (eventlog.Position{Epoch: before.Epoch, Offset: 4}) {
		t.Fatalf("next record at %s", got)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d"}, readIDs(t, l, start)); diff != "" {
		t.Fatal(diff)
	}
	if at, duplicate, err := l.Append(t.Context(), eventlog.Entry{ID: "b", Topic: "event"}); err != nil || !duplicate || at.Offset != 2 {
		t.Fatalf("b again: %s, %v, %v", at, duplicate, err)
	}
}

// production opens the client with the short timeouts that production has.
func production(t *testing.T, s *redistest.Server) redis.UniversalClient {
	t.Helper()
	cfg := redisdb.DefaultConfig()
	cfg.URL = config.Secret(s.URL())
	c, err := redisdb.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// No clock is read: with a hang instead of an error these would not return.
func TestPaused(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	l := redisLog(t, production(t, s), "x")
	var at eventlog.Position
	heals(t, func() (err error) { at, err = l.Tail(t.Context()); return err })
	waiting := make(chan error, 1)
	go func() {
		_, err := l.Wait(t.Context(), at, 1)
		waiting <- err
	}()
	s.Pause()
	for name, call := range map[string]func() error{
		"append": func() error {
			_, _, err := l.Append(t.Context(), eventlog.Entry{ID: "a", Topic: "event"})
			return err
		},
		"tail":    func() error { _, err := l.Tail(t.Context()); return err },
		"read":    func() error { _, err := l.Read(t.Context(), at, 1); return err },
		"wait":    func() error { _, err := l.Wait(t.Context(), at, 1); return err },
		"waiting": func() error { return <-waiting },
	} {
		if err := call(); !errors.Is(err, eventlog.ErrUnavailable) {
			t.Errorf("%s on a paused server: %v", name, err)
		}
	}
	s.Resume()
	heals(t, func() error { _, err := l.Tail(t.Context()); return err })
	// The paused append may or may not have arrived: once it is in, it is in once.
	heals(t, func() error {
		_, _, err := l.Append(t.Context(), eventlog.Entry{ID: "a", Topic: "event"})
		return err
	})
	var ids []string
	heals(t, func() error {
		records, err := l.Read(t.Context(), at, 10)
		ids = nil
		for _, r := range records {
			ids = append(ids, r.ID)
		}
		return err
	})
	if diff := cmp.Diff([]string{"a"}, ids); diff != "" {
		t.Fatal(diff)
	}
}

func TestDownAtStart(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	s.Kill()
	l := redisLog(t, s.Client(), "x")
	if _, err := l.Tail(t.Context()); !errors.Is(err, eventlog.ErrUnavailable) {
		t.Fatal(err)
	}
	s.Restart()
	heals(t, func() error { _, err := l.Tail(t.Context()); return err })
}

// A full server refuses the write and changes nothing: no hole is left.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	l := redisLog(t, s.Client(), "x")
	start := tailOf(t, l)
	add(t, l, "a")
	s.Do("config", "set", "maxmemory", "1mb", "maxmemory-policy", "noeviction")
	_, _, err := l.Append(t.Context(), eventlog.Entry{ID: "b", Topic: "event"})
	if !errors.Is(err, eventlog.ErrUnavailable) {
		t.Fatalf("append to a full server: %v", err)
	}
	s.Do("config", "set", "maxmemory", "0")
	if got := add(t, l, "b"); got.Offset != 2 {
		t.Fatalf("b is at %s", got)
	}
	if diff := cmp.Diff([]string{"a", "b"}, readIDs(t, l, start)); diff != "" {
		t.Fatal(diff)
	}
}
