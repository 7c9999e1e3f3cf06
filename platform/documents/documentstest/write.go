package documentstest

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/documents"
)

func lifecycle(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(plain)
	must(t, s.Ping(ctx))
	_, err := c.Get(ctx, "a", &bson.M{})
	wantError(t, "Get of nothing", err, documents.ErrNotFound)
	wantIDs(t, "an empty collection", c.Scan(ctx, documents.Scan{}))
	must(t, c.Delete(ctx, "a"))

	first := bson.D{{Key: "n", Value: int64(1)}, {Key: "text", Value: "один"}}
	must(t, c.Insert(ctx, "a", first))
	wantStored(t, c, "a", 1, first)
	wantError(t, "Insert again", c.Insert(ctx, "a", bson.D{}), documents.ErrExists)
	wantStored(t, c, "a", 1, first)

	second := bson.D{{Key: "other", Value: true}}
	must(t, c.Replace(ctx, "a", 1, second))
	wantStored(t, c, "a", 2, second)

	must(t, c.Delete(ctx, "a"))
	_, err = c.Get(ctx, "a", &bson.M{})
	wantError(t, "Get of a deleted one", err, documents.ErrNotFound)
	must(t, c.Delete(ctx, "a"))
	must(t, c.Insert(ctx, "a", bson.D{}))
	wantStored(t, c, "a", 1, bson.D{})
}

func versions(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(plain)
	wantError(t, "Replace of nothing", c.Replace(ctx, "a", 1, bson.D{}), documents.ErrVersion)
	must(t, c.Insert(ctx, "a", bson.D{{Key: "n", Value: 0}}))
	for v := int64(1); v <= 5; v++ {
		for _, wrong := range []int64{-1, 0, v - 1, v + 1} {
			what := fmt.Sprintf("Replace of version %d, at %d", wrong, v)
			wantError(t, what, c.Replace(ctx, "a", wrong, bson.D{{Key: "n", Value: -1}}), documents.ErrVersion)
		}
		must(t, c.Replace(ctx, "a", v, bson.D{{Key: "n", Value: v}}))
		wantStored(t, c, "a", v+1, bson.D{{Key: "n", Value: v}})
	}
	must(t, c.Delete(ctx, "a"))
	wantError(t, "Replace of a deleted one", c.Replace(ctx, "a", 6, bson.D{}), documents.ErrVersion)
	wantIDs(t, "what is left", c.Scan(ctx, documents.Scan{}))
}

func uniqueValues(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(users)
	user := func(login any) bson.D { return bson.D{{Key: "login", Value: login}} }
	must(t, c.Insert(ctx, "a", user("ann")))
	must(t, c.Insert(ctx, "b", user("bob")))
	must(t, c.Insert(ctx, "n", user(int64(1))))

	wantError(t, "Insert of a taken value", c.Insert(ctx, "c", user("ann")), documents.ErrExists)
	wantError(t, "Insert of a taken number", c.Insert(ctx, "c", user(int32(1))), documents.ErrExists)
	_, err := c.Get(ctx, "c", &bson.M{})
	wantError(t, "after it", err, documents.ErrNotFound)
	wantError(t, "Replace to a taken value", c.Replace(ctx, "b", 1, user("ann")), documents.ErrExists)
	wantStored(t, c, "b", 1, user("bob"))

	must(t, c.Insert(ctx, "text", user("1"))) // a text is not the number
	must(t, c.Insert(ctx, "case", user("Ann")))
	must(t, c.Insert(ctx, "space", user("ann ")))
	must(t, c.Replace(ctx, "a", 1, append(user("ann"), bson.E{Key: "more", Value: 1}))) // its own value
	must(t, c.Replace(ctx, "a", 2, user("anna")))
	must(t, c.Replace(ctx, "b", 1, user("ann"))) // free now
	must(t, c.Delete(ctx, "b"))
	must(t, c.Insert(ctx, "c", user("ann")))

	wantError(t, "Insert without the unique field", c.Insert(ctx, "d", bson.D{}), documents.ErrUnfit)
	wantError(t, "Insert with null", c.Insert(ctx, "d", user(nil)), documents.ErrUnfit)
	wantError(t, "Replace without the unique field", c.Replace(ctx, "c", 1, bson.D{}), documents.ErrUnfit)
	wantStored(t, c, "c", 1, user("ann"))
}

