package userssvc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"anihub/modules/users"
)

// Library implements users.Library.
func (s *Service) Library(ctx context.Context, userID string, q users.LibraryQuery) (users.LibraryPage, error) {
	return observed(ctx, s, "library", func() (users.LibraryPage, error) {
		if err := checkQuery(q); err != nil {
			return users.LibraryPage{}, err
		}
		all, err := s.entriesOf(ctx, userID)
		if err != nil {
			return users.LibraryPage{}, err
		}
		return pageOf(all, q), nil
	})
}

func checkQuery(q users.LibraryQuery) error {
	switch {
	case q.Page < 0:
		return unacceptable("page", "1 and more")
	case q.Limit < 0:
		return unacceptable("limit", "0 (all) and more")
	case q.Status != "" && !isStatus(q.Status):
		return unacceptable("status", acceptedStatus)
	}
	return nil
}

const acceptedStatus = "planned, watching, watched, postponed or abandoned"

func isStatus(s string) bool {
	switch s {
	case users.Planned, users.Watching, users.Watched, users.Postponed, users.Abandoned:
		return true
	}
	return false
}

func (s *Service) entriesOf(ctx context.Context, userID string) ([]users.Entry, error) {
	if !validID(userID) {
		return nil, nil
	}
	return ofUser(ctx, s.store.library, userID, entry.entry)
}

// pageOf selects, sorts and cuts.
func pageOf(all []users.Entry, q users.LibraryQuery) users.LibraryPage {
	when := func(e users.Entry) time.Time { return e.ListedAt }
	if q.Favorites {
		when = func(e users.Entry) time.Time { return e.FavoriteAt }
	}
	wanted := make(map[int]bool, len(q.TitleIDs))
	for _, id := range q.TitleIDs {
		wanted[id] = true
	}
	all = slices.DeleteFunc(all, func(e users.Entry) bool {
		return when(e).IsZero() || q.Status != "" && e.Status != q.Status || q.TitleIDs != nil && !wanted[e.TitleID]
	})
	slices.SortFunc(all, func(a, b users.Entry) int {
		return cmp.Or(when(b).Compare(when(a)), cmp.Compare(b.TitleID, a.TitleID))
	})
	page := users.LibraryPage{Total: len(all)}
	if q.Limit > 0 {
		// A page far behind the end must not overflow on its way there.
		from := min(max(q.Page, 1)-1, len(all)/q.Limit+1) * q.Limit
		all = all[min(from, len(all)):min(from+q.Limit, len(all))]
	}
	page.Entries = append([]users.Entry{}, all...)
	return page
}

// List implements users.Library.
func (s *Service) List(ctx context.Context, userID string, l users.Listing) (users.Entry, error) {
	return observed(ctx, s, "list", func() (users.Entry, error) {
		if err := checkListing(l); err != nil {
			return users.Entry{}, err
		}
		return s.keep(ctx, userID, l.TitleID, func(e *entry) bool { return e.list(l) })
	})
}

func checkListing(l users.Listing) error {
	if !isStatus(l.Status) {
		return unacceptable("status", acceptedStatus)
	}
	if l.Score < 0 || l.Score > users.MaxScore {
		return unacceptable("score", fmt.Sprintf("1 to %d, or none", users.MaxScore))
	}
	return nil
}

// Unlist implements users.Library.
func (s *Service) Unlist(ctx context.Context, userID string, titleID int) error {
	_, err := observed(ctx, s, "unlist", func() (users.Entry, error) {
		return s.takeAway(ctx, userID, titleID, func(e *entry) bool { return e.list(users.Listing{}) })
	})
	return err
}

// SetFavorite implements users.Library.
func (s *Service) SetFavorite(ctx context.Context, userID string, titleID int, on bool) (users.Entry, error) {
	return observed(ctx, s, "set_favorite", func() (users.Entry, error) {
		mark := func(e *entry) bool { return e.mark(on) }
		if !on {
			return s.takeAway(ctx, userID, titleID, mark)
		}
		return s.keep(ctx, userID, titleID, mark)
	})
}

