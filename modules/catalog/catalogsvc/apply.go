package catalogsvc

import (
	"context"
	"errors"
	"slices"
	"time"

	"anihub/modules/catalog"
	"anihub/platform/anilibria"
	"anihub/platform/cache"
	"anihub/platform/fault"
)

// errOtherID: the upstream answered with a title that nobody asked for.
var errOtherID = fault.New(fault.Upstream, "UPSTREAM_OTHER_TITLE", "AniLibria answered with another title than was asked for.")

// maxIDs is what one refresh takes, the upstream's page.
const maxIDs = anilibria.PageMax

// manner is how a release is applied.
type manner struct {
	silent bool // settle without news
	force  bool // count as changed in any case
	viewer bool // somebody opened the title: store and tell, but settle nothing
}

// applied is what came of one release.
type applied struct {
	doc     titleDoc
	body    []byte
	changed bool
	events  []catalog.Event
	stored  bool // false: the store is down, the title lives in memory only
}

func (a applied) entry() cache.Entry { return a.doc.entryOf(a.body) }

// news tells whether other processes must look again.
func (a applied) news() bool { return a.changed && a.stored }

// loaded is the entry as a load of the chain returns it.
func (a applied) loaded() cache.Entry {
	e := a.entry()
	e.Changed = a.news()
	return e
}

// Refresh fetches titles and stores what changed together with its news.
func (s *Service) Refresh(ctx context.Context, r catalog.Refresh) (catalog.Refreshed, error) {
	ids, err := refreshIDs(r.IDs)
	if err != nil || len(ids) == 0 {
		return catalog.Refreshed{}, err
	}
	if r.Background {
		ctx = anilibria.Background(ctx)
	}
	m := manner{silent: r.Silent, force: r.Force}
	seen := s.since(ctx, m, ids...)
	got, out := s.fetch(ctx, ids)
	all, failed := s.takeAll(ctx, got, m, seen)
	for _, rel := range got {
		if err := failed[rel.ID]; err != nil {
			out.Failed = append(out.Failed, failureOf(rel.ID, err))
		}
	}
	for _, a := range all {
		out.Events = append(out.Events, a.events...)
		if a.changed {
			out.Changed = append(out.Changed, a.doc.Summary.ID)
		}
	}
	if r.Hide {
		all = append(all, s.hideAll(ctx, &out, seen)...)
	}
	s.show(all...)
	s.ring(ctx, all...)
	s.reschedule(ctx, all...)
	s.metrics.refreshed(out, len(got))
	return out, ctx.Err()
}

// show puts releases that were applied into the index.
func (s *Service) show(all ...applied) {
	rows := make([]*row, 0, len(all))
	for _, a := range all {
		rows = append(rows, newRow(a.doc.short()))
	}
	s.index.put(rows...)
}

