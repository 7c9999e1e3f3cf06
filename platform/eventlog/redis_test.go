package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

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
	cfg.URL = s.URL()
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

// FLUSHALL under a blocked waiter: it learns that its epoch is gone, also when the
// new one has come as far as the old one was.
func TestFlushedWhileWaiting(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	cfg := eventlog.DefaultRedisConfig()
	cfg.Prefix, cfg.Block, cfg.Timeout = "x", 2*time.Second, 5*time.Second
	l, other := eventlog.NewRedis(s.Client(), cfg), redisLog(t, s.Client(), "x")
	t.Cleanup(func() { _ = l.Close() })
	at := add(t, l, numbered(1, 50)...)
	waiting := make(chan error, 1)
	go func() {
		_, err := l.Wait(t.Context(), at, 1)
		waiting <- err
	}()
	blocked(t, s)
	s.Do("flushall")
	add(t, other, numbered(51, 100)...)
	if err := <-waiting; !errors.Is(err, eventlog.ErrGap) {
		t.Fatalf("the waiter got %v", err)
	}
}

// A log that is set back and then left alone has nothing new to wake a waiter.
func TestRewoundWhileWaiting(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	l := redisLog(t, s.Client(), "x")
	add(t, l, "a")
	old := snapshot(t, s, "x")
	at := add(t, l, "b")
	waiting := make(chan error, 1)
	go func() {
		_, err := l.Wait(t.Context(), at, 1)
		waiting <- err
	}()
	blocked(t, s)
	restore(s, old)
	if err := <-waiting; !errors.Is(err, eventlog.ErrGap) {
		t.Fatalf("the waiter got %v", err)
	}
}

// A thousand of the largest records would be 250 MB in one answer.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	l := redisLog(t, s.Client(), "x")
	start := tailOf(t, l)
	for _, id := range numbered(1, 20) {
		e := eventlog.Entry{ID: id, Topic: "event", Data: make([]byte, 200<<10)}
		if _, _, err := l.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(readIDs(t, l, start)); got != 6 { // the sixth is what passes 1 MiB
		t.Fatalf("%d records of 200 KiB in one answer", got)
	}
}

