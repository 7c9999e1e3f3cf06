package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"anihub/platform/config"
)

var update = flag.Bool("update", false, "write docs/configuration.md's table")

// The table of docs/configuration.md stands between these two lines.
const (
	tableBegin = "<!-- table: begin -->\n"
	tableEnd   = "<!-- table: end -->\n"
)

// TestConfigurationDocument keeps docs/configuration.md equal to the code: every
// key, its environment name and its default.
func TestConfigurationDocument(t *testing.T) {
	t.Parallel()
	const file = "docs/configuration.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := strings.Cut(string(text), tableBegin)
	table, foot, ok2 := strings.Cut(rest, tableEnd)
	if !ok1 || !ok2 {
		t.Fatalf("%s has lost the marks of its table", file)
	}
	want := configurationTable(t)
	if *update {
		if err := os.WriteFile(file, []byte(head+tableBegin+want+tableEnd+foot), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != want {
		t.Errorf("%s is not the code's configuration; go test . -run %s -update writes it", file, t.Name())
	}
}

func configurationTable(t *testing.T) string {
	t.Helper()
	s := defaults()
	all, err := config.Describe(&s)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString("| key | environment | default |\n|---|---|---|\n")
	for _, k := range all {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", k.Path, config.EnvName(k.Path), inCode(k.Default))
	}
	return b.String()
}

func inCode(s string) string {
	if s == "" {
		return "—"
	}
	return "`" + s + "`"
}

// TestTheExampleIsTheDefault: config.yaml shows what holds without it.
func TestTheExampleIsTheDefault(t *testing.T) {
	t.Parallel()
	s, err := load(terminal{}, "config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var got, want bytes.Buffer
	d := defaults()
	if err := config.Print(&got, &s); err != nil {
		t.Fatal(err)
	}
	if err := config.Print(&want, &d); err != nil {
		t.Fatal(err)
	}
	if got.String() != want.String() {
		t.Errorf("config.yaml changes the defaults:\n%s\nwant\n%s", got.String(), want.String())
	}
}
