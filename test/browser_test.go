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
	chromium := need(t, "chromium")
	node := need(t, "node")
	script, err := filepath.Abs("../web/app/e2e/viewer.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("../web/app/dist/index.html"); err != nil {
		missing(t, "the page is not built (make web/app/dist/index.html)")
	}
	if _, err := os.Stat("../web/app/node_modules/playwright-core"); err != nil {
		missing(t, "the page's packages are not installed (npm ci in web/app)")
	}
	p := start(t, []string{"demo", "-every", "2s"})
	p.ready()
	cmd := exec.CommandContext(t.Context(), node, script, p.url, chromium)
	cmd.Dir = filepath.Dir(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	} else {
		t.Logf("%s", out)
	}
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
