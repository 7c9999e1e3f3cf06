package catalogsvc

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/cache"
	"anihub/platform/documents"
)

// The local copy is the collection of titles once more, in a file of this process.
// It is read only while the store does not answer: titles come from it through the
// cache chain, and an index that could not be loaded is loaded from it. What it
// holds is as old as the last bell that this process heard, and is told as stale.

// copyRetry is how long a copy that failed waits for another try.
const copyRetry = time.Minute

// localLevel is the copy as a level of the chain; nil without one.
func (s *Service) localLevel() cache.Level {
	if s.local == nil {
		return nil
	}
	return copyLevel{*s.local}
}

// copyLevel only reads: the copy follows the store, and is never trusted anyway.
type copyLevel struct{ store store }

// Get reads a title.
func (l copyLevel) Get(ctx context.Context, key string) (cache.Entry, bool, error) {
	return level{store: l.store}.Get(ctx, key)
}

// Set leaves the copy to copyEvery.
func (copyLevel) Set(context.Context, string, cache.Entry) error { return nil }

// Delete leaves the copy to copyEvery.
func (copyLevel) Delete(context.Context, string) error { return nil }

// Expire leaves the copy to copyEvery.
func (copyLevel) Expire(context.Context, string) error { return nil }

// copyEvery keeps the copy equal to the store, against lost bells, until ctx ends.
func (s *Service) copyEvery(ctx context.Context) error {
	if s.local == nil {
		return nil
	}
	for {
		wait := s.cfg.ReloadInterval
		if err := s.copyAll(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "the local copy of the titles could not be renewed", "err", err)
			wait = min(wait, copyRetry)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// edition tells two states of a title's document apart.
type edition struct {
	generation int64
	stored     int64 // Unix milliseconds
}

// editionOf is that of a document; of one that cannot be read it is the oldest.
func editionOf(raw bson.Raw) edition {
	d, err := parseShort(raw)
	if err != nil || !d.readable() {
		return edition{}
	}
	return d.edition()
}

func (d shortDoc) edition() edition { return edition{d.Generation, d.StoredAt.UnixMilli()} }

// copyAll writes what differs.
func (s *Service) copyAll(ctx context.Context) error {
	have := map[int]edition{}
	for d, err := range s.local.all(ctx) {
		if err != nil {
			return err
		}
		have[d.Summary.ID] = d.edition()
	}
	for d, err := range s.store.all(ctx) {
		if err != nil {
			return err
		}
		if d.Summary.ID <= 0 || have[d.Summary.ID] == d.edition() { // the index counts the former
			continue
		}
		if err := s.local.overwrite(ctx, d.key, d.raw); err != nil {
			return err
		}
	}
	return nil
}

// copyOne writes a title that a bell named.
func (s *Service) copyOne(ctx context.Context, id int, raw bson.Raw) {
	if s.local == nil {
		return
	}
	if err := s.local.overwrite(ctx, titleKey(id), raw); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "a title could not be copied", "title", id, "err", err)
	}
}

// before tells whether an edition is older than another one.
func (e edition) before(other edition) bool {
	return cmp.Or(cmp.Compare(e.generation, other.generation), cmp.Compare(e.stored, other.stored)) < 0
}

// overwrite stores a document over whatever was there, unless that is newer: who copies
// the whole store has read a title long before it is this one's turn, and a bell may
// have brought another one meanwhile.
func (s store) overwrite(ctx context.Context, key string, raw bson.Raw) error {
	for range maxTries {
		var old bson.Raw
		version, err := s.titles.Get(ctx, key, &old)
		switch {
		case errors.Is(err, documents.ErrNotFound):
			err = s.titles.Insert(ctx, key, raw)
		case err == nil && editionOf(raw).before(editionOf(old)):
			return nil
		case err == nil:
			err = s.titles.Replace(ctx, key, version, raw)
		}
		if !errors.Is(err, documents.ErrExists) && !errors.Is(err, documents.ErrVersion) {
			return err
		}
	}
	return documents.ErrVersion.Because("%s: lost %d times", key, maxTries)
}

// borrow fills an index that the store could not fill.
func (s *Service) borrow(ctx context.Context) {
	if s.local == nil || len(s.index.snapshot().rows()) > 0 {
		return
	}
	var rows []*row
	for d, err := range s.local.all(ctx) {
		if err != nil {
			s.log.WarnContext(ctx, "the local copy of the titles cannot be read", "err", err)
			return
		}
		if d.readable() {
			rows = append(rows, newRow(d.shortDoc))
		}
	}
	if len(rows) == 0 {
		return
	}
	s.index.borrowed.Store(true)
	s.index.put(rows...)
	s.log.WarnContext(ctx, "the store does not answer: lists come from the local copy", "titles", len(rows))
}
