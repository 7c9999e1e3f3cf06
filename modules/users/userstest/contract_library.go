package userstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/users"
)

// everythingOfTitles is the part of Everything that is about titles.
func everythingOfTitles(ctx context.Context, s users.Service, id string, errs map[string]error) {
	place := 60.0
	_, errs["Library"] = s.Library(ctx, id, users.LibraryQuery{})
	_, errs["List"] = s.List(ctx, id, users.Listing{TitleID: 7, Status: users.Watching})
	errs["Unlist"] = s.Unlist(ctx, id, 7)
	_, errs["SetFavorite"] = s.SetFavorite(ctx, id, 7, true)
	_, errs["Import"] = s.Import(ctx, id, users.Import{Listings: []users.Listing{{TitleID: 8, Status: users.Planned}}})
	_, errs["ProgressOf"] = s.ProgressOf(ctx, id)
	_, errs["Progress"] = s.Progress(ctx, id, []int{7})
	_, errs["SaveProgress"] = s.SaveProgress(ctx, id, []users.TitleEdits{{TitleID: 7, Episodes: []users.EpisodeEdit{{Episode: 1, Seconds: &place}}}})
}

// strangers are ids of users who do not exist.
func strangers() []string { return []string{"", "nobody", strings.Repeat("a", 20), "a:1", "a\x00b"} }

func libraryOf(t *testing.T, s users.Service, id string, q users.LibraryQuery) users.LibraryPage {
	t.Helper()
	p, err := s.Library(t.Context(), id, q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	return p
}

func idsOf(p users.LibraryPage) []int {
	ids := []int{}
	for _, e := range p.Entries {
		ids = append(ids, e.TitleID)
	}
	return ids
}

func put1(t *testing.T, s users.Service, id string, l users.Listing) users.Entry {
	t.Helper()
	e, err := s.List(t.Context(), id, l)
	if err != nil || e.TitleID != l.TitleID || e.Status != l.Status || e.Score != l.Score || e.ListedAt.IsZero() {
		t.Fatalf("%+v: %+v, %v", l, e, err)
	}
	return e
}

func lists(t *testing.T, s users.Service) {
	mine, other := signUp(t, s, "wanderer").User.ID, signUp(t, s, "stranger").User.ID
	if p := libraryOf(t, s, mine, users.LibraryQuery{}); p.Entries == nil || len(p.Entries) != 0 || p.Total != 0 {
		t.Errorf("at first: %+v", p)
	}
	first := put1(t, s, mine, users.Listing{TitleID: 30, Status: users.Watching})
	time.Sleep(2 * time.Millisecond) // the store's clock has milliseconds
	if again := put1(t, s, mine, users.Listing{TitleID: 30, Status: users.Watching}); !again.ListedAt.Equal(first.ListedAt) {
		t.Errorf("the same again: %+v after %+v", again, first)
	}
	put1(t, s, mine, users.Listing{TitleID: 10, Status: users.Planned, Score: 1})
	time.Sleep(2 * time.Millisecond)
	put1(t, s, mine, users.Listing{TitleID: 30, Status: users.Watched, Score: users.MaxScore})
	if got := idsOf(libraryOf(t, s, mine, users.LibraryQuery{})); !slices.Equal(got, []int{30, 10}) {
		t.Errorf("not newest first: %v", got)
	}
	if got := idsOf(libraryOf(t, s, mine, users.LibraryQuery{Status: users.Watched})); !slices.Equal(got, []int{30}) {
		t.Errorf("watched: %v", got)
	}
	if p := libraryOf(t, s, other, users.LibraryQuery{}); p.Total != 0 {
		t.Errorf("another sees %+v", p)
	}
	if err := s.Unlist(t.Context(), other, 30); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := s.Unlist(t.Context(), mine, 10); err != nil {
			t.Error(err)
		}
	}
	if got := idsOf(libraryOf(t, s, mine, users.LibraryQuery{})); !slices.Equal(got, []int{30}) {
		t.Errorf("after unlisting: %v", got)
	}
	put1(t, s, mine, users.Listing{TitleID: 10, Status: users.Abandoned})
	for _, id := range strangers() {
		_, err := s.List(t.Context(), id, users.Listing{TitleID: 1, Status: users.Planned})
		is(t, "nobody", err, users.ErrNotFound)
		if p := libraryOf(t, s, id, users.LibraryQuery{}); len(p.Entries) != 0 {
			t.Errorf("of nobody: %+v", p)
		}
		if err := s.Unlist(t.Context(), id, 1); err != nil {
			t.Error(err)
		}
	}
}

