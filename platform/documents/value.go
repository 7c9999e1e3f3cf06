package documents

import (
	"encoding/binary"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// value is what an index holds for a document: a text, a whole number, a boolean
// or a date, as BSON. Equal values have equal keys; keys sort as MongoDB sorts the
// values: numbers, texts, booleans, dates, each among themselves.
type value struct {
	raw bson.RawValue
}

// rank is the place of a value's type in the order. The gaps leave room.
type rank byte

const (
	rankNumber  rank = 0x10
	rankText    rank = 0x20
	rankBoolean rank = 0x30
	rankDate    rank = 0x40
)

// valueOf makes an index value of a Go value. ErrUnfit when it is of another type
// or not valid UTF-8.
func valueOf(v any) (value, error) {
	if v == nil {
		return value{}, ErrUnfit.Because("nil is in no index")
	}
	kind, data, err := bson.MarshalValue(v)
	if err != nil {
		return value{}, ErrUnfit.With(err)
	}
	x := value{bson.RawValue{Type: kind, Value: data}}
	return x, x.check()
}

// check tells whether an index can hold the value. ErrUnfit.
func (v value) check() error {
	if v.rank() == 0 {
		return ErrUnfit.Because("an index holds texts, whole numbers, booleans and dates, not a value of type %s", v.raw.Type)
	}
	if s, ok := v.raw.StringValueOK(); ok && !utf8.ValidString(s) {
		return ErrUnfit.Because("a text that is not valid UTF-8")
	}
	return nil
}

// rank is 0 for a type that no index holds.
func (v value) rank() rank {
	switch v.raw.Type {
	case bson.TypeInt32, bson.TypeInt64:
		return rankNumber
	case bson.TypeString:
		return rankText
	case bson.TypeBoolean:
		return rankBoolean
	case bson.TypeDateTime:
		return rankDate
	}
	return 0
}

// key is the value as bytes that sort by memcmp like the values.
func (v value) key() []byte {
	r := v.rank()
	k := []byte{byte(r)}
	switch r {
	case rankNumber:
		return appendInt(k, v.raw.AsInt64())
	case rankText:
		return append(k, v.raw.StringValue()...)
	case rankBoolean:
		if v.raw.Boolean() {
			return append(k, 1)
		}
		return append(k, 0)
	default:
		return appendInt(k, v.raw.DateTime())
	}
}

// appendInt puts the sign bit upside down, so that negative numbers come first.
func appendInt(k []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(k, uint64(n)^(1<<63))
}

// indexed finds what the index on a field holds for a document; ok is false when
// the document is not in it. ErrUnfit when the field is of a type no index holds.
func indexed(doc bson.Raw, field string) (v value, ok bool, err error) {
	raw, err := doc.LookupErr(field)
	if err != nil || raw.Type == bson.TypeNull {
		return value{}, false, nil
	}
	v = value{raw}
	return v, true, v.check()
}

// checkIndexed tells whether the document fits the collection's indexes: what
// they hold is of a type they can hold, and a unique one has something to hold.
// ErrUnfit.
func checkIndexed(doc bson.Raw, spec Spec) error {
	for _, ix := range spec.Indexes {
		_, ok, err := indexed(doc, ix.Field)
		if err != nil {
			return ErrUnfit.Because("%q: %w", ix.Field, err)
		}
		if !ok && ix.Unique {
			return ErrUnfit.Because("the unique field %q is missing", ix.Field)
		}
	}
	return nil
}

// fit encodes a document for a collection. ErrUnfit.
func fit(spec Spec, id string, doc any) (bson.Raw, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	raw, err := encode(doc)
	if err != nil {
		return nil, err
	}
	return raw, checkIndexed(raw, spec)
}
