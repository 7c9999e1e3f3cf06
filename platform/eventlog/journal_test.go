package eventlog_test

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"anihub/platform/documents"
	"anihub/platform/eventlog"
	"anihub/platform/eventlog/eventlogtest"
)

func openStore(t testing.TB, path string) documents.Store {
	t.Helper()
	s, err := documents.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func openLog(t testing.TB, s documents.Store, retain int) *eventlog.Memory {
	t.Helper()
	log, err := eventlog.Open(t.Context(), s, retain)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func TestJournal(t *testing.T) {
	t.Parallel()
	eventlogtest.Contract(t, eventlogtest.Target{
		Open: func(t testing.TB) eventlog.Log {
			return openLog(t, openStore(t, filepath.Join(t.TempDir(), "log.db")), 100)
		},
		Retain: 100,
	})
}

// A log that is opened again goes on: same epoch, same records, ids still known, and
// a reader's position is worth what it was.
func TestALogGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ before, retain, then int }{
		"empty": {0, 10, 10}, "some": {7, 10, 10}, "full": {10, 10, 10}, "trimmed": {25, 10, 10},
		"keeps more now": {25, 10, 50}, "keeps less now": {25, 20, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "log.db")
			store := openStore(t, path)
			log := openLog(t, store, tt.retain)
			write(t, log, 0, tt.before)
			was, err := log.Tail(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(log.Close(), store.Close()); err != nil {
				t.Fatal(err)
			}

			log = openLog(t, openStore(t, path), tt.then)
			if at, err := log.Tail(t.Context()); err != nil || at != was {
				t.Fatalf("tail %v, %v after the restart; %v before", at, err, was)
			}
			held := min(tt.before, tt.retain, tt.then)
			if tt.before > 0 {
				if at, again, err := log.Append(t.Context(), named(tt.before-1)); err != nil || !again || at != was {
					t.Errorf("the newest id is not known any more: %v, %v, %v", at, again, err)
				}
			}
			oldest := eventlog.Position{Epoch: was.Epoch, Offset: was.Offset - uint64(held)}
			check(t, log, oldest, tt.before-held, tt.before)
			if oldest.Offset > 0 {
				oldest.Offset--
				if _, err := log.Read(t.Context(), oldest, 1); !errors.Is(err, eventlog.ErrGap) {
					t.Errorf("read of what was trimmed: %v, want ErrGap", err)
				}
			}
			write(t, log, tt.before, tt.before+3)
			check(t, log, was, tt.before, tt.before+min(3, tt.then))
		})
	}
}

func named(n int) eventlog.Entry {
	return eventlog.Entry{ID: "id" + strconv.Itoa(n), Topic: "event", Data: []byte(strconv.Itoa(n))}
}

func write(t *testing.T, log eventlog.Log, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if _, again, err := log.Append(t.Context(), named(n)); err != nil || again {
			t.Fatalf("append %d: %v, %v", n, again, err)
		}
	}
}

func check(t *testing.T, log eventlog.Log, after eventlog.Position, from, to int) {
	t.Helper()
	got, err := log.Read(t.Context(), after, 1000)
	if err != nil || len(got) != to-from {
		t.Fatalf("%d records after %v, %v; want %d", len(got), after, err, to-from)
	}
	for i, r := range got {
		want := named(from + i)
		if r.ID != want.ID || string(r.Data) != string(want.Data) || r.Time.IsZero() || r.Position.Offset != after.Offset+uint64(i)+1 {
			t.Errorf("record %d is %+v", i, r)
		}
	}
}

// deaf is a store whose answers are lost: what it says it could not write is written.
type deaf struct {
	documents.Store
	on atomic.Bool
}

func (d *deaf) Collection(s documents.Spec) documents.Collection {
	return &deafCollection{d.Store.Collection(s), d}
}

type deafCollection struct {
	documents.Collection
	d *deaf
}

func (c *deafCollection) Insert(ctx context.Context, id string, doc any) error {
	err := c.Collection.Insert(ctx, id, doc)
	if c.d.on.Load() {
		return documents.ErrUnavailable
	}
	return err
}

// An append that did not learn that it was written is repeated without a second
// record, and gives way to no other one.
func TestAnAppendThatDidNotLearnItsEnd(t *testing.T) {
	t.Parallel()
	store := &deaf{Store: openStore(t, filepath.Join(t.TempDir(), "log.db"))}
	log := openLog(t, store, 10)
	write(t, log, 0, 1)
	store.on.Store(true)
	if _, _, err := log.Append(t.Context(), named(1)); !errors.Is(err, eventlog.ErrUnavailable) {
		t.Fatalf("append to a store that does not answer: %v", err)
	}
	store.on.Store(false)
	if at, again, err := log.Append(t.Context(), named(2)); err != nil || again || at.Offset != 3 {
		t.Fatalf("another entry got %v, %v, %v; want offset 3", at, again, err)
	}
	if at, again, err := log.Append(t.Context(), named(1)); err != nil || !again || at.Offset != 2 {
		t.Fatalf("the same entry got %v, %v, %v; want a duplicate at offset 2", at, again, err)
	}
	tail, err := log.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	check(t, log, eventlog.Position{Epoch: tail.Epoch}, 0, 3)
}

// A log that was put back to an earlier state has records that it told already, and will
// give positions out again: renewed, it knows the ids and no position.
func TestARenewedLogKnowsNoPosition(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	store := openStore(t, path)
	if err := eventlog.Renew(t.Context(), store); err != nil {
		t.Fatalf("renewing nothing: %v", err)
	}
	log := openLog(t, store, 10)
	write(t, log, 0, 3)
	was, err := log.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(log.Close(), eventlog.Renew(t.Context(), store)); err != nil {
		t.Fatal(err)
	}
	log = openLog(t, store, 10)
	if _, err := log.Read(t.Context(), was, 1); !errors.Is(err, eventlog.ErrGap) {
		t.Errorf("a position of before: %v", err)
	}
	tail, err := log.Tail(t.Context())
	if err != nil || tail.Epoch == was.Epoch || tail.Offset != was.Offset {
		t.Errorf("tail %v, %v; before %v", tail, err, was)
	}
	if _, again, err := log.Append(t.Context(), named(1)); err != nil || !again {
		t.Errorf("an entry of before: again %v, %v", again, err)
	}
	check(t, log, eventlog.Position{Epoch: tail.Epoch}, 0, 3)
}
