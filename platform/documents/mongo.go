package documents

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

const (
	// mongoGoodbye bounds telling the server that we leave.
	mongoGoodbye = 2 * time.Second
	// mongoIndexTime bounds making a collection's indexes. It is long because a
	// grown collection takes its time; a dead server is noticed much earlier, by
	// the driver's heartbeat.
	mongoIndexTime = 10 * time.Minute
)

// mongoStore keeps each collection in a MongoDB collection of the same name, each
// document as {_id, _v: version, its own fields…}.
//
// Writes ask for a majority's acknowledgement unless the URI asks for something
// else. On a replica set the driver repeats a write whose acknowledgement was lost,
// and the server knows it again, so it happens once and succeeds. A single server
// has no such memory: there a lost acknowledgement is ErrUnavailable, which leaves
// open whether the write happened, and never a conflict; nothing is repeated here.
// Who repeats it must expect to meet the own write.
type mongoStore struct {
	*life
	config      MongoConfig
	collections shelf[*mongoCollection]
	connected   ready
	client      *mongo.Client // set when connected
}

var _ Store = (*mongoStore)(nil)

// OpenMongo uses the database of a MongoDB server (4.4 or later), a replica set
// or a sharded cluster. It touches no server: one that is down or does not answer
// makes each operation fail with ErrUnavailable, after Timeout at the latest, and
// is used as soon as it is back. It fails on a configuration that cannot be.
//
// Indexes that are no longer declared are left for the operator to drop: another
// instance may still need them. A unique one goes on refusing.
func OpenMongo(c MongoConfig) (Store, error) {
	if c.URI == "" {
		return nil, errors.New("documents: mongo: uri: must be set")
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("documents: mongo: %w", err)
	}
	return &mongoStore{life: newLife(), config: c}, nil
}

// connect makes the client; the driver connects by itself, and again and again.
func (s *mongoStore) connect(context.Context) error {
	client, err := mongo.Connect(clientOptions(s.config))
	if err != nil {
		return ErrUnavailable.Because("connecting: %w", hideSecrets(s.config, err))
	}
	s.client = client
	return nil
}

// hideSecrets keeps the driver's words about an address with a password to itself.
func hideSecrets(c MongoConfig, err error) error {
	if bad := checkURI(c.URI.Reveal()); bad != nil {
		return bad
	}
	return err
}

// clientOptions puts our numbers over those of the URI. Reads go to the primary:
// who has just written must find it.
func clientOptions(c MongoConfig) *options.ClientOptions {
	o := options.Client().SetAppName("anihub").ApplyURI(c.URI.Reveal()).
		SetMinPoolSize(uint64(c.PoolMin)).
		SetMaxPoolSize(uint64(c.PoolMax)).
		SetMaxConnIdleTime(c.Idle).
		SetServerSelectionTimeout(c.Wait).
		SetConnectTimeout(c.Wait).
		SetTimeout(c.Timeout).
		SetReadPreference(readpref.Primary())
	if o.WriteConcern == nil {
		o.SetWriteConcern(writeconcern.Majority())
	}
	return o
}

// Collection declares a collection; see Store.
func (s *mongoStore) Collection(spec Spec) Collection {
	return s.collections.open(spec, func(spec Spec) *mongoCollection { return &mongoCollection{store: s, spec: spec} })
}

// enter is the way into every operation: it bounds its time and connects. The
// caller calls cancel when the operation is over.
func (s *mongoStore) enter(ctx context.Context) (bounded context.Context, cancel func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, fmt.Errorf("documents: %w", err)
	}
	if err := s.over(); err != nil {
		return nil, nil, err
	}
	bounded, cancel = context.WithTimeout(ctx, s.config.Timeout)
	if err := s.connected.await(bounded, s.life, s.connect); err != nil {
		cancel()
		return nil, nil, s.fault(ctx, err)
	}
	return bounded, cancel, nil
}

// database is only there when connected.
func (s *mongoStore) database() *mongo.Database { return s.client.Database(s.config.Database) }

// Ping asks the primary.
func (s *mongoStore) Ping(ctx context.Context) error {
	bounded, cancel, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	return s.fault(ctx, s.client.Ping(bounded, readpref.Primary()))
}

// Close ends the store's operations and its connections. Closing again is no error.
func (s *mongoStore) Close() error {
	if !s.end() || s.client == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), mongoGoodbye)
	defer cancel()
	err := s.client.Disconnect(ctx)
	if err != nil && ctx.Err() != nil {
		return nil // the server did not hear the goodbye; the connections are closed
	}
	return err
}

func (s *mongoStore) kind() string { return "mongo" }
