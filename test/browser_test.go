package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestBrowser drives the page in Chromium against the demo, as a viewer would.
func TestBrowser(t *testing.T) {
	t.Parallel()
	t.Logf("%s", drive(t, "viewer.mjs", "2s"))
}

// drive runs a script of the page in Chromium against a demo on which an episode airs so
// often. It returns what the script says; a step that fails fails the test.
func drive(t *testing.T, script, every string) string {
	t.Helper()
	chromium, node := need(t, "chromium"), need(t, "node")
	path, err := filepath.Abs("../web/app/e2e/" + script)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("../web/app/dist/index.html"); err != nil {
		missing(t, "the page is not built (make web/app/dist/index.html)")
	}
	if _, err := os.Stat("../web/app/node_modules/playwright-core"); err != nil {
		missing(t, "the page's packages are not installed (npm ci in web/app)")
	}
	p := start(t, []string{"demo", "-every", every})
	p.ready()
	cmd := exec.CommandContext(t.Context(), node, path, p.url, chromium)
	cmd.Dir = filepath.Dir(path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		missing(t, program+" is not installed")
	}
	return path
}

// missing skips loudly, or fails where everything must run.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("ANIHUB_TEST_REQUIRE") == "all" {
		t.Fatal(what)
	}
	t.Skip("SKIPPED: " + what)
}
