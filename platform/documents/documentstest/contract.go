// Package documentstest is the inspector of the document stores: the contract that
// every implementation of documents.Store passes. Only tests import it.
package documentstest

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/documents"
)

// Contract holds a store against everything that package documents promises.
//
// open gives a new and empty store each time, and sees to it that the store is
// closed when the test given to it ends; the contract may have closed it before.
//
// Left out on purpose are arrays directly within arrays: a MongoDB keeps them, and
// so do the stores, but FerretDB, which the tests may run against, cannot.
func Contract(t *testing.T, open func(t testing.TB) documents.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, documents.Store)
	}{
		{"lifecycle of a document", lifecycle},
		{"versions", versions},
		{"unique values", uniqueValues},
		{"unfit documents", unfitDocuments},
		{"unfit index values", unfitIndexValues},
		{"round trips", roundTrips},
		{"times", times},
		{"unknown fields", unknownFields},
		{"nothing is shared", nothingShared},
		{"wrong target", wrongTarget},
		{"large documents", largeDocuments},
		{"odd ids", oddIDs},
		{"bad ids", badIDs},
		{"odd keys", oddKeys},
		{"odd index fields", oddIndexFields},
		{"collections are apart", collectionsApart},
		{"wrong declarations", wrongDeclarations},
		{"scan by id", scanByID},
		{"scan by index", scanByIndex},
		{"scan of mixed types", scanMixed},
		{"scan by a unique index", scanUnique},
		{"scan in pages", scanInPages},
		{"scan of many", scanMany},
		{"scan while writing", scanWhileWriting},
		{"sequences", sequences},
		{"wrong scans", wrongScans},
		{"find", find},
		{"find by type", findByType},
		{"cancelled", cancelled},
		{"cancelled while scanning", cancelledScan},
		{"closed", closed},
		{"first use at once", firstUse},
		{"increments", increments},
		{"race for an id", raceForID},
		{"race for a unique value", raceForValue},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, open(t))
		})
	}
}

// The collections of the contract.
var (
	plain = documents.Spec{Name: "plain"}
	users = documents.Spec{Name: "users_1", Indexes: []documents.Index{
		{Field: "login", Unique: true},
		{Field: "group"},
	}}
)

// unused is a collection that can do what users can, and that no test uses.
var unused = documents.Spec{Name: "unused", Indexes: users.Indexes}

// must ends the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected: %v", err)
	}
}

// wantError checks which error it is.
func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// wantStored checks what is stored under an id, fields in order.
func wantStored(t testing.TB, c documents.Collection, id string, version int64, doc any) {
	t.Helper()
	var got bson.Raw
	v, err := c.Get(t.Context(), id, &got)
	if err != nil {
		t.Errorf("Get(%.40q): %v", id, err)
		return
	}
	if v != version {
		t.Errorf("Get(%.40q): version %d, want %d", id, v, version)
	}
	if diff := cmp.Diff(rawOf(t, doc).String(), got.String()); diff != "" {
		t.Errorf("Get(%.40q): -want +got\n%s", id, diff)
	}
}

// rawOf is the document's BSON.
func rawOf(t testing.TB, doc any) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(doc)
	must(t, err)
	return raw
}

// ids collects the ids of a sequence, and ends the test on an error.
func ids(t testing.TB, seq iter.Seq2[documents.Document, error]) []string {
	t.Helper()
	list := []string{}
	for d, err := range seq {
		must(t, err)
		list = append(list, d.ID)
	}
	return list
}

// wantIDs checks a sequence.
func wantIDs(t testing.TB, what string, seq iter.Seq2[documents.Document, error], want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, ids(t, seq)); diff != "" {
		t.Errorf("%s: -want +got\n%s", what, diff)
	}
}

// failure gives the error that a sequence ends with, and checks that it is the end.
func failure(t testing.TB, seq iter.Seq2[documents.Document, error]) error {
	t.Helper()
	var failed error
	for _, err := range seq {
		if failed != nil {
			t.Error("the sequence goes on behind an error")
		}
		failed = err
	}
	return failed
}

// operations are all that a collection can be asked to do.
func operations(c documents.Collection) map[string]func(context.Context) error {
	last := func(seq iter.Seq2[documents.Document, error]) (failed error) {
		for _, err := range seq {
			failed = err
		}
		return failed
	}
	return map[string]func(context.Context) error{
		"Get": func(ctx context.Context) error {
			_, err := c.Get(ctx, "a", &bson.M{})
			return err
		},
		"Insert":  func(ctx context.Context) error { return c.Insert(ctx, "new", bson.D{{Key: "login", Value: "new"}}) },
		"Replace": func(ctx context.Context) error { return c.Replace(ctx, "a", 1, bson.D{{Key: "login", Value: "a"}}) },
		"Delete":  func(ctx context.Context) error { return c.Delete(ctx, "a") },
		"Find":    func(ctx context.Context) error { return last(c.Find(ctx, "login", "a")) },
		"Scan":    func(ctx context.Context) error { return last(c.Scan(ctx, documents.Scan{})) },
	}
}
