package userssvc

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"anihub/modules/users"
	"anihub/platform/documents"
)

// Subscriptions implements users.Subscriptions.
func (s *Service) Subscriptions(ctx context.Context, userID string) ([]users.Subscription, error) {
	return observed(ctx, s, "subscriptions", func() ([]users.Subscription, error) {
		return s.subscriptionsOf(ctx, userID)
	})
}

func (s *Service) subscriptionsOf(ctx context.Context, userID string) ([]users.Subscription, error) {
	if !validID(userID) {
		return []users.Subscription{}, nil
	}
	all, err := ofUser(ctx, s.store.subscriptions, userID, subscription.door)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b users.Subscription) int {
		return cmp.Or(b.Since.Compare(a.Since), cmp.Compare(b.TitleID, a.TitleID))
	})
	return all, nil
}

// Subscribe implements users.Subscriptions.
func (s *Service) Subscribe(ctx context.Context, userID string, titleID int) (users.Subscription, error) {
	return observed(ctx, s, "subscribe", func() (users.Subscription, error) {
		if titleID < 1 || titleID > math.MaxInt32 {
			return users.Subscription{}, unacceptable("title_id", "1 to 2147483647")
		}
		if _, err := s.store.account(ctx, userID); err != nil {
			return users.Subscription{}, err
		}
		return s.subscribe(ctx, userID, titleID)
	})
}

// subscribe adds first and counts then: of two at once at the limit, none gets past it.
func (s *Service) subscribe(ctx context.Context, userID string, titleID int) (users.Subscription, error) {
	id := subscriptionID(userID, titleID)
	sub := subscription{User: userID, Title: int64(titleID), Since: now()}
	err := s.store.subscriptions.Insert(ctx, id, sub)
	if errors.Is(err, documents.ErrExists) {
		_, err = s.store.subscriptions.Get(ctx, id, &sub)
		return sub.door(), err
	}
	if err != nil {
		return users.Subscription{}, err
	}
	all, err := s.subscriptionsOf(ctx, userID)
	if err != nil {
		return users.Subscription{}, err
	}
	if len(all) > users.MaxSubscriptions {
		full := users.ErrUnacceptable.Detail("field", "title_id").Detail("most", users.MaxSubscriptions).
			Saying("There are %d subscriptions already, as many as one may have.", users.MaxSubscriptions)
		return users.Subscription{}, errors.Join(full, s.store.subscriptions.Delete(ctx, id))
	}
	return sub.door(), nil
}

// Unsubscribe implements users.Subscriptions.
func (s *Service) Unsubscribe(ctx context.Context, userID string, titleID int) error {
	_, err := observed(ctx, s, "unsubscribe", func() (struct{}, error) {
		if !validID(userID) {
			return struct{}{}, nil
		}
		return struct{}{}, s.store.subscriptions.Delete(ctx, subscriptionID(userID, titleID))
	})
	return err
}
