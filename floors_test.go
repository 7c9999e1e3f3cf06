package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pack is a package as go list tells it: what it imports without its tests.
type pack struct {
	ImportPath string
	Imports    []string
}

// rule is one rule of the house: it names every import that breaks it.
type rule struct {
	name  string
	check func(from, to string) bool // true: this import is forbidden
}

const house = "anihub/"

// rules are the floor plan (docs/adr/0001). Imports go down; doors are pure; rooms
// meet through doors; inspectors stay in tests; landings are main's.
func rules() []rule {
	return []rule{
		{"the ground floor knows no module and no page", func(from, to string) bool {
			return in(from, "platform") && (in(to, "modules") || in(to, "web"))
		}},
		{"modules know no page", func(from, to string) bool {
			return in(from, "modules") && in(to, "web")
		}},
		{"only main opens landings", func(from, to string) bool {
			return from != "anihub" && slices.Contains([]string{"anihub/platform", "anihub/modules", "anihub/web"}, to)
		}},
		{"a door imports the standard library and fault", func(from, to string) bool {
			return isDoor(from) && strings.Contains(to, ".") || isDoor(from) && ours(to) && to != "anihub/platform/fault"
		}},
		{"a room enters other modules through doors", func(from, to string) bool {
			return suffix(from, "svc") && in(to, "modules") && !isDoor(to)
		}},
		{"a corridor knows its own door and rpc", func(from, to string) bool {
			return suffix(from, "http") && ours(to) && to != doorOf(from) &&
				to != "anihub/platform/rpc" && to != "anihub/platform/fault"
		}},
		{"an inspector stays in tests", func(from, to string) bool {
			return suffix(to, "test") && in(to, "modules") && !suffix(from, "test")
		}},
		{"the top floor sees doors and the faces of the ground floor", func(from, to string) bool {
			return in(from, "web") && ours(to) && !in(to, "web") && !isDoor(to) && !slices.Contains(faces(), to)
		}},
		{"ground packages stand apart", func(from, to string) bool {
			return in(from, "platform") && in(to, "platform") && !drawn(from, to)
		}},
	}
}

// faces are what the top floor may know of the ground floor.
func faces() []string {
	return []string{
		"anihub/platform/fault", "anihub/platform/auth", "anihub/platform/telemetry",
		"anihub/platform/cache", "anihub/platform/audit",
	}
}

// drawn are the edges between ground packages that the plan draws. fault and config
// are leaves that everybody may use; a package's own children are its own.
func drawn(from, to string) bool {
	if to == "anihub/platform/fault" || to == "anihub/platform/config" {
		return true
	}
	from, to = groundPackage(from), groundPackage(to)
	edges := map[string][]string{
		"audit":    {"documents"},
		"cache":    {"documents", "eventlog", "redisdb"},
		"eventlog": {"documents"},
		"rpc":      {"auth", "telemetry"},
	}
	return from == to || slices.Contains(edges[from], to)
}

func groundPackage(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "anihub/platform/"), "/")
	return name
}

func ours(path string) bool { return path == "anihub" || strings.HasPrefix(path, house) }

func in(path, floor string) bool {
	return path == house+floor || strings.HasPrefix(path, house+floor+"/")
}

// isDoor: anihub/modules/<m>, nothing below.
func isDoor(path string) bool {
	return in(path, "modules") && strings.Count(path, "/") == 2
}

func doorOf(path string) string {
	parts := strings.SplitN(path, "/", 4)
	return strings.Join(parts[:min(3, len(parts))], "/")
}

func suffix(path, end string) bool {
	return in(path, "modules") && strings.Count(path, "/") == 3 && strings.HasSuffix(path, end)
}

// broken names what breaks the rules.
func broken(all []pack) []string {
	var out []string
	for _, p := range all {
		// main and the landings may see everything below them.
		landing := slices.Contains([]string{"anihub", "anihub/platform", "anihub/modules", "anihub/test"}, p.ImportPath)
		for _, to := range p.Imports {
			for _, r := range rules() {
				if !landing && r.check(p.ImportPath, to) {
					out = append(out, fmt.Sprintf("%s: %s imports %s", r.name, p.ImportPath, to))
				}
			}
		}
	}
	return out
}

func TestFloors(t *testing.T) {
	t.Parallel()
	all := packages(t)
	if len(all) < 20 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	for _, b := range broken(all) {
		t.Error(b)
	}
}

func packages(t *testing.T) []pack {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pack
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pack
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// TestFloorsCatch breaks each rule once.
func TestFloorsCatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rule, from, to string }{
		{"the ground floor knows no module and no page", "anihub/platform/cache", "anihub/modules/catalog"},
		{"modules know no page", "anihub/modules/users/userssvc", "anihub/web/api"},
		{"only main opens landings", "anihub/web/api", "anihub/modules"},
		{"a door imports the standard library and fault", "anihub/modules/catalog", "anihub/platform/documents"},
		{"a door imports the standard library and fault", "anihub/modules/catalog", "github.com/redis/go-redis/v9"},
		{"a room enters other modules through doors", "anihub/modules/sync/syncersvc", "anihub/modules/catalog/catalogsvc"},
		{"a corridor knows its own door and rpc", "anihub/modules/sync/syncerhttp", "anihub/modules/catalog"},
		{"an inspector stays in tests", "anihub/modules/users/userssvc", "anihub/modules/users/userstest"},
		{"the top floor sees doors and the faces of the ground floor", "anihub/web/api", "anihub/modules/users/userssvc"},
		{"the top floor sees doors and the faces of the ground floor", "anihub/web/api", "anihub/platform/documents"},
		{"ground packages stand apart", "anihub/platform/auth", "anihub/platform/documents"},
	} {
		got := broken([]pack{{c.from, []string{c.to}}})
		want := fmt.Sprintf("%s: %s imports %s", c.rule, c.from, c.to)
		if !slices.Contains(got, want) {
			t.Errorf("%s imports %s: caught %q, want %q", c.from, c.to, got, want)
		}
	}
}

// TestFloorsAllow keeps the rules from forbidding the plan itself.
func TestFloorsAllow(t *testing.T) {
	t.Parallel()
	for _, c := range []pack{
		{"anihub/modules/catalog", []string{"context", "time", "anihub/platform/fault"}},
		{"anihub/modules/sync/syncersvc", []string{"anihub/modules/catalog", "anihub/platform/anilibria", "anihub/platform/lease"}},
		{"anihub/modules/users/usershttp", []string{"anihub/modules/users", "anihub/platform/rpc"}},
		{"anihub/web/api", []string{"anihub/modules/catalog", "anihub/platform/auth", "anihub/web/envelope"}},
		{"anihub/platform/rpc", []string{"anihub/platform/auth", "anihub/platform/telemetry", "anihub/platform/fault"}},
	} {
		if got := broken([]pack{c}); len(got) > 0 {
			t.Errorf("the plan is forbidden: %q", got)
		}
	}
}
