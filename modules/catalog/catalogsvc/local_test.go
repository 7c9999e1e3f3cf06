package catalogsvc_test

import (
	"path/filepath"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
	"anihub/modules/catalog/catalogtest"
	"anihub/platform/cache"
	"anihub/platform/documents"
	"anihub/platform/eventlog"
)

func sqlite(t *testing.T, name string) documents.Store {
	t.Helper()
	s, err := documents.OpenSQLite(filepath.Join(t.TempDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// episodesCopied is how many episodes the local copy knows of a title; -1 when it
// does not know the title.
func episodesCopied(t *testing.T, local documents.Store, key string) int {
	t.Helper()
	var d struct {
		Summary struct {
			Current int `bson:"current"`
		} `bson:"summary"`
	}
	if _, err := local.Collection(catalogsvc.TitlesSpec).Get(t.Context(), key, &d); err != nil {
		return -1
	}
	return d.Summary.Current
}

// TestTheLocalCopyAnswers: everything below is down, in a process that has just
// started, and the catalogue answers as of what an earlier one knew.
func TestTheLocalCopyAnswers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	writer := h.open(t, nil) // another process of the fleet, with a store that never fails
	store := &fickle{Store: h.store}
	mine := &house{store: store, local: sqlite(t, "copy.db"), log: h.log, origin: h.origin, chain: h.chain}

	h.origin.Set(catalogtest.Title(1), catalogtest.Title(2), catalogtest.Title(3))
	h.origin.SetFranchise(3, family(3, 4))
	h.origin.Air(catalogtest.Line{TitleID: 2, Weekday: 4})
	refresh(t, writer, catalog.Refresh{IDs: []int{1, 2}, Silent: true})
	before := mine.open(t, nil)
	one, err := before.Title(t.Context(), catalog.Ref{ID: 3}, "")
	must(t, one, err)
	days, err := before.Schedule(t.Context(), "")
	must(t, days, err)
	longer := catalogtest.Title(2)
	longer.Player.Episodes = append(longer.Player.Episodes, catalogtest.Episode(2, float64(len(longer.Player.Episodes)+1)))
	longer.Episodes.Current = len(longer.Player.Episodes)
	h.origin.Set(longer)
	refresh(t, writer, catalog.Refresh{IDs: []int{2}})
	eventually(t, "the copy has heard of the new episode, and of what was there before", func() bool {
		return episodesCopied(t, mine.local, "title:2") == longer.Episodes.Current &&
			episodesCopied(t, mine.local, "title:1") >= 0 && episodesCopied(t, mine.local, "title:3") >= 0
	})

	store.set(true)
	h.origin.Down(true)
	mine.log = eventlog.NewMemory(10) // Redis is gone too, and what was in it
	t.Cleanup(func() { _ = mine.log.Close() })
	after := mine.build(t, catalogsvc.DefaultConfig(), h.origin)
	after.start(t)
	if state, detail := after.Ready(); state != catalogsvc.StateDegraded {
		t.Errorf("ready: %s, %s", state, detail)
	}
	list, err := after.Titles(t.Context(), catalog.Query{}, "")
	if f := must(t, list, err).Freshness; list.Value.Total != 3 || !f.Stale || f.Reason != cache.LevelDown {
		t.Errorf("list: %d titles, %+v", list.Value.Total, f)
	}
	for _, ref := range []catalog.Ref{{ID: 1}, {ID: 2}, {Code: catalogtest.Title(3).Code}} {
		a, err := after.Title(t.Context(), ref, "")
		f := must(t, a, err).Freshness
		if f.Level != "local" || !f.Stale || f.Reason != cache.LevelDown {
			t.Errorf("title %+v: %+v", ref, f)
		}
		if a.Value.ID == 2 && len(a.Value.Player.Episodes) != longer.Episodes.Current {
			t.Errorf("title 2 has %d episodes, want the new one too", len(a.Value.Player.Episodes))
		}
		if a.Value.ID == 3 && len(a.Value.Franchise) != 1 {
			t.Errorf("title 3 has lost its franchise: %+v", a.Value.Franchise)
		}
	}
	week, err := after.Schedule(t.Context(), "")
	if f := must(t, week, err).Freshness; !f.Stale || len(week.Value[3].Titles) != 1 {
		t.Errorf("schedule: %+v, Thursday %+v", f, week.Value[3].Titles)
	}

	store.set(false)
	eventually(t, "the store is back", func() bool {
		state, _ := after.Ready()
		return state == catalogsvc.StateReady
	})
	list, err = after.Titles(t.Context(), catalog.Query{}, list.Version)
	if f := must(t, list, err).Freshness; list.Unchanged || f.Stale {
		t.Errorf("list afterwards: unchanged %v, %+v", list.Unchanged, f)
	}
	eventually(t, "titles come from the store", func() bool {
		a, err := after.Title(t.Context(), catalog.Ref{ID: 1}, "")
		return !must(t, a, err).Freshness.Stale
	})
}

// TestTheCopyIsNeverReplacedByAnOlderOne: the whole store is copied while bells bring what
// has changed since it was read.
func TestTheCopyIsNeverReplacedByAnOlderOne(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	type doc struct {
		Format     int       `bson:"format"`
		Summary    bson.M    `bson:"summary"`
		Generation int64     `bson:"generation"`
		StoredAt   time.Time `bson:"stored_at"`
		Text       string    `bson:"text"`
	}
	old, later, changed := doc{1, bson.M{"id": 1}, 5, at, "old"}, doc{1, bson.M{"id": 1}, 5, at.Add(time.Hour), "later"}, doc{1, bson.M{"id": 1}, 6, at, "changed"}
	for name, tt := range map[string]struct {
		order []doc
		want  string
	}{
		"in order":            {[]doc{old, later, changed}, "changed"},
		"an older one last":   {[]doc{changed, old}, "changed"},
		"confirmed, then old": {[]doc{later, old}, "later"},
		"the same once more":  {[]doc{old, old}, "old"},
		"over what is broken": {[]doc{{Text: "broken"}, old}, "old"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := sqlite(t, "copy.db")
			for _, d := range tt.order {
				raw, err := bson.Marshal(d)
				if err != nil {
					t.Fatal(err)
				}
				if err := catalogsvc.Copy(t.Context(), to, "title:1", raw); err != nil {
					t.Fatal(err)
				}
			}
			var got doc
			if _, err := to.Collection(catalogsvc.TitlesSpec).Get(t.Context(), "title:1", &got); err != nil || got.Text != tt.want {
				t.Errorf("the copy is %q, %v; want %q", got.Text, err, tt.want)
			}
		})
	}
}

// TestTheCopyIsComparedWithTheStore: a bell that was lost is made up for.
func TestTheCopyIsComparedWithTheStore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.local = sqlite(t, "copy.db")
	h.open(t, func(c *catalogsvc.Config) { c.ReloadInterval = time.Second })
	deaf := &house{store: h.store, log: eventlog.NewMemory(10), origin: h.origin, chain: h.chain}
	defer func() { _ = deaf.log.Close() }()
	writer := deaf.open(t, nil)
	h.origin.Set(catalogtest.Title(1))
	refresh(t, writer, catalog.Refresh{IDs: []int{1}, Silent: true})
	eventually(t, "the title is copied without a bell", func() bool {
		return episodesCopied(t, h.local, "title:1") >= 0
	})
}
