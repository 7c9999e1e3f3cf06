package documentstest

import (
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/documents"
)

// strange are texts that have gone wrong somewhere before: in a query, an escape,
// a path, a comparison.
func strange() []string {
	return []string{
		"a", "A", "ä", "a\u0308", "имя", "日本語", "👩‍👩‍👧", "🦊", "\u202e", "\ufeff", "\ufffd", "\U0010ffff",
		" ", "  ", "a b", " a", "a ", "\t", "\n", "\r\n", "\x01", "\x7f",
		"/", "a/b", "\\", "%", "_", "%00", "*", "?", "'", `"`, "`", "a'b", `"a"`, "''", "--", ";", "a;b",
		"a$b", "a$", "__proto__", "null", "NULL", "undefined", "true", "0", "-1", "1e3", "NaN", "{}", "[]", "id", "version", "doc", "rowid",
		"<b>", "&amp;", "'; DROP TABLE plain; --", "anilibria:title:1",
	}
}

func oddIDs(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(plain)
	list := append(strange(), "$", "$a", ".", "..", "../..", "a.b", "$where", strings.Repeat("x", 512), strings.Repeat("я", 256), strings.Repeat("🦊", 128))
	for _, id := range list {
		must(t, c.Insert(ctx, id, bson.D{{Key: "my", Value: id}}))
	}
	for _, id := range list {
		wantError(t, "Insert again", c.Insert(ctx, id, bson.D{}), documents.ErrExists)
		wantStored(t, c, id, 1, bson.D{{Key: "my", Value: id}})
	}
	slices.Sort(list)
	wantIDs(t, "all", c.Scan(ctx, documents.Scan{}), list...)
	for i, id := range list {
		must(t, c.Replace(ctx, id, 1, bson.D{}))
		wantStored(t, c, id, 2, bson.D{})
		if i%2 == 0 {
			must(t, c.Delete(ctx, id))
		}
	}
	var odd []string
	for i, id := range list {
		if i%2 == 1 {
			odd = append(odd, id)
		}
	}
	wantIDs(t, "half of them", c.Scan(ctx, documents.Scan{}), odd...)
}

func badIDs(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(plain)
	for what, id := range map[string]string{
		"empty":         "",
		"NUL":           "a\x00b",
		"invalid UTF-8": "a\xff",
		"half a rune":   "\xf0\x9f",
		"a surrogate":   "\xed\xa0\x80",
		"513 bytes":     strings.Repeat("x", 513),
		"a megabyte":    strings.Repeat("x", 1<<20),
	} {
		wantError(t, "Insert: "+what, c.Insert(ctx, id, bson.D{}), documents.ErrUnfit)
		wantError(t, "Replace: "+what, c.Replace(ctx, id, 1, bson.D{}), documents.ErrUnfit)
		_, err := c.Get(ctx, id, &bson.M{})
		wantError(t, "Get: "+what, err, documents.ErrNotFound)
		must(t, c.Delete(ctx, id))
	}
	wantIDs(t, "what is there", c.Scan(ctx, documents.Scan{}))
}

// oddKeys leaves out quotes, backslashes and control characters, which FerretDB
// writes into its JSON as they are.
func oddKeys(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(plain)
	var doc bson.D
	for _, key := range append(strange(), strings.Repeat("x", 512)) {
		if strings.ContainsAny(key, "\"\\\t\r\n\x01") {
			continue
		}
		doc = append(doc, bson.E{Key: key, Value: bson.D{{Key: key, Value: bson.A{bson.D{{Key: key, Value: key}}}}}})
	}
	must(t, c.Insert(ctx, "a", doc))
	wantStored(t, c, "a", 1, doc)
	slices.Reverse(doc)
	must(t, c.Replace(ctx, "a", 1, doc))
	wantStored(t, c, "a", 2, doc)
}

// oddIndexFields: two fields that differ only in case are two; the names of our own
// columns are free for them.
func oddIndexFields(t *testing.T, s documents.Store) {
	ctx := t.Context()
	fields := []string{"case", "Case", "имя", "a b", "id", "version", "doc", "'", "rowid", "updated_at", "updatedAt", "ix_case", "a$b", "-"}
	spec := documents.Spec{Name: "fields"}
	for i, f := range fields {
		spec.Indexes = append(spec.Indexes, documents.Index{Field: f, Unique: i%2 == 0})
	}
	c := s.Collection(spec)
	doc := func(prefix string) bson.D {
		var d bson.D
		for _, f := range fields {
			d = append(d, bson.E{Key: f, Value: prefix + f})
		}
		return d
	}
	must(t, c.Insert(ctx, "1", doc("a")))
	must(t, c.Insert(ctx, "2", doc("b")))
	for i, f := range fields {
		wantIDs(t, "Find by "+f, c.Find(ctx, f, "b"+f), "2")
		wantIDs(t, "Find nothing by "+f, c.Find(ctx, f, "b"))
		wantIDs(t, "Scan by "+f, c.Scan(ctx, documents.Scan{Order: f, Descending: true}), "2", "1")
		d := doc("c")
		d[i].Value = "a" + f
		err := c.Insert(ctx, "3", d)
		if spec.Indexes[i].Unique {
			wantError(t, "Insert with a taken "+f, err, documents.ErrExists)
			continue
		}
		must(t, err)
		wantIDs(t, "Find both by "+f, c.Find(ctx, f, "a"+f), "1", "3")
		must(t, c.Delete(ctx, "3"))
	}
}
