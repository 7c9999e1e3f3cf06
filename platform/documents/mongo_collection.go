package documents

import (
	"context"
	"encoding/binary"
	"errors"
	"iter"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"anihub/platform/fault"
)

// mongoCollection is one MongoDB collection. Every write is one document's, and
// so whole or not at all.
type mongoCollection struct {
	store *mongoStore
	spec  Spec
	ready ready
}

var _ Collection = (*mongoCollection)(nil)

// enter is the way into every operation.
func (c *mongoCollection) enter(ctx context.Context) (bounded context.Context, in *mongo.Collection, cancel func(), err error) {
	bounded, cancel, err = c.store.enter(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := c.ready.await(bounded, c.store.life, c.prepare); err != nil {
		cancel()
		return nil, nil, nil, c.store.fault(ctx, err)
	}
	return bounded, c.collection(), cancel, nil
}

func (c *mongoCollection) collection() *mongo.Collection {
	return c.store.database().Collection(c.spec.Name)
}

// prepare makes the declared indexes, one by one (FerretDB breaks down over a list
// in which several are there already); those that are there are left as they are.
func (c *mongoCollection) prepare(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, mongoIndexTime)
	defer cancel()
	for _, ix := range c.spec.Indexes {
		_, err := c.collection().Indexes().CreateOne(bounded, indexModel(ix))
		if taken11000(err) {
			return fault.ErrInternal.Because("documents: the values of %q in collection %q are not unique: %w", ix.Field, c.spec.Name, err)
		}
		if err != nil {
			return c.store.fault(ctx, err)
		}
	}
	return nil
}

// indexModel is MongoDB's form of a declared index. One that is not unique holds
// the id too, so that it gives the order among equals; one that is unique leaves
// out the documents without the field, which were stored before it was declared.
func indexModel(ix Index) mongo.IndexModel {
	if ix.Unique {
		return mongo.IndexModel{
			Keys:    bson.D{{Key: ix.Field, Value: 1}},
			Options: options.Index().SetName("anihub_" + ix.Field + "_unique").SetUnique(true).SetSparse(true),
		}
	}
	return mongo.IndexModel{
		Keys:    bson.D{{Key: ix.Field, Value: 1}, {Key: idField, Value: 1}},
		Options: options.Index().SetName("anihub_" + ix.Field),
	}
}

// Get reads a document; see Collection.
func (c *mongoCollection) Get(ctx context.Context, id string, into any) (int64, error) {
	bounded, in, cancel, err := c.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer cancel()
	if checkID(id) != nil {
		return 0, ErrNotFound
	}
	raw, err := in.FindOne(bounded, bson.D{{Key: idField, Value: id}}).Raw()
	switch {
	case errors.Is(err, mongo.ErrNoDocuments):
		return 0, ErrNotFound
	case err != nil:
		return 0, c.store.fault(ctx, err)
	}
	r, err := unwrap(raw)
	if err != nil {
		return 0, err
	}
	return r.version, decode(r.doc, into)
}

