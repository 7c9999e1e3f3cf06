package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/platform/config"
)

// Inner is exported because an embedded field must be settable.
type Inner struct {
	TTL   time.Duration `yaml:"ttl"`
	Names []string      `yaml:"names"`
}

type settings struct {
	Cache struct {
		L1    Inner   `yaml:"l1"`
		Ratio float64 `yaml:"ratio"`
	} `yaml:"cache"`
	Mixed struct {
		URL   string `yaml:"url"`
		Inner `yaml:",inline"`
	} `yaml:"mixed"`
	Secret config.Secret `yaml:"secret"`
	Port   int           `yaml:"port"`
	On     bool          `yaml:"on"`
	Word   string        `yaml:"word"`
}

func defaults() settings {
	s := settings{Port: 80, Word: "default"}
	s.Cache.L1.TTL = time.Minute
	s.Cache.L1.Names = []string{"a"}
	return s
}

func load(t *testing.T, yaml string, environ ...string) (settings, error) {
	t.Helper()
	s := defaults()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	err := config.Load(&s, config.Sources{File: file, Environ: environ, Aliases: map[string]string{"PORT": "port"}})
	return s, err
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	got, err := load(t, "cache:\n  l1:\n    ttl: 5m\n    names: [x, y]\nport: 81\nmixed: {url: u, ttl: 3s}\n",
		"ANIHUB_PORT=83", "PORT=82", "ANIHUB_CACHE_L1_NAMES= p , q,", "ANIHUB_ON=true", "HOME=/root", "ANIHUB_TEST_REQUIRE=all")
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	want.Cache.L1 = Inner{TTL: 5 * time.Minute, Names: []string{"p", "q"}}
	want.Mixed.URL, want.Mixed.TTL = "u", 3*time.Second
	want.Port, want.On = 83, true
	if diff := cmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got)); diff != "" {
		t.Error(diff)
	}
}

func TestAliasYieldsToTheExactName(t *testing.T) {
	t.Parallel()
	got, err := load(t, "port: 1\n", "PORT=2")
	if err != nil || got.Port != 2 {
		t.Errorf("port = %d, %v; an alias is stronger than the file", got.Port, err)
	}
}

func TestNothingSetKeepsDefaults(t *testing.T) {
	t.Parallel()
	for _, yaml := range []string{"", "# nothing\n", "cache:\n", "cache:\n  l1:\n", "---\n"} {
		got, err := load(t, yaml)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(defaults()) {
			t.Errorf("%q: %v, %v", yaml, got, err)
		}
	}
}

func TestErrorsNameWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, yaml, env string
		want            []string
	}{
		{"unknown key", "port: 1\ncache:\n  l1:\n    tll: 5m\n", "", []string{":4:", "unknown key cache.l1.tll", "did you mean cache.l1.ttl?"}},
		{"unknown section", "cahce:\n  l1: {}\n", "", []string{":1:", "unknown key cahce", "did you mean cache?"}},
		{"right name, wrong place", "ratio: 1\n", "", []string{"unknown key ratio", "cache.ratio"}},
		{"nothing near", "zzzzzzzzzz: 1\n", "", []string{"unknown key zzzzzzzzzz"}},
		{"bad duration", "cache:\n  l1:\n    ttl: soon\n", "", []string{":3:", "cache.l1.ttl", `"soon"`, "a duration like 30s"}},
		{"duration without unit", "cache: {l1: {ttl: 5}}\n", "", []string{"cache.l1.ttl", `"5"`, "a duration"}},
		{"bad number", "port: many\n", "", []string{"port", `"many"`, "a whole number"}},
		{"fraction", "port: 1.5\n", "", []string{"port", "a whole number"}},
		{"bad bool", "on: perhaps\n", "", []string{"on", "true or false"}},
		{"section as value", "cache: 5\n", "", []string{":1:", "cache must be a section"}},
		{"value as section", "port: {a: 1}\n", "", []string{"port", "a whole number"}},
		{"list of sections", "cache: {l1: {names: [{a: 1}]}}\n", "", []string{"cache.l1.names", "a list"}},
		{"given twice", "port: 1\nport: 2\n", "", []string{"port"}},
		{"two documents", "port: 1\n---\nport: 2\n", "", []string{"more than one YAML document"}},
		{"not YAML", "port: [1\n", "", []string{"config.yaml"}},
		{"the file is a list", "- a\n", "", []string{"the file must be a section"}},
		{"unknown environment", "", "ANIHUB_CACHE_L1_TTLL=5m", []string{"ANIHUB_CACHE_L1_TTLL", "did you mean ANIHUB_CACHE_L1_TTL?"}},
		{"bad environment", "", "ANIHUB_PORT=x", []string{"ANIHUB_PORT (port)", `"x"`, "a whole number"}},
		{"bad alias", "", "PORT=x", []string{"PORT (port)", "a whole number"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, c.yaml, c.env)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
		})
	}
}

func TestAllErrorsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := load(t, "port: x\non: y\n", "ANIHUB_NOPE=1")
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three lines, got %v", err)
	}
}

func TestMissingFile(t *testing.T) {
	t.Parallel()
	s := defaults()
	if err := config.Load(&s, config.Sources{File: "/nonexistent/c.yaml"}); err == nil {
		t.Error("a named file that is not there must be an error")
	}
	if err := config.Load(&s, config.Sources{File: "/nonexistent/c.yaml", Optional: true}); err != nil {
		t.Errorf("an optional one must not: %v", err)
	}
}

func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	const text = "correct-horse-battery-staple"
	s := defaults()
	s.Secret = text
	var printed bytes.Buffer
	if err := config.Print(&printed, &s); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(s.Secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{printed.String(), string(encoded), fmt.Sprint(s.Secret), fmt.Sprintf("%v %+v %#v %s %q", s, s, s.Secret, s.Secret, s.Secret)} {
		if strings.Contains(shown, text) {
			t.Errorf("the secret shows: %s", shown)
		}
	}
	if !strings.Contains(printed.String(), "secret: '***'") && !strings.Contains(printed.String(), `secret: "***"`) && !strings.Contains(printed.String(), "secret: ***") {
		t.Errorf("printed without a mask:\n%s", printed.String())
	}
	if s.Secret.Reveal() != text {
		t.Error("Reveal does not")
	}
}

func TestPrintCanBeReadBack(t *testing.T) {
	t.Parallel()
	s := defaults()
	s.Mixed.URL, s.Mixed.TTL = "http://x", time.Hour
	var printed bytes.Buffer
	if err := config.Print(&printed, &s); err != nil {
		t.Fatal(err)
	}
	got, err := load(t, printed.String())
	if err != nil || fmt.Sprint(got) != fmt.Sprint(s) {
		t.Errorf("%v, %v from\n%s", got, err, printed.String())
	}
}

func TestUnder(t *testing.T) {
	t.Parallel()
	if config.Under("a", nil) != nil {
		t.Error("nil must stay nil")
	}
	err := config.Under("a", config.Under("b", fmt.Errorf("x: bad\ny: bad")))
	if want := "a.b.x: bad\na.b.y: bad"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"port: 1", "cache: {l1: {ttl: 5m}}", "a: &x [*x]", "? ? ?", "\x00", "port: !!int x", "<<: {port: 1}", "- - -", strings.Repeat("[", 500)} {
		f.Add(seed, "ANIHUB_PORT=1")
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, yaml, env string) {
		file := filepath.Join(dir, "f.yaml")
		if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		s := defaults()
		err := config.Load(&s, config.Sources{File: file, Environ: []string{env}})
		if err != nil && len(err.Error()) > 1<<16 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	})
}
