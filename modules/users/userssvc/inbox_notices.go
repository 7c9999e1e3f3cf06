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

// notice is one message about an account, stored as notice:<user>:<what>, so that what
// is found twice is told once.
type notice struct {
	User   string    `bson:"user"`
	Type   string    `bson:"type"`
	Reason string    `bson:"reason"`
	At     time.Time `bson:"at"`
	Rest   rest      `bson:",inline"`

	id string
}

// maxNotices of an inbox; older ones are not shown.
const maxNotices = 1000

func (n notice) notification(read bool) users.Notification {
	return users.Notification{
		EventID: n.id, Position: noticeEpoch + ":" + strconv.FormatInt(n.At.UnixMilli(), 10),
		Type: n.Type, Reason: n.Reason, At: n.At, Read: read,
	}
}

// notify puts a notice into an inbox, once for each ref.
func (s *Service) notify(ctx context.Context, user, ref, typ, reason string) error {
	err := s.store.notices.Insert(ctx, "notice:"+user+":"+ref, notice{User: user, Type: typ, Reason: reason, At: now()})
	if errors.Is(err, documents.ErrExists) {
		return nil
	}
	return err
}

// noticesOf a user, newest first.
func (s *store) noticesOf(ctx context.Context, user string) ([]notice, error) {
	all := []notice{}
	if !validID(user) {
		return all, nil
	}
	for d, err := range s.notices.Find(ctx, "user", user) {
		if err != nil {
			return nil, err
		}
		n := notice{id: d.ID}
		if err := d.Decode(&n); err != nil {
			return nil, err
		}
		if time.Since(n.At) < newsLife {
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(a, b notice) int { return b.At.Compare(a.At) })
	return all[:min(len(all), maxNotices)], nil
}

// warn tells the owner of a session that ended because of a theft.
func (s *Service) warn(ctx context.Context, ses session) error {
	if ses.EndedWhy != users.EndedReuse {
		return nil
	}
	return s.notify(ctx, ses.User, "reuse:"+ses.id, users.NoticeSecurity, users.NoticeTokenReused)
}

// pruneNotices deletes what inboxes do not show any more.
func (s *Service) pruneNotices(ctx context.Context) error {
	for d, err := range s.store.notices.Scan(ctx, documents.Scan{Order: "at", Max: time.Now().Add(-newsLife), Limit: batch}) {
		if err != nil {
			return err
		}
		if err := s.store.notices.Delete(ctx, d.ID); err != nil {
			return err
		}
	}
	return nil
}
