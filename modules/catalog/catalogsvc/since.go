package catalogsvc

import (
	"context"
	"errors"
	"time"

	"anihub/modules/catalog"
	"anihub/platform/anilibria"
	"anihub/platform/documents"
	"anihub/platform/fault"
)

// since is what the store knew of a title before the upstream was asked for it: the fence
// of what the upstream will say. That may be long on its way, and when the title was
// changed or made stale meanwhile it may be older, and is not stored.
type since struct {
	generation  int64
	expirations int64
	epoch       int64 // when the store did not know the title: of all that it does not know
	silent      bool  // the store did not say
}

// errOvertaken: what the upstream said may be older than what the store was told meanwhile.
var errOvertaken = fault.New(fault.Unavailable, "TITLE_OVERTAKEN", "The title changed while it was being fetched; try again.")

const (
	maxRenewals = 4           // how often a title is fetched again because it was overtaken
	sincePause  = time.Second // how long a viewer waits for a store to say what it knows
)

func (d titleDoc) since() since {
	return since{generation: d.Generation, expirations: d.Expirations}
}

// overtaken tells whether a release must not make next of the document. One that says what
// is stored already may come as late as it likes, unless the document was made stale.
func (x since) overtaken(d, next titleDoc) bool {
	x.epoch = 0
	same := next.ETag == d.ETag && next.Doubt == nil && d.Hidden == nil
	return x != d.since() && (!same || x.expirations != d.Expirations)
}

// since reads the fences of titles. A viewer does not wait long for them.
func (s *Service) since(ctx context.Context, m manner, ids ...int) map[int]since {
	if m.viewer {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, sincePause)
		defer cancel()
	}
	out := make(map[int]since, len(ids))
	if s.readSince(ctx, ids, out) != nil {
		for _, id := range ids {
			out[id] = since{silent: true}
		}
	}
	return out
}

func (s *Service) readSince(ctx context.Context, ids []int, out map[int]since) error {
	var unknown []int
	for _, id := range ids {
		var d titleFence
		_, err := s.store.titles.Get(ctx, titleKey(id), &d)
		switch {
		case err == nil:
			out[id] = since{generation: d.Generation, expirations: d.Expirations}
		case errors.Is(err, documents.ErrNotFound):
			unknown = append(unknown, id)
		default:
			return err
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	epoch, err := s.epoch.Now(ctx)
	for _, id := range unknown {
		out[id] = since{epoch: epoch}
	}
	return err
}

// renew fetches a title and takes what comes, again when that was overtaken.
func (s *Service) renew(ctx context.Context, id int, m manner) (a applied, err error) {
	for range maxRenewals {
		seen := s.since(ctx, m, id)[id]
		rel, err := s.fetchOne(ctx, id)
		if err != nil {
			return a, err
		}
		next, err := s.take(ctx, rel, m, seen)
		a = next.after(a)
		if !errors.Is(err, errOvertaken) {
			return a, err
		}
	}
	return a, errOvertaken
}

// after adds to what was done now what was done before.
func (a applied) after(before applied) applied {
	a.changed = a.changed || before.changed
	a.events = append(before.events, a.events...)
	return a
}

// take applies a release. When the store is down a viewer is answered all the same, as if
// the title had never been seen: the news in it is found by the next refresh.
func (s *Service) take(ctx context.Context, rel anilibria.Release, m manner, seen since) (applied, error) {
	a, err := applied{}, error(documents.ErrUnavailable)
	if !seen.silent {
		a, err = s.apply(ctx, rel, m, seen)
	}
	if m.viewer && (errors.Is(err, documents.ErrUnavailable) || errors.Is(err, fault.ErrTimeout)) {
		s.log.WarnContext(ctx, "title not stored", "title", rel.ID, "err", err)
		return s.merge(titleDoc{}, catalog.Title{}, fromRelease(rel), m)
	}
	return a, err
}

// takeAll takes releases that were fetched together; those that were overtaken are
// fetched again, one by one.
func (s *Service) takeAll(ctx context.Context, list []anilibria.Release, m manner, seen map[int]since) (all []applied, failed map[int]error) {
	failed = map[int]error{}
	for _, rel := range list {
		a, err := s.take(ctx, rel, m, seen[rel.ID])
		if errors.Is(err, errOvertaken) {
			var again applied
			again, err = s.renew(ctx, rel.ID, m)
			a = again.after(a)
		}
		if err != nil {
			failed[rel.ID] = err
			continue
		}
		all = append(all, a)
	}
	return all, failed
}
