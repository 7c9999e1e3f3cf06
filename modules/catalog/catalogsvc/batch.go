package catalogsvc

import (
	"context"
	"errors"

	"anihub/modules/catalog"
	"anihub/platform/cache"
	"anihub/platform/fault"
)

// errLeftOut: a list of the upstream does not hold a title that it was asked for.
// That is not the upstream's word that there is none: it has not said 404.
var errLeftOut = fault.New(fault.Upstream, "UPSTREAM_LEFT_OUT", "AniLibria's list does not hold the title.")

// named answers titles by id. Those that the index does not know come through the
// cache chain, all together, and are in the index afterwards.
func (s *Service) named(ctx context.Context, q catalog.Query, have string) (catalog.Answer[catalog.Page], error) {
	a := catalog.Answer[catalog.Page]{Position: s.position()}
	snap := s.index.snapshot()
	unknown := snap.unknown(q.IDs)
	if len(unknown) == 0 {
		a.Freshness = s.indexFreshness(snap)
		a.Version = s.indexVersion(snap, a.Freshness.Stale)
		if a.Unchanged = a.Version == have; !a.Unchanged {
			a.Value = snap.page(q)
		}
		return a, nil
	}
	hits, silent, err := s.learn(ctx, unknown)
	if err != nil && len(unknown) == len(q.IDs) {
		return catalog.Answer[catalog.Page]{}, err
	}
	snap = s.index.snapshot()
	a.Value, a.Freshness = snap.page(q), s.indexFreshness(snap)
	a.Value.Unavailable = silent
	for _, h := range hits {
		if h.Stale {
			a.Freshness, a.Position = freshnessOf(h), upTo(a.Position, h)
		}
	}
	return a, nil
}

// unknown are the ids that are not in the index, each once.
func (s *snapshot) unknown(ids []int) []int {
	var out []int
	seen := make(map[int]bool, len(ids))
	for _, id := range ids {
		if !seen[id] && s.byID(id) == nil {
			out = append(out, id)
		}
		seen[id] = true
	}
	return out
}

// learn brings titles into the index. It returns those about which nobody could
// say anything, and why, if there are any.
func (s *Service) learn(ctx context.Context, ids []int) (hits []cache.Hit, silent []int, err error) {
	keys := each(ids, titleKey)
	var rows []*row
	for i, r := range s.cache.GetAll(ctx, keys, s.loadTitles) {
		switch {
		case errors.Is(r.Err, cache.ErrNotFound) || errors.Is(r.Err, errLeftOut):
			continue
		case r.Err != nil:
			silent, err = append(silent, ids[i]), doorError(r.Err)
			continue
		}
		hits = append(hits, r.Hit)
		t, bad := s.decode(ctx, ids[i], r.Hit)
		if bad != nil {
			silent, err = append(silent, ids[i]), bad
			continue
		}
		rows = append(rows, newRow(shortDoc{Summary: wrapSummary(t.Summary), Generation: r.Generation, StoredAt: r.StoredAt}))
	}
	s.index.put(rows...)
	return hits, silent, err
}

// loadTitles is the origin of several titles' keys: one list.
func (s *Service) loadTitles(ctx context.Context, keys []string) (map[string]cache.Loaded, error) {
	ids := make([]int, 0, len(keys))
	for _, k := range keys {
		if id, ok := titleID(k); ok {
			ids = append(ids, id)
		}
	}
	if len(ids) == 1 { // its own route can say that there is none
		e, err := s.loadTitle(ids[0])(ctx)
		return map[string]cache.Loaded{keys[0]: {Entry: e, Err: err}}, nil
	}
	seen := s.since(ctx, viewed, ids...)
	list, err := s.upstream.Releases(giveWay(ctx), ids)
	if err != nil {
		return nil, originError(err)
	}
	got, rest := s.wanted(list, ids)
	all, failed := s.takeAll(ctx, got, viewed, seen)
	s.show(all...)
	s.reschedule(ctx, all...)
	out := make(map[string]cache.Loaded, len(ids))
	for _, a := range all {
		out[titleKey(a.doc.Summary.ID)] = cache.Loaded{Entry: a.loaded()}
	}
	for id, err := range failed {
		out[titleKey(id)] = cache.Loaded{Err: err}
	}
	for _, id := range rest {
		out[titleKey(id)] = cache.Loaded{Err: errLeftOut}
	}
	return out, nil
}
