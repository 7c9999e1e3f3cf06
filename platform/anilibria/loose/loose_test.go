package loose_test

import (
	"testing"

	"anihub/platform/anilibria/loose"

	"github.com/google/go-cmp/cmp"
)

// What PHP puts in the place of an empty thing is empty; anything else of a foreign
// type loses the item it is in, and no other.
func TestLists(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]loose.List[string]{
		`[{"id":1},{"id":"2"}]`:               {Kept: []string{"=1", "=2"}},
		`{"a":{"id":1},"6.5":{"id":2}}`:       {Kept: []string{"a=1", "6.5=2"}},
		`[]`:                                  {},
		`{}`:                                  {},
		`null`:                                {},
		`{"a":{"id":1},"b":[1],"c":{"id":3}}`: {Kept: []string{"a=1", "c=3"}, Lost: 1},
		`[{"id":1},null,{"id":"x"},7]`:        {Kept: []string{"=1"}, Lost: 3},
	} {
		s, err := loose.New([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		got := loose.ReadValues(&s, func(key string) (string, error) {
			var id loose.Number
			s.Object(func(k []byte) {
				if string(k) == "id" {
					id = s.Number()
				}
			})
			return key + "=" + string(rune('0'+id.Whole())), loose.Unless(id.Known, "no id")
		})
		if (got.Err != nil) != (want.Lost > 0) || s.Err != nil {
			t.Errorf("%s: %v, %v", body, got.Err, s.Err)
		}
		got.Err = nil
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", body, d)
		}
	}
}

func TestScalars(t *testing.T) {
	t.Parallel()
	s, err := loose.New([]byte(`{"n":"12","f":0,"t":"\u0410","m":"2026-09-26T12:50:50+03:00"}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []any
	s.Object(func(key []byte) {
		switch string(key) {
		case "n":
			got = append(got, s.Whole())
		case "f":
			got = append(got, s.Flag())
		case "t":
			got = append(got, s.Text())
		case "m":
			got = append(got, s.Moment().Hour())
		}
	})
	if d := cmp.Diff([]any{12, false, "А", 9}, got); d != "" || s.Err != nil {
		t.Error(d, s.Err)
	}
	for _, body := range []string{`{`, `{"a":}`, ``, `nul`} {
		if _, err := loose.New([]byte(body)); err == nil {
			t.Errorf("%q was taken for JSON", body)
		}
	}
}
