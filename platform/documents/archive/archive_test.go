package archive_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.uber.org/goleak"

	"anihub/platform/config"
	"anihub/platform/documents"
	"anihub/platform/documents/archive"
	"anihub/platform/documents/mongowiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	people = documents.Spec{Name: "people", Indexes: []documents.Index{{Field: "login", Unique: true}, {Field: "group"}}}
	things = documents.Spec{Name: "things"}
	bare   = documents.Spec{Name: "bare"}
	copies = documents.Spec{Name: "copies"} // what is made from the rest
)

func specs() []documents.Spec { return []documents.Spec{things, bare, people} }

func places(s documents.Store) []archive.Place {
	var list []archive.Place
	for _, spec := range specs() {
		list = append(list, archive.Place{Spec: spec, Store: s})
	}
	return list
}

func quiet(archive.Step) {}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openSQLite(t testing.TB) documents.Store {
	t.Helper()
	s, err := documents.OpenSQLite(filepath.Join(t.TempDir(), "anihub.db"))
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// kinds are the stores that there are.
func kinds(t *testing.T) map[string]func(testing.TB) documents.Store {
	t.Helper()
	server := mongowiretest.Start(t)
	return map[string]func(testing.TB) documents.Store{"sqlite": openSQLite, "mongo": server.Open}
}

const crowd = 150 // more than fills the first two pages of a scan

// fill puts something into a store: accounts, some of them changed, and things of every
// kind that a store keeps.
func fill(t testing.TB, s documents.Store) {
	t.Helper()
	ctx, c := t.Context(), s.Collection(people)
	for n := range crowd {
		id := fmt.Sprintf("p%03d", n)
		must(t, c.Insert(ctx, id, bson.D{{Key: "login", Value: "l" + id}, {Key: "group", Value: int64(n % 3)}}))
		if n%10 == 0 {
			must(t, c.Replace(ctx, id, 1, bson.D{{Key: "login", Value: "l" + id}, {Key: "group", Value: int64(7)}, {Key: "new", Value: true}}))
		}
	}
	c = s.Collection(things)
	must(t, c.Insert(ctx, "Ящик/é:$.", bson.D{
		{Key: "date", Value: time.UnixMilli(1795730606123).UTC()},
		{Key: "small", Value: int32(1)},
		{Key: "large", Value: int64(1)},
		{Key: "real", Value: 1.5},
		{Key: "none", Value: nil},
		{Key: "bytes", Value: []byte{0, 1, 255}},
		{Key: "list", Value: bson.A{"a", int32(1), bson.D{{Key: "b", Value: false}}}},
		{Key: "id", Value: bson.ObjectID{1, 2, 3}},
	}))
	must(t, c.Insert(ctx, "empty", bson.D{}))
	must(t, c.Insert(ctx, "heavy", bson.D{{Key: "text", Value: strings.Repeat("weight ", 300_000)}}))
}

// contents is all that is in a store, by collection and id.
func contents(t testing.TB, s documents.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, p := range places(s) {
		for d, err := range s.Collection(p.Spec).Scan(t.Context(), documents.Scan{}) {
			must(t, err)
			var raw bson.Raw
			must(t, d.Decode(&raw))
			all[p.Spec.Name+"/"+d.ID] = string(raw)
		}
	}
	return all
}

func equal(t testing.TB, what string, got, want map[string]string) {
	t.Helper()
	if d := cmp.Diff(keys(want), keys(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %s differs", what, k)
		}
	}
}

func keys(m map[string]string) map[string]bool {
	out := map[string]bool{}
	for k := range m {
		out[k] = true
	}
	return out
}

func write(t testing.TB, s documents.Store) []byte {
	t.Helper()
	var b bytes.Buffer
	_, err := archive.Write(t.Context(), &b, "test", places(s), quiet)
	must(t, err)
	return b.Bytes()
}

func restoration(b []byte, s documents.Store) archive.Restoration {
	return archive.Restoration{File: bytes.NewReader(b), To: places(s), Tell: quiet}
}

// TestRoundTrip goes from every kind of store to every kind.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	stores := kinds(t)
	for from, openFrom := range stores {
		for to, openTo := range stores {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				a, b := openFrom(t), openTo(t)
				fill(t, a)
				file := write(t, a)
				var steps []archive.Step
				r := restoration(file, b)
				r.Tell = func(s archive.Step) { steps = append(steps, s) }
				got, err := r.Run(t.Context())
				must(t, err)
				if got.Documents != crowd+3 || got.AniHub != "test" || len(got.Parts) != 3 || got.Parts[1].Count != 0 {
					t.Errorf("summary %+v", got)
				}
				equal(t, "restored", contents(t, b), contents(t, a))
				if last := steps[len(steps)-1]; last != (archive.Step{Doing: "compared", Collection: "people", Done: crowd, Of: crowd}) {
					t.Errorf("the last step is %+v", last)
				}
				again, err := archive.Check(t.Context(), bytes.NewReader(write(t, b)), specs(), quiet)
				must(t, err)
				if d := cmp.Diff(got.Parts, again.Parts); d != "" {
					t.Errorf("a backup of the restored (-first +second):\n%s", d)
				}
			})
		}
	}
}

