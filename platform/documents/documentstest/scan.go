package documentstest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/documents"
)

// ranked is a collection whose index on "n" has equals, holes and all signs.
var ranked = documents.Spec{Name: "ranked", Indexes: []documents.Index{{Field: "n"}}}

// fill stores documents whose field n is as given; absent leaves it out.
func fill(t testing.TB, c documents.Collection, values map[string]any) {
	t.Helper()
	for id, v := range values {
		doc := bson.D{{Key: "n", Value: v}}
		if v == absent {
			doc = bson.D{}
		}
		must(t, c.Insert(t.Context(), id, doc))
	}
}

const absent = "\x00absent"

func scanByID(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(plain)
	type scan = documents.Scan
	order := []string{"-", "1", "10", "2", "A", "B", "a", "aa", "b", "z", "ä", "я", "\uffff", "🦊"} // as bytes
	for _, id := range slices.Backward(order) {
		must(t, c.Insert(ctx, id, bson.D{}))
	}
	up, down := order, slices.Clone(order)
	slices.Reverse(down)
	for _, x := range []struct {
		what string
		scan scan
		want []string
	}{
		{"all", scan{}, up},
		{"all, downwards", scan{Descending: true}, down},
		{"from", scan{Min: "a"}, up[6:]},
		{"from between", scan{Min: "a\x00"}, up[7:]},
		{"to", scan{Max: "B"}, up[:6]},
		{"from to", scan{Min: "2", Max: "b"}, up[3:9]},
		{"from to, downwards", scan{Min: "2", Max: "b", Descending: true}, down[5:11]},
		{"one", scan{Min: "aa", Max: "aa"}, []string{"aa"}},
		{"none between", scan{Min: "bb", Max: "c"}, nil},
		{"upside down", scan{Min: "b", Max: "a"}, nil},
		{"limit", scan{Limit: 3}, up[:3]},
		{"limit, downwards", scan{Limit: 3, Descending: true}, down[:3]},
		{"limit beyond", scan{Limit: 100}, up},
		{"no limit", scan{Limit: -1}, up},
		{"behind", scan{AfterID: "10"}, up[3:]},
		{"behind, downwards", scan{AfterID: "10", Descending: true}, down[12:]},
		{"behind what is not there", scan{AfterID: "C"}, up[6:]},
		{"behind the last", scan{AfterID: "🦊"}, nil},
		{"behind the first, downwards", scan{AfterID: "-", Descending: true}, nil},
		{"all of it", scan{AfterID: "2", Min: "1", Max: "z", Limit: 2}, up[4:6]},
		{"all of it, downwards", scan{AfterID: "b", Min: "1", Max: "z", Limit: 2, Descending: true}, []string{"aa", "a"}},
		{"behind, before the bounds", scan{AfterID: "1", Min: "b"}, up[8:]},
		{"behind, after the bounds", scan{AfterID: "z", Max: "b"}, nil},
	} {
		wantIDs(t, x.what, c.Scan(ctx, x.scan), x.want...)
	}
}

func scanByIndex(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(ranked)
	type scan = documents.Scan
	fill(t, c, map[string]any{
		"none": absent, "null": nil,
		"min": int64(math.MinInt64), "neg": int32(-7), "b0": int64(0), "a0": int32(0), "c0": int64(0),
		"one": 1, "many": int64(1) << 40, "max": int64(math.MaxInt64),
	})
	up := []string{"min", "neg", "a0", "b0", "c0", "one", "many", "max"}
	down := slices.Clone(up)
	slices.Reverse(down)
	for _, x := range []struct {
		what string
		scan scan
		want []string
	}{
		{"all", scan{}, up},
		{"all, downwards", scan{Descending: true}, down},
		{"from", scan{Min: 0}, up[2:]},
		{"to", scan{Max: int64(0)}, up[:5]},
		{"from to", scan{Min: -7, Max: 1}, up[1:6]},
		{"from to, downwards", scan{Min: -7, Max: 1, Descending: true}, down[2:7]},
		{"equal", scan{Min: 0, Max: 0}, up[2:5]},
		{"none between", scan{Min: 2, Max: 1000}, nil},
		{"upside down", scan{Min: 1, Max: 0}, nil},
		{"limit", scan{Limit: 4}, up[:4]},
		{"limit, downwards", scan{Limit: 4, Descending: true}, down[:4]},
		{"behind", scan{AfterID: "a0", AfterValue: 0}, up[3:]},
		{"behind, downwards", scan{AfterID: "b0", AfterValue: 0, Descending: true}, down[5:]},
		{"behind what is not there", scan{AfterID: "bb", AfterValue: int32(0)}, up[4:]},
		{"behind a value that is not there", scan{AfterID: "x", AfterValue: 5}, up[6:]},
		{"behind the last", scan{AfterID: "max", AfterValue: int64(math.MaxInt64)}, nil},
		{"all of it", scan{AfterID: "a0", AfterValue: 0, Min: -7, Max: 1, Limit: 2}, up[3:5]},
		{"all of it, downwards", scan{AfterID: "b0", AfterValue: 0, Min: -7, Max: 1, Limit: 2, Descending: true}, []string{"a0", "neg"}},
		{"behind, before the bounds", scan{AfterID: "neg", AfterValue: -7, Min: 1}, up[5:]},
		{"behind, after the bounds", scan{AfterID: "one", AfterValue: 1, Max: 0}, nil},
		{"bounds of another type", scan{Min: "a", Max: "z"}, nil},
		{"bounds of two types", scan{Min: 0, Max: "z"}, nil},
	} {
		x.scan.Order = "n"
		wantIDs(t, x.what, c.Scan(ctx, x.scan), x.want...)
	}
}

