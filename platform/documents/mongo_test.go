package documents_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"anihub/platform/config"
	"anihub/platform/documents"
	"anihub/platform/documents/mongowiretest"
)

// mongoConfig is for tests: few connections, and a machine that is busy with others.
func mongoConfig(server *mongowiretest.Server, database string) documents.MongoConfig {
	c := documents.DefaultMongoConfig()
	c.URI, c.Database = config.Secret(server.URI), database
	c.PoolMin = 0
	c.Wait, c.Timeout = time.Minute, time.Minute
	return c
}

// impatient gives up soon, for servers that do not answer.
func impatient(c documents.MongoConfig) documents.MongoConfig {
	c.Wait, c.Timeout = 200*time.Millisecond, 300*time.Millisecond
	return c
}

func openMongoAs(t testing.TB, c documents.MongoConfig) documents.Store {
	t.Helper()
	s, err := documents.OpenMongo(c)
	must(t, err)
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

// patiently repeats an operation until the store is there to answer it.
func patiently(t testing.TB, op func() error) error {
	t.Helper()
	for {
		err := op()
		if !errors.Is(err, documents.ErrUnavailable) || t.Context().Err() != nil {
			return err
		}
	}
}

// driver looks at a database past the store.
func driver(t testing.TB, c documents.MongoConfig) *mongo.Database {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(c.URI.Reveal()))
	must(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client.Database(c.Database)
}

func TestMongoWithoutAServer(t *testing.T) {
	t.Parallel()
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, refusing.Close())
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, never answers
	must(t, err)
	defer func() { _ = silent.Close() }()
	for name, address := range map[string]string{
		"refused":        refusing.Addr().String(),
		"silent":         silent.Addr().String(),
		"no such host":   "no-such-host.invalid",
		"no replica set": refusing.Addr().String() + "/?replicaSet=rs0",
	} {
		c := documents.DefaultMongoConfig() // with the connections it keeps ready
		c.URI = config.Secret("mongodb://user:s3cret@" + address)
		if !strings.Contains(address, "/") {
			c.URI += "/"
		}
		s := openMongoAs(t, impatient(c))
		docs := s.Collection(documents.Spec{Name: "things", Indexes: []documents.Index{{Field: "n"}}})
		_, err := docs.Get(t.Context(), "a", &bson.M{})
		wantError(t, name+": Get", err, documents.ErrUnavailable)
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
		wantError(t, name+": Insert", docs.Insert(t.Context(), "a", bson.D{}), documents.ErrUnavailable)
		wantError(t, name+": Ping", s.Ping(t.Context()), documents.ErrUnavailable)
		for _, err := range docs.Scan(t.Context(), documents.Scan{}) {
			wantError(t, name+": Scan", err, documents.ErrUnavailable)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		wantError(t, name+": the caller's deadline", docs.Delete(ctx, "a"), context.DeadlineExceeded)
		cancel()
	}
}

// A server that comes late is used when it comes, indexes and all.
func TestMongoServerComesLate(t *testing.T) {
	t.Parallel()
	server := mongowiretest.Start(t)
	c := mongoConfig(server, server.NewDatabase(t))
	server.Kill()
	s := openMongoAs(t, impatient(c))
	docs := s.Collection(documents.Spec{Name: "things", Indexes: []documents.Index{{Field: "login", Unique: true}}})
	insert := func(id string) func() error {
		return func() error { return docs.Insert(t.Context(), id, bson.D{{Key: "login", Value: "ann"}}) }
	}
	wantError(t, "Insert before", insert("a")(), documents.ErrUnavailable)
	server.Restart()
	must(t, patiently(t, func() error { return s.Ping(t.Context()) }))
	err := patiently(t, insert("a"))
	if err != nil && !errors.Is(err, documents.ErrExists) { // repeated, it may meet itself
		t.Errorf("Insert after: %v", err)
	}
	wantError(t, "Insert of the same value", patiently(t, insert("b")), documents.ErrExists)
}

// A server dies under load and comes back: who asked meanwhile was told so, and
// what was acknowledged is there.
func TestMongoServerRestarts(t *testing.T) {
	t.Parallel()
	server := mongowiretest.Start(t)
	c := mongoConfig(server, server.NewDatabase(t))
	c.Wait, c.Timeout = time.Second, 2*time.Second
	s := openMongoAs(t, c)
	docs := s.Collection(documents.Spec{Name: "things"})
	var mu sync.Mutex
	var ids []string // what was acknowledged
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for w := range 5 {
		running.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("%d-%d", w, n)
				err := docs.Insert(ctx, id, bson.D{{Key: "n", Value: n}})
				switch {
				case err == nil:
					mu.Lock()
					ids = append(ids, id)
					mu.Unlock()
				case ctx.Err() == nil:
					wantError(t, "Insert into a dead server", err, documents.ErrUnavailable)
				}
			}
		})
	}
	more := func() { // waits until twenty more are acknowledged
		for most := -1; t.Context().Err() == nil; time.Sleep(time.Millisecond) {
			mu.Lock()
			n := len(ids)
			mu.Unlock()
			if most < 0 {
				most = n + 20
			}
			if n >= most {
				return
			}
		}
	}
	for range 3 {
		more()
		server.Kill()
		server.Restart()
	}
	more()
	stop()
	running.Wait()
	for _, id := range ids {
		err := patiently(t, func() error {
			_, err := docs.Get(t.Context(), id, &bson.M{})
			return err
		})
		if err != nil {
			t.Errorf("%s was acknowledged: %v", id, err)
		}
	}
}