func refreshIDs(ids []int) ([]int, error) {
	if len(ids) > maxIDs {
		return nil, catalog.ErrBadQuery.Detail("ids", len(ids)).Detail("max", maxIDs)
	}
	seen := make(map[int]bool, len(ids))
	out := make([]int, 0, len(ids))
	for _, id := range ids {
		if id <= 0 {
			return nil, catalog.ErrBadQuery.Detail("ids", id).Saying("An id of a title is a positive number.")
		}
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out, nil
}

// fetch asks the upstream: for one title by its own route, for many by a list.
// What a list does not return may be absent or left out, so it is asked for once
// more; only the answer to that can say Missing.
func (s *Service) fetch(ctx context.Context, ids []int) (got []anilibria.Release, out catalog.Refreshed) {
	rest := ids
	if len(ids) > 1 {
		list, err := s.upstream.Releases(ctx, ids)
		if err != nil {
			for _, id := range ids {
				out.Failed = append(out.Failed, failureOf(id, err))
			}
			return nil, out
		}
		got, rest = s.wanted(list, ids)
	}
	for _, id := range rest {
		rel, err := s.fetchOne(ctx, id)
		switch {
		case err == nil:
			got = append(got, rel)
		case errors.Is(err, anilibria.ErrNotFound):
			out.Missing = append(out.Missing, id)
		default:
			out.Failed = append(out.Failed, failureOf(id, err))
		}
	}
	return got, out
}

func (s *Service) fetchOne(ctx context.Context, id int) (anilibria.Release, error) {
	rel, err := s.upstream.Release(ctx, anilibria.Ref{ID: id})
	if err != nil {
		return anilibria.Release{}, err
	}
	if rel.ID != id {
		s.metrics.suspicious.WithLabelValues(otherID).Inc()
		return anilibria.Release{}, errOtherID.Because("asked for %d, got %d", id, rel.ID)
	}
	return rel, nil
}

// wanted sorts a list by the ids that were asked for; repeated and unasked
// releases are dropped.
func (s *Service) wanted(list []anilibria.Release, ids []int) (got []anilibria.Release, rest []int) {
	byID := make(map[int]anilibria.Release, len(list))
	for _, rel := range list {
		if !slices.Contains(ids, rel.ID) {
			s.metrics.suspicious.WithLabelValues(otherID).Inc()
			continue
		}
		if _, twice := byID[rel.ID]; !twice {
			byID[rel.ID] = rel
		}
	}
	for _, id := range ids {
		if rel, ok := byID[id]; ok {
			got = append(got, rel)
		} else {
			rest = append(rest, id)
		}
	}
	return got, rest
}

func failureOf(id int, err error) catalog.Failure {
	f := fault.Of(err)
	return catalog.Failure{ID: id, Code: f.Code, Message: f.Message}
}

// apply stores a release. Whoever loses a race against another writer reads what
// that one stored and compares again, so each change is told by its first finder
// only. With errOvertaken comes what was stored all the same.
//
// A title that was not known is stored as a stale one first: an invalidation that begins
// afterwards finds it, and of one that began before the epoch tells.
func (s *Service) apply(ctx context.Context, r anilibria.Release, m manner, seen since) (a applied, err error) {
	fresh, first := fromRelease(r), false
	err = s.store.change(ctx, titleKey(r.ID), func(d *titleDoc, known bool) (bool, error) {
		before := catalog.Title{}
		if known {
			var err error
			if before, err = d.title(); err != nil {
				// A body that cannot be read is no reason to keep it.
				s.log.ErrorContext(ctx, "stored title cannot be read; replaced", "title", r.ID, "err", err)
			}
		}
		next, err := s.merge(*d, before, fresh, m)
		switch {
		case err != nil:
			return false, err
		case known && seen.overtaken(*d, next.doc):
			return false, errOvertaken
		}
		a, *d, first = next, next.doc, !known
		if first {
			d.FreshUntil = d.StoredAt
		}
		return true, nil
	})
	if err != nil {
		return applied{}, err
	}
	a.stored = true
	s.metrics.told(a.events)
	if a.doc.Doubt != nil {
		s.metrics.suspicious.WithLabelValues(a.doc.Doubt.Kind).Inc()
	}
	if first {
		err = s.trust(ctx, a.doc, seen)
	}
	return a, err
}

// trust lets a title count as fresh that has just been stored for the first time.
func (s *Service) trust(ctx context.Context, d titleDoc, seen since) error {
	epoch, err := s.epoch.Now(ctx)
	if err != nil {
		return err
	}
	if epoch != seen.epoch {
		return errOvertaken
	}
	done, err := s.store.write(ctx, titleKey(d.Summary.ID), 1, d)
	if err == nil && !done {
		return errOvertaken
	}
	return err
}

// merge is the next state of a document.
func (s *Service) merge(d titleDoc, before, fresh catalog.Title, m manner) (applied, error) {
	now := stamp(time.Now())
	known := d.ETag != ""
	if known && before.ID != 0 {
		fresh, d.Doubt = believe(before, fresh, d.Doubt, now, s.cfg.ConfirmAfter)
	}
	fresh.Latest = latest(fresh, before.Latest)
	fresh.Expected = expect(fresh, now)
	body, err := encodeTitle(fresh)
	if err != nil {
		return applied{}, err
	}
	a := applied{body: body}
	d.Ledger, a.events = d.Ledger.news(before, fresh, m.silent, m.viewer)
	d.await(a.events, now)
	etag := etagOf(body)
	a.changed = m.force || etag != d.ETag || d.Hidden != nil
	d.Hidden = nil
	if etag != d.ETag {
		if d.Body, err = s.folder.fold(body); err != nil {
			return applied{}, err
		}
	}
	if a.changed {
		d.Generation = max(d.Generation+1, now.UnixMicro())
	}
	d.Summary, d.ETag = wrapSummary(fresh.Summary), etag
	d.StoredAt, d.FreshUntil = now, now.Add(s.lifeOf(d, fresh.Summary, now))
	a.doc = d
	return a, nil
}

// ring tells the chain of changed titles, and that every process. A bell that cannot
// ring is remembered by the chain and rung later; the change is stored in any case.
func (s *Service) ring(ctx context.Context, all ...applied) {
	var keys []string
	for _, a := range all {
		if a.news() {
			keys = append(keys, titleKey(a.doc.Summary.ID))
		}
	}
	if len(keys) == 0 {
		return
	}
	if err := s.cache.Supersede(ctx, keys); err != nil {
		s.log.WarnContext(ctx, "the bell of changed titles did not ring everywhere", "titles", len(keys), "first", keys[0], "err", err)
	}
}

// Pending are the stored events nobody confirmed, oldest first.
func (s *Service) Pending(ctx context.Context, limit int) ([]catalog.Event, error) {
	var out []catalog.Event
	if limit <= 0 {
		return nil, nil
	}
	for d, err := range s.store.pending(ctx) {
		if err != nil {
			return nil, unavailable(err)
		}
		for _, e := range d.Pending {
			if len(out) == limit {
				return out, nil
			}
			out = append(out, e.unwrap())
		}
	}
	return out, nil
}

// Confirm forgets events that were published.
func (s *Service) Confirm(ctx context.Context, events []catalog.Event) error {
	byTitle := map[int]map[string]bool{}
	for _, e := range events {
		if byTitle[e.TitleID] == nil {
			byTitle[e.TitleID] = map[string]bool{}
		}
		byTitle[e.TitleID][e.ID] = true
	}
	for id, ids := range byTitle {
		err := s.store.change(ctx, titleKey(id), func(d *titleDoc, known bool) (bool, error) {
			return known && d.confirm(ids), nil
		})
		if err != nil {
			return unavailable(err)
		}
	}
	return nil
}

// unavailable says in the door's words that something below does not answer;
// the caller's own end stays what it is.
func unavailable(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, fault.ErrCanceled) || errors.Is(err, fault.ErrTimeout) {
		return err
	}
	return catalog.ErrUnavailable.With(err).After(fault.Of(err).RetryAfter)
}
