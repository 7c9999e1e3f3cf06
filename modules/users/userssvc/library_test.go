package userssvc_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/users"
	"anihub/modules/users/userssvc"
	"anihub/platform/documents"
)

func place(episode, seconds float64) users.EpisodeEdit {
	return users.EpisodeEdit{Episode: episode, Seconds: &seconds}
}

func saveOne(h *house, id string, title int, edits ...users.EpisodeEdit) error {
	_, err := h.SaveProgress(context.Background(), id, []users.TitleEdits{{TitleID: title, Episodes: edits}})
	return err
}

// kept is how many documents of a collection say that they are the user's.
func kept(t *testing.T, h *house, collection, id string) int {
	t.Helper()
	n := 0
	for _, err := range h.store.raw(t, collection).Find(t.Context(), "user", id) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func TestTheEndOfAnAccountLeavesTheLibrariesOfOthers(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine, other := signUp(t, h, "wanderer").User.ID, signUp(t, h, "stranger").User.ID
	for _, id := range []string{mine, other} {
		for title := 1; title <= 40; title++ { // more than the first page of a find
			if _, err := h.SetFavorite(t.Context(), id, title, true); err != nil {
				t.Fatal(err)
			}
			if err := saveOne(h, id, title, place(1, 10)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := h.DeleteAccount(t.Context(), users.Deletion{UserID: mine, Password: password, Client: from("192.0.2.1")}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{"library", "progress"} {
		if a, b := kept(t, h, c, mine), kept(t, h, c, other); a != 0 || b != 40 {
			t.Errorf("%s: %d left, and %d of the other", c, a, b)
		}
	}
}

// What is saved while the account is deleted does not stay behind.
func TestNothingIsKeptOfAnAccountThatIsGone(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine := signUp(t, h, "wanderer").User.ID
	if err := h.store.raw(t, "users").Delete(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	_, listed := h.List(t.Context(), mine, users.Listing{TitleID: 1, Status: users.Planned})
	_, imported := h.Import(t.Context(), mine, users.Import{Listings: []users.Listing{{TitleID: 1, Status: users.Planned}}})
	for _, err := range []error{listed, imported, saveOne(h, mine, 1, place(1, 10))} {
		if !errors.Is(err, users.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	}
	for _, c := range []string{"library", "progress"} {
		if n := kept(t, h, c, mine); n != 0 {
			t.Errorf("%s: %d left", c, n)
		}
	}
}

// crowded is a store in which every user has a full library already.
type crowded struct{ documents.Store }

type crowdedCollection struct{ documents.Collection }

func (c crowded) Collection(s documents.Spec) documents.Collection {
	if s.Name != "library" && s.Name != "progress" {
		return c.Store.Collection(s)
	}
	return crowdedCollection{c.Store.Collection(s)}
}

func (c crowdedCollection) Find(ctx context.Context, field string, value any) iter.Seq2[documents.Document, error] {
	return func(yield func(documents.Document, error) bool) {
		for range users.MaxLibrary {
			if !yield(documents.Document{}, nil) {
				return
			}
		}
		c.Collection.Find(ctx, field, value)(yield)
	}
}

func TestALibraryIsBounded(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine := signUp(t, h, "wanderer").User.ID
	if _, err := h.SetFavorite(t.Context(), mine, 1, true); err != nil {
		t.Fatal(err)
	}
	full := openOn(t, h.store, func(_ *userssvc.Config, d *userssvc.Deps) { d.Documents = crowded{d.Documents} })
	_, err := full.SetFavorite(t.Context(), mine, 2, true)
	for what, err := range map[string]error{"favourite": err, "progress": saveOne(full, mine, 2, place(1, 1))} {
		if !errors.Is(err, users.ErrUnacceptable) {
			t.Errorf("one %s more: %v", what, err)
		}
	}
	if a, b := kept(t, h, "library", mine), kept(t, h, "progress", mine); a != 1 || b != 0 {
		t.Errorf("%d entries, %d of progress", a, b)
	}
	if _, err := full.List(t.Context(), mine, users.Listing{TitleID: 1, Status: users.Watching}); err != nil {
		t.Errorf("one that is there: %v", err)
	}
}

// Documents of a newer AniHub keep what this one does not know.
func TestUnknownFieldsOfALibraryStay(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine := signUp(t, h, "wanderer").User.ID
	old := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	docs := map[string]map[string]any{
		"library": {"user": mine, "title": int64(5), "status": "planned", "score": int64(0), "listed_at": old, "favorite": false, "favorite_at": old, "note": "kept"},
		"progress": {"user": mine, "title": int64(5), "updated_at": old, "watched": int64(0), "note": "kept", "episodes": []map[string]any{
			{"n": 1.0, "s": 5.0, "s_at": old.UnixMilli(), "w": false, "w_at": int64(0), "note": "kept"},
		}},
	}
	for c, doc := range docs {
		if err := h.store.raw(t, c).Insert(t.Context(), mine+":5", doc); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.List(t.Context(), mine, users.Listing{TitleID: 5, Status: users.Watched, Score: 9}); err != nil {
		t.Fatal(err)
	}
	if err := saveOne(h, mine, 5, place(1, 77), place(2, 1)); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Note, Status string
		Score        int64
		Episodes     []struct {
			N, S float64
			Note string
		}
	}
	for c := range docs {
		if _, err := h.store.raw(t, c).Get(t.Context(), mine+":5", &got); err != nil || got.Note != "kept" {
			t.Errorf("%s: %+v, %v", c, got, err)
		}
		got.Note = ""
	}
	if got.Status != users.Watched || got.Score != 9 || len(got.Episodes) != 2 || got.Episodes[0].Note != "kept" || got.Episodes[0].S != 77 {
		t.Errorf("%+v", got)
	}
}

// Devices that save at once lose nothing: a lost race is run again.
// TestDevicesAreToldOfProgress: of what a save has made of the episodes that it names,
// and of a large one only that it was.
func TestDevicesAreToldOfProgress(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine := signUp(t, h, "wanderer").User.ID
	at := time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond)
	save := func(title int, ordinals ...float64) {
		t.Helper()
		var edits []users.EpisodeEdit
		for _, o := range ordinals {
			seconds := 61.5
			edits = append(edits, users.EpisodeEdit{Episode: o, Seconds: &seconds, At: at})
		}
		if _, err := h.SaveProgress(t.Context(), mine, []users.TitleEdits{{TitleID: title, Episodes: edits}}); err != nil {
			t.Fatal(err)
		}
	}
	save(7, 1)
	save(7, 1) // says nothing new
	save(7, 2)
	var many []float64
	for i := range 101 {
		many = append(many, float64(i))
	}
	save(8, many...)
	h.devices.kill(true)
	save(9, 1) // is saved all the same
	stamp := at.Format(time.RFC3339Nano)
	told := func(data string) string { return fmt.Sprintf(`progress {"user_id":%q,"data":%s}`, mine, data) }
	h.devices.expect(t,
		told(fmt.Sprintf(`{"title_id":7,"episodes":[{"episode":1,"seconds":61.5,"watched":false,"updated_at":%q}]}`, stamp)),
		told(fmt.Sprintf(`{"title_id":7,"episodes":[{"episode":2,"seconds":61.5,"watched":false,"updated_at":%q}]}`, stamp)),
		told(`{"title_id":null,"episodes":[]}`),
	)
}

func TestDevicesSaveProgressAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine := signUp(t, h, "wanderer").User.ID
	var wg sync.WaitGroup
	for device := range 4 {
		wg.Go(func() {
			for i := range 10 {
				err := saveOne(h, mine, 1, place(float64(device*10+i), 5))
				for tried := 0; errors.Is(err, users.ErrUnavailable) && tried < 50; tried++ { // overtaken too often: the device tries again
					err = saveOne(h, mine, 1, place(float64(device*10+i), 5))
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, err := h.Progress(t.Context(), mine, []int{1})
	if err != nil || len(got[0].Episodes) != 40 {
		t.Errorf("%+v, %v", got, err)
	}
}

// overtaken is a collection in which somebody else is always quicker.
type overtaken struct{ documents.Store }

type overtakenCollection struct{ documents.Collection }

func (o overtaken) Collection(s documents.Spec) documents.Collection {
	if s.Name != "library" && s.Name != "progress" {
		return o.Store.Collection(s)
	}
	return overtakenCollection{o.Store.Collection(s)}
}

func (overtakenCollection) Insert(context.Context, string, any) error { return documents.ErrExists }

func TestWhoIsAlwaysOvertakenIsToldToTryAgain(t *testing.T) {
	t.Parallel()
	h := open(t, func(_ *userssvc.Config, d *userssvc.Deps) { d.Documents = overtaken{d.Documents} })
	mine := signUp(t, h, "wanderer").User.ID
	_, err := h.SetFavorite(t.Context(), mine, 1, true)
	for what, err := range map[string]error{"favourite": err, "progress": saveOne(h, mine, 1, place(1, 1))} {
		if !errors.Is(err, users.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestALibraryThatIsDown(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine := signUp(t, h, "wanderer").User.ID
	h.store.down.Store(true)
	_, err := h.SaveProgress(t.Context(), mine, []users.TitleEdits{{TitleID: 1, Episodes: []users.EpisodeEdit{place(1, 1)}}})
	if !errors.Is(err, users.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	h.store.down.Store(false)
	if heads, err := h.ProgressOf(t.Context(), mine); err != nil || len(heads) != 0 {
		t.Errorf("%v, %v", heads, err)
	}
}

// A page of a library is one question to the store.
func TestAPageIsOneFind(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine := signUp(t, h, "wanderer").User.ID
	for title := 1; title <= 50; title++ {
		if _, err := h.List(t.Context(), mine, users.Listing{TitleID: title, Status: users.Watching}); err != nil {
			t.Fatal(err)
		}
	}
	before := h.store.asked.Load()
	p, err := h.Library(t.Context(), mine, users.LibraryQuery{Page: 2, Limit: 20})
	if err != nil || len(p.Entries) != 20 || p.Total != 50 {
		t.Errorf("%+v, %v", p, err)
	}
	if n := h.store.asked.Load() - before; n != 1 {
		t.Errorf("%d questions", n)
	}
	if diff := cmp.Diff(30, p.Entries[0].TitleID); diff != "" {
		t.Error(diff)
	}
}

// benchLibrary is a user with n titles on lists and in progress.
func benchLibrary(b *testing.B, n int) (*house, string) {
	h := open(b)
	id := signUp(b, h, "wanderer").User.ID
	all := make([]users.Listing, n)
	for i := range all {
		all[i] = users.Listing{TitleID: i + 1, Status: users.Watching, Score: i % 10}
	}
	if _, err := h.Import(context.Background(), id, users.Import{Listings: all}); err != nil {
		b.Fatal(err)
	}
	for i := range all {
		if err := saveOne(h, id, i+1, place(1, 10)); err != nil {
			b.Fatal(err)
		}
	}
	return h, id
}

// What it costs to save where one stopped: one episode of a title of 24.
func BenchmarkSaveProgress(b *testing.B) {
	for _, titles := range []int{1, 1000} {
		b.Run(fmt.Sprintf("titles=%d", titles), func(b *testing.B) {
			h, id := benchLibrary(b, titles)
			for n := range 24 {
				if err := saveOne(h, id, 1, place(float64(n+1), 10)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			seconds := 10.0
			for b.Loop() {
				seconds = float64(int(seconds+1) % 1400)
				if err := saveOne(h, id, 1, place(24, seconds)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "saves/s")
		})
	}
}

// What a page of 20 costs of a library of 1,000 entries.
func BenchmarkLibraryPage(b *testing.B) {
	h, id := benchLibrary(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		p, err := h.Library(b.Context(), id, users.LibraryQuery{Page: 3, Limit: 20})
		if err != nil || len(p.Entries) != 20 {
			b.Fatal(p, err)
		}
	}
}

// What the first save of a title costs one who has 1,000: it counts them.
func BenchmarkNewTitle(b *testing.B) {
	h, id := benchLibrary(b, 1000)
	title := 1000
	for b.Loop() {
		title++
		if err := saveOne(h, id, title%19000, place(1, 1)); err != nil {
			b.Fatal(err)
		}
	}
}

// What a batch of 500 titles costs that come back from offline: all of them known.
func BenchmarkSaveBatch(b *testing.B) {
	h, id := benchLibrary(b, users.MaxProgressTitles)
	seconds := 10.0
	for b.Loop() {
		seconds = float64(int(seconds+1) % 1400)
		all := make([]users.TitleEdits, users.MaxProgressTitles)
		for i := range all {
			all[i] = users.TitleEdits{TitleID: i + 1, Episodes: []users.EpisodeEdit{place(1, seconds)}}
		}
		if _, err := h.SaveProgress(b.Context(), id, all); err != nil {
			b.Fatal(err)
		}
	}
}
