package documents

import "go.mongodb.org/mongo-driver/v2/bson"

// Filters use only what every server of the protocol has: equality, $gt $gte $lt
// $lte $ne $type and $or. A comparison only matches values of its operand's type
// (numbers are one type), which is what the bounds of a span mean too.

// filter is the query of a span.
func filter(s span) bson.D {
	switch {
	case s.where != "":
		return append(bson.D{{Key: s.where, Value: s.equals.raw}}, idRange(s)...)
	case s.order == "":
		return idRange(s)
	case !s.resumed:
		return bson.D{{Key: s.order, Value: valueRange(s)}}
	}
	return bson.D{{Key: "$or", Value: behindFilter(s)}}
}

// beyond is the operator for "further on".
func beyond(s span) string {
	if s.down {
		return "$lt"
	}
	return "$gt"
}

// idRange bounds the id; without bounds it is any text.
func idRange(s span) bson.D {
	r := bounds(s)
	if s.resumed {
		r = append(r, bson.E{Key: beyond(s), Value: s.afterID})
	}
	switch {
	case len(r) > 0:
		return bson.D{{Key: idField, Value: r}}
	case s.where != "":
		return nil // the index on the field is enough
	}
	return bson.D{{Key: idField, Value: bson.D{{Key: "$gte", Value: ""}}}}
}

// types are the kinds of values that an index holds, by MongoDB's names, in the
// order in which it sorts them.
func types() []mongoType {
	return []mongoType{{rankNumber, "number"}, {rankText, "string"}, {rankBoolean, "bool"}, {rankDate, "date"}}
}

type mongoType struct {
	rank  rank
	alias string
}

// bounds are those of the order field; nil when it has none.
func bounds(s span) bson.D {
	var r bson.D
	if s.min != nil {
		r = append(r, bson.E{Key: "$gte", Value: s.min.raw})
	}
	if s.max != nil {
		r = append(r, bson.E{Key: "$lte", Value: s.max.raw})
	}
	return r
}

// valueRange bounds the order field; without bounds it is any value that an index
// holds. ($ne: null would do too, but MongoDB may not use a sparse index for it.)
func valueRange(s span) bson.D {
	if r := bounds(s); r != nil {
		return r
	}
	var aliases bson.A
	for _, t := range types() {
		aliases = append(aliases, t.alias)
	}
	return bson.D{{Key: "$type", Value: aliases}}
}

// behindFilter is the rest of an ordered span: further documents of the same value,
// the further values of its type, and, where no bound limits them, the values of
// the types that sort further on. Each of them is one range of the index.
func behindFilter(s span) bson.A {
	op := beyond(s)
	same := append(bson.D{{Key: "$eq", Value: s.after.raw}}, bounds(s)...)
	further := append(bson.D{{Key: op, Value: s.after.raw}}, bounds(s)...)
	or := bson.A{
		bson.D{{Key: s.order, Value: same}, {Key: idField, Value: bson.D{{Key: op, Value: s.afterID}}}},
		bson.D{{Key: s.order, Value: further}},
	}
	if bounds(s) != nil {
		return or
	}
	for _, t := range types() {
		if t.rank != s.after.rank() && (t.rank < s.after.rank()) == s.down {
			or = append(or, bson.D{{Key: s.order, Value: bson.D{{Key: "$type", Value: t.alias}}}})
		}
	}
	return or
}
