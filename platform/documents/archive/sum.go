package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/documents"
)

// sum counts the documents of a collection and takes their checksum.
type sum struct {
	name         string
	count, bytes int64
	hash         hash.Hash
}

func newSum(name string) *sum { return &sum{name: name, hash: sha256.New()} }

// add takes a document as frames have it, without its version.
func (s *sum) add(body []byte) {
	s.count++
	s.bytes += int64(len(body))
	_, _ = s.hash.Write(body) // never fails
}

func (s *sum) part() Part {
	return Part{Name: s.name, Count: s.count, Bytes: s.bytes, SHA256: s.hash.Sum(nil)}
}

func (p Part) equals(q Part) bool {
	return p.Name == q.Name && p.Count == q.Count && p.Bytes == q.Bytes && bytes.Equal(p.SHA256, q.SHA256)
}

// item is one document on its way.
type item struct {
	id   string
	body []byte // length of the id, id, document
}

func (i item) raw() bson.Raw { return i.body[idHead+len(i.id):] }

// of takes a document out of a store.
func of(d documents.Document) (item, error) {
	var raw bson.Raw
	if err := d.Decode(&raw); err != nil {
		return item{}, err
	}
	body := make([]byte, 0, idHead+len(d.ID)+len(raw))
	body = binary.LittleEndian.AppendUint16(body, uint16(len(d.ID))) //nolint:gosec // at most 512, as the store has it
	body = append(append(body, d.ID...), raw...)
	return item{d.ID, body}, nil
}

// parse takes a document out of a frame. The bytes may come from anywhere.
func parse(payload []byte) (item, error) {
	if len(payload) < docHead+idHead {
		return item{}, fmt.Errorf("%w: a document without an id", ErrDamaged)
	}
	body := payload[docHead:]
	n := int(binary.LittleEndian.Uint16(body))
	if n > maxID || n > len(body)-idHead {
		return item{}, fmt.Errorf("%w: an id of %d bytes", ErrDamaged, n)
	}
	return item{string(body[idHead : idHead+n]), body}, nil
}

// fitness holds the documents of a collection against what a store takes. Of the values
// of unique indexes it remembers 16 bytes each: two that are equal can never be stored.
type fitness struct {
	spec documents.Spec
	seen []map[[16]byte]bool
}

func newFitness(spec documents.Spec) *fitness { return &fitness{spec: spec} }

// check returns whether a unique value was there before, and documents.ErrUnfit.
func (f *fitness) check(i item) (twice bool, err error) {
	keys, err := f.spec.Fit(i.id, i.raw())
	if err != nil {
		return false, fmt.Errorf("collection %s, document %q: %w", f.spec.Name, i.id, err)
	}
	if f.seen == nil {
		f.seen = make([]map[[16]byte]bool, len(keys))
		for n := range f.seen {
			f.seen[n] = map[[16]byte]bool{}
		}
	}
	for n, key := range keys {
		whole := sha256.Sum256(key)
		short := [16]byte(whole[:16])
		if f.seen[n][short] {
			return true, nil
		}
		f.seen[n][short] = true
	}
	return false, nil
}
