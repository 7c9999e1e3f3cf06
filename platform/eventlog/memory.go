package eventlog

import (
	"bytes"
	"context"
	"sync"
	"time"
)

var _ Log = (*Memory)(nil)

// Memory is the log of a single process: a ring of the newest records. It is of a
// new epoch in every process, so that a client that comes back after a restart
// learns that what it missed is not here.
type Memory struct {
	epoch  string
	retain uint64

	mu     sync.Mutex
	ring   []Record          // the record of offset n at (n-1) % retain
	ids    map[string]uint64 // offsets by id, of the records in the ring
	tail   uint64
	news   chan struct{} // closed, and replaced, when the tail moves
	closed bool
}

// NewMemory makes an empty log that keeps the newest retain records and knows
// their ids; a retain below 1 counts as 1.
func NewMemory(retain int) *Memory {
	return &Memory{
		epoch:  newEpoch(),
		retain: uint64(max(retain, 1)),
		ids:    make(map[string]uint64),
		news:   make(chan struct{}),
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
	m.tail++
	e.Data = bytes.Clone(e.Data)
	m.keep(Record{Position: m.at(m.tail), Time: time.Now().Truncate(time.Millisecond).UTC(), Entry: e})
	close(m.news)
	m.news = make(chan struct{})
	return m.at(m.tail), false, nil
}

func (m *Memory) keep(r Record) {
	m.ids[r.ID] = r.Position.Offset
	if uint64(len(m.ring)) < m.retain {
		m.ring = append(m.ring, r)
		return
	}
	slot := &m.ring[(r.Position.Offset-1)%m.retain]
	delete(m.ids, slot.ID)
	*slot = r
}

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
	first := m.tail - uint64(len(m.ring)) // the position before the oldest record
	if after.Epoch != m.epoch || after.Offset > m.tail || after.Offset < first {
		return nil, nil, ErrGap
	}
	count := min(m.tail-after.Offset, uint64(min(limit, MaxRead)))
	records := make([]Record, 0, count)
	for n := after.Offset; n < after.Offset+count; n++ {
		r := m.ring[n%m.retain]
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
