package documents_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/config"
	"anihub/platform/documents"
)

// What a package declares is the same where it is only asked and where it is used.
func TestDeclared(t *testing.T) {
	t.Parallel()
	want := []documents.Spec{
		{Name: "a", Indexes: []documents.Index{{Field: "x", Unique: true}, {Field: "y"}}},
		{Name: "b"},
	}
	var asked documents.Collection
	open := func(s documents.Store) {
		asked = s.Collection(want[1])
		s.Collection(want[0])
		s.Collection(want[1])
		s.Collection(documents.Spec{Name: "Not a name"})
	}
	if d := cmp.Diff(want, documents.DeclaredBy(open)); d != "" {
		t.Errorf("asked (-want +got):\n%s", d)
	}
	wantError(t, "a collection that is nowhere", asked.Insert(t.Context(), "a", bson.D{}), documents.ErrUnavailable)

	c := documents.DefaultMongoConfig()
	c.URI = config.Secret("mongodb://127.0.0.1:1")
	mongo, err := documents.OpenMongo(c)
	must(t, err)
	t.Cleanup(func() { closeStore(t, mongo) })
	for _, s := range []documents.Store{openSQLite(t, filepath.Join(t.TempDir(), "x.db")), mongo} {
		measured := documents.Instrument(s, prometheus.NewRegistry())
		open(measured)
		if d := cmp.Diff(want, documents.Declared(measured)); d != "" {
			t.Errorf("used (-want +got):\n%s", d)
		}
	}
}

// TestFit: what fits is stored, what does not is refused with the same words, and two
// documents that share a unique key are what a store does not keep both of.
func TestFit(t *testing.T) {
	t.Parallel()
	spec := documents.Spec{Name: "people", Indexes: []documents.Index{{Field: "group"}, {Field: "login", Unique: true}}}
	c := openSQLite(t, filepath.Join(t.TempDir(), "x.db")).Collection(spec)
	seen := map[string]bool{}
	for id, doc := range map[string]bson.D{
		"a": {{Key: "login", Value: "x"}},
		"b": {{Key: "login", Value: "y"}, {Key: "group", Value: int64(1)}},
		"c": {{Key: "login", Value: int64(1)}},
		"d": {{Key: "group", Value: "x"}},
		"e": {{Key: "login", Value: 1.5}},
		"f": {{Key: "login", Value: "y"}},
	} {
		raw, err := bson.Marshal(doc)
		must(t, err)
		keys, bad := spec.Fit(id, raw)
		err = c.Insert(t.Context(), id, bson.Raw(raw))
		if errors.Is(bad, documents.ErrUnfit) != errors.Is(err, documents.ErrUnfit) {
			t.Errorf("%s: fits: %v, stored: %v", id, bad, err)
		}
		if bad != nil {
			continue
		}
		if len(keys) != 1 || seen[string(keys[0])] != errors.Is(err, documents.ErrExists) {
			t.Errorf("%s: keys %q, stored: %v", id, keys, err)
		}
		seen[string(keys[0])] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d unique values", len(seen))
	}
}
