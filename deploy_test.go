package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v4"
)

// ruleFile is deploy/prometheus/rules.yml as far as the tests look at it.
type ruleFile struct {
	Groups []struct {
		Rules []struct {
			Alert, Expr         string
			Labels, Annotations map[string]string
		}
	}
}

// readYAML reads one of our files; keys that nobody asks for are passed over.
func readYAML[T any](t *testing.T, path string) T {
	t.Helper()
	var v T
	b, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(b, &v)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

// family is a metric as the registry describes it, whether it has a series yet or not.
type family struct {
	labels    []string
	histogram bool // as far as it has a series
}

var described = regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{([^}]*)\}`)

// families are the metrics of a whole process that has been used.
func families(t *testing.T) map[string]family {
	t.Helper()
	s := newSite(t, []string{"all"})
	s.ready(t)
	reg := s.registry
	descriptions := make(chan *prometheus.Desc)
	go func() { reg.Describe(descriptions); close(descriptions) }()
	all := map[string]family{}
	for d := range descriptions {
		m := described.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("cannot read %s", d)
		}
		all[m[1]] = family{labels: strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' || r == ' ' })}
	}
	gathered, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range gathered {
		f := all[g.GetName()]
		f.histogram = g.GetType().String() == "HISTOGRAM"
		all[g.GetName()] = f
	}
	if len(all) < 50 {
		t.Fatalf("the process describes only %d metrics", len(all))
	}
	return all
}

// query is what an expression of PromQL speaks of.
type query struct {
	metrics []string
	labels  []string            // in matchers and groupings
	values  map[string][]string // what matchers compare labels with, where it is plain words
}

var promQL = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[a-zA-Z_:][\w:]*|\d[\w.]*|=~|!~|!=|==|[{}(),=]|\S`)

// queryOf takes an expression apart as far as the names go.
func queryOf(expr string) query {
	q := query{values: map[string][]string{}}
	tokens := append(promQL.FindAllString(expr, -1), "", "")
	word := regexp.MustCompile(`^[a-zA-Z_]`)
	grouping := func(s string) bool { return s == "by" || s == "without" || s == "on" || s == "ignoring" }
	inBraces, inGroup := false, false
	for i, tok := range tokens[:len(tokens)-2] {
		next := tokens[i+1]
		switch {
		case tok == "{" || tok == "}":
			inBraces = tok == "{"
		case tok == ")":
			inGroup = false
		case inBraces && word.MatchString(tok):
			q.labels = append(q.labels, tok)
			if plain := strings.Trim(tokens[i+2], `"`); !strings.ContainsAny(plain, `.*$/[`) {
				q.values[tok] = append(q.values[tok], strings.Split(plain, "|")...)
			}
		case grouping(tok):
			inGroup = true
		case inGroup && word.MatchString(tok):
			q.labels = append(q.labels, tok)
		case word.MatchString(tok) && next != "(" && !slices.Contains([]string{"and", "or", "unless", "bool", "offset"}, tok) && !grouping(next):
			q.metrics = append(q.metrics, tok)
		}
	}
	return q
}

func TestQueryOf(t *testing.T) {
	t.Parallel()
	q := queryOf(`sum by (le, route) (rate(a_bucket{job="anihub", status=~"x|y", route!~".*/ws"}[5m])) / b > 0.5 unless max(c) == 1e3`)
	if !slices.Equal(q.metrics, []string{"a_bucket", "b", "c"}) || !slices.Equal(q.labels, []string{"le", "route", "job", "status", "route"}) ||
		!slices.Equal(q.values["status"], []string{"x", "y"}) || q.values["route"] != nil {
		t.Errorf("%+v", q)
	}
}

// expressions are all of the rules and of the dashboard, by where they stand.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, g := range readYAML[ruleFile](t, "deploy/prometheus/rules.yml").Groups {
		for _, r := range g.Rules {
			all[r.Alert] = r.Expr
		}
	}
	b, err := os.ReadFile("deploy/grafana/dashboards/anihub.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ RefID, Expr string }
		}
	}
	if err := json.Unmarshal(b, &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			all["panel "+p.Title+" "+target.RefID] = target.Expr
		}
	}
	if len(all) < 40 {
		t.Fatalf("only %d expressions", len(all))
	}
	return all
}

// TestWhatIsWatchedExists: rules, dashboard and documents name no metric, and no label of
// one, that the process does not have, and compare labels with words that it writes.
func TestWhatIsWatchedExists(t *testing.T) {
	t.Parallel()
	known, written := families(t), sourceText(t)
	inDocuments := metricsOfDocuments(t, known)
	known["up"] = family{} // Prometheus's own
	for where, expr := range expressions(t) {
		q := queryOf(expr)
		allowed := []string{"job", "instance"}
		for _, name := range q.metrics {
			base, bucket := strings.CutSuffix(name, "_bucket")
			f, ok := known[base]
			if !ok || bucket != f.histogram {
				t.Errorf("%s: there is no metric %s", where, name)
			}
			allowed = append(allowed, f.labels...)
			if bucket {
				allowed = append(allowed, "le")
			}
		}
		for _, label := range q.labels {
			if !slices.Contains(allowed, label) {
				t.Errorf("%s: %v have no label %s", where, q.metrics, label)
			}
		}
		for label, values := range q.values {
			for _, value := range values {
				if label != "job" && !strings.Contains(written, `"`+value+`"`) {
					t.Errorf("%s: nothing writes %s=%q", where, label, value)
				}
			}
		}
	}
	collections := names(slices.Concat(kept(), leftOut())) // are written alike
	for name, where := range inDocuments {
		if _, ok := known[name]; !ok && !slices.Contains(collections, name) {
			t.Errorf("%s: there is no metric %s", where, name)
		}
	}
}

