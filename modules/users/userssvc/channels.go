package userssvc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"anihub/modules/users"
	"anihub/platform/documents"
)

// feedToken is who may read a user's feeds, stored under the hash of the token. The
// token is all that a reader shows, and only its owner has it.
type feedToken struct {
	User      string    `bson:"user"`
	CreatedAt time.Time `bson:"created_at"`
	Rest      rest      `bson:",inline"`
}

// feedTokenBytes is 128 random bits.
const feedTokenBytes = 16

func feedTokenID(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// IssueFeedToken implements users.Channel.
func (s *Service) IssueFeedToken(ctx context.Context, userID string) (string, error) {
	return observed(ctx, s, "issue_feed_token", func() (string, error) {
		if _, err := s.store.account(ctx, userID); err != nil {
			return "", err
		}
		if err := s.revokeFeeds(ctx, userID); err != nil {
			return "", err
		}
		raw := make([]byte, feedTokenBytes)
		_, _ = rand.Read(raw) // never fails (crypto/rand)
		token := hex.EncodeToString(raw)
		return token, s.store.feeds.Insert(ctx, feedTokenID(token), feedToken{User: userID, CreatedAt: now()})
	})
}

// RevokeFeedToken implements users.Channel.
func (s *Service) RevokeFeedToken(ctx context.Context, userID string) error {
	_, err := observed(ctx, s, "revoke_feed_token", func() (struct{}, error) {
		return struct{}{}, s.revokeFeeds(ctx, userID)
	})
	return err
}

// revokeFeeds deletes all: two that were issued at once are both the user's.
func (s *Service) revokeFeeds(ctx context.Context, userID string) error {
	if !validID(userID) {
		return nil
	}
	return emptyOf(ctx, s.store.feeds, userID)
}

// FeedTitles implements users.Channel.
func (s *Service) FeedTitles(ctx context.Context, token string) ([]int, error) {
	return observed(ctx, s, "feed_titles", func() ([]int, error) {
		if len(token) != hex.EncodedLen(feedTokenBytes) {
			return nil, users.ErrNoFeed
		}
		var f feedToken
		_, err := s.store.feeds.Get(ctx, feedTokenID(token), &f)
		if errors.Is(err, documents.ErrNotFound) {
			return nil, users.ErrNoFeed
		}
		if err != nil {
			return nil, err
		}
		a, err := s.store.account(ctx, f.User)
		if errors.Is(err, users.ErrNotFound) || err == nil && a.Banned {
			return nil, users.ErrNoFeed
		}
		if err != nil {
			return nil, err
		}
		return s.feedTitles(ctx, f.User)
	})
}

func (s *Service) feedTitles(ctx context.Context, user string) ([]int, error) {
	subs, err := s.subscriptionsOf(ctx, user)
	out := []int{}
	for _, sub := range subs {
		if sub.Channels == nil || slices.Contains(sub.Channels, users.ChannelFeed) {
			out = append(out, sub.TitleID)
		}
	}
	slices.Sort(out)
	return out, err
}
