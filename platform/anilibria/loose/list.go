package loose

import (
	"errors"
	"fmt"
)

// List is what was read of an array.
type List[T any] struct {
	Kept []T
	Lost int
	Err  error // of the first one that was lost
}

// ReadList reads an array item by item. An item that has a foreign type in it, is
// null, or that read refuses is lost; the others stay.
func ReadList[T any](s *Scan, read func() (T, error)) List[T] {
	var l List[T]
	s.array(func() { l.item(s, read) })
	return l
}

// ReadValues reads the values of an object as ReadList reads an array; key is "" in
// an array, which may come in its place.
func ReadValues[T any](s *Scan, read func(key string) (T, error)) List[T] {
	var l List[T]
	if s.Peek() == '[' {
		s.array(func() { l.item(s, func() (T, error) { return read("") }) })
		return l
	}
	s.Object(func(key []byte) { l.item(s, func() (T, error) { return read(string(key)) }) })
	return l
}

func (l *List[T]) item(s *Scan, read func() (T, error)) {
	outer := s.Err
	s.Err = nil
	item, err := read()
	if err = First(s.Err, err); err == nil && s.items == 0 {
		err = errTooMany
	}
	if s.Err = outer; err != nil {
		if l.Lost++; l.Err == nil {
			l.Err = err
		}
		return
	}
	s.items--
	l.Kept = append(l.Kept, item)
}

// Tell reports each item the list has lost.
func (l List[T]) Tell(skip func(kind string, cause error), kind string) {
	for range l.Lost {
		skip(kind, l.Err)
	}
}

// Readable reports what the list has lost; one of which nothing is left cannot be
// read.
func (l List[T]) Readable(skip func(kind string, cause error), kind string) error {
	l.Tell(skip, kind)
	if len(l.Kept) == 0 && l.Lost > 0 {
		return fmt.Errorf("none of %d items can be read: %w", l.Lost, l.Err)
	}
	return nil
}

var errTooMany = fmt.Errorf("more than %d items in one answer", itemsMax)

// First is the first of two errors that there is.
func First(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// Unless is an error with the text, unless ok.
func Unless(ok bool, text string) error {
	if ok {
		return nil
	}
	return errors.New(text)
}
