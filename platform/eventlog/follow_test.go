package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"anihub/platform/eventlog"
	"anihub/platform/redisdb/redistest"
)

// diary is a follower that writes down what it is told.
type diary struct {
	mu   sync.Mutex
	ids  []string
	gaps []eventlog.Position
	at   eventlog.Position
	more chan struct{} // gets a value for every entry
}

func newDiary() *diary { return &diary{more: make(chan struct{}, 10_000)} }

func (d *diary) handle(records []eventlog.Record) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range records {
		d.ids = append(d.ids, r.ID)
		d.at = r.Position
		d.more <- struct{}{}
	}
	return nil
}

func (d *diary) gap(to eventlog.Position) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gaps = append(d.gaps, to)
	d.ids = append(d.ids, "gap")
	d.more <- struct{}{}
	return nil
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.ids)
}

// want waits until there are as many entries and compares.
func (d *diary) want(t *testing.T, ids ...string) {
	t.Helper()
	for range ids {
		select {
		case <-d.more:
		case <-time.After(time.Minute):
			t.Fatalf("waited in vain for %q, have %q", ids, d.read())
		}
	}
	if diff := cmp.Diff(ids, d.read()); diff != "" {
		t.Fatal(diff)
	}
	d.mu.Lock()
	d.ids = nil
	d.mu.Unlock()
}

// follow runs until the test ends.
func follow(t *testing.T, l eventlog.Log, from eventlog.Position, d *diary) (logs *lines) {
	t.Helper()
	logs = &lines{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- eventlog.Follow(ctx, l, from, d.handle, d.gap, slog.New(slog.NewTextHandler(logs, nil)))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("follow: %v", err)
		}
	})
	return logs
}

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(sub string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), sub)
}

func TestFollowMemory(t *testing.T) {
	t.Parallel()
	l := eventlog.NewMemory(1000)
	from := add(t, l, "before")
	d := newDiary()
	follow(t, l, from, d)
	var ids []string
	for i := range 600 {
		ids = append(ids, strconv.Itoa(i))
		add(t, l, ids[i])
	}
	d.want(t, ids...)
	d.mu.Lock()
	defer d.mu.Unlock()
	if got := tailOf(t, l); d.at != got {
		t.Fatalf("the caller is at %s, the tail at %s", d.at, got)
	}
}

func TestFollowFromNowhereBeginsWithAGap(t *testing.T) {
	t.Parallel()
	l := eventlog.NewMemory(10)
	at := add(t, l, "before")
	d := newDiary()
	follow(t, l, eventlog.Position{}, d)
	d.want(t, "gap")
	if diff := cmp.Diff([]eventlog.Position{at}, d.gaps); diff != "" {
		t.Fatal(diff)
	}
	add(t, l, "after")
	d.want(t, "after")
}

// flaky fails in a row as often as it is told.
type flaky struct {
	eventlog.Log
	mu    sync.Mutex
	fails int
	tries []time.Time
}

func (f *flaky) Wait(ctx context.Context, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	f.mu.Lock()
	f.tries = append(f.tries, time.Now())
	f.fails--
	fail := f.fails >= 0
	f.mu.Unlock()
	if fail {
		return nil, eventlog.ErrUnavailable
	}
	return f.Log.Wait(ctx, after, limit)
}

func TestFollowBacksOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &flaky{Log: eventlog.NewMemory(10), fails: 15}
		from := tailOf(t, l)
		add(t, l, "a")
		d := newDiary()
		logs := follow(t, l, from, d)
		d.want(t, "a")
		l.mu.Lock()
		defer l.mu.Unlock()
		for i := range 15 {
			pause := l.tries[i+1].Sub(l.tries[i])
			if pause < 25*time.Millisecond || pause > 5*time.Second {
				t.Errorf("pause %d is %s", i, pause)
			}
			if i > 10 && pause < 2500*time.Millisecond {
				t.Errorf("pause %d is only %s", i, pause)
			}
		}
		if down, up := logs.count("cannot follow"), logs.count("following the event log again"); down != 1 || up != 1 {
			t.Errorf("%d lines of failure and %d of healing for 15 tries", down, up)
		}
	})
}

