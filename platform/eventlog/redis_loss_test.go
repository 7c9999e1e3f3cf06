package eventlog_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"anihub/platform/eventlog"
	"anihub/platform/redisdb/redistest"
)

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
