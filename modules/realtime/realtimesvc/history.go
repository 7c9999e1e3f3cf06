package realtimesvc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"anihub/modules/realtime"
	"anihub/platform/documents"
	"anihub/platform/eventlog"
	"anihub/platform/fault"
)

// The history is the durable copy of the news: one document for each event, under its
// id, for 90 days. It has an order of its own, 1, 2, 3 …, in which the copies were
// made. Neither offsets, which begin anew with every epoch, nor clocks, which differ
// and jump, would let a reader go on from where it was and miss nothing: a copy that
// comes late, because its publisher died between the log and the store and came back,
// comes last in this order. Number n is only given out by who has seen n-1, so there
// is never a hole that is filled behind a reader's back.
const (
	historyLife = 90 * 24 * time.Hour
	// historyPage is the most one History answers.
	historyPage = 1000
	// byTitles is up to how many titles are looked up one by one; beyond it reading
	// everything is cheaper.
	byTitles = 16
)

// history is the collection and the number that comes next.
type history struct {
	copies documents.Collection

	mu   sync.Mutex
	next int64 // 0 = ask the store
}

// kept is one event as it is stored.
type kept struct {
	Seq         int64          `bson:"seq"`
	Place       string         `bson:"place"` // its position, in a form that sorts within an epoch
	Position    string         `bson:"position"`
	PublishedAt time.Time      `bson:"published_at"`
	Type        string         `bson:"type"`
	Title       int64          `bson:"title_id"`
	Data        string         `bson:"data"` // JSON as viewers see it
	Rest        map[string]any `bson:",inline"`
}

func newHistory(s documents.Store) *history {
	if s == nil {
		return nil
	}
	return &history{copies: s.Collection(documents.Spec{Name: "news", Indexes: []documents.Index{
		{Field: "seq", Unique: true}, {Field: "place"}, {Field: "published_at"}, {Field: "title_id"},
	}})}
}

// Collections are those of the module.
func Collections() []documents.Spec {
	return documents.DeclaredBy(func(s documents.Store) { newHistory(s) })
}

// placeOf sorts as the offsets do within an epoch.
func placeOf(p eventlog.Position) string { return fmt.Sprintf("%s:%020d", p.Epoch, p.Offset) }

// keep copies an event unless it is there. One that is there keeps the position it
// was published at first, whatever log it was put on since.
func (h *history) keep(ctx context.Context, p prepared, at eventlog.Position) error {
	if h == nil {
		return nil
	}
	k := kept{
		Place: placeOf(at), Position: at.String(), PublishedAt: time.Now().UTC().Truncate(time.Millisecond),
		Type: p.typ, Title: int64(p.titleID), Data: string(p.data),
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for try := range maxTries {
		done, err := h.tryLocked(ctx, p.id, k)
		if done || err != nil {
			return err
		}
		select { // or all that were overtaken would meet again
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(time.Duration(try+1) * time.Millisecond)):
		}
	}
	return documents.ErrVersion
}

// maxTries of a copy that other processes keep overtaking: with their pauses, a second.
const maxTries = 48

// tryLocked is done when the copy is there, its own or an older one.
func (h *history) tryLocked(ctx context.Context, id string, k kept) (done bool, err error) {
	if h.next == 0 {
		newest, err := h.newest(ctx)
		if err != nil {
			return false, err
		}
		h.next = newest + 1
	}
	k.Seq = h.next
	err = h.copies.Insert(ctx, id, k)
	if err == nil {
		h.next++
		return true, nil
	}
	if !errors.Is(err, documents.ErrExists) {
		h.next = 0 // nobody knows whose it is
		return false, err
	}
	switch _, err := h.copies.Get(ctx, id, &kept{}); {
	case err == nil:
		return true, nil
	case errors.Is(err, documents.ErrNotFound):
		h.next = 0 // the number is somebody else's
		return false, nil
	default:
		return false, err
	}
}

func (h *history) newest(ctx context.Context) (int64, error) {
	for d, err := range h.copies.Scan(ctx, documents.Scan{Order: "seq", Descending: true, Limit: 1}) {
		if err != nil {
			return 0, err
		}
		var k kept
		err := d.Decode(&k)
		return k.Seq, err
	}
	return 0, nil
}

// inStore says of a failure of the store what the door says.
func inStore(err error) error {
	if errors.Is(err, documents.ErrUnavailable) || errors.Is(err, documents.ErrVersion) {
		return realtime.ErrUnavailable.With(err).After(max(fault.Of(err).RetryAfter, time.Second))
	}
	return err
}
