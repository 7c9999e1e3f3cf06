package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
	rt "anihub/modules/realtime/realtimetest"
	"anihub/web/api"
)

func TestProvenance(t *testing.T) {
	t.Parallel()
	s := open(t)
	first := s.get(t, v2+"/titles/9901", "Accept-Encoding", "gzip")
	plain := s.get(t, v2+"/titles/9901")
	if first.Header.Get("Content-Encoding") != "gzip" || plain.Header.Get("Content-Encoding") != "" {
		t.Errorf("codings: %q and %q", first.Header.Get("Content-Encoding"), plain.Header.Get("Content-Encoding"))
	}
	a, b := read(t, first), read(t, plain)
	if string(a) != string(b) {
		t.Error("the two codings differ")
	}
	for _, name := range []string{"Etag", "Cache-Status", "Age", "Vary", "X-Request-ID", "Content-Length"} {
		if plain.Header.Get(name) == "" {
			t.Errorf("no %s", name)
		}
	}
	if !strings.HasPrefix(plain.Header.Get("Cache-Status"), "AniHub;") {
		t.Errorf("Cache-Status: %s", plain.Header.Get("Cache-Status"))
	}
	for _, tag := range []string{plain.Header.Get("Etag"), strings.TrimPrefix(plain.Header.Get("Etag"), "W/"), `"x", ` + plain.Header.Get("Etag"), "*"} {
		r := s.get(t, v2+"/titles/9901", "If-None-Match", tag)
		if r.StatusCode != http.StatusNotModified || len(read(t, r)) > 0 || r.Header.Get("Etag") == "" {
			t.Errorf("If-None-Match %s: %d", tag, r.StatusCode)
		}
	}
	if r := s.get(t, v2+"/titles/9901", "If-None-Match", `W/"other"`); r.StatusCode != 200 {
		t.Errorf("another tag: %d", r.StatusCode)
	}
	changed := lamplighter()
	changed.Names.RU = "Фонарщик и чайка"
	s.catalog.Put(changed)
	after := s.get(t, v2+"/titles/9901", "If-None-Match", plain.Header.Get("Etag"))
	if after.StatusCode != 200 || !strings.Contains(string(read(t, after)), "и чайка") {
		t.Error("a change is not seen at once")
	}
	for _, coding := range []string{"gzip;q=0", "gzip;q=0.0", "gzip;q=0, *", "*;q=0.000", "identity", "br", ""} {
		if r := s.get(t, v2+"/titles/9901", "Accept-Encoding", coding); r.Header.Get("Content-Encoding") != "" {
			t.Errorf("Accept-Encoding %q got %s", coding, r.Header.Get("Content-Encoding"))
		}
	}
}

// vouching is a catalogue whose answers vouch for themselves while true, and that counts
// how often it is asked.
type vouching struct {
	catalog.Service
	asked *atomic.Int64
	holds *atomic.Bool
}

func (v vouching) Title(ctx context.Context, ref catalog.Ref, have string) (catalog.Answer[catalog.Title], error) {
	v.asked.Add(1)
	a, err := v.Service.Title(ctx, ref, have)
	a.Holds = func() (string, bool) { return "epoch:99", v.holds.Load() }
	return a, err
}

// TestTheDoorIsNotAskedForWhatHolds, and is again when it does not.
func TestTheDoorIsNotAskedForWhatHolds(t *testing.T) {
	t.Parallel()
	v := vouching{asked: &atomic.Int64{}, holds: &atomic.Bool{}}
	s := build(t, func(echo.Context) error { return echo.ErrNotFound }, func(c catalog.Service) catalog.Service {
		v.Service = c
		return v
	})
	v.holds.Store(true)
	get := func() *http.Response { return s.get(t, v2+"/titles/9901") }
	first := string(read(t, get()))
	rt.WaitFor(t, func() (string, bool) { // the store of answers takes new ones in its own time
		before := v.asked.Load()
		r := get()
		return "the door is asked each time", v.asked.Load() == before && r.Header.Get("X-Stream-Position") == "epoch:99" && string(read(t, r)) == first
	})
	changed := lamplighter()
	changed.Names.RU = "Фонарщик и чайка"
	s.catalog.Put(changed)
	v.holds.Store(false)
	if got := string(read(t, get())); !strings.Contains(got, "и чайка") {
		t.Error("what does not hold any more is told")
	}
	before := v.asked.Load()
	get()
	if v.asked.Load() != before+1 {
		t.Error("the door is not asked while nothing holds")
	}
}