// keep changes an entry, or makes one.
func (s *Service) keep(ctx context.Context, userID string, titleID int, change func(*entry) bool) (users.Entry, error) {
	id, err := titleOf(userID, titleID)
	if err != nil {
		return users.Entry{}, err
	}
	e, made, err := edit(ctx, s.store.library, entry{Of: id}, id.id(), func(e *entry) (bool, error) { return change(e), nil })
	if err == nil && made {
		err = s.admit(ctx, s.store.library, userID, []string{id.id()})
	}
	if err != nil {
		return users.Entry{}, err
	}
	return e.entry(), nil
}

// takeAway changes an entry if there is one. What cannot be there needs no taking
// away: a blank entry has nothing to change.
func (s *Service) takeAway(ctx context.Context, userID string, titleID int, change func(*entry) bool) (users.Entry, error) {
	id, err := titleOf(userID, titleID)
	if err != nil {
		return users.Entry{TitleID: titleID}, nil
	}
	e, _, err := edit(ctx, s.store.library, entry{Of: id}, id.id(), func(e *entry) (bool, error) { return change(e), nil })
	return e.entry(), err
}

// Import implements users.Library.
func (s *Service) Import(ctx context.Context, userID string, r users.Import) (users.Imported, error) {
	return observed(ctx, s, "import", func() (users.Imported, error) {
		if err := checkImport(userID, r.Listings); err != nil {
			return users.Imported{}, err
		}
		if _, err := s.store.account(ctx, userID); err != nil {
			return users.Imported{}, err
		}
		all, err := s.entriesOf(ctx, userID)
		if err != nil {
			return users.Imported{}, err
		}
		todo := changes(all, r)
		out := users.Imported{Imported: len(todo), Unchanged: len(r.Listings) - len(todo)}
		if r.DryRun || len(todo) == 0 {
			return out, nil
		}
		return out, s.fill(ctx, userID, todo, r.Overwrite)
	})
}

func checkImport(userID string, all []users.Listing) error {
	if len(all) > users.MaxImport {
		return tooMany("listings", users.MaxImport)
	}
	for _, l := range all {
		if err := checkListing(l); err != nil {
			return err
		}
		if _, err := titleOf(userID, l.TitleID); err != nil {
			return err
		}
	}
	return nil
}

// changes are the listings that would change something, one for each title.
func changes(all []users.Entry, r users.Import) []users.Listing {
	have := make(map[int]entry, len(all))
	for _, e := range all {
		have[e.TitleID] = entry{Status: e.Status, Score: int64(e.Score)}
	}
	var out []users.Listing
	done := map[int]bool{}
	for _, l := range r.Listings {
		e := have[l.TitleID]
		if !done[l.TitleID] && e.fill(l, r.Overwrite) {
			out = append(out, l)
		}
		done[l.TitleID] = true
	}
	return out
}

// fill is list for a listing that does not say when it was made: it may only fill
// what is missing, unless the user wants to overwrite.
func (e *entry) fill(l users.Listing, overwrite bool) bool {
	if !overwrite && e.Status != "" {
		l.Status = e.Status
		if e.Score != 0 {
			l.Score = int(e.Score)
		}
	}
	return e.list(l)
}

func (s *Service) fill(ctx context.Context, userID string, todo []users.Listing, overwrite bool) error {
	var made []string
	for _, l := range todo {
		id := shelved{userID, int64(l.TitleID)}
		_, isNew, err := edit(ctx, s.store.library, entry{Of: id}, id.id(), func(e *entry) (bool, error) {
			return e.fill(l, overwrite), nil
		})
		if err != nil {
			return errors.Join(err, s.admit(ctx, s.store.library, userID, made))
		}
		if isNew {
			made = append(made, id.id())
		}
	}
	return s.admit(ctx, s.store.library, userID, made)
}
