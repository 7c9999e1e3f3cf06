package userssvc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"anihub/modules/realtime"
	"anihub/modules/users"
	"anihub/platform/eventlog"
)

// News is what users ask of realtime.
type News interface {
	// History is what was published in the last 90 days, oldest first.
	History(ctx context.Context, q realtime.HistoryQuery) ([]realtime.News, error)
	// Tail is the position up to which everything was told.
	Tail(ctx context.Context) (string, error)
}

// newsTopic is the topic of the event log under which realtime publishes. Its
// entries are realtime's own; here they only ring.
const newsTopic = "event"

// newsLife is how long an inbox goes back.
const newsLife = 90 * 24 * time.Hour

// happened is one event as inboxes and webhooks need it. It is shared and never
// changed.
type happened struct {
	order    int64
	id, typ  string
	title    int
	at       time.Time
	position string
	epoch    string
	offset   uint64
	data     string // JSON as viewers see it
	shown    shown
}

// shown is what of an event's data inboxes show.
type shown struct {
	Episode   *float64 `json:"episode"`
	Title     string   `json:"title"`
	Poster    string   `json:"poster"`
	NewStatus string   `json:"new_status"`
}

func happening(n realtime.News) *happened {
	h := &happened{order: n.Order, id: n.EventID, typ: n.Type, title: n.TitleID, at: n.At, position: n.Position, data: string(n.Data)}
	h.epoch, h.offset = split(n.Position)
	if err := json.Unmarshal(n.Data, &h.shown); err != nil {
		h.shown = shown{} // of another version: told without its details
	}
	return h
}

// split takes a position apart; "" when it is none.
func split(position string) (epoch string, offset uint64) {
	epoch, digits, _ := strings.Cut(position, ":")
	offset, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || epoch == "" {
		return "", 0
	}
	return epoch, offset
}

// newsfeed is the news of the last 90 days in memory: some ten thousand events. It
// is read from realtime's history at the start and follows it from there, so that an
// inbox costs no question to a store for any title.
type newsfeed struct {
	source News
	log    *slog.Logger

	mu      sync.RWMutex
	all     []*happened // by order
	ids     map[string]*happened
	loaded  bool
	changed chan struct{} // closed, and replaced, when there is more
}

func newNewsfeed(source News, log *slog.Logger) *newsfeed {
	return &newsfeed{source: source, log: log, ids: map[string]*happened{}, changed: make(chan struct{})}
}

// readyWait is how long a viewer waits for a process that has just started.
const readyWait = 2 * time.Second

// wait until the history was read once. ErrUnavailable.
func (f *newsfeed) wait(ctx context.Context) error {
	late := time.NewTimer(readyWait)
	defer late.Stop()
	for {
		_, loaded, changed := f.now()
		if loaded {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			return users.ErrUnavailable.Because("the news were not read yet").After(readyWait)
		}
	}
}

// now is everything there is, and what is closed when there is more.
func (f *newsfeed) now() (all []*happened, loaded bool, changed <-chan struct{}) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.all, f.loaded, f.changed
}

// known finds an event by its id.
func (f *newsfeed) known(id string) (*happened, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	h, ok := f.ids[id]
	return h, ok
}

// behind are the events with a larger order.
func behind(all []*happened, order int64) []*happened {
	i, _ := slices.BinarySearchFunc(all, order+1, func(h *happened, o int64) int { return cmp.Compare(h.order, o) })
	return all[i:]
}

// How often the history is asked: when the log rings, a moment later again, because
// the copy follows the record, and now and then in any case.
const newsPoll = 10 * time.Second

func ringDelays() []time.Duration {
	return []time.Duration{0, 50 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second}
}

// run follows the news until ctx ends. Bell may be nil.
func (f *newsfeed) run(ctx context.Context, bell eventlog.Log) {
	if f.source == nil {
		return
	}
	rung := make(chan struct{}, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	if bell != nil {
		wg.Go(func() { follow(ctx, bell, rung, f.log) })
	}
	away := false
	delays := []time.Duration{}
	for ctx.Err() == nil {
		err := f.pull(ctx)
		if down := err != nil && ctx.Err() == nil; down != away {
			away = down
			f.log.WarnContext(ctx, "following the news", "away", away, "err", err)
		}
		wait := newsPoll
		if len(delays) > 0 {
			wait, delays = delays[0], delays[1:]
		} else if away {
			wait = time.Second
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		case <-rung:
			delays = ringDelays()
		}
	}
}

// follow rings for every piece of news on the log.
func follow(ctx context.Context, bell eventlog.Log, rung chan<- struct{}, log *slog.Logger) {
	ring := func() {
		select {
		case rung <- struct{}{}:
		default:
		}
	}
	handle := func(records []eventlog.Record) error {
		if slices.ContainsFunc(records, func(r eventlog.Record) bool { return r.Topic == newsTopic }) {
			ring()
		}
		return nil
	}
	_ = eventlog.Follow(ctx, bell, eventlog.Position{}, handle, func(eventlog.Position) error { ring(); return nil }, log) // only ends with ctx
}

// pull reads what is new, page by page.
func (f *newsfeed) pull(ctx context.Context) error {
	for {
		page, err := f.source.History(ctx, realtime.HistoryQuery{AfterOrder: f.last()})
		if err != nil {
			return err
		}
		f.add(page)
		if len(page) == 0 {
			return nil
		}
	}
}

func (f *newsfeed) last() int64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if len(f.all) == 0 {
		return 0
	}
	return f.all[len(f.all)-1].order
}

// add takes a page; an empty one says that this is all there is. Readers hold the old
// slice, so what is over is cut off at its front and never moved.
func (f *newsfeed) add(page []realtime.News) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range page {
		h := happening(n)
		f.all = append(f.all, h)
		f.ids[h.id] = h
	}
	over := time.Now().Add(-newsLife)
	for len(f.all) > 1 && f.all[0].at.Before(over) { // the last one tells where to go on
		delete(f.ids, f.all[0].id)
		f.all = f.all[1:]
	}
	if len(page) == 0 && f.loaded {
		return
	}
	f.loaded = f.loaded || len(page) == 0
	close(f.changed)
	f.changed = make(chan struct{})
}

// errUnknownEpoch: nothing is known of the epoch of a position.
var errUnknownEpoch = errors.New("unknown epoch")

// orderOf is the order of the last event that somebody at the position has been told:
// the newest one of its epoch up to there, or the last one before that epoch began.
// errUnknownEpoch.
func orderOf(all []*happened, position string) (int64, error) {
	epoch, offset := split(position)
	found := false
	order, first := int64(0), int64(0)
	for i, h := range all {
		switch {
		case h.epoch != epoch:
			continue
		case !found:
			found = true
			if i > 0 {
				first = all[i-1].order
			}
		}
		if h.offset <= offset {
			order = max(order, h.order)
		}
	}
	if !found {
		return 0, errUnknownEpoch
	}
	return max(order, first), nil
}
