package catalogsvc

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/modules/catalog"
	"anihub/platform/cache"
	"anihub/platform/documents"
)

// docFormat is the version of titleDoc. A reader takes its own and older ones;
// unknown fields of the same format survive a write (Rest).
const docFormat = 1

// errDocFormat: a newer AniHub wrote the document; writing over it would lose data.
var errDocFormat = errors.New("the title's document is of a newer format")

// titleDoc is a title in the collection "titles", under its cache key. The news
// it means is kept in the same document, so both are written or neither.
type titleDoc struct {
	Format       int            `bson:"format"`
	Summary      wireSummary    `bson:"summary"`
	Body         []byte         `bson:"body"` // gzip of the encoded title
	ETag         string         `bson:"etag"` // of the unfolded body
	Generation   int64          `bson:"generation"`
	StoredAt     time.Time      `bson:"stored_at"`
	FreshUntil   time.Time      `bson:"fresh_until"`
	Expirations  int64          `bson:"expirations,omitempty"` // how often it was made stale
	Ledger       ledger         `bson:"ledger"`
	Doubt        *doubt         `bson:"doubt,omitempty"`
	Hidden       *time.Time     `bson:"hidden,omitempty"` // since when the upstream does not know it; nil = it does
	Pending      []wireEvent    `bson:"pending,omitempty"`
	PendingSince *time.Time     `bson:"pending_since,omitempty"` // only with Pending: the index holds nothing else
	Rest         map[string]any `bson:",inline"`
}

// titleFence is what since reads of a titleDoc.
type titleFence struct {
	Generation  int64 `bson:"generation"`
	Expirations int64 `bson:"expirations"`
}

// wireEvent is an event that waits to be confirmed.
type wireEvent struct {
	ID          string    `bson:"id"`
	Type        string    `bson:"type"`
	TitleID     int       `bson:"title_id"`
	Title       string    `bson:"title,omitempty"`
	Poster      string    `bson:"poster,omitempty"`
	Episode     float64   `bson:"episode,omitempty"`
	EpisodeID   string    `bson:"episode_id,omitempty"`
	EpisodeName string    `bson:"episode_name,omitempty"`
	Genres      []string  `bson:"genres,omitempty"`
	OldStatus   string    `bson:"old_status,omitempty"`
	NewStatus   string    `bson:"new_status,omitempty"`
	At          time.Time `bson:"at,omitempty"`
}

func (w wireEvent) unwrap() catalog.Event {
	e := catalog.Event(w)
	e.At = w.At.UTC()
	return e
}

const pendingSince = "pending_since"

var titlesSpec = documents.Spec{
	Name:    "titles",
	Indexes: []documents.Index{{Field: pendingSince}},
}

// Collections are those of the module. What it has in that of the cache is the cache's.
func Collections() []documents.Spec { return []documents.Spec{titlesSpec} }

// store is the collection of titles.
type store struct{ titles documents.Collection }

// read returns the document and its version, 0 when there is none.
func (s store) read(ctx context.Context, key string) (titleDoc, int64, error) {
	var d titleDoc
	version, err := s.titles.Get(ctx, key, &d)
	if errors.Is(err, documents.ErrNotFound) {
		return titleDoc{}, 0, nil
	}
	if err != nil {
		return titleDoc{}, 0, fmt.Errorf("read %s: %w", key, err)
	}
	if d.Format > docFormat {
		return titleDoc{}, 0, fmt.Errorf("%w: %s has %d", errDocFormat, key, d.Format)
	}
	return d, version, nil
}

// write stores d if the document is still of that version (0: absent); false
// when somebody was faster.
func (s store) write(ctx context.Context, key string, version int64, d titleDoc) (bool, error) {
	d.Format = docFormat
	var err error
	if version == 0 {
		err = s.titles.Insert(ctx, key, d)
	} else {
		err = s.titles.Replace(ctx, key, version, d)
	}
	if errors.Is(err, documents.ErrVersion) || errors.Is(err, documents.ErrExists) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write %s: %w", key, err)
	}
	return true, nil
}

// maxTries bounds how often a write gives way to others. Each loss means that
// another one won, so this is reached by a defect only.
const maxTries = 20

