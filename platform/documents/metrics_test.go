package documents_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/documents"
	"anihub/platform/documents/documentstest"
)

// A measured store is a store.
func TestInstrumentedContract(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	documentstest.Contract(t, func(t testing.TB) documents.Store {
		return documents.Instrument(openSQLite(t, filepath.Join(t.TempDir(), "anihub.db")), reg)
	})
}

func TestInstrument(t *testing.T) {
	t.Parallel()
	ctx, reg := t.Context(), prometheus.NewPedanticRegistry()
	s := documents.Instrument(openSQLite(t, filepath.Join(t.TempDir(), "anihub.db")), reg)
	c := s.Collection(documents.Spec{Name: "things", Indexes: []documents.Index{{Field: "n"}}})
	must(t, c.Insert(ctx, "a", bson.D{{Key: "n", Value: 1}}))
	wantError(t, "Insert", c.Insert(ctx, "a", bson.D{}), documents.ErrExists)
	wantError(t, "Insert", c.Insert(ctx, "b", nil), documents.ErrUnfit)
	wantError(t, "Replace", c.Replace(ctx, "a", 2, bson.D{}), documents.ErrVersion)
	_, err := c.Get(ctx, "b", &bson.M{})
	wantError(t, "Get", err, documents.ErrNotFound)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	wantError(t, "Delete", c.Delete(gone, "b"), context.Canceled)
	wantFound(t, c, "n", 1, "a")
	wantScanned(t, c.Scan(ctx, documents.Scan{}), "a")
	for range c.Scan(ctx, documents.Scan{}) {
		break
	}
	for range c.Scan(ctx, documents.Scan{Order: "undeclared"}) {
		break
	}
	must(t, s.Ping(ctx))
	must(t, s.Close())
	wantError(t, "Ping", s.Ping(ctx), documents.ErrUnavailable)

	want := map[[3]string]float64{
		{"things", "insert", "ok"}: 1, {"things", "insert", "exists"}: 1, {"things", "insert", "unfit"}: 1,
		{"things", "replace", "changed"}: 1, {"things", "get", "not_found"}: 1, {"things", "delete", "cancelled"}: 1,
		{"things", "find", "ok"}: 1, {"things", "scan", "ok"}: 2, {"things", "scan", "error"}: 1,
		{"", "ping", "ok"}: 1, {"", "ping", "unavailable"}: 1,
	}
	families, err := reg.Gather()
	must(t, err)
	timed := 0
	for _, f := range families {
		if f.GetName() == "documents_operation_duration_seconds" {
			timed = len(f.GetMetric())
		}
		if f.GetName() != "documents_operations_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := make(map[string]string)
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			key := [3]string{labels["collection"], labels["op"], labels["result"]}
			if labels["store"] != "sqlite" || want[key] != m.GetCounter().GetValue() {
				t.Errorf("%v is %v, want %v", labels, m.GetCounter().GetValue(), want[key])
			}
			delete(want, key)
		}
	}
	if len(want) > 0 {
		t.Errorf("not counted: %v", want)
	}
	if timed != 7 {
		t.Errorf("%d kinds of operations were timed", timed)
	}
}
