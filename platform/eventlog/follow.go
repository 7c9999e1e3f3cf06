package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

const (
	batch       = 256
	firstPause  = 50 * time.Millisecond
	longestWait = 5 * time.Second
)

// Follow hands every record after a position to handle, in order and without
// holes, until ctx ends; it then returns nil. A call has at least one record, and
// handle may keep them; a caller that must know how far it is keeps the
// Position of the last one.
//
// When the log cannot say what came next, onGap is called with the newest position
// and the following goes on from there. By then the caller may have missed
// anything up to that position, so it revalidates what it knows before it returns.
// The zero Position is of no epoch: with it onGap comes first.
//
// Redis being away is waited out. An error or a panic of handle or onGap is tried
// again with the same arguments, later and later, up to every 5 s: what must not
// stop the following, handle swallows itself. Both are logged when they begin and
// when they end, not for every try.
func Follow(ctx context.Context, log Log, from Position, handle func([]Record) error, onGap func(Position) error, logger *slog.Logger) error {
	f := follower{log: log, at: from, handle: handle, onGap: onGap, logger: logger}
	for ctx.Err() == nil {
		err := f.step(ctx)
		if ctx.Err() != nil {
			break
		}
		f.note(ctx, err)
		if err != nil {
			f.pause(ctx)
		}
	}
	return nil
}

type follower struct {
	log    Log
	at     Position
	handle func([]Record) error
	onGap  func(Position) error
	logger *slog.Logger

	// What was read but not yet handled, so that a retry sees the same records.
	pending []Record
	gap     *Position
	failed  int // tries in a row
}

// step does the next thing that is due: one wait, one handle, or one gap.
func (f *follower) step(ctx context.Context) error {
	switch {
	case f.gap != nil:
		if err := guarded(func() error { return f.onGap(*f.gap) }); err != nil {
			return fmt.Errorf("revalidate: %w", err)
		}
		f.at, f.gap = *f.gap, nil
	case f.pending != nil:
		if err := guarded(func() error { return f.handle(f.pending) }); err != nil {
			return fmt.Errorf("handle %s: %w", f.pending[0].Position, err)
		}
		f.pending = nil
	default:
		return f.fetch(ctx)
	}
	return nil
}

func (f *follower) fetch(ctx context.Context) error {
	records, err := f.log.Wait(ctx, f.at, batch)
	if errors.Is(err, ErrGap) {
		tail, err := f.log.Tail(ctx)
		if err != nil {
			return err
		}
		f.logger.InfoContext(ctx, "the event log does not reach back; revalidating", "from", f.at.String(), "to", tail.String())
		f.gap = &tail
		return nil
	}
	if err != nil || len(records) == 0 {
		return err
	}
	f.pending, f.at = records, records[len(records)-1].Position
	return nil
}

func (f *follower) note(ctx context.Context, err error) {
	switch {
	case err == nil && f.failed > 0:
		f.logger.InfoContext(ctx, "following the event log again", "position", f.at.String(), "tries", f.failed)
		f.failed = 0
	case err != nil && f.failed == 0:
		f.logger.WarnContext(ctx, "cannot follow the event log; trying again", "position", f.at.String(), "error", err)
		f.failed = 1
	case err != nil:
		f.failed++
	}
}

// pause waits between half and all of a time that doubles with every try.
func (f *follower) pause(ctx context.Context) {
	d := longestWait
	if f.failed < 8 {
		d = min(firstPause<<(f.failed-1), longestWait)
	}
	select {
	case <-ctx.Done():
	case <-time.After(d/2 + rand.N(d/2)):
	}
}

// guarded turns a panic into an error that says where it was.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}
