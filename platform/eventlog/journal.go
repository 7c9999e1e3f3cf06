package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"anihub/platform/documents"
)

// journal keeps the records of a log in memory on disk too, so that the log goes on
// after a restart: same epoch, no hole, every id still known.
type journal struct {
	records documents.Collection
	state   documents.Collection
}

// record is a Record as the journal stores it, under its offset.
type record struct {
	Entry []byte    `bson:"entry"` // the entry's id, which may be any bytes
	Topic string    `bson:"topic"`
	Time  time.Time `bson:"time"`
	Data  []byte    `bson:"data"`
}

// epochDoc names the log that the records belong to.
type epochDoc struct {
	Epoch string `bson:"epoch"`
}

const epochID = "epoch"

// Open is a log in memory that is also kept in a store, which must be this process's
// own, and begins where it ended there. Retain is as for NewMemory. It fails when the
// store does.
func Open(ctx context.Context, s documents.Store, retain int) (*Memory, error) {
	m := NewMemory(retain)
	m.journal = newJournal(s)
	var err error
	if m.epoch, err = m.journal.epoch(ctx, m.epoch); err != nil {
		return nil, fmt.Errorf("event log: %w", err)
	}
	if err := m.restore(ctx); err != nil {
		return nil, fmt.Errorf("event log: %w", err)
	}
	return m, nil
}

func newJournal(s documents.Store) *journal {
	return &journal{
		records: s.Collection(documents.Spec{Name: "event_log"}),
		state:   s.Collection(documents.Spec{Name: "event_log_state"}),
	}
}

// Collections are those of a log that is kept in a store.
func Collections() []documents.Spec {
	return documents.DeclaredBy(func(s documents.Store) { newJournal(s) })
}

// Renew makes what is kept in a store another log with the same records: no position from
// before means anything in it, but every id is still known. It is for a log that was put
// back to where it once was, and may have gone on since: its next positions were given out
// already, for something else. No log may be open on the store. It returns the store's
// errors.
func Renew(ctx context.Context, s documents.Store) error {
	state := newJournal(s).state
	version, err := state.Get(ctx, epochID, &epochDoc{})
	if errors.Is(err, documents.ErrNotFound) {
		return nil // it begins with the next process
	}
	if err != nil {
		return err
	}
	return state.Replace(ctx, epochID, version, epochDoc{newEpoch()})
}

// epoch is that of the stored log; fresh becomes it when there is none.
func (j *journal) epoch(ctx context.Context, fresh string) (string, error) {
	err := j.state.Insert(ctx, epochID, epochDoc{fresh})
	if err == nil || !errors.Is(err, documents.ErrExists) {
		return fresh, err
	}
	var d epochDoc
	if _, err = j.state.Get(ctx, epochID, &d); err == nil && !validEpoch(d.Epoch) {
		err = ErrPosition.Detail("epoch", clip(d.Epoch))
	}
	return d.Epoch, err
}

// restore takes the newest records. What an unfinished trim left before them is
// forgotten.
func (m *Memory) restore(ctx context.Context) error {
	scan := documents.Scan{Descending: true, Limit: int(m.retain)} //nolint:gosec // came as an int
	for doc, err := range m.journal.records.Scan(ctx, scan) {
		if err != nil {
			return err
		}
		r, err := m.fromDocument(doc)
		if err != nil {
			return err
		}
		if m.tail == 0 {
			m.tail = r.Position.Offset
		}
		if r.Position.Offset != m.first() {
			break // a hole: what lies before it cannot be replayed without a gap
		}
		m.keep(r)
	}
	return m.journal.forget(ctx, m.first())
}

// fromDocument is a record out of its document.
func (m *Memory) fromDocument(doc documents.Document) (Record, error) {
	offset, err := strconv.ParseUint(doc.ID, 10, 64)
	if err != nil {
		return Record{}, fmt.Errorf("record %s: %w", clip(doc.ID), err)
	}
	var d record
	if err := doc.Decode(&d); err != nil {
		return Record{}, fmt.Errorf("record %s: %w", clip(doc.ID), err)
	}
	return m.record(offset, d), nil
}

func (m *Memory) record(offset uint64, d record) Record {
	return Record{Position: m.at(offset), Time: d.Time.UTC(), Entry: Entry{ID: string(d.Entry), Topic: d.Topic, Data: d.Data}}
}

// docID sorts as the offsets do.
func docID(offset uint64) string { return fmt.Sprintf("%020d", offset) }

// write stores a record. A record that lies in its place already was written by an
// append that did not learn so: it is returned with documents.ErrExists.
func (j *journal) write(ctx context.Context, r Record) (there record, err error) {
	id := docID(r.Position.Offset)
	err = j.records.Insert(ctx, id, record{Entry: []byte(r.ID), Topic: r.Topic, Time: r.Time, Data: r.Data})
	if errors.Is(err, documents.ErrExists) {
		if _, err := j.records.Get(ctx, id, &there); err != nil {
			return there, err
		}
	}
	return there, err
}

// forget deletes the records up to an offset.
func (j *journal) forget(ctx context.Context, upTo uint64) error {
	if upTo == 0 {
		return nil
	}
	for doc, err := range j.records.Scan(ctx, documents.Scan{Max: docID(upTo)}) {
		if err == nil {
			err = j.records.Delete(ctx, doc.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// notWritten is why a record may not have been written, in the log's words.
func notWritten(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return ErrUnavailable.With(err)
}
