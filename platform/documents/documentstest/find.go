package documentstest

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/documents"
)

func find(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(users)
	doc := func(login string, group any) bson.D {
		return bson.D{{Key: "login", Value: login}, {Key: "group", Value: group}}
	}
	must(t, c.Insert(ctx, "2", doc("b", "red")))
	must(t, c.Insert(ctx, "1", doc("a", "red")))
	must(t, c.Insert(ctx, "3", doc("c", "blue")))
	must(t, c.Insert(ctx, "4", doc("d", nil)))
	wantIDs(t, "several", c.Find(ctx, "group", "red"), "1", "2")
	wantIDs(t, "one", c.Find(ctx, "login", "c"), "3")
	wantIDs(t, "none", c.Find(ctx, "group", "green"))
	for d, err := range c.Find(ctx, "login", "b") {
		must(t, err)
		var got bson.D
		must(t, d.Decode(&got))
		if d.Version != 1 || rawOf(t, got).String() != rawOf(t, doc("b", "red")).String() {
			t.Errorf("found %v, version %d", got, d.Version)
		}
	}

	must(t, c.Replace(ctx, "1", 1, doc("a", "blue")))
	must(t, c.Replace(ctx, "3", 1, bson.D{{Key: "login", Value: "x"}}))
	wantIDs(t, "after a change", c.Find(ctx, "group", "blue"), "1")
	wantIDs(t, "what is left", c.Find(ctx, "group", "red"), "2")
	wantIDs(t, "by the old value", c.Find(ctx, "login", "c"))
	wantIDs(t, "by the new value", c.Find(ctx, "login", "x"), "3")
	must(t, c.Delete(ctx, "2"))
	wantIDs(t, "after a delete", c.Find(ctx, "group", "red"))
}

// findByType: equal is what is equal as a value of the same kind, however it is
// spelled in Go.
func findByType(t *testing.T, s documents.Store) {
	type status string
	ctx, c := t.Context(), s.Collection(ranked)
	day := time.Date(2026, 1, 1, 0, 0, 0, 5_000_000, time.UTC)
	fill(t, c, map[string]any{
		"number": int64(1), "small": int32(2), "text": "1", "empty": "", "yes": true, "no": false, "date": day,
		"large": int64(1)<<53 + 1, "near": int64(1) << 53, "unicode": "ё", "decomposed": "е\u0308", "zero": 0,
	})
	for _, x := range []struct {
		value any
		want  string
	}{
		{1, "number"},
		{int32(1), "number"},
		{uint8(2), "small"},
		{int64(2), "small"},
		{"1", "text"},
		{status("1"), "text"},
		{"", "empty"},
		{true, "yes"},
		{false, "no"},
		{0, "zero"},
		{day, "date"},
		{day.Add(999 * time.Microsecond), "date"}, // milliseconds is what dates have
		{day.In(time.FixedZone("east", 3600)), "date"},
		{bson.NewDateTimeFromTime(day), "date"},
		{int64(1)<<53 + 1, "large"},
		{int64(1) << 53, "near"},
		{"ё", "unicode"},
	} {
		wantIDs(t, "Find", c.Find(ctx, "n", x.value), x.want)
	}
	wantIDs(t, "another date", c.Find(ctx, "n", day.Add(time.Millisecond)))
	wantIDs(t, "a date as number", c.Find(ctx, "n", day.UnixMilli()))
}
