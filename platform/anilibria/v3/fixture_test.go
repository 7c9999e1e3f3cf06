package v3_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"anihub/platform/anilibria"
	v3 "anihub/platform/anilibria/v3"
	"anihub/platform/fault"
)

// canned answers the questions in turn, the last one for ever, as the guard would:
// Decode's error becomes ErrGarbage unless it is a fault.
type canned struct {
	bodies []string
	asked  []anilibria.Request
	skips  map[string]int
}

func (c *canned) Fetch(_ context.Context, r anilibria.Request) error {
	body := c.bodies[min(len(c.asked), len(c.bodies)-1)]
	c.asked, c.skips = append(c.asked, r), make(map[string]int)
	err := r.Decode([]byte(body), func(kind string, _ error) { c.skips[kind]++ })
	if err == nil || errors.As(err, new(*fault.Error)) {
		return err
	}
	return anilibria.ErrGarbage.With(err)
}

func (c *canned) last() anilibria.Request { return c.asked[len(c.asked)-1] }

const assets = "https://assets.example"

func client(bodies ...string) (*v3.Client, *canned) {
	c := &canned{bodies: bodies}
	return v3.New(c, assets), c
}

// folder is where the real payloads are kept, outside the repository; "" where they
// are not. The payloads in testdata have the same shapes.
func folder() string {
	for _, up := range []string{"../../../..", "../../../../.."} {
		dir := filepath.Join(up, "shared", "upstream", "examples")
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
	}
	return ""
}

// files are the real payloads of a dialect: "v3", "v2" or "ws".
func files(t testing.TB, dialect string) map[string]string {
	t.Helper()
	if folder() == "" {
		t.Skip("the real payloads are not here")
	}
	found, err := filepath.Glob(filepath.Join(folder(), dialect, "*.json"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no payloads of %s: %v", dialect, err)
	}
	all := make(map[string]string, len(found))
	for _, name := range found {
		all[filepath.Base(name)] = read(t, name)
	}
	return all
}

func example(t testing.TB, name string) string {
	t.Helper()
	if folder() == "" {
		t.Skip("the real payloads are not here")
	}
	return read(t, filepath.Join(folder(), name))
}

func own(t testing.TB, name string) string {
	t.Helper()
	return read(t, filepath.Join("testdata", name))
}

func read(t testing.TB, file string) string {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