// blocked waits until a client sits in a blocking command.
func blocked(t *testing.T, s *redistest.Server) {
	t.Helper()
	for range 1000 {
		if info, _ := s.Do("info", "clients").(string); strings.Contains(info, "blocked_clients:1") {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("nobody listens")
}

// snapshot copies the keys of a log, restore puts them back: what an older
// snapshot or a replica that was behind does.
func snapshot(t *testing.T, s *redistest.Server, prefix string) map[string]string {
	t.Helper()
	dump := map[string]string{}
	for _, key := range []string{"meta", "records", "ids"} {
		key = "{" + prefix + ":log}:" + key
		dump[key], _ = s.Do("dump", key).(string)
	}
	return dump
}

func restore(s *redistest.Server, dump map[string]string) {
	for key, value := range dump {
		s.Do("restore", key, 0, value, "replace")
	}
}

func TestRewoundServerBeginsAnEpoch(t *testing.T) {
	t.Parallel()
	for name, touch := range map[string]func(t *testing.T, l eventlog.Log, at eventlog.Position){
		"by tail": func(t *testing.T, l eventlog.Log, _ eventlog.Position) { tailOf(t, l) },
		"by append": func(t *testing.T, l eventlog.Log, at eventlog.Position) {
			if got := add(t, l, "x"); got.Epoch == at.Epoch || got.Offset != 1 {
				t.Fatalf("appended at %s to a rewound log, had seen %s", got, at)
			}
		},
		"by read": func(t *testing.T, l eventlog.Log, at eventlog.Position) {
			if _, err := l.Read(t.Context(), at, 1); !errors.Is(err, eventlog.ErrGap) {
				t.Fatal(err)
			}
		},
		"by wait": func(t *testing.T, l eventlog.Log, at eventlog.Position) {
			if _, err := l.Wait(t.Context(), at, 1); !errors.Is(err, eventlog.ErrGap) {
				t.Fatal(err)
			}
		},
		// Somebody who had not seen the lost records wrote over their offsets.
		"overtaken": func(t *testing.T, l eventlog.Log, at eventlog.Position) {
			if _, err := l.Read(t.Context(), at, 1); !errors.Is(err, eventlog.ErrGap) {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t)
			l, other := redisLog(t, s.Client(), "x"), redisLog(t, s.Client(), "x")
			add(t, l, "a", "b")
			old := snapshot(t, s, "x")
			at := add(t, l, "c", "d")
			restore(s, old)
			if name == "overtaken" {
				add(t, other, "e", "f", "g")
			}
			touch(t, l, at)
			now := tailOf(t, l)
			if now.Epoch == at.Epoch {
				t.Fatalf("still the epoch %s, although %s meant another record", now.Epoch, at)
			}
			if _, err := other.Read(t.Context(), at, 1); !errors.Is(err, eventlog.ErrGap) {
				t.Fatalf("the other process: %v", err)
			}
			// What the server knows was appended stays known; what it lost does not.
			p, duplicate, err := other.Append(t.Context(), eventlog.Entry{ID: "a", Topic: "event"})
			if err != nil || !duplicate || p != (eventlog.Position{Epoch: now.Epoch}) {
				t.Fatalf("a again: %s, %v, %v", p, duplicate, err)
			}
			add(t, l, "d")
		})
	}
}

// Ids from a lost epoch are forgotten like all others.
func TestIDsOfALostEpochAreForgotten(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	l := redisLog(t, s.Client(), "x")
	add(t, l, "a")
	old := snapshot(t, s, "x")
	add(t, l, "b")
	restore(s, old)
	add(t, l, numbered(1, testRetain+1)...)
	add(t, l, "a")
}

// Two processes with different settings of Retain must not take each other's
// forgetting for a loss.
func TestMixedRetain(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	big := redisLog(t, s.Client(), "x")
	cfg := eventlog.DefaultRedisConfig()
	cfg.Prefix, cfg.Retain, cfg.Timeout = "x", 10, 5*time.Second
	small := eventlog.NewRedis(s.Client(), cfg)
	at := add(t, big, "a")
	add(t, small, numbered(1, 30)...)
	if got := tailOf(t, big); got.Epoch != at.Epoch || got.Offset != 31 {
		t.Fatalf("tail %s, first record at %s", got, at)
	}
}

func TestEvictedStreamIsAGap(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	l := redisLog(t, s.Client(), "x")
	start := tailOf(t, l)
	at := add(t, l, "a", "b")
	s.Do("del", "{x:log}:records")
	if _, err := l.Read(t.Context(), start, 1); !errors.Is(err, eventlog.ErrGap) {
		t.Fatal(err)
	}
	next := add(t, l, "c")
	if got := readIDs(t, l, at); next.Offset != 3 || len(got) != 1 || got[0] != "c" {
		t.Fatalf("after the loss: %s, %q", next, got)
	}
}

// Whatever else writes to the keys, the log answers with an error, not a panic.
func TestForeignKeys(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	for i, spoil := range [][]any{
		{"set", "{p%d:log}:meta", "garbage"},
		{"set", "{p%d:log}:records", "garbage"},
		{"set", "{p%d:log}:ids", "garbage"},
		{"hset", "{p%d:log}:meta", "epoch", "UPPER:case", "gen", "5", "offset", "2", "floor", "0"},
		{"hset", "{p%d:log}:meta", "epoch", "e", "gen", "x", "offset", "y"},
		{"xadd", "{p%d:log}:records", "99999999999999-1", "k", "v"},
	} {
		prefix := "p" + strconv.Itoa(i)
		spoil[1] = strings.Replace(spoil[1].(string), "p%d", prefix, 1)
		s.Do(spoil...)
		l := redisLog(t, s.Client(), prefix)
		_, err := l.Tail(t.Context())
		_, _, err2 := l.Append(t.Context(), eventlog.Entry{ID: "a", Topic: "event"})
		_, err3 := l.Read(t.Context(), eventlog.Position{}, 1)
		for _, err := range []error{err, err2, err3} {
			if err != nil && !errors.Is(err, eventlog.ErrUnavailable) && !errors.Is(err, eventlog.ErrGap) {
				t.Errorf("%v: %v", spoil, err)
			}
		}
	}
	// A record that is not ours, in the place of one that is.
	l := redisLog(t, s.Client(), "q")
	start := tailOf(t, l)
	add(t, l, "a")
	s.Do("del", "{q:log}:records")
	gen := s.Do("hget", "{q:log}:meta", "gen")
	s.Do("xadd", "{q:log}:records", fmt.Sprint(gen, "-1"), "e", "x", "surprise", "y")
	if _, err := l.Read(t.Context(), start, 1); !errors.Is(err, eventlog.ErrUnavailable) {
		t.Errorf("a foreign record: %v", err)
	}
}

func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinel(t)
	l := redisLog(t, s.Client(), "x")
	start := tailOf(t, l)
	before := add(t, l, numbered(1, 20)...)
	s.Replica.Do("replicaof", "127.0.0.1", "1") // from here on it misses everything
	lost := add(t, l, "lost1", "lost2")
	s.Replica.Do("replicaof", "no", "one")
	s.Master.Kill()
	var now eventlog.Position
	heals(t, func() (err error) { now, err = l.Tail(t.Context()); return err })
	if now.Epoch == before.Epoch {
		t.Fatalf("promoted behind %s and still the same epoch: %s", lost, now)
	}
	if _, err := l.Read(t.Context(), start, 1); !errors.Is(err, eventlog.ErrGap) {
		t.Fatal(err)
	}
	add(t, l, "lost1")
}

func TestRedisConfig(t *testing.T) {
	t.Parallel()
	cfg := eventlog.DefaultRedisConfig()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	bad := eventlog.RedisConfig{Prefix: "a}b{", Retain: 9, Timeout: time.Hour, Block: 1}
	err := bad.Validate()
	for _, want := range []string{"prefix: must be", "retain: must be 10 to 10000000, is 9", "timeout: must be", "block: must be 100ms to 30s, is 1ns"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
