package realtimesvc

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"anihub/modules/realtime"
	"anihub/platform/documents"
	"anihub/platform/eventlog"
	"anihub/platform/fault"
	"anihub/platform/lease"
)

// History implements realtime.Service.
func (s *Service) History(ctx context.Context, q realtime.HistoryQuery) ([]realtime.News, error) {
	if s.history == nil {
		return nil, realtime.ErrUnavailable.Because("no store is configured for the history")
	}
	w, f := s.wantOf(q)
	if f != nil {
		return nil, f
	}
	out, err := s.history.read(ctx, w)
	return out, inStore(err)
}

// want is a question to the history that was understood.
type want struct {
	order   int64              // only what has a larger one …
	after   *eventlog.Position // … or else what was published behind this
	current bool               // after is of the log's epoch of now
	titles  []int
	types   []string
	limit   int
}

func (s *Service) wantOf(q realtime.HistoryQuery) (want, *fault.Error) {
	w := want{order: q.AfterOrder, titles: q.Titles, types: q.Types, limit: q.Limit}
	if w.limit <= 0 || w.limit > historyPage {
		w.limit = historyPage
	}
	for _, t := range q.Types {
		if _, ok := kindOf(t); !ok {
			return w, realtime.ErrUnknownType.Detail("type", clip(t)).Detail("accepted", kindNames())
		}
	}
	if q.After != "" {
		p, err := eventlog.ParsePosition(q.After)
		if err != nil {
			return w, realtime.ErrBadPosition.Detail("position", clip(q.After))
		}
		w.after, w.current = &p, s.hub.at().epoch == p.Epoch
	}
	return w, nil
}

func (w want) has(k kept) bool {
	return k.Seq > w.order && (len(w.types) == 0 || slices.Contains(w.types, k.Type)) &&
		(len(w.titles) == 0 || slices.Contains(w.titles, int(k.Title))) && !w.behind(k)
}

// behind tells whether the reader had the event at their position already: a copy
// that came late is behind the others in order, not in position.
func (w want) behind(k kept) bool {
	return w.after != nil && strings.HasPrefix(k.Place, w.after.Epoch+":") && k.Place <= placeOf(*w.after)
}

func (h *history) read(ctx context.Context, w want) ([]realtime.News, error) {
	if w.after != nil && w.order == 0 {
		order, err := h.orderOf(ctx, *w.after, w.current)
		if err != nil {
			return nil, err
		}
		w.order = order
	}
	if n := len(w.titles); n > 0 && n <= byTitles {
		return h.readTitles(ctx, w)
	}
	out := []realtime.News{}
	for d, err := range h.copies.Scan(ctx, documents.Scan{Order: "seq", Min: w.order + 1}) {
		n, ok, err := w.take(d, err)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, n)
		}
		if len(out) == w.limit {
			break
		}
	}
	return out, nil
}

// readTitles looks the titles up; what they had in 90 days is little.
func (h *history) readTitles(ctx context.Context, w want) ([]realtime.News, error) {
	out := []realtime.News{}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(w.titles))) {
		for d, err := range h.copies.Find(ctx, "title_id", int64(id)) {
			n, ok, err := w.take(d, err)
			if err != nil {
				return nil, err
			}
			if ok {
				out = append(out, n)
			}
		}
	}
	slices.SortFunc(out, func(a, b realtime.News) int { return cmp.Compare(a.Order, b.Order) })
	return out[:min(len(out), w.limit)], nil
}

// take decodes what a sequence yielded and tells whether it is wanted.
func (w want) take(d documents.Document, err error) (realtime.News, bool, error) {
	if err != nil {
		return realtime.News{}, false, err
	}
	var k kept
	if err := d.Decode(&k); err != nil {
		return realtime.News{}, false, err
	}
	return realtime.News{
		Order: k.Seq, EventID: d.ID, Type: k.Type, TitleID: int(k.Title), Position: k.Position,
		At: k.PublishedAt.UTC(), Data: []byte(k.Data),
	}, w.has(k), nil
}

// lateCopies is how many copies may have overtaken one that came late before it.
const lateCopies = 64

// orderOf is an order of which everything behind a position has a larger one. In the
// position's own epoch that is before the first of what follows it; an epoch that
// has nothing more ends with its last copy. Of an epoch that nothing is known of
// everything is told, unless it is the one of now: then nothing has happened since.
func (h *history) orderOf(ctx context.Context, p eventlog.Position, current bool) (int64, error) {
	first, last := int64(0), int64(0)
	next := documents.Scan{Order: "place", Min: placeOf(eventlog.Position{Epoch: p.Epoch, Offset: p.Offset + 1}), Max: p.Epoch + ";", Limit: lateCopies}
	for k, err := range h.each(ctx, next) {
		if err != nil {
			return 0, err
		}
		if first == 0 || k.Seq < first {
			first = k.Seq
		}
	}
	if first > 0 {
		return first - 1, nil
	}
	before := documents.Scan{Order: "place", Min: p.Epoch + ":", Max: placeOf(p), Descending: true, Limit: lateCopies}
	for k, err := range h.each(ctx, before) {
		if err != nil {
			return 0, err
		}
		last = max(last, k.Seq)
	}
	if last == 0 && current {
		return h.newest(ctx)
	}
	return last, nil
}

func (h *history) each(ctx context.Context, s documents.Scan) iter.Seq2[kept, error] {
	return func(yield func(kept, error) bool) {
		for d, err := range h.copies.Scan(ctx, s) {
			var k kept
			if err == nil {
				err = d.Decode(&k)
			}
			if !yield(k, err) || err != nil {
				return
			}
		}
	}
}

// What is over is deleted in small steps, so that nobody waits for it.
const (
	pruneEvery = time.Hour
	pruneStep  = 200
)

// prune deletes what is older than historyLife until ctx ends: in one process at a
// time where leases are granted, in each for itself otherwise, which is as right and
// only more work.
func (s *Service) prune(ctx context.Context) {
	if s.history == nil {
		return
	}
	work := func(ctx context.Context, _ int64) error {
		for ctx.Err() == nil {
			if err := s.history.pruneOnce(ctx, time.Now().Add(-historyLife)); err != nil && ctx.Err() == nil {
				s.logger.WarnContext(ctx, "the history could not be pruned; trying again later", "err", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(pruneEvery):
			}
		}
		return ctx.Err()
	}
	if s.leases == nil {
		_ = work(ctx, 0) // only ever ends with ctx
		return
	}
	if err := lease.Run(ctx, s.leases, "realtime.history", lease.DefaultTTL, s.logger, work); err != nil {
		s.logger.ErrorContext(ctx, "the history is not pruned", "err", err)
	}
}

func (h *history) pruneOnce(ctx context.Context, before time.Time) error {
	for {
		n := 0
		for d, err := range h.copies.Scan(ctx, documents.Scan{Order: "published_at", Max: before, Limit: pruneStep}) {
			if err != nil {
				return err
			}
			if err := h.copies.Delete(ctx, d.ID); err != nil {
				return err
			}
			n++
		}
		if n < pruneStep {
			return nil
		}
	}
}
