package userssvc

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"anihub/modules/realtime"
	"anihub/modules/users"
	"anihub/platform/documents"
)

// Titles is what users ask of the catalogue.
type Titles interface {
	// Qualities are those that an episode of a title can be watched in, "" for one that
	// the player decides; known is false when nobody can tell.
	Qualities(ctx context.Context, titleID int, episode float64) (all []string, known bool)
}

// Prefer implements users.Inbox.
func (s *Service) Prefer(ctx context.Context, userID string, titleID int, p users.Preference) (users.Subscription, error) {
	return observed(ctx, s, "prefer", func() (users.Subscription, error) {
		p, err := checkPreference(p)
		if err != nil {
			return users.Subscription{}, err
		}
		if !validID(userID) {
			return users.Subscription{}, users.ErrNotSubscribed
		}
		for range maxTries {
			sub, err := s.preferOnce(ctx, userID, titleID, p)
			if !errors.Is(err, documents.ErrVersion) {
				return sub, err
			}
		}
		return users.Subscription{}, documents.ErrVersion
	})
}

func (s *Service) preferOnce(ctx context.Context, userID string, titleID int, p users.Preference) (users.Subscription, error) {
	var sub subscription
	id := subscriptionID(userID, titleID)
	version, err := s.store.subscriptions.Get(ctx, id, &sub)
	if errors.Is(err, documents.ErrNotFound) {
		return users.Subscription{}, users.ErrNotSubscribed
	}
	if err != nil {
		return users.Subscription{}, err
	}
	sub.Quality, sub.Channels = p.Quality, p.Channels
	return sub.door(), s.store.subscriptions.Replace(ctx, id, version, sub)
}

// door is the subscription as callers see it.
func (s subscription) door() users.Subscription {
	return users.Subscription{
		TitleID: int(s.Title), Since: s.Since, Preference: users.Preference{Quality: s.Quality, Channels: s.Channels},
	}
}

func checkPreference(p users.Preference) (users.Preference, error) {
	if p.Quality != "" && !slices.Contains(users.Qualities(), p.Quality) {
		return p, unacceptable("quality", strings.Join(users.Qualities(), ", ")+", or null for any")
	}
	for _, c := range p.Channels {
		if !slices.Contains(users.Channels(), c) {
			return p, unacceptable("channels", strings.Join(users.Channels(), ", "))
		}
	}
	if p.Channels != nil {
		p.Channels = slices.Compact(slices.Sorted(slices.Values(p.Channels)))
		if p.Channels == nil {
			p.Channels = []string{}
		}
	}
	return p, nil
}

// goodEnough tells whether the episode of an event has the quality by now, or nobody
// can tell. Events without an episode have none to wait for.
func (s *Service) goodEnough(ctx context.Context, h *happened, least string) bool {
	if least == "" || s.deps.Titles == nil || h.shown.Episode == nil || h.typ != realtime.NewEpisode && h.typ != realtime.EpisodeUpdate {
		return true
	}
	all, known := s.qualities.of(ctx, s.deps.Titles, h.title, *h.shown.Episode)
	return !known || slices.ContainsFunc(all, func(q string) bool { return lines(q) == 0 || lines(q) >= lines(least) })
}

// lines of a quality, 1080 of 1080p; 0 = it does not say.
func lines(quality string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(quality, "p"))
	if err != nil {
		return 0
	}
	return n
}

// qualityLife is how long an answer of the catalogue is believed.
const qualityLife = time.Minute

// maxQualities bounds what is remembered.
const maxQualities = 10_000

// qualities remembers what the catalogue said of episodes.
type qualities struct {
	mu   sync.Mutex
	said map[episodeKey]quality
}

type episodeKey struct {
	title   int
	episode float64
}

type quality struct {
	all   []string
	known bool
	until time.Time
}

func (q *qualities) of(ctx context.Context, titles Titles, title int, episode float64) ([]string, bool) {
	key, t := episodeKey{title, episode}, time.Now()
	q.mu.Lock()
	is, ok := q.said[key]
	q.mu.Unlock()
	if ok && t.Before(is.until) {
		return is.all, is.known
	}
	is = quality{until: t.Add(qualityLife)}
	is.all, is.known = titles.Qualities(ctx, title, episode)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.said == nil || len(q.said) >= maxQualities {
		q.said = map[episodeKey]quality{}
	}
	q.said[key] = is
	return is.all, is.known
}