// scanMixed: numbers, texts, booleans, dates; a bound is of one of them.
func scanMixed(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(ranked)
	type scan = documents.Scan
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	fill(t, c, map[string]any{
		"n1": -5, "n2": int64(1767225600000), "t1": "", "t2": "a", "t3": "ё", "b1": false, "b2": true,
		"d1": time.Time{}, "d2": day, "d3": day.Add(time.Millisecond), "none": absent,
	})
	up := []string{"n1", "n2", "t1", "t2", "t3", "b1", "b2", "d1", "d2", "d3"}
	down := slices.Clone(up)
	slices.Reverse(down)
	for _, x := range []struct {
		what string
		scan scan
		want []string
	}{
		{"all", scan{}, up},
		{"all, downwards", scan{Descending: true}, down},
		{"from a number", scan{Min: 0}, up[1:2]},
		{"to a number", scan{Max: 0}, up[:1]},
		{"from a text", scan{Min: ""}, up[2:5]},
		{"to a text", scan{Max: "z"}, up[2:4]},
		{"from a boolean", scan{Min: false}, up[5:7]},
		{"to a boolean", scan{Max: false}, up[5:6]},
		{"from a date", scan{Min: day}, up[8:]},
		{"to a date", scan{Max: day, Descending: true}, []string{"d2", "d1"}},
		{"behind a number", scan{AfterID: "n2", AfterValue: int64(1767225600000)}, up[2:]},
		{"behind a text, downwards", scan{AfterID: "t2", AfterValue: "a", Descending: true}, down[7:]},
		{"behind a boolean", scan{AfterID: "b1", AfterValue: false}, up[6:]},
		{"behind a date, downwards", scan{AfterID: "d1", AfterValue: time.Time{}, Descending: true}, down[3:]},
	} {
		x.scan.Order = "n"
		wantIDs(t, x.what, c.Scan(ctx, x.scan), x.want...)
	}
}

func scanUnique(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(users)
	for _, login := range []string{"d", "b", "a", "c", "e"} {
		must(t, c.Insert(ctx, strings.ToUpper(login), bson.D{{Key: "login", Value: login}}))
	}
	scan := documents.Scan{Order: "login"}
	wantIDs(t, "all", c.Scan(ctx, scan), "A", "B", "C", "D", "E")
	scan.AfterID, scan.AfterValue, scan.Max = "B", "b", "d"
	wantIDs(t, "behind, to", c.Scan(ctx, scan), "C", "D")
	scan.Descending, scan.Limit, scan.Max = true, 1, nil
	wantIDs(t, "behind, downwards", c.Scan(ctx, scan), "A")
	wantIDs(t, "by the other index", c.Scan(ctx, documents.Scan{Order: "group"}))
}

// scanInPages reads page by page as a client of a list would, and must come by
// everything once, in order.
func scanInPages(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(ranked)
	values := make(map[string]any)
	for i := range 40 {
		values[fmt.Sprintf("%02d", i)] = []any{1, "t", true, 1, 2}[i%5]
	}
	fill(t, c, values)
	for _, scan := range []documents.Scan{
		{},
		{Descending: true},
		{Order: "n"},
		{Order: "n", Descending: true},
		{Order: "n", Min: 1},
		{Order: "n", Min: 1, Max: 1, Descending: true},
	} {
		want := ids(t, c.Scan(ctx, scan))
		for _, limit := range []int{1, 3, 7} {
			page := scan
			page.Limit = limit
			if diff := cmp.Diff(want, allPages(t, c, page)); diff != "" {
				t.Errorf("%+v: -want +got\n%s", page, diff)
			}
		}
	}
}

func allPages(t testing.TB, c documents.Collection, page documents.Scan) []string {
	t.Helper()
	all := []string{}
	for range 100 {
		n := 0
		for d, err := range c.Scan(t.Context(), page) {
			must(t, err)
			n++
			all = append(all, d.ID)
			page.AfterID = d.ID
			var doc struct{ N any }
			must(t, d.Decode(&doc))
			page.AfterValue = doc.N
		}
		if n == 0 {
			return all
		}
		if n > page.Limit {
			t.Fatalf("a page of %d, at most %d were asked for", n, page.Limit)
		}
	}
	t.Fatal("there is no end to the pages")
	return nil
}