// TestLargestDocument: what a store takes a backup takes.
func TestLargestDocument(t *testing.T) {
	t.Parallel()
	a, b := openSQLite(t), openSQLite(t)
	overhead := len(raw(t, bson.D{{Key: "b", Value: []byte{}}}))
	doc := bson.D{{Key: "b", Value: make([]byte, documents.MaxBytes-overhead)}}
	must(t, a.Collection(things).Insert(t.Context(), strings.Repeat("i", 512), doc))
	_, err := restoration(write(t, a), b).Run(t.Context())
	must(t, err)
	equal(t, "restored", contents(t, b), contents(t, a))
}

func raw(t testing.TB, doc any) bson.Raw {
	t.Helper()
	b, err := bson.Marshal(doc)
	must(t, err)
	return b
}

// TestNotEmpty: without Force nothing is touched, with it the store is what the backup is.
func TestNotEmpty(t *testing.T) {
	t.Parallel()
	for kind, open := range kinds(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			ctx, a, b := t.Context(), openSQLite(t), open(t)
			fill(t, a)
			file := write(t, a)
			// The same store, gone on: logins went to others, some left and some came.
			_, err := restoration(file, b).Run(ctx)
			must(t, err)
			c := b.Collection(people)
			must(t, c.Delete(ctx, "p003"))
			must(t, c.Replace(ctx, "p005", 1, bson.D{{Key: "login", Value: "lp003"}}))
			must(t, c.Insert(ctx, "a first", bson.D{{Key: "login", Value: "lp005"}}))
			must(t, c.Insert(ctx, "z last", bson.D{{Key: "login", Value: "new"}}))
			must(t, b.Collection(bare).Insert(ctx, "x", bson.D{}))
			must(t, b.Collection(copies).Insert(ctx, "old", bson.D{}))
			before := contents(t, b)

			r := restoration(file, b)
			r.Empty = []archive.Place{{Spec: copies, Store: b}}
			if _, err := r.Run(ctx); !errors.Is(err, archive.ErrNotEmpty) || !strings.Contains(err.Error(), "things, bare, people") {
				t.Errorf("without force: %v", err)
			}
			equal(t, "without force", contents(t, b), before)
			r.Force = true
			for range 2 {
				_, err := r.Run(ctx)
				must(t, err)
				equal(t, "with force", contents(t, b), contents(t, a))
			}
			if v, err := c.Get(ctx, "p001", &bson.Raw{}); v != 1 || err != nil {
				t.Errorf("version %d, %v", v, err)
			}
			if _, err := b.Collection(copies).Get(ctx, "old", &bson.Raw{}); !errors.Is(err, documents.ErrNotFound) {
				t.Errorf("what was made from the rest: %v", err)
			}
		})
	}
}

// TestForceEmptiesWhatAnOlderBackupDoesNotKnow: a collection that came later.
func TestForceEmptiesWhatAnOlderBackupDoesNotKnow(t *testing.T) {
	t.Parallel()
	a, b := openSQLite(t), openSQLite(t)
	must(t, a.Collection(things).Insert(t.Context(), "x", bson.D{}))
	fill(t, b)
	var file bytes.Buffer
	_, err := archive.Write(t.Context(), &file, "old", places(a)[:1], quiet)
	must(t, err)
	r := restoration(file.Bytes(), b)
	r.Force = true
	_, err = r.Run(t.Context())
	must(t, err)
	equal(t, "restored", contents(t, b), contents(t, a))
}

// TestPassedOver: what has no place is checked and not written.
func TestPassedOver(t *testing.T) {
	t.Parallel()
	a, b := openSQLite(t), openSQLite(t)
	fill(t, a)
	r := restoration(write(t, a), b)
	r.To, r.Apart = r.To[1:], []string{things.Name}
	_, err := r.Run(t.Context())
	must(t, err)
	if got := contents(t, b); len(got) != crowd {
		t.Errorf("%d documents", len(got))
	}
}

// TestInterrupted: at whichever moment a restore ends, the same again with Force ends as
// if it had not.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	a := openSQLite(t)
	fill(t, a)
	file, want := write(t, a), contents(t, a)
	for kind, open := range kinds(t) {
		for _, doing := range []string{"restored", "removed", "compared"} {
			t.Run(kind+" "+doing, func(t *testing.T) {
				t.Parallel()
				b := open(t)
				if doing == "removed" {
					for n := range 80 {
						must(t, b.Collection(people).Insert(t.Context(), fmt.Sprint(n), bson.D{{Key: "login", Value: fmt.Sprint(n)}}))
					}
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r := restoration(file, b)
				r.Force = true
				r.Tell = func(s archive.Step) {
					if s.Doing == doing && s.Collection == people.Name && s.Done == 60 {
						cancel()
					}
				}
				if _, err := r.Run(ctx); !errors.Is(err, archive.ErrUnfinished) || !errors.Is(err, context.Canceled) {
					t.Errorf("interrupted: %v", err)
				}
				if n := len(contents(t, b)); doing == "restored" && (n < 10 || n >= crowd) {
					t.Errorf("%d documents after the interruption", n)
				}
				_, err := r.Run(t.Context())
				must(t, err)
				equal(t, "again", contents(t, b), want)
			})
		}
	}
}