// Insert stores a new document; see Collection.
func (c *mongoCollection) Insert(ctx context.Context, id string, doc any) error {
	raw, err := fit(c.spec, id, doc)
	if err != nil {
		return err
	}
	bounded, in, cancel, err := c.enter(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	_, err = in.InsertOne(bounded, wrap(id, 1, raw))
	return c.store.fault(ctx, err)
}

// Replace stores the next version of a document; see Collection.
func (c *mongoCollection) Replace(ctx context.Context, id string, version int64, doc any) error {
	raw, err := fit(c.spec, id, doc)
	if err != nil {
		return err
	}
	bounded, in, cancel, err := c.enter(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	expected := bson.D{{Key: idField, Value: id}, {Key: versionField, Value: version}}
	res, err := in.ReplaceOne(bounded, expected, wrap(id, version+1, raw))
	if err != nil {
		return c.store.fault(ctx, err)
	}
	if res.MatchedCount == 0 {
		return ErrVersion
	}
	return nil
}

// Delete removes a document; see Collection.
func (c *mongoCollection) Delete(ctx context.Context, id string) error {
	bounded, in, cancel, err := c.enter(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	if checkID(id) != nil {
		return nil
	}
	_, err = in.DeleteOne(bounded, bson.D{{Key: idField, Value: id}})
	return c.store.fault(ctx, err)
}

// Find looks a value up in an index; see Collection.
func (c *mongoCollection) Find(ctx context.Context, field string, v any) iter.Seq2[Document, error] {
	s, err := newFind(c.spec, field, v)
	if err != nil {
		return failing(err)
	}
	return sequence(ctx, s, c.page)
}

// Scan goes through the collection in order; see Collection.
func (c *mongoCollection) Scan(ctx context.Context, scan Scan) iter.Seq2[Document, error] {
	s, err := newSpan(c.spec, scan)
	if err != nil {
		return failing(err)
	}
	return sequence(ctx, s, c.page)
}

// page reads the head of a span, with a cursor that is closed at the end of it.
func (c *mongoCollection) page(ctx context.Context, s span, n int) ([]row, bool, error) {
	bounded, in, cancel, err := c.enter(ctx)
	if err != nil {
		return nil, false, err
	}
	defer cancel()
	// One more than the limit, so that the server closes the cursor by itself.
	o := options.Find().SetSort(c.sort(s)).SetLimit(int64(n)).SetBatchSize(int32(n + 1))
	cur, err := in.Find(bounded, filter(s), o)
	if err != nil {
		return nil, false, c.store.fault(ctx, err)
	}
	defer func() { _ = cur.Close(bounded) }()
	var list []row
	for size := 0; cur.Next(bounded); {
		r, err := unwrap(cur.Current)
		if err != nil {
			return nil, false, err
		}
		list = append(list, r)
		if size += len(r.doc); size >= pageBytes {
			return list, true, nil
		}
	}
	return list, len(list) == n, c.store.fault(ctx, cur.Err())
}

// sort is the order that an index of indexModel gives without sorting.
func (c *mongoCollection) sort(s span) bson.D {
	way := 1
	if s.down {
		way = -1
	}
	if s.order == "" {
		return bson.D{{Key: idField, Value: way}}
	}
	keys := bson.D{{Key: s.order, Value: way}}
	if ix, err := c.spec.index(s.order); err == nil && ix.Unique {
		return keys
	}
	return append(keys, bson.E{Key: idField, Value: way})
}

// wrap puts id and version before a document's own fields.
func wrap(id string, version int64, doc bson.Raw) bson.Raw {
	b := make([]byte, 4, len(doc)+len(id)+32)
	b = append(b, byte(bson.TypeString))
	b = append(append(b, idField...), 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(id)+1))
	b = append(append(b, id...), 0)
	b = append(b, byte(bson.TypeInt64))
	b = append(append(b, versionField...), 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(version))
	b = append(b, doc[4:]...)
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	return b
}

// unwrap takes a stored document apart again. One without a version was put there
// by somebody else; it reads as version 0, which no Replace matches.
func unwrap(raw bson.Raw) (row, error) {
	elements, err := raw.Elements()
	if err != nil {
		return row{}, fault.ErrInternal.Because("documents: a malformed document: %w", err)
	}
	var r row
	named := false
	r.doc = make(bson.Raw, 4, len(raw))
	for _, e := range elements {
		switch e.Key() {
		case idField:
			r.id, named = e.Value().StringValueOK()
		case versionField:
			r.version, _ = e.Value().AsInt64OK()
		default:
			r.doc = append(r.doc, e...)
		}
	}
	if !named {
		return row{}, fault.ErrInternal.Because("documents: a document whose _id is not a text")
	}
	r.doc = append(r.doc, 0)
	binary.LittleEndian.PutUint32(r.doc, uint32(len(r.doc)))
	return r, nil
}
