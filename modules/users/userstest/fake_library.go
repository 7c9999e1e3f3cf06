package userstest

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"anihub/modules/users"
)

// fakeEpisode is what is known of an episode: the edits that won.
type fakeEpisode struct{ place, mark users.EpisodeEdit }

func stamp() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func fakeStatus(s string) bool {
	return slices.Contains([]string{users.Planned, users.Watching, users.Watched, users.Postponed, users.Abandoned}, s)
}

// Library implements users.Library.
func (f *Fake) Library(ctx context.Context, userID string, q users.LibraryQuery) (users.LibraryPage, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return users.LibraryPage{}, err
	}
	if q.Page < 0 || q.Limit < 0 || q.Status != "" && !fakeStatus(q.Status) {
		return users.LibraryPage{}, users.ErrUnacceptable.Detail("field", "page")
	}
	out := users.LibraryPage{Entries: []users.Entry{}}
	u := f.users[userID]
	if u == nil {
		return out, nil
	}
	at := func(e users.Entry) int64 { return e.ListedAt.UnixMilli() }
	if q.Favorites {
		at = func(e users.Entry) int64 { return e.FavoriteAt.UnixMilli() }
	}
	for id, e := range u.library {
		shown := e.Status != "" && !q.Favorites || e.Favorite && q.Favorites
		if shown && (q.Status == "" || q.Status == e.Status) && (q.TitleIDs == nil || slices.Contains(q.TitleIDs, id)) {
			out.Entries = append(out.Entries, e)
		}
	}
	slices.SortFunc(out.Entries, func(a, b users.Entry) int {
		return cmp.Or(cmp.Compare(at(b), at(a)), cmp.Compare(b.TitleID, a.TitleID))
	})
	out.Total = len(out.Entries)
	if q.Limit > 0 {
		from := min((max(q.Page, 1)-1)*q.Limit, out.Total)
		out.Entries = append([]users.Entry{}, out.Entries[from:min(from+q.Limit, out.Total)]...)
	}
	return out, nil
}

// List implements users.Library.
func (f *Fake) List(ctx context.Context, userID string, l users.Listing) (users.Entry, error) {
	return f.keep(ctx, userID, l.TitleID, func(e *users.Entry) error {
		if !fakeStatus(l.Status) {
			return users.ErrUnacceptable.Detail("field", "status")
		}
		if l.Score < 0 || l.Score > users.MaxScore {
			return users.ErrUnacceptable.Detail("field", "score")
		}
		put(e, l)
		return nil
	})
}

func put(e *users.Entry, l users.Listing) bool {
	if e.Status == l.Status && e.Score == l.Score {
		return false
	}
	e.Status, e.Score, e.ListedAt = l.Status, l.Score, stamp()
	return true
}

// keep changes an entry of a user who must exist.
func (f *Fake) keep(ctx context.Context, userID string, titleID int, change func(*users.Entry) error) (users.Entry, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return users.Entry{}, err
	}
	u, e := f.users[userID], users.Entry{TitleID: titleID}
	if u != nil && u.library[titleID].TitleID != 0 {
		e = u.library[titleID]
	}
	if titleID < 1 || titleID > math.MaxInt32 {
		return users.Entry{}, users.ErrUnacceptable.Detail("field", "title_id")
	}
	if err := change(&e); err != nil {
		return users.Entry{}, err
	}
	if u == nil {
		return users.Entry{}, users.ErrNotFound
	}
	if u.library == nil {
		u.library = map[int]users.Entry{}
	}
	u.library[titleID] = e
	return e, nil
}

// Unlist implements users.Library.
func (f *Fake) Unlist(ctx context.Context, userID string, titleID int) error {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return err
	}
	if u := f.users[userID]; u != nil && u.library[titleID].Status != "" {
		e := u.library[titleID]
		e.Status, e.Score, e.ListedAt = "", 0, time.Time{}
		u.library[titleID] = e
	}
	return nil
}

// SetFavorite implements users.Library.
func (f *Fake) SetFavorite(ctx context.Context, userID string, titleID int, on bool) (users.Entry, error) {
	if on {
		return f.keep(ctx, userID, titleID, func(e *users.Entry) error {
			if !e.Favorite {
				e.Favorite, e.FavoriteAt = true, stamp()
			}
			return nil
		})
	}
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return users.Entry{}, err
	}
	e := users.Entry{TitleID: titleID}
	if u := f.users[userID]; u != nil && u.library[titleID].TitleID != 0 {
		e = u.library[titleID]
		e.Favorite, e.FavoriteAt = false, time.Time{}
		u.library[titleID] = e
	}
	return e, nil
}

// Import implements users.Library.
func (f *Fake) Import(ctx context.Context, userID string, r users.Import) (users.Imported, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return users.Imported{}, err
	}
	if len(r.Listings) > users.MaxImport {
		return users.Imported{}, users.ErrUnacceptable.Detail("field", "listings")
	}
	for _, l := range r.Listings {
		if !fakeStatus(l.Status) || l.Score < 0 || l.Score > users.MaxScore || l.TitleID < 1 || l.TitleID > math.MaxInt32 {
			return users.Imported{}, users.ErrUnacceptable.Detail("field", "listings")
		}
	}
	u := f.users[userID]
	if u == nil {
		return users.Imported{}, users.ErrNotFound
	}
	if u.library == nil {
		u.library = map[int]users.Entry{}
	}
	var out users.Imported
	seen := map[int]bool{}
	for _, l := range r.Listings {
		e := u.library[l.TitleID]
		e.TitleID = l.TitleID
		if e.Status != "" && !r.Overwrite {
			l.Status, l.Score = e.Status, cmp.Or(e.Score, l.Score)
		}
		if seen[l.TitleID] || !put(&e, l) {
			out.Unchanged++
		} else if out.Imported++; !r.DryRun {
			u.library[l.TitleID] = e
		}
		seen[l.TitleID] = true
	}
	return out, nil
}
