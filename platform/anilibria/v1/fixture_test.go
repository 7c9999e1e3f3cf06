package v1_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/anilibriatest"
	v1 "anihub/platform/anilibria/v1"
)

// canned answers every question with one body, as the guard would: Decode's error
// becomes ErrGarbage unless it is a fault.
type canned struct {
	body  string
	asked anilibria.Request
	skips map[string]int
}

func (c *canned) Fetch(_ context.Context, r anilibria.Request) error {
	c.asked, c.skips = r, make(map[string]int)
	return r.Decode([]byte(c.body), func(kind string, _ error) { c.skips[kind]++ })
}

const assets = "https://assets.example"

func client(body string) (*v1.Client, *canned) {
	c := &canned{body: body}
	return v1.New(c, assets), c
}

// shared is a file of real payloads outside the repository. Where they are not
// kept the test has nothing to say; the payloads in testdata have the same shapes.
func shared(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "upstream", name))
	if os.IsNotExist(err) {
		body, err = os.ReadFile(filepath.Join("..", "..", "..", "..", "..", "shared", "upstream", name))
	}
	if err != nil {
		t.Skip("the real payloads are not here")
	}
	return string(body)
}

func example(t *testing.T, name string) string {
	t.Helper()
	return shared(t, filepath.Join("examples", "v1", name))
}

func own(t testing.TB, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// listBody is a full page of the fake, without the repeated releases.
func listBody(t testing.TB, s *anilibriatest.Server) string {
	t.Helper()
	list := strings.Trim(strings.ReplaceAll(fmt.Sprint(s.IDs()), " ", ","), "[]")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", anilibriatest.BasePath+"/anime/releases/list?limit=50&exclude=torrents.release&ids="+list, nil))
	return w.Body.String()
}
