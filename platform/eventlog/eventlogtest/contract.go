// Package eventlogtest is what every eventlog.Log must do.
package eventlogtest

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/platform/eventlog"
)

// Target is an implementation under test.
type Target struct {
	// Open makes an empty log, which the contract closes.
	Open func(t testing.TB) eventlog.Log
	// Retain is what the logs of Open were told to keep.
	Retain int
	// Slack is how many records more the implementation may keep.
	Slack int
}

// Contract runs everything.
func Contract(t *testing.T, target Target) {
	for _, c := range []struct {
		name string
		test func(k *kit)
	}{
		{"empty", empty},
		{"order and fields", order},
		{"values are copies", copies},
		{"dedupe", dedupe},
		{"dedupe raced", dedupeRaced},
		{"ids are forgotten with their records", forgotten},
		{"replay from every position", replay},
		{"trimmed", trimmed},
		{"gaps", gaps},
		{"concurrent appenders", concurrent},
		{"wait wakes", waitWakes},
		{"wait wakes many", waitWakesMany},
		{"wait returns at once", waitAtOnce},
		{"wait honours its context", waitContext},
		{"cancelled context", cancelled},
		{"bad entries", badEntries},
		{"largest entry", largest},
		{"limits", limits},
		{"large backlog", backlog},
		{"close", closing},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			log := target.Open(t)
			t.Cleanup(func() { _ = log.Close() })
			c.test(&kit{T: t, log: log, target: target})
		})
	}
}

type kit struct {
	*testing.T
	log    eventlog.Log
	target Target
}

// ctx bounds a test that would otherwise hang; nothing is said about time.
func (k *kit) ctx() context.Context {
	ctx, cancel := context.WithTimeout(k.Context(), 2*time.Minute)
	k.Cleanup(cancel)
	return ctx
}

func (k *kit) append(id string) eventlog.Position {
	k.Helper()
	at, duplicate, err := k.log.Append(k.ctx(), entry(id))
	if err != nil || duplicate {
		k.Fatalf("append %s: duplicate %v, %v", id, duplicate, err)
	}
	return at
}

func (k *kit) fill(n int) eventlog.Position {
	k.Helper()
	var at eventlog.Position
	for i := range n {
		at = k.append("fill" + strconv.Itoa(i))
	}
	return at
}

func (k *kit) tail() eventlog.Position {
	k.Helper()
	at, err := k.log.Tail(k.ctx())
	if err != nil {
		k.Fatal(err)
	}
	return at
}

// all reads to the end in steps.
func (k *kit) all(after eventlog.Position, step int) []eventlog.Record {
	k.Helper()
	var all []eventlog.Record
	for {
		records, err := k.log.Read(k.ctx(), after, step)
		if err != nil {
			k.Fatalf("read after %s: %v", after, err)
		}
		if len(records) > step {
			k.Fatalf("read returned %d records of at most %d", len(records), step)
		}
		if len(records) == 0 {
			return all
		}
		all = append(all, records...)
		after = records[len(records)-1].Position
	}
}

func entry(id string) eventlog.Entry {
	return eventlog.Entry{ID: id, Topic: "event", Data: []byte("data of " + id)}
}

func ids(records []eventlog.Record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = r.ID
	}
	return out
}

func (k *kit) want(err, target error) {
	k.Helper()
	if !errors.Is(err, target) {
		k.Fatalf("error = %v, want %v", err, target)
	}
}

func empty(k *kit) {
	at := k.tail()
	if at.Offset != 0 {
		k.Fatalf("tail of an empty log is %s", at)
	}
	if back, err := eventlog.ParsePosition(at.String()); err != nil || back != at {
		k.Fatalf("%q parses to %v, %v", at, back, err)
	}
	if got := k.all(at, 10); len(got) != 0 {
		k.Fatalf("an empty log has %d records", len(got))
	}
	if again := k.tail(); again != at {
		k.Fatalf("the epoch changed by itself: %s, then %s", at, again)
	}
}

func order(k *kit) {
	start := k.tail()
	entries := []eventlog.Entry{
		{ID: "a", Topic: "event", Data: []byte(`{"title_id":9919}`)},
		{ID: "b\x00\xff\r\n", Topic: "cache", Data: []byte{0, 255, '\r', '\n'}},
		{ID: strings.Repeat("ж", 128), Topic: "event_2", Data: nil},
	}
	for i, e := range entries {
		at, duplicate, err := k.log.Append(k.ctx(), e)
		if err != nil || duplicate {
			k.Fatalf("append %d: %v, %v", i, duplicate, err)
		}
		if want := (eventlog.Position{Epoch: start.Epoch, Offset: uint64(i + 1)}); at != want || k.tail() != want {
			k.Fatalf("append %d is at %s, tail %s, want %s", i, at, k.tail(), want)
		}
	}
	var last time.Time
	for i, r := range k.all(start, 2) {
		want := entries[i]
		if r.ID != want.ID || r.Topic != want.Topic || !bytes.Equal(r.Data, want.Data) {
			k.Errorf("record %d is %+v, want %+v", i, r.Entry, want)
		}
		if r.Time.IsZero() || r.Time.Before(last) || r.Time != r.Time.Truncate(time.Millisecond) {
			k.Errorf("record %d has time %v after %v", i, r.Time, last)
		}
		last = r.Time
	}
}

