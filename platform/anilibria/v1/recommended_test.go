package v1_test

import (
	"context"
	"errors"
	"testing"

	"anihub/platform/anilibria"
	v1 "anihub/platform/anilibria/v1"

	"github.com/google/go-cmp/cmp"
)

func TestRecommended(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]int{
		`[{"id":9,"name":{"main":"А"}},{"id":3},{"id":9},{"id":null},{},7,{"id":-2}]`: {9, 3},
		`{"data":[{"id":4}]}`: {4},
		`[]`:                  nil,
	} {
		c, asked := client(body)
		got, err := c.Recommended(t.Context(), 9901, 1000)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", body, err, d)
		}
		if q := asked.asked; q.Path != "anime/releases/recommended" || q.Route != anilibria.RouteRecommended ||
			q.Query.Get("release_id") != "9901" || q.Query.Get("limit") != "50" || q.Query.Get("include") != "id" {
			t.Errorf("asked %s %v", q.Path, q.Query)
		}
	}
	for _, body := range []string{`null`, `{}`, `"none"`, `[{}]`, `[{"id":"x"}]`, `{"data":null}`} {
		c, _ := client(body)
		if got, err := c.Recommended(t.Context(), 1, 5); err == nil {
			t.Errorf("%s was taken for %v", body, got)
		}
	}
}

// The upstream's 404 is an answer: there is nothing to recommend.
func TestNothingIsRecommendedWithWhatIsNotThere(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]error{
		anilibria.ErrNotFound: nil, anilibria.ErrRefused: anilibria.ErrRefused, anilibria.ErrUnavailable: anilibria.ErrUnavailable,
	} {
		got, is := v1.New(failing{err}, assets).Recommended(t.Context(), 1, 5)
		if !errors.Is(is, want) || got != nil {
			t.Errorf("%v: %v, %v", err, got, is)
		}
	}
}

// failing is an upstream of which every question ends in one error.
type failing struct{ err error }

func (f failing) Fetch(context.Context, anilibria.Request) error { return f.err }