// sourceText is all that the process is made of.
func sourceText(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == "test" || path == filepath.Join("web", "app")):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		b.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// metricsOfDocuments are the names in code type that begin like a metric.
func metricsOfDocuments(t *testing.T, known map[string]family) map[string]string {
	t.Helper()
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var first []string
	for name := range known {
		head, _, _ := strings.Cut(name, "_")
		first = append(first, head)
	}
	no := []string{"upstream_down", "websocket_url", "lease_ttl"} // a reason and two keys
	quoted := regexp.MustCompile("`([a-z]+)(_[a-z0-9_]+)(\\{[^`]*\\})?`")
	all := map[string]string{}
	for _, file := range append(files, "README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
			if slices.Contains(first, m[1]) && !slices.Contains(no, m[1]+m[2]) {
				all[m[1]+m[2]] = file
			}
		}
	}
	if len(all) < 20 {
		t.Fatalf("the documents name only %d metrics", len(all))
	}
	return all
}

// TestEveryAlertIsTriedAndExplained: a test in which it sounds, one in which it does not,
// and a place in the document, which names no other.
func TestEveryAlertIsTriedAndExplained(t *testing.T) {
	t.Parallel()
	const doc = "docs/deploy.md"
	tests := readYAML[struct {
		Tests []struct {
			Alerts []struct {
				Name     string `yaml:"alertname"`
				Expected []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}](t, "deploy/prometheus/rules_test.yml")
	sounds, silent := map[string]bool{}, map[string]bool{}
	for _, test := range tests.Tests {
		for _, a := range test.Alerts {
			sounds[a.Name] = sounds[a.Name] || len(a.Expected) > 0
			silent[a.Name] = silent[a.Name] || len(a.Expected) == 0
		}
	}
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]bool{}
	for _, m := range regexp.MustCompile(`<a id="(\w+)"></a>(\w+)`).FindAllStringSubmatch(string(text), -1) {
		explained[m[2]] = m[1] == strings.ToLower(m[2])
	}
	for _, g := range readYAML[ruleFile](t, "deploy/prometheus/rules.yml").Groups {
		for _, r := range g.Rules {
			if !sounds[r.Alert] || !silent[r.Alert] {
				t.Errorf("%s: tried that it sounds: %v, that it does not: %v", r.Alert, sounds[r.Alert], silent[r.Alert])
			}
			if !explained[r.Alert] || r.Annotations["runbook"] != doc+"#"+strings.ToLower(r.Alert) {
				t.Errorf("%s: %s does not explain it where %q leads", r.Alert, doc, r.Annotations["runbook"])
			}
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" || !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) {
				t.Errorf("%s: says too little: %v %v", r.Alert, r.Labels, r.Annotations)
			}
			delete(explained, r.Alert)
		}
	}
	for name := range explained {
		t.Errorf("%s explains %s, which is no alert", doc, name)
	}
	text, err = os.ReadFile("deploy/alertmanager/alertmanager.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range alertsNamedIn(string(text)) {
		if !sounds[name] {
			t.Errorf("alertmanager.yml speaks of %s, which is no alert", name)
		}
	}
}

// alertsNamedIn are the names in matchers, also of the form AniHub(One|Other).
func alertsNamedIn(text string) (all []string) {
	for _, m := range regexp.MustCompile(`"AniHub(?:\(([\w|]+)\)|(\w+))"`).FindAllStringSubmatch(text, -1) {
		for name := range strings.SplitSeq(m[1]+m[2], "|") {
			all = append(all, "AniHub"+name)
		}
	}
	return all
}

// TestTheFilesOfPrometheus: its own programs find nothing wrong with them, and the alerts
// sound when they should.
func TestTheFilesOfPrometheus(t *testing.T) {
	t.Parallel()
	for _, c := range [][]string{
		{"promtool", "check", "config", "deploy/prometheus/prometheus.yml"},
		{"promtool", "check", "rules", "--lint=all", "--lint-fatal", "deploy/prometheus/rules.yml"},
		{"promtool", "test", "rules", "deploy/prometheus/rules_test.yml"},
		{"amtool", "check-config", "deploy/alertmanager/alertmanager.yml"},
	} {
		t.Run(strings.Join(c[:3], " "), func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath(c[0])
			switch {
			case err != nil && os.Getenv("ANIHUB_TEST_REQUIRE") == "all":
				t.Fatal(c[0] + " is required (ANIHUB_TEST_REQUIRE=all) and not installed")
			case err != nil:
				t.Skip("SKIPPED: " + c[0] + " is not installed")
			}
			if out, err := exec.CommandContext(t.Context(), program, c[1:]...).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestWhoIsTold holds the routes of alerts: everything to Slack, what is critical also by
// mail.
func TestWhoIsTold(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("amtool")
	switch {
	case err != nil && os.Getenv("ANIHUB_TEST_REQUIRE") == "all":
		t.Fatal("amtool is required (ANIHUB_TEST_REQUIRE=all) and not installed")
	case err != nil:
		t.Skip("SKIPPED: amtool is not installed")
	}
	for severity, want := range map[string]string{"warning": "slack", "critical": "slack-and-mail"} {
		out, err := exec.CommandContext(t.Context(), program, "config", "routes", "test",
			"--config.file=deploy/alertmanager/alertmanager.yml", "--verify.receivers="+want, "severity="+severity).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", severity, err, out)
		}
	}
}