func favorites(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer").User.ID
	marked := func(id int, on bool) users.Entry {
		t.Helper()
		e, err := s.SetFavorite(t.Context(), mine, id, on)
		if err != nil || e.TitleID != id || e.Favorite != on || e.FavoriteAt.IsZero() == on {
			t.Fatalf("%d %v: %+v, %v", id, on, e, err)
		}
		return e
	}
	first := marked(5, true)
	time.Sleep(2 * time.Millisecond)
	if diff := cmp.Diff(first, marked(5, true)); diff != "" {
		t.Error(diff)
	}
	marked(6, true)
	put1(t, s, mine, users.Listing{TitleID: 5, Status: users.Watching, Score: 7})
	favs := libraryOf(t, s, mine, users.LibraryQuery{Favorites: true})
	if got := idsOf(favs); !slices.Equal(got, []int{6, 5}) || favs.Entries[1].Score != 7 {
		t.Errorf("favourites %+v", favs)
	}
	if got := idsOf(libraryOf(t, s, mine, users.LibraryQuery{})); !slices.Equal(got, []int{5}) {
		t.Errorf("lists: %v", got)
	}
	// Each aspect stays when the other goes.
	marked(5, false)
	marked(5, false)
	if p := libraryOf(t, s, mine, users.LibraryQuery{}); !slices.Equal(idsOf(p), []int{5}) || p.Entries[0].Favorite {
		t.Errorf("lists: %+v", p)
	}
	marked(5, true)
	if err := s.Unlist(t.Context(), mine, 5); err != nil {
		t.Error(err)
	}
	if p := libraryOf(t, s, mine, users.LibraryQuery{Favorites: true}); p.Total != 2 || p.Entries[0].Status != "" || p.Entries[0].Score != 0 {
		t.Errorf("favourites: %+v", p)
	}
	for _, id := range strangers() {
		_, err := s.SetFavorite(t.Context(), id, 1, true)
		is(t, "nobody", err, users.ErrNotFound)
		if _, err := s.SetFavorite(t.Context(), id, 1, false); err != nil {
			t.Error(err)
		}
	}
}

func libraryPages(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer").User.ID
	for n := 1; n <= 7; n++ {
		put1(t, s, mine, users.Listing{TitleID: n, Status: []string{users.Planned, users.Watched}[n%2]})
		time.Sleep(2 * time.Millisecond)
	}
	for _, c := range []struct {
		q     users.LibraryQuery
		want  []int
		total int
	}{
		{users.LibraryQuery{Limit: 3}, []int{7, 6, 5}, 7},
		{users.LibraryQuery{Page: 1, Limit: 3}, []int{7, 6, 5}, 7},
		{users.LibraryQuery{Page: 3, Limit: 3}, []int{1}, 7},
		{users.LibraryQuery{Page: 4, Limit: 3}, []int{}, 7},
		{users.LibraryQuery{Page: 1 << 40, Limit: 1 << 20}, []int{}, 7},
		{users.LibraryQuery{Page: 1, Limit: 1 << 40}, []int{7, 6, 5, 4, 3, 2, 1}, 7},
		{users.LibraryQuery{Page: 2, Limit: 2, Status: users.Watched}, []int{3, 1}, 4},
		{users.LibraryQuery{TitleIDs: []int{2, 7, 99}}, []int{7, 2}, 2},
		{users.LibraryQuery{TitleIDs: []int{}}, []int{}, 0},
	} {
		p := libraryOf(t, s, mine, c.q)
		if got := idsOf(p); !slices.Equal(got, c.want) || p.Total != c.total {
			t.Errorf("%+v: %v of %d, want %v of %d", c.q, got, p.Total, c.want, c.total)
		}
	}
}

func libraryUnacceptable(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer").User.ID
	put1(t, s, mine, users.Listing{TitleID: 1, Status: users.Watching, Score: 5})
	for _, c := range []struct {
		l     users.Listing
		field string
	}{
		{users.Listing{TitleID: 0, Status: users.Planned}, "title_id"},
		{users.Listing{TitleID: -1, Status: users.Planned}, "title_id"},
		{users.Listing{TitleID: 1 << 31, Status: users.Planned}, "title_id"},
		{users.Listing{TitleID: 1, Status: ""}, "status"},
		{users.Listing{TitleID: 1, Status: "Watching"}, "status"},
		{users.Listing{TitleID: 1, Status: "a\x00b"}, "status"},
		{users.Listing{TitleID: 1, Status: users.Watched, Score: -1}, "score"},
		{users.Listing{TitleID: 1, Status: users.Watched, Score: 11}, "score"},
	} {
		_, err := s.List(t.Context(), mine, c.l)
		is(t, fmt.Sprintf("%+v", c.l), err, users.ErrUnacceptable)
		if field(err) != c.field {
			t.Errorf("%+v: field %v", c.l, field(err))
		}
	}
	for _, id := range []int{0, -1, 1 << 31} {
		_, err := s.SetFavorite(t.Context(), mine, id, true)
		is(t, "favourite", err, users.ErrUnacceptable)
	}
	for _, q := range []users.LibraryQuery{{Page: -1}, {Limit: -1}, {Status: "all"}} {
		_, err := s.Library(t.Context(), mine, q)
		is(t, fmt.Sprintf("%+v", q), err, users.ErrUnacceptable)
	}
	if p := libraryOf(t, s, mine, users.LibraryQuery{}); p.Total != 1 || p.Entries[0].Status != users.Watching || p.Entries[0].Score != 5 {
		t.Errorf("afterwards %+v", p)
	}
}

