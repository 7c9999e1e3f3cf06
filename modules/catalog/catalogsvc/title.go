package catalogsvc

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"anihub/modules/catalog"
	"anihub/platform/anilibria"
	"anihub/platform/cache"
)

// Title is one title with everything.
func (s *Service) Title(ctx context.Context, ref catalog.Ref, have string) (catalog.Answer[catalog.Title], error) {
	position, changes := s.position(), s.cache.Changes()
	id, err := s.resolve(ctx, ref)
	if err != nil {
		return catalog.Answer[catalog.Title]{}, err
	}
	key, franchiseKey := keysOf(id)
	hit, err := s.cache.Get(ctx, key, s.loadTitle(id))
	if err != nil {
		return catalog.Answer[catalog.Title]{}, doorError(err)
	}
	franchise := s.franchise(ctx, franchiseKey, id)
	a := catalog.Answer[catalog.Title]{
		Freshness: freshnessOf(hit), Position: upTo(position, hit), Holds: s.holds(s.cache.Prove(changes, hit, franchise)),
	}
	var buf [160]byte
	version := appendVersion(buf[:0], hit)
	version = append(append(version, '.'), franchise.ETag...)
	if string(version) == have { // compared without becoming a string
		a.Unchanged, a.Version = true, have
		return a, nil
	}
	a.Version = string(version)
	if a.Value, err = s.decode(ctx, id, hit); err != nil {
		return catalog.Answer[catalog.Title]{}, err
	}
	a.Value.Franchise = s.franchisesIn(ctx, franchise)
	return a, nil
}

// holds looks at a proof instead of asking again. The position is read first: what happens
// between the two is told to who follows the log from there.
func (s *Service) holds(p cache.Proof) func() (string, bool) {
	if p == (cache.Proof{}) {
		return nil
	}
	return func() (string, bool) {
		position := s.position()
		return position, s.cache.Holds(p)
	}
}

// keysOf is titleKey and the key of the title's franchises, in one allocation.
func keysOf(id int) (title, franchise string) {
	var buf [64]byte
	b := strconv.AppendInt(append(buf[:0], titlePrefix...), int64(id), 10)
	n := len(b)
	b = strconv.AppendInt(append(b, franchisePrefix...), int64(id), 10)
	both := string(b)
	return both[:n], both[n:]
}

// appendVersion writes what distinguishes one answer from another: the body and
// the freshness that is shown with it.
func appendVersion(b []byte, h cache.Hit) []byte {
	b = append(append(b, h.ETag...), '.')
	b = append(append(b, h.Level...), '.')
	b = append(strconv.AppendInt(b, h.StoredAt.UnixMilli(), 36), '.')
	b = strconv.AppendInt(b, h.FreshUntil.UnixMilli(), 36)
	if h.Stale {
		b = append(append(b, '.'), h.Reason...)
	}
	return b
}

func freshnessOf(h cache.Hit) catalog.Freshness {
	return catalog.Freshness{
		Level: h.Level, StoredAt: stamp(h.StoredAt), FreshUntil: stamp(h.FreshUntil), Stale: h.Stale, Reason: h.Reason,
	}
}

// upTo is the position of an answer. A copy that was served because a level was
// slow or down may lack what a bell before the position told; nobody knows.
func upTo(position string, h cache.Hit) string {
	if h.Stale && (h.Reason == cache.Timeout || h.Reason == cache.LevelDown) {
		return ""
	}
	return position
}

// doorError says the chain's errors in the door's words.
func doorError(err error) error {
	if errors.Is(err, cache.ErrNotFound) {
		return catalog.ErrNotFound
	}
	return unavailable(err)
}

// decode opens an answer. A body that this version cannot read (another one wrote
// it into a shared level) is passed over for the stored title.
func (s *Service) decode(ctx context.Context, id int, hit cache.Hit) (catalog.Title, error) {
	t, err := decodeTitle(hit.Body)
	if err == nil {
		return t, nil
	}
	s.log.WarnContext(ctx, "cached title cannot be read", "title", id, "level", hit.Level, "err", err)
	d, version, err := s.store.read(ctx, titleKey(id))
	if err == nil && version > 0 {
		t, err = d.title()
	}
	if err != nil || version == 0 {
		return catalog.Title{}, unavailable(err)
	}
	return t, nil
}

// loadTitle is the origin of a title's key.
func (s *Service) loadTitle(id int) cache.Load {
	return func(ctx context.Context) (cache.Entry, error) {
		a, err := s.renew(giveWay(ctx), id, viewed)
		if err != nil {
			return cache.Entry{}, originError(err)
		}
		s.show(a)
		s.reschedule(ctx, a)
		return a.loaded(), nil
	}
}

// viewed is how a release is applied that a viewer's request has fetched.
var viewed = manner{viewer: true}

// giveWay lets a load that no viewer waits for be background work of the upstream.
func giveWay(ctx context.Context) context.Context {
	if cache.Ahead(ctx) {
		return anilibria.Background(ctx)
	}
	return ctx
}

func originError(err error) error {
	if errors.Is(err, anilibria.ErrNotFound) {
		return cache.ErrNotFound
	}
	return err
}

// resolve finds the id of a reference: by the index, or by asking the upstream
// for a slug that the index does not know.
func (s *Service) resolve(ctx context.Context, ref catalog.Ref) (int, error) {
	if ref.ID > 0 {
		return ref.ID, nil
	}
	if ref.ID < 0 || !validCode(ref.Code) {
		return 0, catalog.ErrNotFound // no title of the upstream can be called so
	}
	if r := s.index.snapshot().byCode(ref.Code); r != nil {
		return r.s.ID, nil
	}
	hit, err := s.cache.Get(ctx, codePrefix+ref.Code, s.loadCode(ref.Code))
	if err != nil {
		return 0, doorError(err)
	}
	id, err := strconv.Atoi(string(hit.Body))
	if err != nil || id <= 0 {
		return 0, catalog.ErrUnavailable.Because("cached id of %q is %.20q", ref.Code, hit.Body)
	}
	return id, nil
}

// loadCode asks the upstream for a slug. The route takes ids as well, so the
// answer to "123" may be a title of another name: there is none of that name then.
func (s *Service) loadCode(code string) cache.Load {
	return func(ctx context.Context) (cache.Entry, error) {
		const nobody = 0 // the id is not known yet: as of a title that is not stored
		seen := s.since(ctx, viewed, nobody)[nobody]
		rel, err := s.upstream.Release(ctx, anilibria.Ref{Alias: code})
		if err != nil {
			return cache.Entry{}, originError(err)
		}
		if rel.ID <= 0 || !strings.EqualFold(rel.Alias, code) {
			return cache.Entry{}, cache.ErrNotFound
		}
		a, err := s.take(ctx, rel, viewed, seen)
		switch {
		case errors.Is(err, errOvertaken): // it is stored, as something newer
		case err != nil:
			return cache.Entry{}, err
		default:
			s.show(a)
			s.ring(ctx, a)
			s.reschedule(ctx, a)
		}
		body := []byte(strconv.Itoa(rel.ID))
		return cache.Entry{Body: body, ETag: etagOf(body), Tags: []string{titleKey(rel.ID)}}, nil
	}
}
