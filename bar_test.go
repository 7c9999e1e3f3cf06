package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	syncer "anihub/modules/sync"
	"anihub/modules/sync/syncertest"
)

// firstSync is a first full sync that takes a minute.
type firstSync struct {
	*syncertest.Fake
	began time.Time
	mu    sync.Mutex
	looks int
}

const firstSyncTime = time.Minute

func (f *firstSync) Status(context.Context) (syncer.Status, error) {
	st := syncer.Status{Runner: true}
	if time.Since(f.began) >= firstSyncTime {
		st.LastFull = time.Now()
	}
	return st, nil
}

func (f *firstSync) Jobs(context.Context, int) ([]syncer.Job, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	done := int(time.Since(f.began) / (firstSyncTime / 1200))
	return []syncer.Job{{Kind: syncer.KindTitle, State: syncer.Queued}, {
		Kind: syncer.KindFull, State: syncer.Running,
		Progress: syncer.Progress{Done: done, Total: 1200, Rate: 20, ETA: f.began.Add(firstSyncTime)},
	}}, nil
}

// TestTheBarIsDrawnFiveTimesASecond at most, stays below the log, and goes away.
func TestTheBarIsDrawnFiveTimesASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &logs{}
		b := &bar{out: out}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			b.follow(t.Context(), &firstSync{Fake: syncertest.NewFake(), began: time.Now()})
		}()
		time.Sleep(10100 * time.Millisecond)
		if _, err := fmt.Fprintln(b, "level=INFO msg=something"); err != nil {
			t.Fatal(err)
		}
		<-ended
		text := out.String()
		if n := strings.Count(text, "first full sync"); n < 250 || n > 5*60+1 {
			t.Errorf("%d drawings in a minute", n)
		}
		if !strings.Contains(text, "first full sync [====                    ]  16 %  200/1200  50s left"+clearLine+"level=INFO msg=something\nfirst full sync [====") {
			t.Errorf("around the line of the log: %q", text[strings.Index(text, "level=")-200:][:300])
		}
		if !strings.HasSuffix(text, clearLine) {
			t.Errorf("in the end: %q", text[len(text)-100:])
		}
		if screen(text) != "level=INFO msg=something\n" {
			t.Errorf("what stays on the screen: %q", screen(text))
		}
	})
}

// screen is what a terminal shows in the end.
func screen(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = line[strings.LastIndex(line, clearLine)+1:]
		lines[i] = strings.TrimPrefix(lines[i], clearLine[1:])
	}
	return strings.Join(lines, "\n")
}

func TestWhatTheBarSays(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for want, p := range map[string]syncer.Progress{
		"first full sync: asking for the catalogue":                        {},
		"first full sync [                        ]   0 %  0/2000":         {Total: 2000},
		"first full sync [============            ]  50 %  1000/2000":      {Done: 1000, Total: 2000, Rate: 1, ETA: now.Add(-time.Second)},
		"first full sync [========================] 100 %  100000/100000":  {Done: 100_000, Total: 100_000},
		"first full sync [============            ]  50 %  1/2  1m5s left": {Done: 1, Total: 2, Rate: 0.5, ETA: now.Add(65 * time.Second)},
	} {
		if got := barLine(p, now); got != want || len(got) > 79 {
			t.Errorf("%+v: %q, want %q", p, got, want)
		}
	}
}
