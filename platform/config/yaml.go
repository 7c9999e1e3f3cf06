package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"

	"go.yaml.in/yaml/v4"
)

// maxFile bounds a configuration file; a real one has a few KiB.
const maxFile = 1 << 20

func parseYAML(t *tree, file string, text []byte) error {
	if len(text) > maxFile {
		return fmt.Errorf("%s: is over %d bytes", file, maxFile)
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) { // an empty file sets nothing
		return nil
	} else if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: holds more than one YAML document", file)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	y := yamlReader{tree: t, file: file}
	y.mapping("", doc.Content[0])
	return y.bad.err()
}

type yamlReader struct {
	tree *tree
	file string
	bad  problems
}

func (y *yamlReader) mapping(prefix string, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return // "cache:" with nothing under it
	}
	if n.Kind != yaml.MappingNode {
		y.bad.addf("%s:%d: %s must be a section with keys of its own", y.file, n.Line, orRoot(prefix))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		path := join(prefix, key.Value)
		if seen[path] {
			y.bad.addf("%s:%d: %s is given twice", y.file, key.Line, path)
		}
		seen[path] = true
		y.entry(path, key, value)
	}
}

func (y *yamlReader) entry(path string, key, value *yaml.Node) {
	if y.tree.branch[path] {
		y.mapping(path, value)
		return
	}
	leaf, ok := y.tree.leaf[path]
	if !ok {
		y.bad.addf("%s:%d: unknown key %s%s", y.file, key.Line, clip(path), y.tree.suggest(path))
		return
	}
	if err := setNode(leaf, value); err != nil {
		y.bad.addf("%s:%d: %s: %s is not accepted; want %s", y.file, value.Line, path, quote(leaf, value.Value), expected(leaf.Type()))
	}
}

// setNode sets a leaf from a YAML value. Texts may be unquoted numbers; numbers and
// booleans may not be quoted texts of something else.
func setNode(leaf reflect.Value, n *yaml.Node) error {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	if leaf.Type() == listType && n.Kind == yaml.SequenceNode {
		list := []string{}
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				return fmt.Errorf("line %d: not a text", item.Line)
			}
			list = append(list, item.Value)
		}
		leaf.Set(reflect.ValueOf(list))
		return nil
	}
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: not a single value", n.Line)
	}
	if n.Tag == "!!null" {
		return nil // "ttl:" leaves the default
	}
	return set(leaf, n.Value)
}

func orRoot(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

// quote shows a bad value, but never a secret and never all of a huge one.
func quote(leaf reflect.Value, text string) string {
	if isSecret(leaf) {
		return masked
	}
	return fmt.Sprintf("%q", clip(text))
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
