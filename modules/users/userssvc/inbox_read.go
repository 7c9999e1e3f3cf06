package userssvc

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"anihub/modules/users"
	"anihub/platform/documents"
)

// maxReadIDs bounds the events that are read one by one. Over it the oldest of them
// takes what is before it along.
const maxReadIDs = 4096

// readState is what a user has read: all up to a place, and single events behind it.
type readState struct {
	Order int64     `bson:"order"` // of the news
	At    time.Time `bson:"at"`    // of the notices
	IDs   []string  `bson:"ids"`   // sorted
	Rest  rest      `bson:",inline"`
}

func (r readState) has(id string, order int64) bool {
	if order <= r.Order {
		return true
	}
	_, found := slices.BinarySearch(r.IDs, id)
	return found
}

func (r readState) hasNotice(n notice) bool {
	if !n.At.After(r.At) {
		return true
	}
	_, found := slices.BinarySearch(r.IDs, n.id)
	return found
}

// readOf a user; nothing read is no error. The version is 0 then.
func (s *store) readOf(ctx context.Context, user string) (readState, int64, error) {
	var r readState
	if !validID(user) {
		return r, 0, nil
	}
	version, err := s.reads.Get(ctx, user, &r)
	if errors.Is(err, documents.ErrNotFound) {
		return r, 0, nil
	}
	return r, version, err
}

// MarkRead implements users.Inbox.
func (s *Service) MarkRead(ctx context.Context, userID string, m users.ReadMark) (int, error) {
	return observed(ctx, s, "mark_read", func() (int, error) {
		if len(m.EventIDs) > users.MaxReadMarks {
			return 0, unacceptable("event_ids", "at most "+strconv.Itoa(users.MaxReadMarks))
		}
		if _, err := s.store.account(ctx, userID); err != nil {
			return 0, err
		}
		for range maxTries {
			unread, err := s.markOnce(ctx, userID, m)
			if !errors.Is(err, documents.ErrVersion) && !errors.Is(err, documents.ErrExists) {
				return unread, err
			}
		}
		return 0, documents.ErrVersion
	})
}

// markOnce returns documents.ErrVersion or ErrExists when another device was faster.
func (s *Service) markOnce(ctx context.Context, userID string, m users.ReadMark) (int, error) {
	v, err := s.inboxOf(ctx, userID)
	if err != nil {
		return 0, err
	}
	next, version, err := s.store.readOf(ctx, userID)
	if err != nil {
		return 0, err
	}
	v.read = next
	if err := v.mark(ctx, &next, m); err != nil {
		return 0, err
	}
	if next.Order == v.read.Order && next.At.Equal(v.read.At) && slices.Equal(next.IDs, v.read.IDs) {
		return v.page(ctx, excerpt{}).Unread, nil
	}
	if err := s.store.putRead(ctx, userID, version, next); err != nil {
		return 0, err
	}
	v.read = next
	unread := v.page(ctx, excerpt{}).Unread
	s.tellRead(ctx, userID, m, unread)
	return unread, nil
}

func (s *store) putRead(ctx context.Context, user string, version int64, r readState) error {
	if version == 0 {
		return s.reads.Insert(ctx, user, r)
	}
	return s.reads.Replace(ctx, user, version, r)
}

// mark adds to what was read. ErrUnacceptable.
func (v view) mark(ctx context.Context, r *readState, m users.ReadMark) error {
	if m.UpTo != "" {
		c, err := v.locate(ctx, m.UpTo)
		if err != nil {
			return unacceptable("up_to", acceptedPosition)
		}
		r.Order = max(r.Order, c.order)
		if c.at.After(r.At) {
			r.At = c.at.UTC()
		}
	}
	all := append(slices.Clone(r.IDs), m.EventIDs...)
	slices.Sort(all)
	r.IDs = slices.DeleteFunc(slices.Compact(all), func(id string) bool { return !v.worthKeeping(*r, id) })
	v.shorten(r)
	return nil
}

// worthKeeping tells whether an id has to be remembered: it is in the inbox's 90 days
// and behind what is read anyway.
func (v view) worthKeeping(r readState, id string) bool {
	if h, ok := v.s.news.known(id); ok {
		return h.order > r.Order
	}
	i := slices.IndexFunc(v.notices, func(n notice) bool { return n.id == id })
	return i >= 0 && v.notices[i].At.After(r.At)
}

func (v view) shorten(r *readState) {
	if len(r.IDs) <= maxReadIDs {
		return
	}
	var orders []int64
	for _, id := range r.IDs {
		if h, ok := v.s.news.known(id); ok {
			orders = append(orders, h.order)
		}
	}
	slices.Sort(orders)
	if over := len(r.IDs) - maxReadIDs; over <= len(orders) {
		r.Order = orders[over-1]
	}
	r.IDs = slices.DeleteFunc(r.IDs, func(id string) bool { return !v.worthKeeping(*r, id) })
}

// readData is what devices are told (users.ReadTopic).
type readData struct {
	EventIDs []string `json:"event_ids"`
	UpTo     *string  `json:"up_to"`
	Unread   int      `json:"unread"`
}

func (s *Service) tellRead(ctx context.Context, userID string, m users.ReadMark, unread int) {
	d := readData{EventIDs: m.EventIDs, Unread: unread}
	if d.EventIDs == nil {
		d.EventIDs = []string{}
	}
	if m.UpTo != "" {
		d.UpTo = &m.UpTo
	}
	s.tellDevices(ctx, userID, users.ReadTopic, d)
}
