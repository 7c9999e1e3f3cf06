package mongowiretest_test

import (
	"context"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/goleak"

	"anihub/platform/documents/mongowiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connect gives a client that waits for the server as long as the test may take.
func connect(t *testing.T, s *mongowiretest.Server) *mongo.Collection {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(s.URI).SetServerSelectionTimeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client.Database(s.Database).Collection("things")
}

func TestServerKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	s := mongowiretest.Start(t)
	things := connect(t, s)
	address := s.URI
	if _, err := things.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "a"}, {Key: "n", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	s.Restart()
	if s.URI != address {
		t.Fatalf("after a restart the address is %s, was %s", s.URI, address)
	}
	things = connect(t, s)
	if n, err := things.CountDocuments(t.Context(), bson.D{{Key: "_id", Value: "a"}}); err != nil || n != 1 {
		t.Fatalf("after a kill and a restart: %d documents, %v", n, err)
	}
}

func TestServerPauses(t *testing.T) {
	t.Parallel()
	s := mongowiretest.Start(t)
	things := connect(t, s)
	if _, err := things.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "a"}}); err != nil {
		t.Fatal(err)
	}
	s.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := things.CountDocuments(ctx, bson.D{}); err == nil {
		t.Error("a paused server answers")
	}
	s.Resume()
	if n, err := things.CountDocuments(t.Context(), bson.D{}); err != nil || n != 1 {
		t.Fatalf("after the pause: %d documents, %v", n, err)
	}
}

// The proxy exists for this: FerretDB alone loses most of these increments.
func TestWritesAreAtomic(t *testing.T) {
	t.Parallel()
	s := mongowiretest.Start(t)
	things := connect(t, s)
	if _, err := things.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "a"}, {Key: "n", Value: 0}}); err != nil {
		t.Fatal(err)
	}
	const writers, each = 20, 10
	errs := make(chan error, writers)
	for range writers {
		go func() {
			var err error
			for i := 0; i < each && err == nil; i++ {
				_, err = things.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "a"}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: 1}}}})
			}
			errs <- err
		}()
	}
	for range writers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	var got struct{ N int }
	if err := things.FindOne(t.Context(), bson.D{{Key: "_id", Value: "a"}}).Decode(&got); err != nil || got.N != writers*each {
		t.Fatalf("%d increments are left of %d, %v", got.N, writers*each, err)
	}
}
