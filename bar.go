package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	syncer "anihub/modules/sync"
)

// redraw is the least time between two drawings of the bar.
const redraw = 200 * time.Millisecond

// clearLine goes to the beginning of the line and empties it.
const clearLine = "\r\x1b[K"

// bar is a line at the foot of a terminal that tells how far the first full sync is:
// until then the site has no titles, and somebody sits there and waits. The log is
// written through it, so that the two never mix.
type bar struct {
	mu   sync.Mutex
	out  io.Writer
	line string // what stands at the foot; "" = nothing
}

// isTerminal tells whether somebody may be reading this now.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// Write puts whole lines of the log above the bar.
func (b *bar) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.line == "" {
		return b.out.Write(p)
	}
	if _, err := io.WriteString(b.out, clearLine+string(p)+b.line); err != nil {
		return 0, err
	}
	return len(p), nil
}

// show draws the line; "" takes it away.
func (b *bar) show(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if line == b.line {
		return
	}
	b.line = line
	_, _ = io.WriteString(b.out, clearLine+line) // a terminal that has gone away needs no bar
}

// follow draws the first full sync of this process until it is complete or ctx ends.
func (b *bar) follow(ctx context.Context, door syncer.Service) {
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	defer b.show("")
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		st, err := door.Status(ctx)
		if err == nil && !st.LastFull.IsZero() {
			return
		}
		if err == nil && st.Runner {
			b.show(firstPass(ctx, door))
		}
	}
}

// firstPass is the line about the full pass that is under way, if there is one.
func firstPass(ctx context.Context, door syncer.Service) string {
	jobs, err := door.Jobs(ctx, 50)
	if err != nil {
		return ""
	}
	for _, j := range jobs {
		if j.Kind == syncer.KindFull && !j.Finished() {
			return barLine(j.Progress, time.Now())
		}
	}
	return ""
}

// barWidth leaves room for the figures on a terminal of 80 columns.
const barWidth = 24

func barLine(p syncer.Progress, now time.Time) string {
	if p.Total == 0 {
		return "first full sync: asking for the catalogue"
	}
	line := barOf("first full sync", int64(p.Done), int64(p.Total))
	if p.Rate > 0 && p.ETA.After(now) {
		line += fmt.Sprintf("  %s left", p.ETA.Sub(now).Round(time.Second))
	}
	return line
}

// barOf draws how much of a total is done, which is not 0.
func barOf(what string, done, total int64) string {
	full := int(barWidth * min(done, total) / total)
	return fmt.Sprintf("%s [%s%s] %3d %%  %d/%d",
		what, strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), 100*done/total, done, total)
}
