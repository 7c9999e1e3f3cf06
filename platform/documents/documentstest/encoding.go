package documentstest

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/documents"
)

func wantNot(t testing.TB, what string, err, not error) {
	t.Helper()
	if errors.Is(err, not) {
		t.Errorf("%s: got %v, which says something else", what, err)
	}
}

// nested is documents in documents, n of them.
func nested(n int) bson.D {
	d := bson.D{}
	for range n - 1 {
		d = bson.D{{Key: "d", Value: d}}
	}
	return d
}

func unfitDocuments(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(plain)
	must(t, c.Insert(ctx, "there", bson.D{{Key: "n", Value: 1}}))
	in := func(v any) bson.D { return bson.D{{Key: "list", Value: bson.A{bson.D{{Key: "d", Value: v}}}}} }
	for what, doc := range map[string]any{
		"nil":                      nil,
		"a nil pointer":            (*struct{})(nil),
		"a number":                 1,
		"a text":                   "text",
		"a list":                   []int{1},
		"a channel":                bson.M{"c": make(chan int)},
		"an empty key":             bson.M{"": 1},
		"a nested empty key":       in(bson.M{"": 1}),
		"an operator":              bson.M{"$set": 1},
		"a nested operator":        in(bson.M{"$gt": ""}),
		"a dot":                    bson.M{"a.b": 1},
		"a nested dot":             in(bson.M{"a.b": 1}),
		"NUL in a key":             bson.M{"a\x00b": 1},
		"invalid UTF-8 in a key":   bson.M{"a\xff": 1},
		"invalid UTF-8 in a value": bson.M{"a": "\xff"},
		"a nested invalid UTF-8":   in("\xc3("),
		"NaN":                      bson.M{"a": math.NaN()},
		"a nested NaN":             in(math.NaN()),
		"infinity":                 bson.M{"a": math.Inf(1)},
		"infinity in a list":       bson.M{"a": bson.A{1.0, math.Inf(-1)}},
		"the store's id":           bson.M{"_id": "x"},
		"the store's version":      bson.M{"_v": 1},
		"a key twice":              bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 1}, {Key: "a", Value: 2}},
		"a nested key twice":       in(bson.D{{Key: "a", Value: 1}, {Key: "a", Value: 1}}),
		"too deep":                 nested(101),
		"code":                     bson.M{"a": bson.JavaScript("f()")},
		"a timestamp":              bson.M{"a": bson.Timestamp{}},
		"no BSON":                  bson.Raw("no BSON"),
		"cut BSON":                 rawOf(t, bson.D{{Key: "a", Value: "text"}})[:9],
		"empty BSON":               bson.Raw{},
	} {
		wantError(t, "Insert of "+what, c.Insert(ctx, "a", doc), documents.ErrUnfit)
		wantError(t, "Replace by "+what, c.Replace(ctx, "there", 1, doc), documents.ErrUnfit)
	}
	tooLarge := bson.M{"a": make([]byte, documents.MaxBytes)}
	wantError(t, "Insert of too large a one", c.Insert(ctx, "a", tooLarge), documents.ErrUnfit)
	wantIDs(t, "what is there", c.Scan(ctx, documents.Scan{}), "there")
	wantStored(t, c, "there", 1, bson.D{{Key: "n", Value: 1}})
}

func unfitIndexValues(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(users)
	for what, v := range map[string]any{
		"a fraction": 1.5,
		"a document": bson.D{{Key: "$gt", Value: ""}},
		"a list":     bson.A{"a", "b"},
		"bytes":      []byte("a"),
		"an id":      bson.NewObjectID(),
	} {
		wantError(t, what+" as unique value", c.Insert(ctx, "a", bson.D{{Key: "login", Value: v}}), documents.ErrUnfit)
		wantError(t, what+" as value", c.Insert(ctx, "a", bson.D{{Key: "login", Value: "a"}, {Key: "group", Value: v}}), documents.ErrUnfit)
	}
	wantIDs(t, "what is there", c.Scan(ctx, documents.Scan{}))
}

// everything has a field of each kind.
type everything struct {
	Text     string            `bson:"text"`
	Empty    string            `bson:"empty"`
	Int      int               `bson:"int"`
	Small    int32             `bson:"small"`
	Large    int64             `bson:"large"`
	Least    int64             `bson:"least"`
	Fraction float64           `bson:"fraction"`
	Whole    float64           `bson:"whole"`
	Tiny     float64           `bson:"tiny"`
	Yes      bool              `bson:"yes"`
	At       time.Time         `bson:"at"`
	Never    time.Time         `bson:"never"`
	Null     *string           `bson:"null"`
	Absent   *string           `bson:"absent,omitempty"`
	NoList   []string          `bson:"no_list"`
	List     []string          `bson:"list"`
	NilList  []string          `bson:"nil_list,omitempty"`
	Bytes    []byte            `bson:"bytes"`
	Map      map[string]int64  `bson:"map"`
	Inner    inner             `bson:"inner"`
	Pointer  *inner            `bson:"pointer"`
	Inners   []inner           `bson:"inners"`
	Object   bson.ObjectID     `bson:"object"`
	Any      any               `bson:"any"`
	Texts    map[string]string `bson:"texts"`
}

