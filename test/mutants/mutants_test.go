package main

import (
	"bytes"
	"errors"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// TestTheTableApplies: each defect still finds its text, once, in a file that parses with it,
// and each pattern still names tests. Whether they catch it, only running them tells.
func TestTheTableApplies(t *testing.T) {
	t.Parallel()
	names, parts := map[string]bool{}, map[string]int{}
	for _, m := range table() {
		if names[m.name] || m.promise == "" {
			t.Errorf("%s comes twice, or breaks no promise", m.name)
		}
		names[m.name] = true
		part, _, _ := strings.Cut(m.name, "/")
		parts[part]++
		text, err := m.applied(filepath.Join(root, filepath.FromSlash(m.file)))
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), m.file, text, parser.SkipObjectResolution); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		if !named(t, m) {
			t.Errorf("%s: %s names no test of %s", m.name, m.tests, m.folder())
		}
	}
	if len(names) < 24 {
		t.Errorf("%d defects, want 24 at least", len(names))
	}
	for _, part := range []string{"cache", "anilibria", "catalog", "eventlog", "lease", "realtime", "users", "sync"} {
		if parts[part] < 2 {
			t.Errorf("%d defects of %s, want two at least", parts[part], part)
		}
	}
}

// named tells whether every alternative of the pattern names a test of the package.
func named(t *testing.T, m mutant) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, m.folder(), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all += string(b)
	}
	for _, one := range strings.Split(strings.Trim(m.tests, "^$()"), "|") {
		if !regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(one)).MatchString(all) {
			return false
		}
	}
	return true
}

// TestWhatAnExperimentSays: caught, alive, or nothing at all, on a module of its own.
func TestWhatAnExperimentSays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":    "module m\n\ngo 1.26\n",
		"m.go":      "package m\n\nfunc Add(a, b int) int { return a + b }\n",
		"m_test.go": "package m\n\nimport \"testing\"\n\nfunc TestAdd(t *testing.T) {\n\tt.Run(\"one\", func(t *testing.T) {\n\t\tif Add(1, 2) != 3 {\n\t\t\tt.Error()\n\t\t}\n\t})\n}\n\nfunc TestNothing(t *testing.T) {}\n\nfunc TestWrong(t *testing.T) { t.Error() }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := newLab(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	for name, c := range map[string]struct {
		m    mutant
		by   string
		says string // of the error
	}{
		"caught":              {mutant{old: "a + b", new: "a - b", tests: "^TestAdd$"}, "TestAdd/one", ""},
		"alive":               {mutant{old: "a + b", new: "a - b", tests: "^TestNothing$"}, "", errLives.Error()},
		"no such text":        {mutant{old: "a * b", new: "a - b", tests: "^TestAdd$"}, "", "0 times"},
		"the text twice":      {mutant{old: "a", new: "c", tests: "^TestAdd$"}, "", "times, not once"},
		"does not compile":    {mutant{old: "a + b", new: "a + c", tests: "^TestAdd$"}, "", "does not compile"},
		"no such test":        {mutant{old: "a + b", new: "a - b", tests: "^TestOther$"}, "", "no test named"},
		"fails without it":    {mutant{old: "a + b", new: "a - b", tests: "^TestWrong$"}, "", "fails without the defect"},
		"the file is missing": {mutant{file: "n.go", old: "a", tests: "^TestAdd$"}, "", "no such file"},
	} {
		if c.m.file == "" {
			c.m.file = "m.go"
		}
		by, err := l.try(t.Context(), c.m)
		if by != c.by || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: caught by %q, %v", name, by, err)
		}
		if name == "alive" && !errors.Is(err, errLives) {
			t.Errorf("%v is not errLives", err)
		}
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-list"}, 0, "lease/not-renewed"},
		{[]string{"-list", "-only", "^lease/"}, 0, "lease/not-renewed"},
		{[]string{"-help"}, 0, "-only"},
		{[]string{"-only", "("}, exitWrong, "-only"},
		{[]string{"-only", "nothing like that"}, exitWrong, "no defect"},
		{[]string{"-root", t.TempDir()}, exitWrong, "not the folder of the module"},
	} {
		var out bytes.Buffer
		if code := run(t.Context(), c.args, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%v: %d\n%s", c.args, code, out.String())
		}
		if len(c.args) > 2 && strings.Contains(out.String(), "cache/") {
			t.Errorf("%v: says too much\n%s", c.args, out.String())
		}
	}
}
