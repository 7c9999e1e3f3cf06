package config

import (
	"maps"
	"slices"
	"strings"
)

// EnvName is the environment's name of a path.
func EnvName(path string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// loadEnvironment applies aliases first, so that the exact name wins over a
// general one such as PORT.
func loadEnvironment(t *tree, s Sources) error {
	names := map[string]string{}
	for _, path := range t.order {
		names[EnvName(path)] = path
	}
	values := map[string]string{}
	for _, pair := range s.Environ {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	var bad problems
	for _, name := range slices.Sorted(maps.Keys(s.Aliases)) {
		if value, ok := values[name]; ok && value != "" {
			bad.add(t.setFrom(name, s.Aliases[name], value))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !strings.HasPrefix(name, Prefix) || reserved(name) {
			continue
		}
		path, known := names[name]
		if !known {
			bad.addf("environment: unknown name %s%s", clip(name), nearestName(names, name))
			continue
		}
		bad.add(t.setFrom(name, path, values[name]))
	}
	return bad.err()
}

// reserved are names with our prefix that steer the tests, not the product.
func reserved(name string) bool { return strings.HasPrefix(name, Prefix+"TEST_") }

func (t *tree) setFrom(name, path, value string) error {
	leaf, ok := t.leaf[path]
	if !ok {
		return nil // an alias of a part that this tree does not have
	}
	if err := set(leaf, value); err != nil {
		var bad problems
		bad.addf("environment: %s (%s): %s is not accepted; want %s", name, path, quote(leaf, value), expected(leaf.Type()))
		return bad.err()
	}
	return nil
}