type inner struct {
	ID string  `bson:"_id"`
	N  *int64  `bson:"n"`
	F  float64 `bson:"f,omitempty"`
}

func roundTrips(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(plain)
	n := int64(-1)
	want := everything{
		Text: "Кофе \u2028 «é» 日本語 👩‍👩‍👧 \x00 \t\"'\\ </script>", Int: 7, Small: math.MinInt32, Large: math.MaxInt64,
		Least: math.MinInt64, Fraction: 0.1, Whole: 3, Tiny: math.SmallestNonzeroFloat64, Yes: true,
		At: time.Date(2026, 11, 26, 1, 2, 3, 4_000_000, time.UTC), List: []string{}, Bytes: []byte{0, 255, 0},
		Map: map[string]int64{"1<<53+1": 1<<53 + 1}, Inner: inner{ID: "x", N: &n, F: -1e300},
		Pointer: &inner{}, Inners: []inner{{ID: "1"}, {ID: "1", N: &n}}, Object: bson.NewObjectID(),
		Any: bson.M{"list": bson.A{int32(1), int64(2), "3", nil, bson.M{}}}, Texts: map[string]string{},
	}
	must(t, c.Insert(ctx, "a", want))
	var got everything
	_, err := c.Get(ctx, "a", &got)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	wantStored(t, c, "a", 1, want)
	for d, err := range c.Scan(ctx, documents.Scan{}) {
		must(t, err)
		got = everything{}
		must(t, d.Decode(&got))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("scanned: -want +got\n%s", diff)
		}
	}
	must(t, c.Insert(ctx, "empty", struct{}{}))
	wantStored(t, c, "empty", 1, bson.D{})
	must(t, c.Insert(ctx, "deep", nested(100)))
	wantStored(t, c, "deep", 1, nested(100))
}

func times(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(plain)
	type doc struct{ At time.Time }
	east := time.FixedZone("east", 3*60*60)
	for what, at := range map[string]time.Time{
		"zero":       {},
		"epoch":      time.UnixMilli(0),
		"before it":  time.UnixMilli(-1),
		"now":        time.Now(),
		"elsewhere":  time.Date(2026, 1, 1, 0, 30, 0, 0, east),
		"far future": time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC),
	} {
		must(t, c.Insert(ctx, what, doc{at}))
		var got doc
		_, err := c.Get(ctx, what, &got)
		must(t, err)
		if want := at.UTC().Truncate(time.Millisecond); !got.At.Equal(want) || got.At.Location() != time.UTC {
			t.Errorf("%s: got %v, want %v", what, got.At, want)
		}
	}
}

// unknownFields: who knows only some of the fields can keep the others.
func unknownFields(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(plain)
	newer := bson.D{
		{Key: "known", Value: "old"},
		{Key: "later", Value: bson.D{{Key: "z", Value: int64(1)}, {Key: "a", Value: bson.A{"x", int32(2)}}}},
		{Key: "when", Value: bson.DateTime(1)},
	}
	must(t, c.Insert(ctx, "a", newer))
	var known struct{ Known string }
	_, err := c.Get(ctx, "a", &known)
	must(t, err)
	if known.Known != "old" {
		t.Errorf("the known field is %q", known.Known)
	}

	var all bson.D
	v, err := c.Get(ctx, "a", &all)
	must(t, err)
	all[0].Value = "new"
	must(t, c.Replace(ctx, "a", v, all))
	newer[0].Value = "new"
	wantStored(t, c, "a", 2, newer)

	var m bson.M
	_, err = c.Get(ctx, "a", &m)
	must(t, err)
	must(t, c.Insert(ctx, "m", m))
	var again bson.M
	_, err = c.Get(ctx, "m", &again)
	must(t, err)
	if diff := cmp.Diff(m, again); diff != "" || len(m) != len(newer) {
		t.Errorf("through a bson.M: -want +got\n%s", diff)
	}

	var raw bson.Raw
	_, err = c.Get(ctx, "a", &raw)
	must(t, err)
	must(t, c.Insert(ctx, "raw", raw))
	wantStored(t, c, "raw", 1, newer)
}

// largeDocuments are more than a store reads at a time.
func largeDocuments(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(plain)
	const megabytes = 5
	filled := func(b byte) bson.Raw {
		return rawOf(t, bson.D{{Key: "bytes", Value: bytes.Repeat([]byte{b}, megabytes<<20)}, {Key: "text", Value: "end"}})
	}
	must(t, c.Insert(ctx, "0", bson.D{}))
	must(t, c.Replace(ctx, "0", 1, filled('0')))
	must(t, c.Insert(ctx, "1", filled('1')))
	must(t, c.Insert(ctx, "+", bson.D{})) // behind them, seen from above
	var got []string
	for d, err := range c.Scan(ctx, documents.Scan{Descending: true}) {
		must(t, err)
		got = append(got, d.ID)
		var raw bson.Raw
		must(t, d.Decode(&raw))
		if d.ID != "+" && !bytes.Equal(raw, filled(d.ID[0])) {
			t.Errorf("%s is not what was stored", d.ID)
		}
	}
	if diff := cmp.Diff([]string{"1", "0", "+"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
