// Package config fills a tree of structs from defaults, a YAML file and the
// environment, and is strict about all three: an unknown key, an unknown name of
// the environment and a bad value are errors that name the path, the place and
// what is accepted.
//
// The tree is the caller's: exported fields with a yaml tag, nested structs for
// nested keys, and leaves of the types string, Secret, bool, int, float64,
// time.Duration and []string. A leaf at platform.cache.l1.ttl is also
// ANIHUB_PLATFORM_CACHE_L1_TTL in the environment; lists are comma-separated there.
package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Prefix of the environment names.
const Prefix = "ANIHUB_"

// Secret is a string that does not print itself: fmt, log/slog, JSON and YAML show
// ***. Reveal is the only way to it.
type Secret string

const masked = "***"

// String is ***, or nothing when there is no secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// GoString keeps %#v from printing it.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalText masks the secret in JSON, slog and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// Sources say where values come from, besides the defaults that are in the tree.
type Sources struct {
	File     string            // YAML file; "" = none
	Optional bool              // a missing File is no error
	Environ  []string          // "NAME=value" pairs, as os.Environ gives
	Aliases  map[string]string // other names of the environment → path
}

// Load fills the tree. The error joins everything that is wrong, one per line;
// tree may be half filled then.
func Load(tree any, s Sources) error {
	all, err := leaves(tree)
	if err != nil {
		return err
	}
	var bad problems
	if s.File != "" {
		bad.add(loadFile(all, s))
	}
	bad.add(loadEnvironment(all, s))
	return bad.err()
}

func loadFile(all *tree, s Sources) error {
	text, err := os.ReadFile(s.File)
	if errors.Is(err, os.ErrNotExist) && s.Optional {
		return nil
	}
	if err != nil {
		return fmt.Errorf("config file: %w", err)
	}
	return parseYAML(all, s.File, text)
}

// problems gathers errors so that an operator sees all of them at once.
type problems []error

func (p *problems) add(err error) {
	if err != nil {
		*p = append(*p, err)
	}
}

func (p *problems) addf(format string, args ...any) { p.add(fmt.Errorf(format, args...)) }

func (p problems) err() error { return errors.Join(p...) }

// Under puts a path in front of an error of a part: Under("cache", err) turns
// "l1.ttl: must be…" into "cache.l1.ttl: must be…", each line of it.
func Under(path string, err error) error {
	if err == nil {
		return nil
	}
	lines := strings.Split(err.Error(), "\n")
	var bad problems
	for _, l := range lines {
		bad.addf("%s.%s", path, l)
	}
	return bad.err()
}
