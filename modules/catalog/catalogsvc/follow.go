package catalogsvc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"anihub/platform/cache"
	"anihub/platform/documents"
	"anihub/platform/eventlog"
	"anihub/platform/fault"
)

// The index follows the bell of the cache chain: a title whose key is named has
// changed in the store and is read again. The position of the index is the last
// record it has followed; lists carry it, so it is read before the data.

// begin reads the whole collection once, from a position noted before. It tries
// until it succeeds or ctx ends.
func (s *Service) begin(ctx context.Context) eventlog.Position {
	pause := 50 * time.Millisecond
	for tried := 0; ; tried++ {
		from := s.tail(ctx)
		err := s.load(ctx)
		if err == nil {
			if tried > 0 {
				s.log.InfoContext(ctx, "the index is loaded", "tries", tried+1)
			}
			s.heeded.advance(from)
			return from
		}
		if ctx.Err() != nil {
			return eventlog.Position{}
		}
		if tried == 0 { // the end of it is told as well, and nothing in between
			s.log.WarnContext(ctx, "the index could not be loaded; trying again", "err", err)
		}
		s.borrow(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause/2)):
		}
		pause = min(2*pause, 5*time.Second)
	}
}

// tail is where following begins; the zero Position when the log does not say:
// following then begins with another load.
func (s *Service) tail(ctx context.Context) eventlog.Position {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	at, err := s.eventlog.Tail(ctx)
	if err != nil {
		return eventlog.Position{}
	}
	return at
}

func (s *Service) follow(ctx context.Context, from eventlog.Position) error {
	return eventlog.Follow(ctx, s.eventlog, from,
		func(records []eventlog.Record) error { return s.heed(ctx, records) },
		func(at eventlog.Position) error {
			if err := s.load(ctx); err != nil {
				return err
			}
			s.heeded.advance(at)
			return nil
		}, s.log)
}

func (s *Service) reloadEvery(ctx context.Context) error {
	t := time.NewTicker(s.cfg.ReloadInterval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			if err := s.load(ctx); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "the index could not be compared with the store", "err", err)
			}
		}
	}
}

// load reads every title of the store into the index. It never takes one out:
// what a reader has seen does not vanish because a store answers short.
func (s *Service) load(ctx context.Context) error {
	const firstBatch = 500
	unreadable := 0
	batch := make([]*row, 0, firstBatch)
	for d, err := range s.store.all(ctx) {
		if err != nil {
			return err
		}
		if !d.readable() {
			unreadable++
			continue
		}
		if batch = append(batch, newRow(d.shortDoc)); len(batch) == cap(batch) {
			s.index.put(batch...)
			batch = make([]*row, 0, 2*cap(batch)) // few snapshots, and the first one soon
		}
	}
	s.index.put(batch...)
	s.index.setLoaded()
	if unreadable > 0 {
		s.log.ErrorContext(ctx, "stored titles cannot be read", "titles", unreadable)
	}
	return nil
}

// transient errors go away by themselves; others lie in the document.
func transient(err error) bool {
	if err == nil {
		return false
	}
	kind := fault.Of(err).Kind
	return kind == fault.Unavailable || kind == fault.Canceled || kind == fault.Timeout || errors.Is(err, documents.ErrUnavailable)
}

// heed reads the titles again that the bells among the records name.
func (s *Service) heed(ctx context.Context, records []eventlog.Record) error {
	ids, all := rung(records)
	if all {
		if err := s.load(ctx); err != nil {
			return err
		}
		ids = nil
	}
	rows := make([]*row, 0, len(ids))
	for id := range ids {
		d, raw, err := s.store.short(ctx, id)
		if transient(err) {
			return fmt.Errorf("read title %d again: %w", id, err)
		}
		if err != nil || d.Format > docFormat {
			s.log.ErrorContext(ctx, "stored title cannot be read", "title", id, "err", err)
			continue
		}
		if raw != nil {
			rows = append(rows, newRow(d))
			s.copyOne(ctx, id, raw)
		}
	}
	s.index.put(rows...)
	s.heeded.advance(records[len(records)-1].Position)
	return nil
}

// rung names the titles that bells are about; all = one of them says something
// that this version cannot read. Bells by pattern or tag expire values and change
// no title.
func rung(records []eventlog.Record) (ids map[int]struct{}, all bool) {
	ids = map[int]struct{}{}
	for _, r := range records {
		if r.Topic != cache.Topic {
			continue
		}
		keys, ok := cache.Changed(r.Data)
		if !ok {
			return nil, true
		}
		for _, k := range keys {
			if id, ok := titleID(k); ok {
				ids[id] = struct{}{}
			}
		}
	}
	return ids, false
}

// heeded is a position in the log and its text.
type heeded struct{ now atomic.Pointer[heededAt] }

type heededAt struct {
	position eventlog.Position
	text     string
}

func (h *heeded) advance(p eventlog.Position) {
	h.now.Store(&heededAt{position: p, text: p.String()})
}

// text is the position as answers carry it; "" when there is none.
func (h *heeded) text() string {
	if at := h.now.Load(); at != nil && at.position.Epoch != "" {
		return at.text
	}
	return ""
}

// position is what both the chain and the index have heeded: the earlier of the
// two. It must be asked for before the data is read.
func (s *Service) position() string {
	chain, at := s.cache.Applied(), s.heeded.now.Load()
	if at == nil || chain.Epoch != at.position.Epoch {
		return ""
	}
	if at.position.Offset <= chain.Offset {
		return s.heeded.text()
	}
	if was := s.passed.now.Load(); was == nil || was.position != chain {
		s.passed.advance(chain)
	}
	return s.passed.text()
}
