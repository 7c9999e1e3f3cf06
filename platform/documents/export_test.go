package documents

import "testing"

// ExecOnWriter runs SQL on the one connection through which an SQLite store
// writes, so that a test can make it fail as a disk would.
func ExecOnWriter(t testing.TB, s Store, q string) {
	t.Helper()
	if _, err := s.(*sqliteStore).writer.ExecContext(t.Context(), q); err != nil {
		t.Fatal(err)
	}
}

// CheckBSON is what stands before every write.
func CheckBSON(raw []byte) error { return checkDocument(raw, 1, false) }

// Key is the sorting key of an index value; nil for a value no index holds.
func Key(v any) []byte {
	x, err := valueOf(v)
	if err != nil {
		return nil
	}
	return x.key()
}
