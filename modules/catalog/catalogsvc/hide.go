package catalogsvc

import (
	"context"
	"slices"
	"time"

	"anihub/modules/catalog"
)

// hideAll takes the missing titles of a refresh out of sight. Their documents stay,
// ledgers included: a title that comes back is not told as a new one.
func (s *Service) hideAll(ctx context.Context, out *catalog.Refreshed, seen map[int]since) []applied {
	var all []applied
	for _, id := range out.Missing {
		a, err := s.hide(ctx, id, seen[id])
		switch {
		case err != nil:
			out.Failed = append(out.Failed, failureOf(id, err))
		case a.changed:
			all = append(all, a)
			out.Hidden = append(out.Hidden, id)
		}
	}
	out.Missing = slices.DeleteFunc(out.Missing, func(id int) bool {
		return slices.ContainsFunc(out.Failed, func(f catalog.Failure) bool { return f.ID == id })
	})
	return all
}

// hide marks one title; one that is not known here, or is hidden already, is left as
// it is.
func (s *Service) hide(ctx context.Context, id int, seen since) (a applied, err error) {
	err = s.store.change(ctx, titleKey(id), func(d *titleDoc, known bool) (bool, error) {
		a = applied{}
		if !known || d.Hidden != nil {
			return false, nil
		}
		if d.since() != seen {
			return false, errOvertaken
		}
		now := stamp(time.Now())
		d.Hidden, d.StoredAt, d.FreshUntil = &now, now, now.Add(s.cfg.FreshFor)
		d.Generation = max(d.Generation+1, now.UnixMicro())
		a = applied{doc: *d, changed: true, stored: true}
		return true, nil
	})
	return a, err
}
