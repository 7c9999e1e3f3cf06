package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// mutant is one defect: old is replaced by new in a file, and the tests of its package
// that match the pattern must fail.
type mutant struct {
	name    string // package/what was done
	promise string // what it breaks, in a user's words
	file    string // from the root of the module
	old     string // stands there exactly once
	new     string
	tests   string // as for go test -run
}

func (m mutant) folder() string { return filepath.Dir(filepath.FromSlash(m.file)) }

// errLives: the tests passed although the product is broken.
var errLives = errors.New("no test failed")

// testTime bounds the tests of one defect; one that makes them hang is caught by that.
const testTime = 20 * time.Second

// lab builds and runs spoilt tests in a temporary folder.
type lab struct {
	root    string // absolute
	temp    string
	sound   map[string]string // tests by package, without a defect
	control map[string]error  // of package and pattern, without a defect
}

func newLab(root string) (*lab, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		return nil, fmt.Errorf("%s is not the folder of the module: %w", root, err)
	}
	temp, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	return &lab{root: root, temp: temp, sound: map[string]string{}, control: map[string]error{}}, nil
}

func (l *lab) close() { _ = os.RemoveAll(l.temp) }

// try returns which test caught a defect. errLives when none did; another error when the
// experiment says nothing.
func (l *lab) try(ctx context.Context, m mutant) (by string, err error) {
	if err := l.check(ctx, m); err != nil {
		return "", err
	}
	overlay, err := l.spoil(m)
	if err != nil {
		return "", err
	}
	binary, err := l.build(ctx, m, "spoilt", "-overlay", overlay)
	if err != nil {
		return "", fmt.Errorf("it does not compile: %w", err)
	}
	out, err := l.test(ctx, m, binary)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil:
		return "", errLives
	}
	return failed(out), nil
}

// check tells whether the tests pass without the defect, and that there are any: a test
// that fails or is skipped in any case catches nothing.
func (l *lab) check(ctx context.Context, m mutant) error {
	key := m.folder() + " " + m.tests
	if err, known := l.control[key]; known {
		return err
	}
	binary, built := l.sound[m.folder()]
	var err error
	if !built {
		binary, err = l.build(ctx, m, fmt.Sprint("sound", len(l.sound)))
	}
	if err == nil {
		l.sound[m.folder()] = binary
		var out string
		out, err = l.test(ctx, m, binary)
		switch {
		case err != nil:
			err = fmt.Errorf("%s fails without the defect", failed(out))
		case !strings.Contains(out, "\n--- PASS: "):
			err = fmt.Errorf("no test named %s ran", m.tests)
		}
	}
	if ctx.Err() == nil {
		l.control[key] = err
	}
	return err
}

// spoil writes the file with the defect, and what makes the compiler read it.
func (l *lab) spoil(m mutant) (overlay string, err error) {
	path := filepath.Join(l.root, filepath.FromSlash(m.file))
	text, err := m.applied(path)
	if err != nil {
		return "", err
	}
	spoilt := filepath.Join(l.temp, "spoilt.go")
	if err := os.WriteFile(spoilt, []byte(text), 0o600); err != nil {
		return "", err
	}
	about, err := json.Marshal(map[string]map[string]string{"Replace": {path: spoilt}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(l.temp, "overlay.json")
	return overlay, os.WriteFile(overlay, about, 0o600)
}

// applied is the text of a file with the defect.
func (m mutant) applied(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return "", fmt.Errorf("%s holds the text %d times, not once: %q", m.file, n, m.old)
	}
	return strings.Replace(string(text), m.old, m.new, 1), nil
}

// build compiles the tests of a package. Vet is left out: a defect may look like one.
func (l *lab) build(ctx context.Context, m mutant, name string, more ...string) (binary string, err error) {
	binary = filepath.Join(l.temp, name+".test")
	args := append([]string{"test", "-c", "-vet=off", "-o", binary}, more...)
	cmd := exec.CommandContext(ctx, "go", append(args, "./"+filepath.ToSlash(m.folder()))...)
	cmd.Dir = l.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return binary, nil
}

// test runs the tests of a defect where go test would.
func (l *lab) test(ctx context.Context, m mutant, binary string) (out string, err error) {
	args := []string{"-test.run", m.tests, "-test.v", "-test.failfast", "-test.timeout", testTime.String()}
	if l.random(m) {
		args = append(args, "-rapid.nofailfile") // or it would keep what found the defect, in the tree
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = filepath.Join(l.root, m.folder())
	cmd.Env = append(os.Environ(), "ANIHUB_TEST_REQUIRE=all")
	cmd.WaitDelay = 5 * time.Second // for what a test that was ended has left behind
	text, err := cmd.CombinedOutput()
	return "\n" + string(text), err
}

// random tells whether the tests of a package are given values by rapid.
func (l *lab) random(m mutant) bool {
	files, _ := filepath.Glob(filepath.Join(l.root, m.folder(), "*_test.go")) // the pattern is sound
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && strings.Contains(string(text), `"pgregory.net/rapid"`) {
			return true
		}
	}
	return false
}

// failed names the test that failed: the deepest subtest that says so, or who was at work
// when the process ended.
func failed(out string) string {
	lines := regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`).FindAllStringSubmatch(out, -1)
	name := ""
	for _, l := range lines {
		if name == "" || strings.HasPrefix(l[1], name+"/") {
			name = l[1]
		}
	}
	if name != "" {
		return name
	}
	if hung := regexp.MustCompile(`(?m)^panic: test timed out`).MatchString(out); hung {
		return "the time, which ended " + running(out)
	}
	if name := running(out); name != "" {
		return name + " (the process ended)"
	}
	return "the end of the tests" // a leak check
}

// running is the last test that had begun.
func running(out string) string {
	begun := regexp.MustCompile(`(?m)^=== (?:RUN|CONT)\s+(\S+)`).FindAllStringSubmatch(out, -1)
	if len(begun) == 0 {
		return ""
	}
	return begun[len(begun)-1][1]
}
