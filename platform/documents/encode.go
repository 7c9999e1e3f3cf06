package documents

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/fault"
)

// maxDepth is how many documents and arrays may lie within each other, the
// outermost included (MongoDB's own limit:
// https://www.mongodb.com/docs/manual/reference/limits/).
const maxDepth = 100

// The two fields that MongoDB keeps beside a document's own ones. SQLite has
// columns for them, but refuses the names all the same.
const (
	idField      = "_id"
	versionField = "_v"
)

// encode makes the BSON of a document and refuses what one of the stores could
// not keep and give back equal. ErrUnfit.
func encode(doc any) (bson.Raw, error) {
	raw, err := marshal(doc)
	if err != nil {
		return nil, ErrUnfit.With(err)
	}
	if len(raw) > MaxBytes {
		return nil, ErrUnfit.Because("%d bytes are more than %d", len(raw), MaxBytes)
	}
	if err := checkDocument(raw, 1, false); err != nil {
		return nil, ErrUnfit.With(err)
	}
	return raw, nil
}

// marshal takes BSON as it is and encodes everything else.
func marshal(doc any) (bson.Raw, error) {
	switch d := doc.(type) {
	case nil:
		return nil, fmt.Errorf("there is no document")
	case bson.Raw:
		return slices.Clone(d), nil
	default:
		return bson.Marshal(doc)
	}
}

// decode reads a stored document. Nested documents in an `any` become bson.M,
// except below a bson.D, which keeps the order of all; arrays become bson.A. What does not fit into `into` is an internal fault: the reader
// does not know what was written.
func decode(raw bson.Raw, into any) error {
	if r, ok := into.(*bson.Raw); ok {
		*r = slices.Clone(raw)
		return nil
	}
	d := bson.NewDecoder(bson.NewDocumentReader(bytes.NewReader(raw)))
	if _, ordered := into.(*bson.D); !ordered {
		d.DefaultDocumentM()
	}
	if err := d.Decode(into); err != nil {
		return fault.ErrInternal.Because("documents: decoding into %T: %w", into, err)
	}
	return nil
}

// checkDocument walks one document (or array) and everything in it. The bytes may
// come from anywhere: nothing about them is believed.
func checkDocument(doc []byte, depth int, array bool) error {
	if depth > maxDepth {
		return fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	if len(doc) < 5 || int(int32(binary.LittleEndian.Uint32(doc))) != len(doc) || doc[len(doc)-1] != 0 {
		return errMalformed
	}
	var seen keys
	for rest := doc[4 : len(doc)-1]; len(rest) > 0; {
		kind := bson.Type(rest[0])
		key, after, ok := bytes.Cut(rest[1:], []byte{0})
		if !ok {
			return errMalformed
		}
		n, err := valueBytes(kind, after)
		if err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
		if !array {
			if err := seen.add(key, depth); err != nil {
				return err
			}
		}
		if err := checkValue(kind, after[:n], depth); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
		rest = after[n:]
	}
	return nil
}

var errMalformed = fmt.Errorf("malformed BSON")

// checkValue looks into a value whose length is known to be right.
func checkValue(kind bson.Type, v []byte, depth int) error {
	switch kind {
	case bson.TypeDouble:
		f := math.Float64frombits(binary.LittleEndian.Uint64(v))
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%v is no number to keep", f)
		}
	case bson.TypeString:
		if v[len(v)-1] != 0 {
			return errMalformed
		}
		if !utf8.Valid(v[4 : len(v)-1]) {
			return fmt.Errorf("a text that is not valid UTF-8")
		}
	case bson.TypeBoolean:
		if v[0] > 1 {
			return errMalformed
		}
	case bson.TypeEmbeddedDocument:
		return checkDocument(v, depth+1, false)
	case bson.TypeArray:
		return checkDocument(v, depth+1, true)
	}
	return nil
}

// valueBytes tells how long the value at the head of b is. The kinds it knows are
// the ones that both stores give back as they got them; MongoDB itself replaces
// or retires others (an empty timestamp, symbols, code with scope).
func valueBytes(kind bson.Type, b []byte) (int, error) {
	n := 0
	switch kind {
	case bson.TypeNull:
	case bson.TypeBoolean:
		n = 1
	case bson.TypeInt32:
		n = 4
	case bson.TypeDouble, bson.TypeDateTime, bson.TypeInt64:
		n = 8
	case bson.TypeObjectID:
		n = 12
	case bson.TypeString, bson.TypeEmbeddedDocument, bson.TypeArray, bson.TypeBinary:
		return prefixedBytes(kind, b)
	default:
		return 0, fmt.Errorf("a value of type %s is not kept", kind)
	}
	if n > len(b) {
		return 0, errMalformed
	}
	return n, nil
}

// prefixedBytes is valueBytes for the kinds that begin with their length.
func prefixedBytes(kind bson.Type, b []byte) (int, error) {
	if len(b) < 4 {
		return 0, errMalformed
	}
	n := int64(int32(binary.LittleEndian.Uint32(b)))
	least := int64(5) // an empty document; a text's length, one byte and its NUL
	switch kind {
	case bson.TypeString:
		n += 4
	case bson.TypeBinary:
		n += 5
	}
	if n < least || n > int64(len(b)) {
		return 0, errMalformed
	}
	return int(n), nil
}

// keys are the names met in one document so far.
type keys struct {
	few  [][]byte
	many map[string]bool
}

// add checks one more name. Two equal ones would leave open which of them an
// index, or a reader, means.
func (k *keys) add(key []byte, depth int) error {
	if err := checkKey(string(key)); err != nil {
		return err
	}
	if depth == 1 && (string(key) == idField || string(key) == versionField) {
		return fmt.Errorf("the name %q is the store's own", key)
	}
	if k.has(key) {
		return fmt.Errorf("the name %q is there twice", key)
	}
	return nil
}

// has tells whether the name was there before, and remembers it.
func (k *keys) has(key []byte) bool {
	const enough = 16 // beyond, a map is quicker than looking through a list
	if k.many != nil {
		met := k.many[string(key)]
		k.many[string(key)] = true
		return met
	}
	if slices.ContainsFunc(k.few, func(f []byte) bool { return bytes.Equal(f, key) }) {
		return true
	}
	if k.few = append(k.few, key); len(k.few) > enough {
		k.many = make(map[string]bool, 4*enough)
		for _, f := range k.few {
			k.many[string(f)] = true
		}
	}
	return false
}

// checkKey refuses the names that MongoDB cannot keep or could not ask for.
func checkKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("an empty name")
	case key[0] == '$':
		return fmt.Errorf("the name %q begins with $", key)
	case strings.ContainsAny(key, ".\x00"):
		return fmt.Errorf("the name %q holds a dot or NUL", key)
	case !utf8.ValidString(key):
		return fmt.Errorf("the name %q is not valid UTF-8", key)
	}
	return nil
}

// maxID is the longest id in bytes.
const maxID = 512

// checkID tells whether a document can have this id. ErrUnfit.
func checkID(id string) error {
	switch {
	case id == "":
		return ErrUnfit.Because("an empty id")
	case len(id) > maxID:
		return ErrUnfit.Because("an id of %d bytes, more than %d", len(id), maxID)
	case !utf8.ValidString(id) || strings.IndexByte(id, 0) >= 0:
		return ErrUnfit.Because("the id %q is not valid UTF-8 without NUL", id)
	}
	return nil
}