// Two devices at one title change different things of it: neither is lost.
func libraryRaced(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer").User.ID
	var wg sync.WaitGroup
	stubborn := func(do func() error) {
		wg.Go(func() {
			err := do()
			for i := 0; i < 5 && errors.Is(err, users.ErrUnavailable); i++ { // as a page would
				err = do()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	for n := range 8 {
		stubborn(func() error {
			_, err := s.SetFavorite(t.Context(), mine, n/4+1, true)
			return err
		})
		stubborn(func() error {
			_, err := s.List(t.Context(), mine, users.Listing{TitleID: n/4 + 1, Status: users.Watching})
			return err
		})
	}
	wg.Wait()
	for _, fav := range []bool{true, false} {
		p := libraryOf(t, s, mine, users.LibraryQuery{Favorites: fav})
		if p.Total != 2 || !p.Entries[0].Favorite || p.Entries[1].Status != users.Watching {
			t.Errorf("%+v", p)
		}
	}
}

func importing(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer").User.ID
	put1(t, s, mine, users.Listing{TitleID: 1, Status: users.Watching})
	put1(t, s, mine, users.Listing{TitleID: 2, Status: users.Abandoned, Score: 3})
	in := users.Import{Listings: []users.Listing{
		{TitleID: 1, Status: users.Planned, Score: 8}, // fills the score
		{TitleID: 2, Status: users.Watched, Score: 9}, // gives way
		{TitleID: 3, Status: users.Watched, Score: 7},
		{TitleID: 3, Status: users.Planned}, // the first counts
	}}
	do := func(change func(*users.Import), want users.Imported) {
		t.Helper()
		r := in
		change(&r)
		got, err := s.Import(t.Context(), mine, r)
		if err != nil || got != want {
			t.Errorf("%+v: %+v, %v, want %+v", r, got, err, want)
		}
	}
	holds := func(want ...users.Listing) {
		t.Helper()
		got := []users.Listing{}
		for _, e := range libraryOf(t, s, mine, users.LibraryQuery{}).Entries {
			got = append(got, users.Listing{TitleID: e.TitleID, Status: e.Status, Score: e.Score})
		}
		slices.SortFunc(got, func(a, b users.Listing) int { return a.TitleID - b.TitleID })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	do(func(r *users.Import) { r.DryRun = true }, users.Imported{Imported: 2, Unchanged: 2})
	holds(users.Listing{TitleID: 1, Status: users.Watching}, users.Listing{TitleID: 2, Status: users.Abandoned, Score: 3})
	do(func(*users.Import) {}, users.Imported{Imported: 2, Unchanged: 2})
	holds(users.Listing{TitleID: 1, Status: users.Watching, Score: 8}, users.Listing{TitleID: 2, Status: users.Abandoned, Score: 3},
		users.Listing{TitleID: 3, Status: users.Watched, Score: 7})
	do(func(*users.Import) {}, users.Imported{Unchanged: 4})
	do(func(r *users.Import) { r.Overwrite = true }, users.Imported{Imported: 2, Unchanged: 2})
	holds(in.Listings[:3]...)
	do(func(r *users.Import) { r.Overwrite = true }, users.Imported{Unchanged: 4})
	do(func(r *users.Import) { r.Listings = nil }, users.Imported{})
}

func importUnacceptable(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer").User.ID
	good := users.Listing{TitleID: 1, Status: users.Planned}
	for _, bad := range []users.Listing{{TitleID: 0, Status: users.Planned}, {TitleID: 2, Status: "x"}, {TitleID: 2, Status: users.Planned, Score: 11}} {
		_, err := s.Import(t.Context(), mine, users.Import{Listings: []users.Listing{good, bad}})
		is(t, fmt.Sprintf("%+v", bad), err, users.ErrUnacceptable)
	}
	_, err := s.Import(t.Context(), mine, users.Import{Listings: make([]users.Listing, users.MaxImport+1)})
	is(t, "too many", err, users.ErrUnacceptable)
	if p := libraryOf(t, s, mine, users.LibraryQuery{}); p.Total != 0 {
		t.Errorf("something was imported: %+v", p)
	}
	for _, dry := range []bool{true, false} {
		_, err = s.Import(t.Context(), strings.Repeat("a", 20), users.Import{Listings: []users.Listing{good}, DryRun: dry})
		is(t, "nobody", err, users.ErrNotFound)
	}
}
