package documents_test

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"anihub/platform/documents"
)

// Keys sort as the values do, within a type and between types.
func TestKeysSort(t *testing.T) {
	t.Parallel()
	type ranked struct {
		rank int
		v    any
	}
	anyValue := rapid.OneOf(
		rapid.Map(rapid.Int64(), func(n int64) ranked { return ranked{1, n} }),
		rapid.Map(rapid.String(), func(s string) ranked { return ranked{2, s} }),
		rapid.Map(rapid.Bool(), func(b bool) ranked { return ranked{3, b} }),
		rapid.Map(rapid.Int64Range(-1<<50, 1<<50), func(ms int64) ranked { return ranked{4, time.UnixMilli(ms)} }),
	)
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyValue.Draw(t, "a"), anyValue.Draw(t, "b")
		want := cmp.Compare(a.rank, b.rank)
		if want == 0 {
			switch x := a.v.(type) {
			case int64:
				want = cmp.Compare(x, b.v.(int64))
			case string:
				want = cmp.Compare(x, b.v.(string))
			case bool:
				want = cmp.Compare(truth(x), truth(b.v.(bool)))
			case time.Time:
				want = x.Compare(b.v.(time.Time))
			}
		}
		if got := bytes.Compare(documents.Key(a.v), documents.Key(b.v)); got != want {
			t.Fatalf("%v and %v compare as %d, their keys as %d", a.v, b.v, want, got)
		}
	})
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// FuzzCheckBSON: no bytes make the check panic, and what passes it is BSON to the
// driver too.
func FuzzCheckBSON(f *testing.F) {
	for _, doc := range []any{
		bson.D{},
		bson.D{{Key: "a", Value: "text"}, {Key: "b", Value: int64(1)}, {Key: "c", Value: 1.5}, {Key: "d", Value: nil}},
		bson.D{{Key: "list", Value: bson.A{bson.D{{Key: "a", Value: []byte("x")}}, bson.A{true, time.Unix(0, 0)}}}},
		bson.D{{Key: "id", Value: bson.NewObjectID()}, {Key: "n", Value: int32(1)}, {Key: "e", Value: ""}},
		bson.D{{Key: "nan", Value: math.NaN()}},
	} {
		raw, err := bson.Marshal(doc)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		for _, at := range []int{0, 4, len(raw) / 2, len(raw) - 1} {
			broken := slices.Clone(raw)
			broken[at] ^= 0x81
			f.Add(broken)
			f.Add(raw[:at])
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if documents.CheckBSON(raw) != nil {
			return
		}
		if err := bson.Raw(raw).Validate(); err != nil {
			t.Errorf("%x passes, and is not BSON: %v", raw, err)
		}
		var m bson.M
		if err := bson.Unmarshal(raw, &m); err != nil {
			t.Errorf("%x passes, and cannot be read: %v", raw, err)
		}
	})
}
