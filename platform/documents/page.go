package documents

import (
	"context"
	"iter"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/fault"
)

// A sequence is read page by page. A page ends at whichever comes first: so many
// documents, or so many bytes of them.
const (
	firstPage = 32
	maxPage   = 1000
	pageBytes = 8 << 20
)

// span is a part of a collection in order, in the stores' terms: a Scan or a Find
// that was checked, and after each page the rest of it.
type span struct {
	where    string // this field…
	equals   value  // …equals this value; only when where is set, and then order is ""
	order    string // the field to order by; "" = by id
	down     bool
	min, max *value // bounds on the order field
	resumed  bool   // behind…
	afterID  string // …this id…
	after    value  // …of this value; only with an order
	limit    int    // how many are still wanted; 0 = all
}

// row is one stored document.
type row struct {
	id      string
	version int64
	doc     bson.Raw
}

// fetch reads at most n rows from the head of a span. more says that the span may
// go on behind them.
type fetch func(ctx context.Context, s span, n int) (rows []row, more bool, err error)

// newSpan checks a Scan against the declaration.
func newSpan(spec Spec, s Scan) (span, error) {
	sp := span{order: s.Order, down: s.Descending, limit: max(s.Limit, 0)}
	if s.Order != "" {
		if _, err := spec.index(s.Order); err != nil {
			return span{}, err
		}
	}
	var err error
	if sp.min, err = bound(s.Order, s.Min); err != nil {
		return span{}, err
	}
	if sp.max, err = bound(s.Order, s.Max); err != nil {
		return span{}, err
	}
	if s.AfterID == "" {
		return sp, nil
	}
	sp.resumed, sp.afterID = true, s.AfterID
	if s.Order != "" {
		sp.after, err = valueOf(s.AfterValue)
		return sp, err
	}
	_, err = valueOf(s.AfterID)
	return sp, err
}

// bound checks one end of a Scan; nil is open.
func bound(order string, v any) (*value, error) {
	if v == nil {
		return nil, nil
	}
	b, err := valueOf(v)
	if err != nil {
		return nil, err
	}
	if order == "" && b.rank() != rankText {
		return nil, fault.ErrInternal.Because("documents: ids are bounded by texts, not by %T", v)
	}
	return &b, nil
}

// newFind is the span of a Find.
func newFind(spec Spec, field string, v any) (span, error) {
	if _, err := spec.index(field); err != nil {
		return span{}, err
	}
	x, err := valueOf(v)
	return span{where: field, equals: x}, err
}

// behind is the rest of the span after a row.
func (s span) behind(r row) (span, error) {
	s.resumed, s.afterID = true, r.id
	if s.order == "" {
		return s, nil
	}
	v, ok, err := indexed(r.doc, s.order)
	if err == nil && !ok {
		err = fault.ErrInternal.Because("documents: %q is in the index on %q without a value", r.id, s.order)
	}
	s.after = v
	return s, err
}

// sequence yields a span page by page. Between pages nothing is held.
func sequence(ctx context.Context, s span, read fetch) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		n, more := firstPage, true
		for rest := s; more; {
			var rows []row
			err := ctx.Err()
			if err == nil {
				rows, more, err = read(ctx, rest, want(n, rest.limit))
			}
			if err != nil {
				yield(Document{}, err)
				return
			}
			if !yieldRows(ctx, rows, yield) || len(rows) == 0 {
				return
			}
			if rest.limit > 0 {
				if rest.limit -= len(rows); rest.limit == 0 {
					return
				}
			}
			if rest, err = rest.behind(rows[len(rows)-1]); err != nil {
				yield(Document{}, err)
				return
			}
			n = nextPage(rows)
		}
	}
}

// want is the size of the next page, given how many are still wanted (0 = all).
func want(n, limit int) int {
	if limit > 0 {
		return min(n, limit)
	}
	return n
}

// nextPage is as many documents as fill a page, going by the ones just read.
func nextPage(rows []row) int {
	total := 0
	for _, r := range rows {
		total += len(r.doc) + len(r.id)
	}
	return max(1, min(maxPage, pageBytes*len(rows)/max(total, 1)))
}

// yieldRows hands the rows on; false ends the sequence.
func yieldRows(ctx context.Context, rows []row, yield func(Document, error) bool) bool {
	for _, r := range rows {
		if err := ctx.Err(); err != nil {
			yield(Document{}, err)
			return false
		}
		d := Document{ID: r.id, Version: r.version, Decode: func(into any) error { return decode(r.doc, into) }}
		if !yield(d, nil) {
			return false
		}
	}
	return true
}
