package anilibriatest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"anihub/platform/anilibria/anilibriatest"

	"github.com/google/go-cmp/cmp"
)

// recorded is a captured payload of the real API, kept outside the repository; where
// they are not kept, a test of shapes has nothing to compare with.
func recorded(t *testing.T, name string) any {
	t.Helper()
	for _, up := range []string{"../../../..", "../../../../.."} {
		body, err := os.ReadFile(filepath.Join(up, "shared", "upstream", "examples", name))
		if err == nil {
			return decoded(t, body)
		}
	}
	t.Skip("the real payloads are not here")
	return nil
}

func decoded(t *testing.T, body []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%.80s: %v", body, err)
	}
	return v
}

// three asks a route of v3.
func three(t *testing.T, h http.Handler, path string) any {
	t.Helper()
	code, _, body := get(t, h, anilibriatest.V3Path+"/"+path)
	if code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, code, body)
	}
	return decoded(t, body)
}

// shape is every path with the kinds of values seen there; items of lists and
// numbered keys are one path.
type shape map[string][]string

func (s shape) add(path string, v any) {
	kind := fmt.Sprintf("%T", v)
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			if strings.Trim(key, "0123456789.") == "" {
				key = "*"
			}
			s.add(path+"."+key, item)
		}
	case []any:
		for _, item := range v {
			s.add(path+".*", item)
		}
	}
	if !slices.Contains(s[path], kind) {
		s[path] = append(s[path], kind)
	}
}

// likeness tells what one shape has that the other has not. null is of every kind.
func likeness(t *testing.T, what string, fake, real shape, unseen ...string) {
	t.Helper()
	for path, kinds := range real {
		if _, ok := fake[path]; !ok && !slices.Contains(unseen, path) {
			t.Errorf("%s: the fake has no %s", what, path)
		}
		for _, kind := range fake[path] {
			if !slices.Contains(kinds, kind) && kind != "<nil>" && !slices.Equal(kinds, []string{"<nil>"}) {
				t.Errorf("%s: %s is a %s, in reality %v", what, path, kind, kinds)
			}
		}
	}
	for path := range fake {
		if _, ok := real[path]; !ok && !slices.Contains(unseen, path) {
			t.Errorf("%s: %s is invented", what, path)
		}
	}
}

// What not every payload shows: both forms of blocked, and Rutube entries.
var notRecorded = []string{
	".blocked.blocked", ".blocked.bakanim", ".blocked.copyrights", ".blocked.geoip", ".blocked.geoip_list",
	".player.rutube.*", ".player.rutube.*.episode", ".player.rutube.*.created_timestamp", ".player.rutube.*.rutube_id",
}

func TestV3TitlesHaveTheRealShape(t *testing.T) {
	t.Parallel()
	s := demo()
	real, fake := shape{}, shape{}
	for _, name := range []string{"title_9000", "title_10027_ongoing_late_schema", "title_no_episodes"} {
		real.add("", recorded(t, "v3/"+name+".json"))
	}
	for _, id := range s.IDs() {
		fake.add("", three(t, s, fmt.Sprint("title?id=", id)))
	}
	likeness(t, "title", fake, real, notRecorded...)
}

func TestV3ListsHaveTheRealShape(t *testing.T) {
	t.Parallel()
	s := demo()
	for path, name := range map[string]string{
		"title/updates?filter=id,code,updated": "title_updates_filtered",
		"title/franchises?id=9906":             "title_franchises",
		"franchise/list?page=1":                "franchise_list",
		"genres":                               "genres",
		"years":                                "years",
		"title/search?search=zzzzz":            "title_updates_empty",
		"title/schedule?days=4,5&filter=id":    "",
		"title/list?id_list=9901,9902&filter=posters,type,status,player.list": "title_list_filtered",
	} {
		fake, real := shape{}, shape{}
		fake.add("", three(t, s, path))
		if name == "" {
			real.add("", []any{map[string]any{"day": 1.0, "list": []any{map[string]any{"id": 1.0}}}})
		} else {
			real.add("", recorded(t, "v3/"+name+".json"))
		}
		likeness(t, path, fake, real, ".*.player.list.*.skips.opening.*", ".*.player.list.*.skips.ending.*")
	}
	// A playlist comes as an array when it is asked for.
	list := at(three(t, s, "title?id=9901&playlist_type=array"), "player.list")
	if all, ok := list.([]any); !ok || len(all) != 9 || at(all[8], "episode") != 9.0 {
		t.Errorf("the playlist is %v", list)
	}
}