func TestFollowRetriesHandle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.NewMemory(2)
		add(t, l, "a", "b", "c")
		from := tailOf(t, l)
		from.Offset = 0
		var calls []string
		ctx, cancel := context.WithCancel(t.Context())
		step := 0
		fail := func() error {
			switch step++; step % 3 {
			case 1:
				return errors.New("no")
			case 2:
				panic("oh")
			}
			return nil
		}
		handle := func(records []eventlog.Record) error {
			calls = append(calls, fmt.Sprint(len(records), records[0].ID))
			if err := fail(); err != nil {
				return err
			}
			cancel()
			return nil
		}
		gap := func(p eventlog.Position) error {
			calls = append(calls, "gap "+strconv.FormatUint(p.Offset, 10))
			if step == 1 { // what comes while it revalidates is not lost
				add(t, l, "d", "e")
			}
			return fail()
		}
		logs := &lines{}
		if err := eventlog.Follow(ctx, l, from, handle, gap, slog.New(slog.NewTextHandler(logs, nil))); err != nil {
			t.Fatal(err)
		}
		want := []string{"gap 3", "gap 3", "gap 3", "2d", "2d", "2d"}
		if diff := cmp.Diff(want, calls); diff != "" {
			t.Fatal(diff)
		}
		if n := logs.count("cannot follow"); n != 2 {
			t.Errorf("%d lines for two failures", n)
		}
	})
}

func TestFollowEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.NewMemory(2)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		d := newDiary()
		if err := eventlog.Follow(ctx, l, eventlog.Position{}, d.handle, d.gap, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	})
}

// A follower behind a network that fails (RELIABILITY R6): cut off it misses
// nothing, and when what it missed was trimmed it is told.
func TestFollowCutOff(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	proxy := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "redis", "127.0.0.1:0", s.Addr())
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	near := redisLog(t, s.Client(), "x")
	far := redisLog(t, redistest.Open(t, "redis://"+proxy.Listen), "x")
	from := tailOf(t, near)
	d := newDiary()
	follow(t, far, from, d)
	add(t, near, "a")
	d.want(t, "a")

	proxy.Stop()
	add(t, near, numbered(1, 50)...)
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	d.want(t, numbered(1, 50)...)

	black := `{"name":"hole","type":"timeout","stream":"downstream","toxicity":1,"attributes":{"timeout":0}}`
	if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(black)); err != nil {
		t.Fatal(err)
	}
	add(t, near, numbered(51, 99)...)
	if err := proxy.Toxics.RemoveToxic(t.Context(), "hole"); err != nil {
		t.Fatal(err)
	}
	d.want(t, numbered(51, 99)...)

	proxy.Stop()
	at := add(t, near, numbered(100, 100+testRetain+testSlack)...)
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	d.want(t, "gap")
	if d.gaps[0] != at {
		t.Fatalf("goes on from %s, the tail is %s", d.gaps[0], at)
	}
	add(t, near, "z")
	d.want(t, "z")
}

func TestFollowOverARestart(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	l := redisLog(t, s.Client(), "x")
	d := newDiary()
	logs := follow(t, l, tailOf(t, l), d)
	add(t, l, "a", "b")
	d.want(t, "a", "b")
	s.Restart()
	d.want(t, "gap")
	if d.gaps[0].Epoch == d.at.Epoch || d.gaps[0].Offset != 0 {
		t.Fatalf("goes on from %s, was at %s", d.gaps[0], d.at)
	}
	add(t, l, "c")
	d.want(t, "c")
	if n := logs.count("does not reach back"); n != 1 {
		t.Errorf("%d lines for one gap", n)
	}
}

// With everything kept, a follower does not notice a restart.
func TestFollowOverARestartWithAOF(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.AOF())
	l := redisLog(t, s.Client(), "x")
	d := newDiary()
	follow(t, l, tailOf(t, l), d)
	add(t, l, "a")
	d.want(t, "a")
	s.Restart()
	heals(t, func() error { _, err := l.Tail(t.Context()); return err })
	add(t, l, "b")
	d.want(t, "b")
}
