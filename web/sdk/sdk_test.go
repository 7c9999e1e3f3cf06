package sdk_test

import (
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"anihub/web/sdk"
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

// TestTheModuleStandsAlone: nothing is imported, and exported is what the types have.
func TestTheModuleStandsAlone(t *testing.T) {
	t.Parallel()
	client, err := sdk.New()
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	request := httptest.NewRequest("GET", "/sdk/anihub.js", nil)
	if err := client.ServeModule(echo.New().NewContext(request, answer)); err != nil {
		t.Fatal(err)
	}
	code := answer.Body.String()
	if m := regexp.MustCompile(`(?m)^\s*import\b.*|\brequire\(`).FindString(code); m != "" {
		t.Errorf("it imports: %s", m)
	}
	exported := regexp.MustCompile(`(?m)^export (class \w+)`)
	if got, want := exported.FindAllString(code, -1), exported.FindAllString(read(t, "anihub.d.ts"), -1); !slices.Equal(got, want) {
		t.Errorf("it exports %q, the types say %q", got, want)
	}
	for _, part := range []string{"class SocketLine ", "class StreamLine ", "class Listeners "} {
		if strings.Count(code, "\n"+part) != 1 {
			t.Errorf("%q is not in it once", part)
		}
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
