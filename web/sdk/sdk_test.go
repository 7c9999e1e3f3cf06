package sdk_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheDocumentationHasTheExamples as they are tested and compiled.
func TestTheDocumentationHasTheExamples(t *testing.T) {
	t.Parallel()
	docs := read(t, "../../docs/realtime.md")
	for _, name := range []string{"example.html", "example.mjs", "example.ts"} {
		if example := strings.TrimSpace(read(t, name)); !strings.Contains(docs, "\n"+example+"\n```\n") {
			t.Errorf("docs/realtime.md has not %s as it is", name)
		}
	}
}

// TestTheDocumentationNamesEverything that the types have.
func TestTheDocumentationNamesEverything(t *testing.T) {
	t.Parallel()
	docs, types := read(t, "../../docs/realtime.md"), read(t, "anihub.d.ts")
	for _, block := range []string{"export interface Options {", "export interface Listeners {", "export class AniHub {"} {
		_, rest, found := strings.Cut(types, block)
		if !found {
			t.Fatalf("the types have no %q", block)
		}
		body, _, _ := strings.Cut(rest, "\n}")
		for _, m := range regexp.MustCompile(`(?m)^  (?:readonly )?(\w+)[?:(<]`).FindAllStringSubmatch(body, -1) {
			if m[1] != "constructor" && !regexp.MustCompile("`"+m[1]+`\b`).MatchString(docs) {
				t.Errorf("docs/realtime.md does not know %s of %q", m[1], block)
			}
		}
	}
}

// TestTheModuleStandsAlone: nothing is imported, nothing is built.
func TestTheModuleStandsAlone(t *testing.T) {
	t.Parallel()
	code := read(t, "anihub.js")
	if m := regexp.MustCompile(`(?m)^\s*import\b.*|\brequire\(`).FindString(code); m != "" {
		t.Errorf("it imports: %s", m)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