// TestServerDies in the middle: the restore says so, and goes through when it is back.
func TestServerDies(t *testing.T) {
	t.Parallel()
	a := openSQLite(t)
	fill(t, a)
	server := mongowiretest.Start(t)
	c := documents.DefaultMongoConfig()
	c.URI, c.Database, c.Wait, c.Timeout = config.Secret(server.URI), server.Database, time.Second, time.Second
	b, err := documents.OpenMongo(c)
	must(t, err)
	t.Cleanup(func() { must(t, b.Close()) })
	killed := false
	r := restoration(write(t, a), b)
	r.Tell = func(s archive.Step) {
		if s.Doing == "restored" && s.Collection == people.Name && s.Done == 50 && !killed {
			killed = true
			server.Kill()
		}
	}
	if _, err := r.Run(t.Context()); !errors.Is(err, archive.ErrUnfinished) || !errors.Is(err, documents.ErrUnavailable) {
		t.Fatalf("the server is dead: %v", err)
	}
	server.Restart()
	r.Force = true
	for try := 0; ; try++ {
		if _, err = r.Run(t.Context()); err == nil || !errors.Is(err, documents.ErrUnavailable) || try == 20 {
			break
		}
	}
	must(t, err)
	equal(t, "again", contents(t, b), contents(t, a))
}

// TestStoreIsDown: nothing is begun.
func TestStoreIsDown(t *testing.T) {
	t.Parallel()
	a, b := openSQLite(t), openSQLite(t)
	fill(t, a)
	file := write(t, a)
	must(t, b.Close())
	if _, err := restoration(file, b).Run(t.Context()); !errors.Is(err, documents.ErrUnavailable) || errors.Is(err, archive.ErrUnfinished) {
		t.Errorf("restore: %v", err)
	}
	if _, err := archive.Write(t.Context(), io.Discard, "test", places(b), quiet); !errors.Is(err, documents.ErrUnavailable) {
		t.Errorf("write: %v", err)
	}
}

// TestWhileItIsWrittenTo: what moves meanwhile makes no backup that cannot be restored.
func TestWhileItIsWrittenTo(t *testing.T) {
	t.Parallel()
	a := openSQLite(t)
	fill(t, a)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- churn(ctx, a.Collection(people)) }()
	for range 3 {
		b := openSQLite(t)
		got, err := restoration(write(t, a), b).Run(t.Context())
		must(t, err)
		if got.Parts[2].Count < crowd {
			t.Errorf("%d people", got.Parts[2].Count)
		}
	}
	cancel()
	must(t, <-stopped)
}

// churn changes and adds until ctx ends.
func churn(ctx context.Context, c documents.Collection) error {
	for n := 0; ctx.Err() == nil; n++ {
		id := fmt.Sprintf("p%03d", n%crowd)
		v, err := c.Get(ctx, id, &bson.Raw{})
		if err == nil {
			err = c.Replace(ctx, id, v, bson.D{{Key: "login", Value: "l" + id}, {Key: "turn", Value: int64(n)}})
		}
		if err == nil && n%7 == 0 {
			err = c.Insert(ctx, fmt.Sprintf("n%d", n), bson.D{{Key: "login", Value: fmt.Sprint(n)}})
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// TestALoginThatMoves while the backup is made is met twice, and could not be restored.
func TestALoginThatMoves(t *testing.T) {
	t.Parallel()
	a := openSQLite(t)
	fill(t, a)
	c := a.Collection(people)
	tell := func(s archive.Step) {
		if s.Collection == people.Name && s.Done == 2 {
			must(t, c.Replace(t.Context(), "p001", 1, bson.D{{Key: "login", Value: "other"}}))
			must(t, c.Insert(t.Context(), "z", bson.D{{Key: "login", Value: "lp001"}}))
		}
	}
	_, err := archive.Write(t.Context(), io.Discard, "test", places(a), tell)
	if !errors.Is(err, archive.ErrMoved) {
		t.Errorf("got %v", err)
	}
	write(t, a) // and the second time it is only met once
}

// unpacked is what the gzip holds.
func unpacked(t testing.TB, file []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(file))
	must(t, err)
	b, err := io.ReadAll(z)
	must(t, err)
	return b
}

func packed(b []byte) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	_, _ = z.Write(b)
	_ = z.Close()
	return out.Bytes()
}
