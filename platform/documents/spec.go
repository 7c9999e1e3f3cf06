package documents

import (
	"context"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"sync"

	"anihub/platform/fault"
)

// maxName is the longest name of a collection in bytes.
const maxName = 60

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// validate tells what is wrong with a declaration.
func (s Spec) validate() error {
	if !nameForm.MatchString(s.Name) || len(s.Name) > maxName {
		return fmt.Errorf("collection %q: a name is [a-z][a-z0-9_]*, at most %d bytes", s.Name, maxName)
	}
	if s.Name == "sqlite" || len(s.Name) > 7 && s.Name[:7] == "sqlite_" {
		return fmt.Errorf("collection %q: the name is SQLite's own", s.Name)
	}
	seen := map[string]bool{idField: true, versionField: true}
	for _, ix := range s.Indexes {
		if err := checkKey(ix.Field); err != nil {
			return fmt.Errorf("collection %q: index: %w", s.Name, err)
		}
		if seen[ix.Field] {
			return fmt.Errorf("collection %q: the index on %q is there already", s.Name, ix.Field)
		}
		seen[ix.Field] = true
	}
	return nil
}

// index finds the declared index on a field.
func (s Spec) index(field string) (Index, error) {
	i := slices.IndexFunc(s.Indexes, func(ix Index) bool { return ix.Field == field })
	if i < 0 {
		return Index{}, fault.ErrInternal.Because("documents: collection %q declares no index on %q", s.Name, field)
	}
	return s.Indexes[i], nil
}

// shelf keeps a store's collections, one for each name.
type shelf[C Collection] struct {
	mu     sync.Mutex
	opened map[string]C
	specs  map[string]Spec
}

// open gives the collection of a declaration, made by `make` the first time. A
// declaration that is wrong, or that contradicts an earlier one of its name, gives
// a collection that answers every call with the reason: it is a mistake in the
// program, and Collection has no error to say so.
func (s *shelf[C]) open(spec Spec, create func(Spec) C) Collection {
	if err := spec.validate(); err != nil {
		return broken{fault.ErrInternal.Because("documents: %w", err)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.opened[spec.Name]; ok {
		if !slices.Equal(s.specs[spec.Name].Indexes, spec.Indexes) {
			return broken{fault.ErrInternal.Because("documents: collection %q is declared twice with different indexes", spec.Name)}
		}
		return c
	}
	if s.opened == nil {
		s.opened, s.specs = make(map[string]C), make(map[string]Spec)
	}
	spec.Indexes = slices.Clone(spec.Indexes)
	c := create(spec)
	s.opened[spec.Name], s.specs[spec.Name] = c, spec
	return c
}

// broken is a collection that cannot be.
type broken struct{ err error }

var _ Collection = broken{}

func (b broken) Get(context.Context, string, any) (int64, error) {
	return 0, b.err
}

func (b broken) Insert(context.Context, string, any) error {
	return b.err
}

func (b broken) Replace(context.Context, string, int64, any) error {
	return b.err
}

func (b broken) Delete(context.Context, string) error {
	return b.err
}

func (b broken) Find(context.Context, string, any) iter.Seq2[Document, error] {
	return failing(b.err)
}

func (b broken) Scan(context.Context, Scan) iter.Seq2[Document, error] {
	return failing(b.err)
}

// failing is the sequence that is only an error.
func failing(err error) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) { yield(Document{}, err) }
}