func collectionsApart(t *testing.T, s documents.Store) {
	ctx := t.Context()
	a, b := s.Collection(documents.Spec{Name: "a"}), s.Collection(documents.Spec{Name: "a_b2"})
	must(t, a.Insert(ctx, "x", bson.D{{Key: "in", Value: "a"}}))
	must(t, b.Insert(ctx, "x", bson.D{{Key: "in", Value: "b"}}))
	must(t, b.Insert(ctx, "y", bson.D{}))
	wantStored(t, a, "x", 1, bson.D{{Key: "in", Value: "a"}})
	wantIDs(t, "the first", a.Scan(ctx, documents.Scan{}), "x")
	must(t, a.Delete(ctx, "x"))
	wantStored(t, b, "x", 1, bson.D{{Key: "in", Value: "b"}})
	again := s.Collection(documents.Spec{Name: "a_b2"})
	wantIDs(t, "the second, declared again", again.Scan(ctx, documents.Scan{}), "x", "y")
}

func wrongDeclarations(t *testing.T, s documents.Store) {
	must(t, s.Collection(users).Insert(t.Context(), "a", bson.D{{Key: "login", Value: "a"}}))
	index := func(fields ...string) documents.Spec {
		spec := documents.Spec{Name: "fine"}
		for _, f := range fields {
			spec.Indexes = append(spec.Indexes, documents.Index{Field: f})
		}
		return spec
	}
	for what, spec := range map[string]documents.Spec{
		"no name":           {},
		"a capital":         {Name: "Users"},
		"a digit first":     {Name: "1st"},
		"SQL":               {Name: `a"; drop table users_1; --`},
		"a dot":             {Name: "system.users"},
		"SQLite's own":      {Name: "sqlite_master"},
		"too long":          {Name: "a123456789012345678901234567890123456789012345678901234567890123456789"},
		"no field":          index(""),
		"a path":            index("a.b"),
		"an operator":       index("$a"),
		"the id":            index("_id"),
		"the version":       index("_v"),
		"a field twice":     index("a", "a"),
		"other than before": {Name: users.Name, Indexes: []documents.Index{{Field: "email"}}},
	} {
		for op, do := range operations(s.Collection(spec)) {
			if do(t.Context()) == nil {
				t.Errorf("%s: %s works on a collection that cannot be", what, op)
			}
		}
	}
	wantIDs(t, "the collection beside them", s.Collection(users).Scan(t.Context(), documents.Scan{}), "a")
}

// nothingShared: what was passed in or handed out can be changed without the store
// noticing.
func nothingShared(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(plain)
	raw := rawOf(t, bson.D{{Key: "text", Value: "as it was"}})
	want := rawOf(t, raw)
	must(t, c.Insert(ctx, "a", raw))
	clear(raw)
	wantStored(t, c, "a", 1, want)

	var got bson.Raw
	_, err := c.Get(ctx, "a", &got)
	must(t, err)
	clear(got)
	wantStored(t, c, "a", 1, want)

	var kept documents.Document
	for d, err := range c.Scan(ctx, documents.Scan{}) {
		must(t, err)
		kept = d
		must(t, d.Decode(&got))
		clear(got)
	}
	must(t, c.Replace(ctx, "a", 1, bson.D{}))
	must(t, kept.Decode(&got)) // after the sequence, and after a change
	if got.String() != want.String() {
		t.Errorf("a document of a sequence is %s later, was %s", got, want)
	}
}

// wrongTarget: a document that does not fit where it is read to is an error that
// says so, not a missing document.
func wrongTarget(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(plain)
	must(t, c.Insert(ctx, "a", bson.D{{Key: "n", Value: "a text"}}))
	var into struct{ N int }
	for what, target := range map[string]any{"another type": &into, "nil": nil, "no pointer": into} {
		_, err := c.Get(ctx, "a", target)
		if err == nil {
			t.Errorf("Get into %s works", what)
		}
		for _, other := range []error{documents.ErrNotFound, documents.ErrUnavailable} {
			wantNot(t, "Get into "+what, err, other)
		}
	}
	for d, err := range c.Scan(ctx, documents.Scan{}) {
		must(t, err)
		if d.Decode(&into) == nil {
			t.Error("Decode into another type works")
		}
	}
}
