package userssvc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"anihub/modules/users"
	"anihub/platform/documents"
	"anihub/platform/eventlog"
)

// A session ends in three steps: it is marked, which is what ends it; its end is
// announced on the event log, so that its sockets are closed; it is deleted, and the
// push of its device with it. What
// a crash or a dead log leaves between them is finished by Run.

// end marks the session as over and then tries to finish. Ending an ended session
// is no error.
func (s *Service) end(ctx context.Context, ses session, why string) error {
	for range maxTries {
		err := s.mark(ctx, &ses, why)
		switch {
		case err == nil:
			s.memo.drop(ses.id)
			s.finishSoon(ctx, ses)
			return nil
		case !errors.Is(err, documents.ErrVersion):
			return err
		}
		ses, err = s.store.session(ctx, ses.id)
		if errors.Is(err, documents.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return documents.ErrVersion
}

// mark is what ends a session. documents.ErrVersion when it was changed meanwhile.
func (s *Service) mark(ctx context.Context, ses *session, why string) error {
	if ses.EndedAt != nil {
		return nil
	}
	t := now()
	ses.EndedAt, ses.EndedWhy = &t, why
	if err := s.store.sessions.Replace(ctx, ses.id, ses.version, ses); err != nil {
		return err
	}
	s.metrics.ended.WithLabelValues(why).Inc()
	return nil
}

// endFor ends the session and answers with the reason for it. When it cannot be
// ended, that is the answer: the caller tries again, and so does this.
func (s *Service) endFor(ctx context.Context, ses session, why string, answer error) error {
	if err := s.end(ctx, ses, why); err != nil {
		return err
	}
	return answer
}

// finishTime bounds the last two steps when the caller has gone already.
const finishTime = 2 * time.Second

// finishSoon announces an end that has happened. Its failure is not the caller's:
// the session is over, and Run goes on.
func (s *Service) finishSoon(ctx context.Context, ses session) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	if err := s.finish(ctx, ses); err != nil {
		s.log.WarnContext(ctx, "the end of a session is not announced yet", "session", ses.id, "err", err)
	}
}

// endedData is what the log says (users.SessionTopic).
type endedData struct {
	UserID    string `json:"user_id"`
	SessionID string `json:"session_id"`
	Reason    string `json:"reason"`
}

func (s *Service) finish(ctx context.Context, ses session) error {
	if err := s.warn(ctx, ses); err != nil {
		return fmt.Errorf("warn: %w", err)
	}
	data, err := json.Marshal(endedData{ses.User, ses.id, ses.EndedWhy})
	if err != nil {
		return err
	}
	e := eventlog.Entry{ID: "session:" + ses.id + ":ended", Topic: users.SessionTopic, Data: data}
	if _, _, err := s.deps.Events.Append(ctx, e); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	if err := s.endPush(ctx, ses.id); err != nil {
		return fmt.Errorf("end push: %w", err)
	}
	return s.store.sessions.Delete(ctx, ses.id)
}

// tidy ends what a user has too many of. Failing is no reason to turn them away.
func (s *Service) tidy(ctx context.Context, user string) {
	all, err := s.store.sessionsOf(ctx, user)
	if err != nil {
		s.log.WarnContext(ctx, "sessions were not tidied", "user", user, "err", err)
		return
	}
	slices.SortFunc(all, func(a, b session) int { return cmp.Compare(b.RotatedAt.UnixMilli(), a.RotatedAt.UnixMilli()) })
	for i, ses := range all {
		if i < maxSessions-1 {
			continue
		}
		if err := s.end(ctx, ses, users.EndedCrowd); err != nil {
			s.log.WarnContext(ctx, "a session too many was not ended", "user", user, "err", err)
		}
	}
}

// batch is how many sessions Run takes at a time.
const batch = 1000

func (s *Service) announceEnded(ctx context.Context) error {
	return s.eachSession(ctx, documents.Scan{Order: "ended_at", Limit: batch}, s.finish)
}

func (s *Service) expireSessions(ctx context.Context) error {
	return s.eachSession(ctx, documents.Scan{Order: "expires_at", Max: now(), Limit: batch}, func(ctx context.Context, ses session) error {
		return s.end(ctx, ses, users.EndedAge)
	})
}

func (s *Service) eachSession(ctx context.Context, scan documents.Scan, do func(context.Context, session) error) error {
	for d, err := range s.store.sessions.Scan(ctx, scan) {
		if err != nil {
			return err
		}
		ses := session{id: d.ID, version: d.Version}
		if err := d.Decode(&ses); err != nil {
			return err
		}
		if err := do(ctx, ses); err != nil {
			return err
		}
	}
	return nil
}