// A server that stands still is as one that is not there.
func TestMongoServerPauses(t *testing.T) {
	t.Parallel()
	server := mongowiretest.Start(t)
	c := mongoConfig(server, server.NewDatabase(t))
	patient, hasty := openMongoAs(t, c), openMongoAs(t, impatient(c))
	spec := documents.Spec{Name: "things", Indexes: []documents.Index{{Field: "n"}}}
	must(t, patient.Collection(spec).Insert(t.Context(), "a", bson.D{{Key: "n", Value: 1}}))
	docs := hasty.Collection(spec)
	must(t, patiently(t, func() error {
		_, err := docs.Get(t.Context(), "a", &bson.M{})
		return err
	}))

	server.Pause()
	_, err := docs.Get(t.Context(), "a", &bson.M{})
	wantError(t, "Get", err, documents.ErrUnavailable)
	wantError(t, "Insert", docs.Insert(t.Context(), "b", bson.D{}), documents.ErrUnavailable)
	wantError(t, "Ping", hasty.Ping(t.Context()), documents.ErrUnavailable)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wantError(t, "the caller's deadline", patient.Collection(spec).Delete(ctx, "x"), context.DeadlineExceeded)
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err = patient.Collection(spec).Get(ctx, "a", &bson.M{})
	wantError(t, "the caller leaving", err, context.Canceled)

	server.Resume()
	must(t, patiently(t, func() error {
		_, err := docs.Get(t.Context(), "a", &bson.M{})
		return err
	}))
}

// Operators read and repair documents with MongoDB's own tools.
func TestMongoDocumentsAreNatural(t *testing.T) {
	t.Parallel()
	server := mongowiretest.Start(t)
	c := mongoConfig(server, server.NewDatabase(t))
	s := openMongoAs(t, c)
	docs := s.Collection(documents.Spec{Name: "users", Indexes: []documents.Index{{Field: "login", Unique: true}, {Field: "role"}}})
	must(t, docs.Insert(t.Context(), "u1", bson.D{{Key: "login", Value: "ann"}, {Key: "role", Value: "admin"}}))
	must(t, docs.Replace(t.Context(), "u1", 1, bson.D{{Key: "login", Value: "ann"}, {Key: "role", Value: "user"}}))
	users := driver(t, c).Collection("users")
	raw, err := users.FindOne(t.Context(), bson.D{{Key: "role", Value: "user"}}).Raw()
	must(t, err)
	if want := `{"_id": "u1","_v": {"$numberLong":"2"},"login": "ann","role": "user"}`; raw.String() != want {
		t.Errorf("stored is %s, want %s", raw, want)
	}
	specs, err := users.Indexes().ListSpecifications(t.Context())
	must(t, err)
	got := make(map[string]string)
	for _, spec := range specs {
		got[spec.Name] = fmt.Sprint(spec.KeysDocument, spec.Unique != nil && *spec.Unique)
	}
	delete(got, "_id_")
	if want := map[string]string{
		"anihub_login_unique": `{"login": {"$numberInt":"1"}} true`,
		"anihub_role":         `{"role": {"$numberInt":"1"},"_id": {"$numberInt":"1"}} false`,
	}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the indexes are %v, want %v", got, want)
	}

	// What somebody else put there is read, and never replaced unseen.
	_, err = users.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "u2"}, {Key: "login", Value: "bob"}})
	must(t, err)
	var doc struct{ Login string }
	v, err := docs.Get(t.Context(), "u2", &doc)
	if err != nil || v != 0 || doc.Login != "bob" {
		t.Errorf("a document without a version: %+v, version %d, %v", doc, v, err)
	}
	wantError(t, "Replace of it", docs.Replace(t.Context(), "u2", 0, bson.D{{Key: "login", Value: "x"}}), documents.ErrVersion)
	_, err = users.InsertOne(t.Context(), bson.D{{Key: "_id", Value: 7}, {Key: "login", Value: "seven"}})
	must(t, err)
	wantScanned(t, docs.Scan(t.Context(), documents.Scan{}), "u1", "u2") // ids are texts
}

// A collection that was used without an index gets it, unless it cannot be.
func TestMongoIndexesFollowTheDeclaration(t *testing.T) {
	t.Parallel()
	server := mongowiretest.Start(t)
	c := mongoConfig(server, server.NewDatabase(t))
	before := openMongoAs(t, c).Collection(documents.Spec{Name: "things"})
	for i := range 5 {
		must(t, before.Insert(t.Context(), fmt.Sprint(i), bson.D{{Key: "n", Value: i % 2}, {Key: "u", Value: i}}))
	}
	must(t, before.Insert(t.Context(), "without", bson.D{}))
	must(t, before.Insert(t.Context(), "without2", bson.D{}))
	after := openMongoAs(t, c).Collection(documents.Spec{Name: "things", Indexes: []documents.Index{{Field: "n"}, {Field: "u", Unique: true}}})
	wantFound(t, after, "n", 1, "1", "3")
	wantFound(t, after, "u", 4, "4")
	wantScanned(t, after.Scan(t.Context(), documents.Scan{Order: "u", Descending: true}), "4", "3", "2", "1", "0")
	wantError(t, "a taken value", after.Insert(t.Context(), "x", bson.D{{Key: "u", Value: 4}}), documents.ErrExists)
	never := openMongoAs(t, c).Collection(documents.Spec{Name: "things", Indexes: []documents.Index{{Field: "n", Unique: true}}})
	_, err := never.Get(t.Context(), "0", &bson.M{})
	if err == nil || errors.Is(err, documents.ErrExists) || errors.Is(err, documents.ErrNotFound) {
		t.Errorf("an impossible index: %v", err)
	}
}

func wantScanned(t testing.TB, seq iter.Seq2[documents.Document, error], want ...string) {
	t.Helper()
	var got []string
	for d, err := range seq {
		must(t, err)
		got = append(got, d.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
