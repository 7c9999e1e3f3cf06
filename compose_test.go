package main

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

// composeFile is what the tests look at.
type composeFile struct {
	Services map[string]composeService
	Networks map[string]struct{ Internal bool }
}

type composeService struct {
	Image       string
	Environment map[string]string
	Ports       []string
	Networks    any // a list of names, or addresses by name
	Restart     string
	Grace       string `yaml:"stop_grace_period"`
	Memory      string `yaml:"mem_limit"`
	CPUs        string
}

func (s composeService) networks() []string {
	if m, ok := s.Networks.(map[string]any); ok {
		return slices.Collect(maps.Keys(m))
	}
	var all []string
	list, _ := s.Networks.([]any)
	for _, n := range list {
		name, _ := n.(string)
		all = append(all, name)
	}
	return all
}

// readCompose fills variables in as docker compose would from .env.example and what is to
// be added to it.
func readCompose(t *testing.T, dir string, added map[string]string) composeFile {
	t.Helper()
	example, err := os.ReadFile(filepath.Join(dir, ".env.example"))
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{}
	for line := range strings.Lines(string(example)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			vars[name] = value
			if secret := strings.Contains(name, "SECRET") || strings.Contains(name, "PASSWORD"); secret && value != "" {
				t.Errorf("%s/.env.example has a value for %s", dir, name)
			}
		}
	}
	maps.Copy(vars, added)
	text, err := os.ReadFile(filepath.Join(dir, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	filled := regexp.MustCompile(`\$\{(\w+):([-?])([^}]*)\}`).ReplaceAllStringFunc(string(text), func(s string) string {
		m := regexp.MustCompile(`\$\{(\w+):([-?])([^}]*)\}`).FindStringSubmatch(s)
		value, known := vars[m[1]]
		if !known {
			t.Errorf("%s/.env.example does not tell of %s", dir, m[1])
		}
		if value == "" && m[2] == "-" {
			return m[3]
		}
		return value
	})
	var c composeFile
	if err := yaml.Unmarshal([]byte(filled), &c); err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	return c
}

// TestComposeFiles: what they tell AniHub is a valid configuration once the secrets are
// filled in, and none before; they keep the promises of their comments.
func TestComposeFiles(t *testing.T) {
	t.Parallel()
	secrets := map[string]string{"JWT_SECRET": string(userSecret), "INTERNAL_JWT_SECRET": string(internalSecret)}
	environ := func(s composeService) (all []string) {
		for name, value := range s.Environment {
			all = append(all, name+"="+value)
		}
		return all
	}
	pinned := regexp.MustCompile(`^[\w./-]+:v?\d+\.\d+(\.\d+)?(-alpine)?$`)
	for dir, instances := range map[string]int{"deploy/single": 1, "deploy/fleet": 3} {
		empty, filled := readCompose(t, dir, nil), readCompose(t, dir, secrets)
		for name, s := range filled.Services {
			if s.Restart != "unless-stopped" || s.Memory == "" || s.CPUs == "" {
				t.Errorf("%s: %s has no limits or is not started again: %+v", dir, name, s)
			}
			if ours := strings.HasPrefix(s.Image, "anihub:"); !ours && !pinned.MatchString(s.Image) {
				t.Errorf("%s: the image of %s is not pinned: %s", dir, name, s.Image)
			} else if !ours {
				continue
			}
			instances--
			cfg, err := loadValid(terminal{environ: environ(s), out: io.Discard, err: io.Discard}, "")
			if err != nil {
				t.Errorf("%s: %s: %v", dir, name, err)
			}
			if _, err := loadValid(terminal{environ: environ(empty.Services[name])}, ""); err == nil {
				t.Errorf("%s: %s starts without secrets", dir, name)
			}
			if grace, err := time.ParseDuration(s.Grace); err != nil || grace <= shutdownTime || cfg.Platform.Environment != "production" {
				t.Errorf("%s: %s: %s, ends within %s", dir, name, cfg.Platform.Environment, s.Grace)
			}
		}
		if instances != 0 {
			t.Errorf("%s: %d instances are missing", dir, instances)
		}
	}
}

// TestTheNetworksOfTheFleet: of the outside only nginx can be reached, the instances believe
// it and nobody else, and what is internal is bound to the network that has no way out.
func TestTheNetworksOfTheFleet(t *testing.T) {
	t.Parallel()
	fleet := readCompose(t, "deploy/fleet", nil)
	if !fleet.Networks["internal"].Internal || fleet.Networks["public"].Internal {
		t.Errorf("networks %+v", fleet.Networks)
	}
	scraped := readYAML[struct {
		Jobs []struct {
			Static []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}](t, "deploy/prometheus/prometheus.yml").Jobs[0].Static[0].Targets
	address := func(s composeService) string {
		in, _ := s.Networks.(map[string]any)
		at, _ := in["internal"].(map[string]any)
		ip, _ := at["ipv4_address"].(string)
		return ip
	}
	nginx := address(fleet.Services["nginx"])
	for name, s := range fleet.Services {
		if reachable := slices.Contains(s.networks(), "public") || len(s.Ports) > 0; reachable != (name == "nginx") {
			t.Errorf("%s can be reached from outside: %v", name, reachable)
		}
		if !slices.Contains(s.networks(), "internal") {
			t.Errorf("%s is not on the internal network", name)
		}
		if !strings.HasPrefix(s.Image, "anihub:") {
			continue
		}
		e := s.Environment
		if at := address(s); e["ANIHUB_WEB_ADDR"] != at+":8080" || e["ANIHUB_MODULES_ADDR"] != at+":8081" || e["ANIHUB_WEB_TRUSTED_PROXIES"] != nginx+"/32" {
			t.Errorf("%s at %s behind %s: %v", name, at, nginx, e)
		}
		if !slices.Contains(scraped, name+":8081") {
			t.Errorf("Prometheus does not look at %s: %v", name, scraped)
		}
	}
}