func TestV3Errors(t *testing.T) {
	t.Parallel()
	s := demo()
	s.Break(anilibriatest.RouteStatus, anilibriatest.Fault{Status: 504})
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"title?id=1":                {404, `{"error":{"code":404,"message":"Title \"1\" not found!"}}`},
		"title?code=nobody":         {404, `{"error":{"code":404,"message":"Title \"nobody\" not found!"}}`},
		"title?id=9901&code=x":      {412, `{"error":{"code":412,"message":"Unknown parameters: code, id"}}`},
		"title/updates?limit=1&q=1": {412, `{"error":{"code":412,"message":"Unknown parameters: q"}}`},
		"title/franchises?id=1":     {404, `{"error":{"code":404,"message":"Title \"1\" not found!"}}`},
		"nothing":                   {404, `{"error":{"code":404,"message":"Not Found!"}}`},
		"years":                     {500, `{"error":{"code":504,"message":"Gateway Timeout"}}`},
	} {
		code, _, body := get(t, s, anilibriatest.V3Path+"/"+path)
		if code != want.status || string(body) != want.body {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}

// Without a page the list is the newest five; limit, after and since cut it.
func TestV3Pages(t *testing.T) {
	t.Parallel()
	s := demo()
	ids := s.IDs()
	listed := func(path string) (all []int) {
		for _, item := range at(three(t, s, path), "list").([]any) {
			all = append(all, int(at(item, "id").(float64)))
		}
		return all
	}
	for path, want := range map[string][]int{
		"title/updates?filter=id":                           ids[:5],
		"title/updates?filter=id&limit=-1":                  ids,
		"title/updates?filter=id&limit=2&after=3":           ids[3:5],
		"title/updates?filter=id&page=2&items_per_page=10":  ids[10:20],
		"title/updates?filter=id&page=90&items_per_page=50": nil,
	} {
		if d := cmp.Diff(want, listed(path)); d != "" {
			t.Error(path, d)
		}
	}
	newest := at(three(t, s, "title/updates?limit=2"), "list.1.updated").(float64)
	if got := listed(fmt.Sprintf("title/updates?since=%.0f&limit=-1", newest)); len(got) != 1 || got[0] != ids[0] {
		t.Errorf("since the second: %v", got)
	}
	pages := at(three(t, s, "title/updates?page=3&items_per_page=50"), "pagination")
	want := map[string]any{"pages": 2.0, "current_page": 3.0, "items_per_page": 50.0, "total_items": float64(len(ids))}
	if d := cmp.Diff(any(want), pages); d != "" {
		t.Error(d)
	}
	if s.Calls(anilibriatest.RouteLatest) != 5 || s.Calls(anilibriatest.RouteCatalog) != 3 {
		t.Errorf("%d calls by limit, %d by page", s.Calls(anilibriatest.RouteLatest), s.Calls(anilibriatest.RouteCatalog))
	}
	if n := len(three(t, s, "title/list?id_list=9901,9902,9903,9904,9905,9906,1").([]any)); n != 5 {
		t.Errorf("a list without a page has %d titles", n)
	}
}

// Streams of v3 play on the same host as everything else.
func TestV3StreamsPlay(t *testing.T) {
	t.Parallel()
	s := demo()
	server := httptest.NewServer(s)
	defer server.Close()
	res, err := http.Get(server.URL + anilibriatest.V3Path + "/title?id=9901")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var title any
	if err := json.NewDecoder(res.Body).Decode(&title); err != nil {
		t.Fatal(err)
	}
	stream := "http://" + at(title, "player.host").(string) + at(title, "player.list.1.hls.sd").(string)
	video, err := http.Get(stream)
	if err != nil {
		t.Fatal(err)
	}
	defer video.Body.Close()
	if video.StatusCode != http.StatusOK || !strings.HasPrefix(stream, server.URL) {
		t.Errorf("%s: %d", stream, video.StatusCode)
	}
}
