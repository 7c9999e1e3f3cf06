package catalogsvc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"anihub/modules/catalog"
	"anihub/platform/anilibria"
	"anihub/platform/cache"
)

// What the upstream recommends with a title is a list of ids under a key of its own;
// the titles come from the index, as those of the schedule do. One that the index
// does not know is left out: a title that a viewer has not asked for is not worth a
// call of the upstream, and the next full pass brings it.

// recommended is the page of a query with RecommendedFor.
func (s *Service) recommended(ctx context.Context, q catalog.Query, have string) (catalog.Answer[catalog.Page], error) {
	position := s.position()
	if _, err := s.indexed(); err != nil {
		return catalog.Answer[catalog.Page]{}, err
	}
	id := q.RecommendedFor
	if err := s.exists(ctx, id); err != nil {
		return catalog.Answer[catalog.Page]{}, err
	}
	hit, err := s.cache.Get(ctx, recommendPrefix+strconv.Itoa(id), s.loadRecommended(id))
	if err != nil {
		return catalog.Answer[catalog.Page]{}, doorError(err)
	}
	snap := s.index.snapshot()
	a := catalog.Answer[catalog.Page]{Freshness: freshnessOf(hit), Position: upTo(position, hit)}
	a.Version = string(appendVersion(nil, hit)) + "." + s.indexVersion(snap, false)
	if a.Version == have {
		a.Unchanged = true
		return a, nil
	}
	if err := json.Unmarshal(hit.Body, &q.IDs); err != nil {
		return catalog.Answer[catalog.Page]{}, catalog.ErrUnavailable.With(fmt.Errorf("decode recommendations: %w", err))
	}
	a.Value = snap.page(q)
	return a, nil
}

// exists tells whether there is such a title. The upstream's route answers to any
// id, so one that the index does not know is asked for first.
func (s *Service) exists(ctx context.Context, id int) error {
	if s.index.snapshot().byID(id) != nil {
		return nil
	}
	_, err := s.cache.Get(ctx, titleKey(id), s.loadTitle(id))
	if err != nil {
		return doorError(err)
	}
	return nil
}

// loadRecommended is the origin of the list. The title itself, which an upstream may
// recommend as well as any other, is no news to its viewer.
func (s *Service) loadRecommended(id int) cache.Load {
	return func(ctx context.Context) (cache.Entry, error) {
		list, err := s.upstream.Recommended(giveWay(ctx), id, anilibria.PageMax)
		if errors.Is(err, anilibria.ErrNotFound) {
			list, err = nil, nil
		}
		if err != nil {
			return cache.Entry{}, err
		}
		ids := slices.DeleteFunc(append([]int{}, list...), func(other int) bool { return other == id })
		body, err := encodeJSON(ids)
		if err != nil {
			return cache.Entry{}, err
		}
		return cache.Entry{Body: body, ETag: etagOf(body), Tags: []string{titleKey(id)}}, nil
	}
}