func TestEveryCatalogueAnswerSaysWhereItCameFrom(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, path := range []string{
		"/titles", "/titles?facets=true", "/titles/9901", "/titles/code/kamome", "/titles/batch?ids=9901,1", "/franchise/9901",
		"/search?q=%D0%A4%D0%BE%D0%BD", "/updates", "/popular", "/random", "/schedule", "/genres", "/years", "/seasons", "/status",
	} {
		r := s.get(t, v2+path)
		for _, name := range []string{"Cache-Status", "Age", "Etag", "X-Stream-Position", "Vary", "Cache-Control", "X-Request-Id"} {
			if r.Header.Get(name) == "" {
				t.Errorf("%s has no %s", path, name)
			}
		}
		var body struct {
			Meta struct {
				Source    string
				Freshness struct {
					Level      string
					StoredAt   time.Time `json:"stored_at"`
					FreshUntil time.Time `json:"fresh_until"`
				}
			}
		}
		if err := json.Unmarshal(read(t, r), &body); err != nil {
			t.Fatal(err)
		}
		if f := body.Meta.Freshness; r.StatusCode != 200 || body.Meta.Source != "anilibria" || f.Level == "" || f.StoredAt.IsZero() || f.FreshUntil.IsZero() {
			t.Errorf("%s: %d %+v", path, r.StatusCode, body.Meta)
		}
	}
}

func TestListKeyHasEveryPartOfTheQuery(t *testing.T) {
	t.Parallel()
	keyless := map[string]bool{"Search": true, "Random": true}
	seen := map[string]string{api.ListKey(catalog.Query{}): "nothing"}
	for i := range reflect.TypeFor[catalog.Query]().NumField() {
		var q catalog.Query
		name, f := reflect.TypeFor[catalog.Query]().Field(i).Name, reflect.ValueOf(&q).Elem().Field(i)
		switch f.Kind() {
		case reflect.Int:
			f.SetInt(7)
		case reflect.Bool:
			f.SetBool(true)
		case reflect.String:
			f.SetString("x")
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		default:
			t.Fatalf("%s: this test does not know its kind", name)
		}
		key := api.ListKey(q)
		if keyless[name] {
			if key != "" {
				t.Errorf("%s has the key %q", name, key)
			}
			continue
		}
		if other, taken := seen[key]; taken {
			t.Errorf("%s and %s have the same key %q", name, other, key)
		}
		seen[key] = name
	}
}

func TestListKeysOfTextThatLooksLikeAKey(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for i, q := range []catalog.Query{
		{Genres: []string{"a", "b"}},
		{Genres: []string{"a/b"}},
		{Genres: []string{`a"/"b`}},
		{Genres: []string{`a","b`}},
		{IDs: []int{1, 2}},
		{IDs: []int{12}},
		{Genres: []string{"id=1"}},
		{Page: 1, Limit: 12},
		{Page: 11, Limit: 2},
		{Season: "x"},
		{Type: "x"},
	} {
		key := api.ListKey(q)
		if other, taken := seen[key]; taken {
			t.Errorf("queries %d and %d have the same key %q", i, other, key)
		}
		seen[key] = i
	}
}

func TestDifferentlySpeltRequestsShareAnAnswer(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, pair := range [][2]string{
		{"/titles", "/titles?page=1&limit=20"},
		{"/titles?limit=5&page=1", "/titles?page=1&limit=5"},
		{"/titles?genres=Романтика,Фэнтези", "/titles?genres[]=Фэнтези&genres[]=Романтика&genres=Фэнтези"},
	} {
		a, b := s.get(t, v2+pair[0]), s.get(t, v2+pair[1])
		if a.StatusCode != 200 || a.Header.Get("Etag") != b.Header.Get("Etag") {
			t.Errorf("%v: %d, %d", pair, a.StatusCode, b.StatusCode)
		}
	}
}