// change reads, changes and writes a document until nobody is faster. The
// function returns false when there is nothing to write.
func (s store) change(ctx context.Context, key string, f func(*titleDoc, bool) (bool, error)) error {
	for range maxTries {
		d, version, err := s.read(ctx, key)
		if err != nil {
			return err
		}
		write, err := f(&d, version > 0)
		if err != nil || !write {
			return err
		}
		done, err := s.write(ctx, key, version, d)
		if err != nil || done {
			return err
		}
	}
	return documents.ErrVersion.Because("%s: lost %d times", key, maxTries)
}

// entry is the document as the cache chain hands it on.
func (d titleDoc) entry() (cache.Entry, error) {
	if d.Hidden != nil {
		return d.entryOf(nil), nil
	}
	body, err := unfold(d.Body)
	if err != nil {
		return cache.Entry{}, err
	}
	return d.entryOf(body), nil
}

// entryOf is the entry with that body; of a hidden title it says that there is none.
func (d titleDoc) entryOf(body []byte) cache.Entry {
	e := cache.Entry{
		Body: body, ETag: d.ETag, Generation: d.Generation,
		StoredAt: d.StoredAt.UTC(), FreshUntil: d.FreshUntil.UTC(),
		Tags: []string{titleKey(d.Summary.ID)},
	}
	if d.Hidden != nil {
		e.Body, e.ETag, e.NotFound = nil, "", true
	}
	return e
}

// title unfolds the whole title.
func (d titleDoc) title() (catalog.Title, error) {
	body, err := unfold(d.Body)
	if err != nil {
		return catalog.Title{}, err
	}
	return decodeTitle(body)
}

// await adds events to those that wait.
func (d *titleDoc) await(events []catalog.Event, now time.Time) {
	for _, e := range events {
		if !d.waits(e.ID) {
			d.Pending = append(d.Pending, wireEvent(e))
		}
	}
	if len(d.Pending) > 0 && d.PendingSince == nil {
		d.PendingSince = &now
	}
}

func (d *titleDoc) waits(id string) bool {
	for _, p := range d.Pending {
		if p.ID == id {
			return true
		}
	}
	return false
}

// confirm forgets events; false when none of them waited.
func (d *titleDoc) confirm(ids map[string]bool) bool {
	kept := make([]wireEvent, 0, len(d.Pending))
	for _, p := range d.Pending {
		if !ids[p.ID] {
			kept = append(kept, p)
		}
	}
	if len(kept) == len(d.Pending) {
		return false
	}
	d.Pending = kept
	if len(kept) == 0 {
		d.Pending, d.PendingSince = nil, nil
	}
	return true
}

func (d titleDoc) short() shortDoc {
	return shortDoc{
		Format: d.Format, Summary: d.Summary, Generation: d.Generation, StoredAt: d.StoredAt, Hidden: d.Hidden != nil,
	}
}

// pending yields the documents with unconfirmed events, the longest waiting first.
func (s store) pending(ctx context.Context) iter.Seq2[titleDoc, error] {
	return func(yield func(titleDoc, error) bool) {
		for doc, err := range s.titles.Scan(ctx, documents.Scan{Order: pendingSince}) {
			var d titleDoc
			if err == nil {
				err = doc.Decode(&d)
			}
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

// stored is a title's document as it stands in the collection, and its short form.
type stored struct {
	shortDoc
	key string
	raw bson.Raw
}

// all yields the whole collection. A document that cannot be read is one without an
// id.
func (s store) all(ctx context.Context) iter.Seq2[stored, error] {
	return func(yield func(stored, error) bool) {
		for doc, err := range s.titles.Scan(ctx, documents.Scan{}) {
			if err != nil {
				yield(stored{}, err)
				return
			}
			d := stored{key: doc.ID}
			if doc.Decode(&d.raw) == nil {
				d.shortDoc, _ = parseShort(d.raw)
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}

// short reads the short form of one title, and the document it stands in; nil when
// there is none.
func (s store) short(ctx context.Context, id int) (d shortDoc, raw bson.Raw, err error) {
	_, err = s.titles.Get(ctx, titleKey(id), &raw)
	if errors.Is(err, documents.ErrNotFound) {
		return shortDoc{}, nil, nil
	}
	if err != nil {
		return shortDoc{}, nil, err
	}
	d, err = parseShort(raw)
	return d, raw, err
}
