package realtimesvc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"anihub/platform/eventlog"
)

// Run follows the log and tells what it brings until ctx ends; then it asks all
// viewers to come back later and returns nil. A log that cannot be read is asked
// again: conversations stay open and lose nothing. Run may be called once.
func (s *Service) Run(ctx context.Context) error {
	if s.running.Swap(true) {
		return errors.New("realtimesvc: Run called twice")
	}
	defer func() { s.hub.drain(time.Duration(s.cfg.DrainSeconds) * time.Second) }()
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { s.prune(ctx) })
	beside.Go(func() { s.fleet.Run(ctx, s.hub.audience, s.heard) })
	beside.Go(func() { s.followDevices(ctx) })
	handle := func(records []eventlog.Record) error {
		s.tellAll(records)
		return nil
	}
	// From the zero position Follow begins with a gap, which says where the log is.
	return eventlog.Follow(ctx, s.log, eventlog.Position{}, handle, func(tail eventlog.Position) error {
		if s.hub.at().era == 0 {
			return s.warm(ctx, tail)
		}
		return s.jump(ctx, tail)
	}, s.logger)
}

// warm begins the hub's first era at the end of the log. What is before that is
// told to nobody, but its newest part is kept for those who come back.
func (s *Service) warm(ctx context.Context, tail eventlog.Position) error {
	at := eventlog.Position{Epoch: tail.Epoch, Offset: tail.Offset - min(tail.Offset, windowEvents)}
	s.hub.rewind(at.Offset)
	for at.Offset < tail.Offset {
		records, err := s.log.Read(ctx, at, eventlog.MaxRead)
		if errors.Is(err, eventlog.ErrGap) || len(records) == 0 && err == nil {
			break // trimmed: the window begins at the tail
		}
		if err != nil {
			return err
		}
		s.hub.remember(records, tail.Offset)
		at = records[len(records)-1].Position
	}
	s.hub.begin(tail)
	return nil
}

// jump goes on behind a gap: from the beginning of a new log, of which nobody
// has seen anything, or from the end of one that trimmed what came next. After an
// error it is called again and goes on where it stopped.
func (s *Service) jump(ctx context.Context, tail eventlog.Position) error {
	now := s.hub.at()
	at := eventlog.Position{Epoch: tail.Epoch}
	if tail.Epoch == now.epoch {
		at.Offset = now.told
	}
	records, err := s.log.Read(ctx, at, eventlog.MaxRead)
	switch {
	case errors.Is(err, eventlog.ErrGap):
		s.gap(tail)
		return nil
	case err != nil:
		return err
	case tail.Epoch != now.epoch:
		s.gap(at)
	}
	for len(records) > 0 && records[0].Position.Offset <= tail.Offset {
		s.tellAll(records)
		at = records[len(records)-1].Position
		if records, err = s.log.Read(ctx, at, eventlog.MaxRead); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) gap(to eventlog.Position) {
	s.metrics.errors.WithLabelValues("LOG_GAP").Inc()
	s.hub.reset(to)
}

// tellAll tells records of the current era; those that were told are passed over.
func (s *Service) tellAll(records []eventlog.Record) {
	for _, r := range records {
		if r.Position.Offset > s.hub.at().told {
			s.tell(r)
		}
	}
}

// tell handles one record. A record that breaks it is passed over: the loop must
// not stop at it for ever.
func (s *Service) tell(r eventlog.Record) {
	defer func() {
		if p := recover(); p != nil {
			s.broken(r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	switch r.Topic {
	case TopicEvent:
		s.tellEvent(r)
		return
	case TopicSession:
		s.endSession(r)
	}
	s.hub.pass(r.Position.Offset, nil)
}

func (s *Service) tellEvent(r eventlog.Record) {
	e, err := eventOf(r)
	if err != nil {
		s.broken(r, err)
		return
	}
	if s.hub.knows(strings.TrimPrefix(r.ID, entryPrefix)) {
		s.hub.pass(e.offset, e)
		return
	}
	begin := time.Now()
	n := s.hub.tell(e)
	s.metrics.fanout.Observe(time.Since(begin).Seconds())
	s.metrics.deliveries.Add(float64(n))
	s.delivered.Add(int64(n))
}

func (s *Service) endSession(r eventlog.Record) {
	var d sessionData
	if err := json.Unmarshal(r.Data, &d); err != nil || d.UserID == "" {
		s.broken(r, fmt.Errorf("not the end of a session: %w", err))
		return
	}
	s.hub.end(endingOf(d))
}

// broken passes over a record that cannot be told.
func (s *Service) broken(r eventlog.Record, err error) {
	s.metrics.errors.WithLabelValues("BAD_RECORD").Inc()
	s.logger.Error("record passed over", "position", r.Position.String(), "topic", r.Topic, "err", err)
	s.hub.pass(r.Position.Offset, nil)
}
