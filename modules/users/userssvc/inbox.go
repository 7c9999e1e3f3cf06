package userssvc

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"anihub/modules/users"
)

// An inbox is computed: from the news in memory, the user's subscriptions, and one
// document that says what was read. Nothing is written when an episode airs.

// defaultNotifications is how many a page has when nobody says.
const defaultNotifications = 50

// Notifications implements users.Inbox.
func (s *Service) Notifications(ctx context.Context, userID string, q users.InboxQuery) (users.InboxPage, error) {
	return observed(ctx, s, "notifications", func() (users.InboxPage, error) {
		v, err := s.inboxOf(ctx, userID)
		if err != nil {
			return users.InboxPage{}, err
		}
		w, err := v.excerpt(ctx, q)
		if err != nil {
			return users.InboxPage{}, err
		}
		return v.page(ctx, w), nil
	})
}

// view is everything that an inbox is computed from.
type view struct {
	s       *Service
	all     []*happened
	wanted  map[int]users.Subscription
	notices []notice // newest first
	read    readState
}

func (s *Service) inboxOf(ctx context.Context, userID string) (view, error) {
	v := view{s: s, wanted: map[int]users.Subscription{}}
	if err := s.news.wait(ctx); err != nil {
		return v, err
	}
	v.all, _, _ = s.news.now()
	subs, err := s.subscriptionsOf(ctx, userID)
	if err != nil {
		return v, err
	}
	for _, sub := range subs {
		v.wanted[sub.TitleID] = sub
	}
	if v.notices, err = s.store.noticesOf(ctx, userID); err != nil {
		return v, err
	}
	v.read, _, err = s.store.readOf(ctx, userID)
	return v, err
}

// has tells whether an event belongs in the inbox.
func (v view) has(ctx context.Context, h *happened) bool {
	sub, ok := v.wanted[h.title]
	return ok && !h.at.Before(sub.Since) && v.s.goodEnough(ctx, h, sub.Quality)
}

// cursor is a place in an inbox: of the news by order, of the notices by time.
type cursor struct {
	order int64
	at    time.Time
}

// newestCursor is behind everything.
func newestCursor() cursor { return cursor{math.MaxInt64, time.Unix(1<<40, 0)} }

func (c cursor) covers(h *happened) bool { return h.order <= c.order }
func (c cursor) coversNotice(n notice) bool {
	return !n.At.After(c.at)
}

// excerpt is what part of an inbox is wanted: behind after, and before before.
type excerpt struct {
	after, before cursor
	limit         int
}

func (v view) excerpt(ctx context.Context, q users.InboxQuery) (excerpt, error) {
	w := excerpt{before: newestCursor(), limit: q.Limit}
	if w.limit == 0 {
		w.limit = defaultNotifications
	}
	if w.limit < 1 || w.limit > users.MaxNotifications {
		return w, unacceptable("limit", "1 to "+strconv.Itoa(users.MaxNotifications))
	}
	if q.After != "" {
		c, err := v.locate(ctx, q.After)
		if err != nil && !errors.Is(err, errUnknownEpoch) {
			return w, unacceptable("after", acceptedPosition)
		}
		w.after = c // of an epoch that is long over: everything came after it
	}
	if q.Before != "" {
		c, err := v.locate(ctx, q.Before)
		if err != nil {
			return w, unacceptable("before", acceptedPosition)
		}
		c.order-- // the event at the position is not before it
		c.at = c.at.Add(-time.Millisecond)
		w.before = c
	}
	return w, nil
}

const acceptedPosition = "the position of a notification, or of the stream, of the last 90 days"

// noticeEpoch stands where the positions of news have the epoch of the log. No log has
// it: theirs are longer. The offset is the time in milliseconds.
const noticeEpoch = "notice"

var errPosition = errors.New("no position")

// locate finds the place of a position. errUnknownEpoch, errPosition.
func (v view) locate(ctx context.Context, position string) (cursor, error) {
	epoch, offset := split(position)
	switch {
	case epoch == "" || strings.ContainsFunc(epoch, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }):
		return cursor{}, errPosition
	case epoch == noticeEpoch && offset > 1<<48:
		return cursor{}, errPosition
	case epoch == noticeEpoch:
		at := time.UnixMilli(int64(offset)) //nolint:gosec // bounded above
		return cursor{v.orderAt(at), at}, nil
	}
	order, err := orderOf(v.all, position)
	if err != nil {
		if order, err = v.inCurrent(ctx, epoch); err != nil {
			return cursor{}, err
		}
	}
	return cursor{order, v.timeOf(order)}, nil
}

// inCurrent is the order at a position of an epoch without news: that of the newest
// when the log has begun anew, errUnknownEpoch otherwise.
func (v view) inCurrent(ctx context.Context, epoch string) (int64, error) {
	tail, err := v.s.news.source.Tail(ctx)
	if now, _ := split(tail); err != nil || now != epoch {
		return 0, errUnknownEpoch
	}
	if len(v.all) == 0 {
		return 0, nil
	}
	return v.all[len(v.all)-1].order, nil
}

// orderAt is the order of the last event up to a time.
func (v view) orderAt(at time.Time) int64 {
	for _, h := range slices.Backward(v.all) {
		if !h.at.After(at) {
			return h.order
		}
	}
	return 0
}

// timeOf is the time of the event with this order.
func (v view) timeOf(order int64) time.Time {
	if rest := behind(v.all, order-1); len(rest) > 0 && rest[0].order == order {
		return rest[0].at
	}
	return time.Time{}
}

// page walks back through the news and the notices together.
func (v view) page(ctx context.Context, w excerpt) users.InboxPage {
	out := users.InboxPage{Items: []users.Notification{}}
	notices := v.notices
	for _, h := range slices.Backward(v.all) {
		if !v.has(ctx, h) {
			continue
		}
		for len(notices) > 0 && notices[0].At.After(h.at) {
			v.addNotice(&out, w, notices[0])
			notices = notices[1:]
		}
		v.addNews(&out, w, h)
	}
	for _, n := range notices {
		v.addNotice(&out, w, n)
	}
	return out
}

func (v view) addNews(out *users.InboxPage, w excerpt, h *happened) {
	read := v.read.has(h.id, h.order)
	if !read {
		out.Unread++
	}
	if len(out.Items) < w.limit && w.before.covers(h) && !w.after.covers(h) {
		out.Items = append(out.Items, h.notification(read))
	}
}

func (v view) addNotice(out *users.InboxPage, w excerpt, n notice) {
	read := v.read.hasNotice(n)
	if !read {
		out.Unread++
	}
	if len(out.Items) < w.limit && w.before.coversNotice(n) && !w.after.coversNotice(n) {
		out.Items = append(out.Items, n.notification(read))
	}
}

func (h *happened) notification(read bool) users.Notification {
	n := users.Notification{
		EventID: h.id, Position: h.position, Type: h.typ, TitleID: h.title,
		Title: h.shown.Title, Poster: h.shown.Poster, NewStatus: h.shown.NewStatus, At: h.at, Read: read,
	}
	if h.shown.Episode != nil {
		n.Episode, n.Numbered = *h.shown.Episode, true
	}
	return n
}
