package audit_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/platform/audit"
	"anihub/platform/documents"
)

func TestTheNewestComesFirst(t *testing.T) {
	t.Parallel()
	store, err := documents.OpenSQLite(filepath.Join(t.TempDir(), "audit.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	trail := audit.New(store)
	if got, err := trail.Newest(t.Context(), 10); err != nil || len(got) != 0 {
		t.Fatalf("an empty trail: %v, %v", got, err)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var want []audit.Record
	for i := range 5 {
		r := audit.Record{
			At: start.Add(time.Duration(i) * time.Hour), Service: "admin", Action: "cache.clear", RequestID: "request",
			Details: map[string]any{"pattern": "titles:*", "cleared": int32(i)},
		}
		if err := trail.Write(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		want = append([]audit.Record{r}, want...)
	}
	got, err := trail.Newest(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want[:3], got); diff != "" {
		t.Error(diff)
	}
}

func TestAClosedStoreIsAnError(t *testing.T) {
	t.Parallel()
	store, err := documents.OpenSQLite(filepath.Join(t.TempDir(), "audit.db"))
	if err != nil {
		t.Fatal(err)
	}
	trail := audit.New(store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := trail.Write(t.Context(), audit.Record{At: time.Now()}); err == nil {
		t.Error("written to a closed store")
	}
	if _, err := trail.Newest(t.Context(), 1); err == nil {
		t.Error("read from a closed store")
	}
}
