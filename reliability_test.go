package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token" // the command has the name
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// testName is `package.TestName` or `package.TestName/subtest` in the document.
var testName = regexp.MustCompile("`([a-z0-9/]+)\\.((?:Test|Fuzz)\\w+)(?:/([^`]+))?`")

// TestReliabilityDocument: every promise has its row, every row names tests or says that
// something is not shown, and every test that is named exists.
func TestReliabilityDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	tests, subtests := everyTest(t)
	rows := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		names := testName.FindAllStringSubmatch(line, -1)
		for _, n := range names {
			if !tests[n[1]+"."+n[2]] {
				t.Errorf("there is no %s.%s", n[1], n[2])
			}
			if n[3] != "" && !subtests[n[3]] {
				t.Errorf("no test has a subtest %q of %s.%s", n[3], n[1], n[2])
			}
		}
		id := promised.FindStringSubmatch(line)
		if id == nil {
			continue
		}
		if rows[id[1]] {
			t.Errorf("%s comes twice", id[1])
		}
		rows[id[1]] = true
		if len(names) == 0 && !strings.Contains(line, "Not shown") {
			t.Errorf("%s is shown by nothing, and the row does not say so", id[1])
		}
	}
	for kind, n := range map[string]int{"U": 10, "R": 7, "D": 7, "P": 12, "C": 7, "S": 17, "T": 14} {
		for i := range n {
			if id := fmt.Sprint(kind, i+1); !rows[id] {
				t.Errorf("%s is missing", id)
			}
		}
	}
}

var promised = regexp.MustCompile(`^\| ([A-Z]\d+) \|`)

// everyTest is all test functions as package.Name, and all strings that tests and inspectors
// hold, which the names of subtests are among.
func everyTest(t *testing.T) (tests, texts map[string]bool) {
	t.Helper()
	tests, texts = map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			if d != nil && d.IsDir() && err == nil {
				return filepath.SkipDir
			}
			return err
		}
		folder := path.Dir(filepath.ToSlash(file))
		if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, ".go") && strings.HasSuffix(folder, "test") {
			return addTests(file, folder, tests, texts)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests, texts
}

func addTests(file, folder string, tests, texts map[string]bool) error {
	f, err := parser.ParseFile(gotoken.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if folder == "." {
		folder = "anihub"
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasSuffix(file, "_test.go") {
			tests[folder+"."+fn.Name.Name] = true
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == gotoken.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil {
				texts[s] = true
			}
		}
		return true
	})
	return nil
}
