package catalogsvc_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogsvc"
	"anihub/modules/catalog/catalogtest"
	"anihub/platform/cache"
	"anihub/platform/documents"
)

func TestShortFormSurvivesTheStore(t *testing.T) {
	t.Parallel()
	for id := range 40 {
		want := catalogtest.Title(id).Summary
		want.Blocked, want.Episodes.Total = id%2 == 0, id
		if id == 0 {
			want = catalog.Summary{}
		}
		raw, err := catalogsvc.Stored(want)
		got, generation, err2 := catalogsvc.Shorten(raw)
		if err != nil || err2 != nil || generation != 7 {
			t.Fatal(err, err2, generation)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("title %d (-want +got):\n%s", id, d)
		}
	}
}

func FuzzShortForm(f *testing.F) {
	for id := range 5 {
		raw, err := catalogsvc.Stored(catalogtest.Title(id).Summary)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		f.Add(raw[:len(raw)/2])
	}
	f.Add([]byte{})
	f.Add([]byte{5, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, _, err := catalogsvc.Shorten(raw)
		if err != nil && s.ID != 0 {
			t.Errorf("an error and title %d", s.ID)
		}
	})
}

func TestBodySurvivesEncoding(t *testing.T) {
	t.Parallel()
	for id := range 20 {
		want := catalogtest.Title(id)
		body, err := catalogsvc.EncodeTitle(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := catalogsvc.DecodeTitle(body)
		if d := cmp.Diff(want, must(t, got, err)); d != "" {
			t.Errorf("title %d (-want +got):\n%s", id, d)
		}
		again, err := catalogsvc.EncodeTitle(got)
		if err != nil || !bytes.Equal(again, body) {
			t.Errorf("title %d encodes differently the second time: %v", id, err)
		}
	}
}

func FuzzDecodeTitle(f *testing.F) {
	body, err := catalogsvc.EncodeTitle(catalogtest.Title(3))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{string(body), "", "null", "{}", `{"format":2}`, `{"format":1,"episodes":[null,{"opening":{}}]}`, string(body[:99])} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		title, err := catalogsvc.DecodeTitle([]byte(s))
		if err != nil {
			return
		}
		if _, err := catalogsvc.EncodeTitle(title); err != nil {
			t.Errorf("decoded, but not encoded: %v", err)
		}
	})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	if id, ok := catalogsvc.TitleID(catalogsvc.TitleKey(9919)); id != 9919 || !ok {
		t.Errorf("key of 9919 names %d", id)
	}
	for _, key := range []string{"", "title:", "title:0", "title:-1", "title:+1", "title:01", "title:1 ", "title:99999999999999999999", "titles:1", "schedule"} {
		if id, ok := catalogsvc.TitleID(key); ok {
			t.Errorf("%q names title %d", key, id)
		}
	}
	for code, want := range map[string]bool{
		"a-b_c": true, "86": true, "v1.5": true, "": false, ".": false, "..": false, "a/b": false, "a b": false, "ё": false, "a\x00": false,
		strings.Repeat("a", 200): true, strings.Repeat("a", 201): false,
	} {
		if got := catalogsvc.ValidCode(code); got != want {
			t.Errorf("ValidCode(%.20q) = %v", code, got)
		}
	}
}

func TestUnfoldRefusesGarbage(t *testing.T) {
	t.Parallel()
	for _, raw := range [][]byte{nil, []byte("plain"), {0x1f, 0x8b}} {
		if _, err := catalogsvc.Unfold(raw); err == nil {
			t.Errorf("unfolded %q", raw)
		}
	}
}

// A document of another version: fields that this one does not know survive a
// write; a newer format is not touched and said plainly; both are in the index or
// left out of it accordingly.
func TestDocumentsOfOtherVersions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.open(t, nil)
	h.origin.Set(catalogtest.Title(1), catalogtest.Title(2))
	refresh(t, first, catalog.Refresh{IDs: []int{1, 2}, Silent: true})
	titles := h.store.Collection(documents.Spec{Name: "titles", Indexes: []documents.Index{{Field: "pending_since"}}})
	edit := func(key, field string, value any) {
		t.Helper()
		var doc bson.M
		version, err := titles.Get(t.Context(), key, &doc)
		must(t, version, err)
		doc[field] = value
		if err := titles.Replace(t.Context(), key, version, doc); err != nil {
			t.Fatal(err)
		}
	}
	edit("title:1", "invented_later", bson.M{"a": int64(1)})
	edit("title:2", "format", 2)
	h.origin.Set(catalogtest.WithEpisode(catalogtest.Title(1), catalogtest.Episode(1, 5)), catalogtest.Bumped(catalogtest.Title(2)))
	second := h.open(t, nil)
	out := refresh(t, second, catalog.Refresh{IDs: []int{1, 2}})
	if len(out.Changed) != 1 || len(out.Events) != 1 || len(out.Failed) != 1 || out.Failed[0].ID != 2 {
		t.Errorf("refresh = %+v", out)
	}
	var doc bson.M
	version, err := titles.Get(t.Context(), "title:1", &doc)
	must(t, version, err)
	if d := cmp.Diff(bson.M{"a": int64(1)}, doc["invented_later"]); d != "" {
		t.Errorf("the unknown field (-want +got):\n%s", d)
	}
	p, err := second.Titles(t.Context(), catalog.Query{}, "")
	if got := must(t, p, err).Value.Titles; len(got) != 1 || got[0].ID != 1 {
		t.Errorf("index = %+v", got)
	}
}

// A body that was damaged in the store is no reason to fail for ever: the
// upstream's next word replaces it, and nothing is told twice.
func TestDamagedDocumentHeals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.open(t, nil)
	h.origin.Set(catalogtest.Title(2))
	refresh(t, first, catalog.Refresh{IDs: []int{2}, Silent: true})
	titles := h.store.Collection(documents.Spec{Name: "titles", Indexes: []documents.Index{{Field: "pending_since"}}})
	var doc bson.M
	version, err := titles.Get(t.Context(), "title:2", &doc)
	must(t, version, err)
	doc["body"], doc["etag"] = []byte("damaged"), "damaged"
	if err := titles.Replace(t.Context(), "title:2", version, doc); err != nil {
		t.Fatal(err)
	}
	second := h.open(t, nil)
	a, err := second.Title(t.Context(), catalog.Ref{ID: 2}, "")
	if got := must(t, a, err).Value; len(got.Player.Episodes) != 2 {
		t.Errorf("title = %+v", got.Summary)
	}
	p, err := second.Pending(t.Context(), 10)
	if len(must(t, p, err)) > 0 {
		t.Errorf("told again: %v", ids(p))
	}
}

// Clearing by pattern names titles in the store; removing keeps them, stale.
func TestTitlesAreNeverRemoved(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.open(t, nil)
	h.origin.Set(catalogtest.Title(1), catalogtest.Title(2))
	refresh(t, r, catalog.Refresh{IDs: []int{1, 2}, Silent: true})
	cleared, err := r.cache.Invalidate(t.Context(), cache.Invalidation{Pattern: "titles:*", Mode: cache.Remove})
	if got := must(t, cleared, err); got.Matched != 2 {
		t.Errorf("cleared = %+v", got)
	}
	h.origin.Down(true)
	a, err := r.Title(t.Context(), catalog.Ref{ID: 1}, "")
	if got := must(t, a, err); got.Value.ID != 1 || !got.Freshness.Stale || got.Freshness.Level != "l3" {
		t.Errorf("after removing, with the upstream down: %+v", got.Freshness)
	}
}
