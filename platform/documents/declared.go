package documents

import (
	"cmp"
	"context"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// DeclaredBy are the collections that open declares in a store, by name. It is given a
// store that is nowhere: its collections answer ErrUnavailable. So a package tells what
// it keeps by the same lines that open it.
func DeclaredBy(open func(Store)) []Spec {
	s := new(nowhere)
	open(s)
	return s.collections.declared()
}

// Declared are the collections that were opened in a store so far, by name; nil for a
// store that is not of this package.
func Declared(s Store) []Spec {
	d, ok := s.(interface{ declared() []Spec })
	if !ok {
		return nil
	}
	return d.declared()
}

func (s *sqliteStore) declared() []Spec { return s.collections.declared() }

func (s *mongoStore) declared() []Spec { return s.collections.declared() }

func (s *measuredStore) declared() []Spec { return Declared(s.next) }

// declared are copies of the declarations.
func (s *shelf[C]) declared() []Spec {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Spec, 0, len(s.specs))
	for _, spec := range s.specs {
		list = append(list, Spec{Name: spec.Name, Indexes: slices.Clone(spec.Indexes)})
	}
	slices.SortFunc(list, func(a, b Spec) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// nowhere is a store that only takes declarations.
type nowhere struct{ collections shelf[broken] }

func (s *nowhere) Collection(spec Spec) Collection {
	return s.collections.open(spec, func(Spec) broken { return broken{errNowhere} })
}

func (*nowhere) Ping(context.Context) error { return errNowhere }

func (*nowhere) Close() error { return nil }

var errNowhere = ErrUnavailable.Because("the store only takes declarations")

// Fit tells whether a store would take a document as it is, and the keys of its unique
// values in the order of the indexes: two documents of a collection never share one at
// its place. ErrUnfit.
func (s Spec) Fit(id string, doc bson.Raw) (unique [][]byte, err error) {
	if _, err := fit(s, id, doc); err != nil {
		return nil, err
	}
	for _, ix := range s.Indexes {
		if !ix.Unique {
			continue
		}
		v, _, err := indexed(doc, ix.Field)
		if err != nil {
			return nil, err
		}
		unique = append(unique, v.key())
	}
	return unique, nil
}
