package eventlog

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"anihub/platform/documents"
)

var _ Log = (*Memory)(nil)

// Memory is the log of a single process: its newest records. From NewMemory it is of a
// new epoch in every process, so that a client that comes back after a restart learns
// that what it missed is not here; from Open it goes on where it ended.
type Memory struct {
	epoch   string
	retain  uint64
	journal *journal // nil: it ends with the process

	mu      sync.Mutex
	records map[uint64]Record // by offset, the newest without a hole
	ids     map[string]uint64 // offsets of the records by id
	tail    uint64
	news    chan struct{} // closed, and replaced, when the tail moves
	closed  bool
}

// NewMemory makes an empty log that keeps the newest retain records and knows
// their ids; a retain below 1 counts as 1.
func NewMemory(retain int) *Memory {
	return &Memory{
		epoch:   newEpoch(),
		retain:  uint64(max(retain, 1)),
		records: make(map[uint64]Record),
		ids:     make(map[string]uint64),
		news:    make(chan struct{}),
	}
}

// Append implements Log.
func (m *Memory) Append(ctx context.Context, e Entry) (Position, bool, error) {
	if err := e.Validate(); err != nil {
		return Position{}, false, err
	}
	if err := ctx.Err(); err != nil {
		return Position{}, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return Position{}, false, ErrUnavailable
	}
	if n, ok := m.ids[e.ID]; ok {
		return m.at(n), true, nil
	}
	e.Data = bytes.Clone(e.Data)
	for {
		r := Record{Position: m.at(m.tail + 1), Time: time.Now().Truncate(time.Millisecond).UTC(), Entry: e}
		there, err := m.write(ctx, r)
		if err == nil {
			m.add(ctx, r)
			return r.Position, false, nil
		}
		if !errors.Is(err, documents.ErrExists) {
			return Position{}, false, notWritten(ctx, err)
		}
		m.add(ctx, there)
		if there.ID == e.ID {
			return there.Position, true, nil
		}
	}
}

// write puts a record into the journal, if there is one. With documents.ErrExists the
// record that lies in its place is returned.
func (m *Memory) write(ctx context.Context, r Record) (there Record, err error) {
	if m.journal == nil {
		return Record{}, nil
	}
	d, err := m.journal.write(ctx, r)
	return m.record(r.Position.Offset, d), err
}

// add makes a record the newest one and wakes the readers. Of a journal it also trims
// the oldest; what fails there is trimmed at the next start.
func (m *Memory) add(ctx context.Context, r Record) {
	m.tail = r.Position.Offset
	m.keep(r)
	close(m.news)
	m.news = make(chan struct{})
	if oldest, ok := m.records[m.tail-m.retain]; ok {
		delete(m.ids, oldest.ID)
		delete(m.records, oldest.Position.Offset)
		if m.journal != nil {
			_ = m.journal.records.Delete(ctx, docID(oldest.Position.Offset))
		}
	}
}

func (m *Memory) keep(r Record) {
	m.records[r.Position.Offset] = r
	m.ids[r.ID] = r.Position.Offset
}

// first is the position before the oldest record.
func (m *Memory) first() uint64 { return m.tail - uint64(len(m.records)) }

func (m *Memory) at(offset uint64) Position { return Position{Epoch: m.epoch, Offset: offset} }

// Tail implements Log.
func (m *Memory) Tail(ctx context.Context) (Position, error) {
	if err := ctx.Err(); err != nil {
		return Position{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return Position{}, ErrUnavailable
	}
	return m.at(m.tail), nil
}

// Read implements Log.
func (m *Memory) Read(ctx context.Context, after Position, limit int) ([]Record, error) {
	records, _, err := m.read(ctx, after, limit)
	return records, err
}

// Wait implements Log.
func (m *Memory) Wait(ctx context.Context, after Position, limit int) ([]Record, error) {
	for {
		records, news, err := m.read(ctx, after, limit)
		if err != nil || len(records) > 0 {
			return records, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-news:
		}
	}
}

// read also returns what tells, from before the reading, that there is more.
func (m *Memory) read(ctx context.Context, after Position, limit int) ([]Record, <-chan struct{}, error) {
	if limit < 1 {
		return nil, nil, ErrLimit
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, nil, ErrUnavailable
	}
	if after.Epoch != m.epoch || after.Offset > m.tail || after.Offset < m.first() {
		return nil, nil, ErrGap
	}
	count := min(m.tail-after.Offset, uint64(min(limit, MaxRead)))
	records := make([]Record, 0, count)
	for n := after.Offset + 1; n <= after.Offset+count; n++ {
		r := m.records[n]
		r.Data = bytes.Clone(r.Data)
		records = append(records, r)
	}
	return records, m.news, nil
}

// Close implements Log.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.closed = true
		close(m.news)
	}
	return nil
}
