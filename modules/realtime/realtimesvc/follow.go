package realtimesvc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
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
	at, ok := s.start(ctx)
	if !ok {
		return nil
	}
	for tries := 0; ctx.Err() == nil; {
		records, err := s.log.Wait(ctx, at, pageRecords)
		switch {
		case err == nil:
			tries = 0
			at = s.tellAll(records, at)
		case errors.Is(err, eventlog.ErrGap):
			at = s.jump(ctx, at)
		default:
			tries++
			s.outage(ctx, tries, err)
		}
	}
	return nil
}

// start waits for the log to say where it ends. What is before that is told to
// nobody, but its newest part is kept in memory for those who come back.
func (s *Service) start(ctx context.Context) (eventlog.Position, bool) {
	for tries := 1; ctx.Err() == nil; tries++ {
		tail, err := s.log.Tail(ctx)
		if err == nil {
			return s.warm(ctx, tail), true
		}
		s.outage(ctx, tries, err)
	}
	return eventlog.Position{}, false
}

// warm begins the hub's first era and fills its window up to tail.
func (s *Service) warm(ctx context.Context, tail eventlog.Position) eventlog.Position {
	from := eventlog.Position{Epoch: tail.Epoch, Offset: tail.Offset - min(tail.Offset, windowEvents)}
	if records, err := s.log.Read(ctx, from, windowEvents); err == nil {
		s.hub.fill(from, records, tail.Offset)
	}
	s.hub.begin(tail)
	return tail
}

// jump goes on behind a gap: at the beginning of a new log, since nobody has
// seen anything of it, or at the end of one that trimmed what comes next.
func (s *Service) jump(ctx context.Context, from eventlog.Position) eventlog.Position {
	tail, err := s.log.Tail(ctx)
	if err != nil {
		s.outage(ctx, 1, err)
		return from
	}
	to := tail
	if tail.Epoch != from.Epoch {
		to.Offset = 0
		if _, err := s.log.Read(ctx, to, 1); err != nil {
			to = tail
		}
	}
	s.logger.WarnContext(ctx, "gap in the log", "from", from.String(), "to", to.String())
	s.metrics.errors.WithLabelValues("LOG_GAP").Inc()
	s.hub.reset(to)
	return to
}

// outage says once that the log is away and waits a little.
func (s *Service) outage(ctx context.Context, tries int, err error) {
	if ctx.Err() != nil {
		return
	}
	if tries == 1 {
		s.logger.WarnContext(ctx, "event log cannot be read; trying again", "err", err)
	}
	s.metrics.errors.WithLabelValues("LOG_UNAVAILABLE").Inc()
	t := time.NewTimer(backoff(tries))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (s *Service) tellAll(records []eventlog.Record, at eventlog.Position) eventlog.Position {
	for _, r := range records {
		s.tell(r)
		at = r.Position
	}
	return at
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