// scanMany crosses the pages that a store reads in, with equals on both sides.
func scanMany(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(ranked)
	const many = 200
	var byID []string
	byN := make([][]string, 3)
	for i := range many {
		id := fmt.Sprintf("%04d", i)
		byID = append(byID, id)
		byN[i%3] = append(byN[i%3], id)
		must(t, c.Insert(ctx, id, bson.D{{Key: "n", Value: i % 3}, {Key: "fill", Value: strings.Repeat("x", 1000)}}))
	}
	ordered := slices.Concat(byN...)
	wantIDs(t, "by id", c.Scan(ctx, documents.Scan{}), byID...)
	wantIDs(t, "by index", c.Scan(ctx, documents.Scan{Order: "n"}), ordered...)
	wantIDs(t, "find", c.Find(ctx, "n", 1), byN[1]...)
	wantIDs(t, "limit", c.Scan(ctx, documents.Scan{Order: "n", Limit: 150}), ordered[:150]...)
	slices.Reverse(ordered)
	wantIDs(t, "by index, downwards", c.Scan(ctx, documents.Scan{Order: "n", Descending: true}), ordered...)
	slices.Reverse(byID)
	wantIDs(t, "by id, downwards", c.Scan(ctx, documents.Scan{Descending: true}), byID...)
}

// scanWhileWriting changes the collection under a sequence, which must neither
// stop it, nor see a document twice, nor miss one that was there all the time.
func scanWhileWriting(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(ranked)
	const many = 100
	for i := range many {
		must(t, c.Insert(ctx, fmt.Sprintf("%03d", i), bson.D{{Key: "n", Value: i % 2}}))
	}
	for _, scan := range []documents.Scan{{}, {Order: "n"}, {Order: "n", Descending: true}} {
		seen := make(map[string]int)
		for d, err := range c.Scan(ctx, scan) {
			must(t, err)
			seen[d.ID]++
			if len(d.ID) > 3 {
				continue
			}
			var doc bson.D
			must(t, d.Decode(&doc))
			must(t, c.Replace(ctx, d.ID, d.Version, append(bson.D{doc[0]}, bson.E{Key: "seen", Value: scan.Order}))) // n stays
			must(t, c.Insert(ctx, d.ID+"+", bson.D{{Key: "n", Value: 1}}))
			must(t, c.Delete(ctx, d.ID+"+"))
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%+v: %q was seen %d times", scan, id, n)
			}
		}
		for i := range many {
			if id := fmt.Sprintf("%03d", i); seen[id] != 1 {
				t.Errorf("%+v: %q was not seen", scan, id)
			}
		}
	}
}

// sequences may be left early, read again and read at the same time.
func sequences(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(plain)
	var all []string
	for i := range 50 {
		all = append(all, fmt.Sprintf("%02d", i))
		must(t, c.Insert(ctx, all[i], bson.D{}))
	}
	seq := c.Scan(ctx, documents.Scan{})
	for range 20 {
		for d, err := range seq {
			must(t, err)
			if d.ID == "40" {
				break
			}
		}
	}
	for d, err := range seq {
		must(t, err)
		if d.ID == "33" {
			wantIDs(t, "within itself", seq, all...)
		}
	}
	must(t, c.Delete(ctx, "00"))
	wantIDs(t, "read again", seq, all[1:]...)
}

func wrongScans(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(users)
	must(t, c.Insert(ctx, "a", bson.D{{Key: "login", Value: "a"}, {Key: "other", Value: "a"}}))
	for what, scan := range map[string]documents.Scan{
		"an undeclared order":    {Order: "other"},
		"an operator as order":   {Order: "$where"},
		"a number as id":         {Min: 1},
		"a document as bound":    {Order: "login", Min: bson.D{{Key: "$gt", Value: ""}}},
		"a fraction as bound":    {Order: "login", Max: 1.5},
		"invalid UTF-8 as bound": {Order: "login", Max: "\xff"},
		"invalid UTF-8 as id":    {AfterID: "\xff"},
		"no value to resume at":  {Order: "login", AfterID: "a"},
	} {
		if failure(t, c.Scan(ctx, scan)) == nil {
			t.Errorf("a scan with %s works", what)
		}
	}
	for what, seq := range map[string]struct {
		field string
		value any
	}{
		"an undeclared field": {"other", "a"},
		"the id":              {"_id", "a"},
		"nil":                 {"login", nil},
		"an operator":         {"login", bson.M{"$gt": ""}},
		"a list":              {"login", []string{"a"}},
		"a fraction":          {"login", 1.5},
		"invalid UTF-8":       {"login", "\xff"},
	} {
		if failure(t, c.Find(ctx, seq.field, seq.value)) == nil {
			t.Errorf("a find by %s works", what)
		}
	}
}