func copies(k *kit) {
	start := k.tail()
	e := entry("a")
	if _, _, err := k.log.Append(k.ctx(), e); err != nil {
		k.Fatal(err)
	}
	e.Data[0] = 'X'
	k.all(start, 1)[0].Data[1] = 'Y'
	if got := string(k.all(start, 1)[0].Data); got != "data of a" {
		k.Fatalf("the log shares memory with its callers: %q", got)
	}
}

func dedupe(k *kit) {
	start := k.tail()
	first := k.append("a")
	k.append("b")
	other := eventlog.Entry{ID: "a", Topic: "cache", Data: []byte("other")}
	at, duplicate, err := k.log.Append(k.ctx(), other)
	if err != nil || !duplicate || at != first {
		k.Fatalf("again: %s, %v, %v; want %s, true", at, duplicate, err, first)
	}
	if diff := cmp.Diff([]string{"a", "b"}, ids(k.all(start, 10))); diff != "" {
		k.Fatal(diff)
	}
}

func dedupeRaced(k *kit) {
	start := k.tail()
	var wg sync.WaitGroup
	var mu sync.Mutex
	news, places := 0, map[eventlog.Position]bool{}
	for range 16 {
		wg.Go(func() {
			at, duplicate, err := k.log.Append(k.ctx(), entry("same"))
			if err != nil {
				k.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			places[at] = true
			if !duplicate {
				news++
			}
		})
	}
	wg.Wait()
	if news != 1 || len(places) != 1 || len(k.all(start, 10)) != 1 {
		k.Fatalf("%d new, at %v, %d in the log", news, places, len(k.all(start, 10)))
	}
}

func forgotten(k *kit) {
	k.append("old")
	k.fill(k.target.Retain - 1)
	if _, duplicate, err := k.log.Append(k.ctx(), entry("old")); err != nil || !duplicate {
		k.Fatalf("the oldest retained id is forgotten: %v, %v", duplicate, err)
	}
	k.append("one more")
	k.append("old")
}

func replay(k *kit) {
	start := k.tail()
	n := k.target.Retain
	end := k.fill(n)
	all := k.all(start, 7)
	if len(all) != n {
		k.Fatalf("%d of %d records", len(all), n)
	}
	for i := range n + 1 {
		after := eventlog.Position{Epoch: start.Epoch, Offset: uint64(i)}
		if got := k.all(after, 1+i%13); !slices.EqualFunc(all[i:], got, same) {
			k.Fatalf("replay after %s: %s", after, cmp.Diff(all[i:], got))
		}
	}
	if got := all[n-1].Position; got != end {
		k.Fatalf("last record at %s, last append at %s", got, end)
	}
}

func same(a, b eventlog.Record) bool {
	return a.Position == b.Position && a.Time.Equal(b.Time) &&
		a.ID == b.ID && a.Topic == b.Topic && bytes.Equal(a.Data, b.Data)
}

func trimmed(k *kit) {
	start := k.tail()
	n := k.target.Retain + k.target.Slack + 1
	k.fill(n)
	_, err := k.log.Read(k.ctx(), start, 10)
	k.want(err, eventlog.ErrGap)
	_, err = k.log.Wait(k.ctx(), start, 10)
	k.want(err, eventlog.ErrGap)
	kept := eventlog.Position{Epoch: start.Epoch, Offset: uint64(n - k.target.Retain)}
	if got := len(k.all(kept, 100)); got != k.target.Retain {
		k.Fatalf("%d of the newest %d records", got, k.target.Retain)
	}
}

func gaps(k *kit) {
	at := k.append("a")
	for _, p := range []eventlog.Position{
		{},
		{Epoch: "other", Offset: 0},
		{Epoch: "other", Offset: 1},
		{Epoch: "", Offset: at.Offset},
		{Epoch: at.Epoch, Offset: 2},
		{Epoch: at.Epoch, Offset: 1<<53 + 1},
		{Epoch: at.Epoch, Offset: math.MaxUint64},
		{Epoch: strings.Repeat("x\n", 100), Offset: 1},
	} {
		_, err := k.log.Read(k.ctx(), p, 10)
		k.want(err, eventlog.ErrGap)
		_, err = k.log.Wait(k.ctx(), p, 10)
		k.want(err, eventlog.ErrGap)
	}
	// A position made up by a client must not move the log.
	if got := k.tail(); got != at {
		k.Fatalf("tail is %s, was %s", got, at)
	}
}
