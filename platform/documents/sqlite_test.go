package documents_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/documents"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected: %v", err)
	}
}

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// wantFound checks a Find.
func wantFound(t testing.TB, c documents.Collection, field string, value any, want ...string) {
	t.Helper()
	var got []string
	for d, err := range c.Find(t.Context(), field, value) {
		must(t, err)
		got = append(got, d.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("Find(%s, %v): got %q, want %q", field, value, got, want)
	}
}

// reopen closes a store and opens its file again.
func reopen(t testing.TB, s documents.Store, path string) documents.Store {
	t.Helper()
	closeStore(t, s)
	return openSQLite(t, path)
}

func spec(indexes ...documents.Index) documents.Spec {
	return documents.Spec{Name: "things", Indexes: indexes}
}

func TestSQLiteKeepsItsFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a directory", "with ?#%41 & \"signs\"", "anihub.db")
	s := openSQLite(t, path)
	must(t, s.Collection(spec()).Insert(t.Context(), "a", bson.D{{Key: "n", Value: 1}}))
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v", info.Mode())
	}
	for _, beside := range []string{path + "-wal", path + "-shm"} {
		if info, err := os.Stat(beside); err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("the mode of %s is %v", filepath.Base(beside), info.Mode())
		}
	}
	s = reopen(t, s, path)
	var doc struct{ N int }
	v, err := s.Collection(spec()).Get(t.Context(), "a", &doc)
	if err != nil || v != 1 || doc.N != 1 {
		t.Errorf("after reopening: %+v, version %d, %v", doc, v, err)
	}
	closeStore(t, s)
	left, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if len(left) != 1 {
		t.Errorf("after Close there are %v", left)
	}
}

// A declaration changes from one start to the next.
func TestSQLiteIndexesFollowTheDeclaration(t *testing.T) {
	t.Parallel()
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "anihub.db")
	s := openSQLite(t, path)
	c := s.Collection(spec())
	const many = 2500 // more than are filled at a time
	for i := range many {
		must(t, c.Insert(ctx, fmt.Sprintf("%04d", i), bson.D{{Key: "n", Value: i % 1000}, {Key: "u", Value: fmt.Sprint(i)}}))
	}
	must(t, c.Insert(ctx, "odd", bson.D{{Key: "n", Value: 1.5}})) // no index can hold it

	s = reopen(t, s, path)
	c = s.Collection(spec(documents.Index{Field: "n"}, documents.Index{Field: "u", Unique: true}))
	wantFound(t, c, "n", 7, "0007", "1007", "2007")
	wantFound(t, c, "u", "2499", "2499")
	wantError(t, "a taken value", c.Insert(ctx, "x", bson.D{{Key: "u", Value: "1"}}), documents.ErrExists)

	s = reopen(t, s, path)
	c = s.Collection(spec(documents.Index{Field: "u"})) // n is gone, u not unique
	must(t, c.Insert(ctx, "x", bson.D{{Key: "u", Value: "1"}, {Key: "n", Value: 7}}))
	must(t, c.Replace(ctx, "0007", 1, bson.D{{Key: "n", Value: 8}}))
	wantFound(t, c, "u", "1", "0001", "x")

	s = reopen(t, s, path)
	c = s.Collection(spec(documents.Index{Field: "n"})) // it is back
	wantFound(t, c, "n", 7, "1007", "2007", "x")
	wantFound(t, c, "n", 8, "0007", "0008", "1008", "2008")

	s = reopen(t, s, path)
	c = s.Collection(spec(documents.Index{Field: "n", Unique: true})) // it cannot be
	for range 2 {
		_, err := c.Get(ctx, "0001", &bson.M{})
		if err == nil || !strings.Contains(err.Error(), `"n" in collection "things" are not unique`) {
			t.Errorf("an impossible index: %v", err)
		}
	}
	s = reopen(t, s, path)
	wantFound(t, s.Collection(spec(documents.Index{Field: "n"})), "n", 7, "1007", "2007", "x")
}

func TestSQLiteRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, want string
		make       func(path string) error
	}{
		{"garbage", "not a database", func(p string) error { return os.WriteFile(p, bytes.Repeat([]byte("garbage "), 1000), 0o600) }},
		{"a text", "not a database", func(p string) error { return os.WriteFile(p, []byte("platform:\n  storage: …\n"), 0o600) }},
		{"a damaged header", "", func(p string) error { return damage(p, 20, 80) }},
		{"a damaged schema", "damaged", func(p string) error { return damage(p, 100, 200) }},
		{"another program's", "another program", func(p string) error { return execSQL(p, `CREATE TABLE t (x)`) }},
		{"another program's mark", "another program", func(p string) error { return execSQL(p, `PRAGMA application_id = 7`) }},
		{"a newer one", "newer AniHub", func(p string) error { return reformat(p, 2) }},
		{"a form that never was", "never was", func(p string) error { return reformat(p, -1) }},
		{"a directory", "", func(p string) error { return os.Mkdir(p, 0o700) }},
		{"a file for a directory", "", func(p string) error {
			must(t, os.WriteFile(filepath.Dir(p)+".file", nil, 0o600))
			return os.Symlink(filepath.Dir(p)+".file/x", p)
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "anihub.db")
			must(t, x.make(path))
			before, _ := os.ReadFile(path)
			s, err := documents.OpenSQLite(path)
			if err == nil {
				closeStore(t, s)
				t.Fatal("it opens")
			}
			if !strings.Contains(err.Error(), x.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("the reason is %v", err)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
	if _, err := documents.OpenSQLite(""); err == nil {
		t.Error("no file at all opens")
	}
}

// damage makes a store's file and overwrites some of it.
func damage(path string, from, to int) error {
	if err := reformat(path, 1); err != nil {
		return err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i := from; i < to; i++ {
		b[i] = 0xEE
	}
	return os.WriteFile(path, b, 0o600)
}

// reformat makes a store's file with a table and marks it as of this format.
func reformat(path string, format int) error {
	s, err := documents.OpenSQLite(path)
	if err != nil {
		return err
	}
	err = errors.Join(s.Collection(spec()).Insert(context.Background(), "a", bson.D{}), s.Close())
	return errors.Join(err, execSQL(path, fmt.Sprintf(`PRAGMA user_version = %d`, format)))
}

func execSQL(path, q string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	_, err = db.Exec(q)
	return errors.Join(err, db.Close())
}

// A database whose pages are damaged behind its header opens, and says so when
// they are read.
func TestSQLiteReportsDamage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "anihub.db")
	s := openSQLite(t, path)
	for i := range 100 {
		must(t, s.Collection(spec()).Insert(t.Context(), fmt.Sprint(i), bson.D{{Key: "fill", Value: strings.Repeat("x", 1000)}}))
	}
	closeStore(t, s)
	b, err := os.ReadFile(path)
	must(t, err)
	for i := 4096 * 2; i < len(b); i++ {
		b[i] = byte(rand.Uint32())
	}
	must(t, os.WriteFile(path, b, 0o600))
	s = openSQLite(t, path)
	failed := false
	for _, err := range s.Collection(spec()).Scan(t.Context(), documents.Scan{}) {
		if err != nil {
			failed = true
			wantError(t, "Scan of a damaged table", err, documents.ErrUnavailable)
		}
	}
	if !failed {
		t.Error("nothing is wrong with a damaged table")
	}
}

// A full disk, and one that became read-only: writes fail, reads go on, and
// when it is over so do the writes.
func TestSQLiteWithoutADisk(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string][2]string{
		"full":      {`PRAGMA max_page_count = 1`, `PRAGMA max_page_count = 1000000`}, // no more than there are
		"read-only": {`PRAGMA query_only = 1`, `PRAGMA query_only = 0`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			s := openSQLite(t, filepath.Join(t.TempDir(), "anihub.db"))
			c := s.Collection(spec(documents.Index{Field: "n"}))
			doc := bson.D{{Key: "n", Value: 1}, {Key: "fill", Value: strings.Repeat("x", 100_000)}}
			must(t, c.Insert(ctx, "a", doc))
			documents.ExecOnWriter(t, s, fault[0])
			for range 3 {
				wantError(t, "Insert", c.Insert(ctx, "b", doc), documents.ErrUnavailable)
				wantError(t, "Replace", c.Replace(ctx, "a", 1, append(doc, bson.E{Key: "more", Value: strings.Repeat("y", 100_000)})), documents.ErrUnavailable)
				later := s.Collection(documents.Spec{Name: "later"})
				wantError(t, "a new collection", later.Insert(ctx, "b", doc), documents.ErrUnavailable)
				wantFound(t, c, "n", 1, "a")
				must(t, s.Ping(ctx))
			}
			documents.ExecOnWriter(t, s, fault[1])
			must(t, c.Insert(ctx, "b", doc))
			must(t, c.Replace(ctx, "a", 1, doc))
			must(t, s.Collection(documents.Spec{Name: "later"}).Insert(ctx, "b", doc))
			wantFound(t, c, "n", 1, "a", "b")
		})
	}
}

// Two processes may have the file, as during a restart that overlaps.
func TestSQLiteTwiceOpen(t *testing.T) {
	t.Parallel()
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "anihub.db")
	one, two := openSQLite(t, path), openSQLite(t, path)
	a, b := one.Collection(spec(documents.Index{Field: "n"})), two.Collection(spec(documents.Index{Field: "n"}))
	must(t, a.Insert(ctx, "a", bson.D{{Key: "n", Value: 1}}))
	wantFound(t, b, "n", 1, "a")
	must(t, b.Replace(ctx, "a", 1, bson.D{{Key: "n", Value: 2}}))
	wantError(t, "Replace of the old version", a.Replace(ctx, "a", 1, bson.D{}), documents.ErrVersion)
	closeStore(t, one)
	wantFound(t, b, "n", 2, "a")
}

// Names that the other store's test server cannot keep.
func TestSQLiteKeepsEveryName(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openSQLite(t, filepath.Join(t.TempDir(), "anihub.db"))
	var doc bson.D
	var indexes []documents.Index
	for _, key := range []string{`"`, `\`, "\t", "\n", "\x01", `a"b`, `""`, "ix_\"", "'", "%", "\u2028"} {
		doc = append(doc, bson.E{Key: key, Value: key})
		indexes = append(indexes, documents.Index{Field: key})
	}
	c := s.Collection(spec(indexes...))
	must(t, c.Insert(ctx, "a", doc))
	must(t, c.Insert(ctx, "lists", bson.D{{Key: "list", Value: bson.A{bson.A{1}, bson.A{}}}}))
	for _, ix := range indexes {
		wantFound(t, c, ix.Field, ix.Field, "a")
	}
	var got bson.D
	_, err := c.Get(ctx, "a", &got)
	must(t, err)
	if fmt.Sprint(got) != fmt.Sprint(doc) {
		t.Errorf("got %v, want %v", got, doc)
	}
}
