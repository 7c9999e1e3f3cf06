package config

import (
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Print writes the tree as YAML with secrets as ***.
func Print(w io.Writer, root any) error {
	t, err := leaves(root)
	if err != nil {
		return err
	}
	out := &yaml.Node{Kind: yaml.MappingNode}
	for _, path := range t.order {
		value := &yaml.Node{}
		if err := value.Encode(show(t.leaf[path])); err != nil {
			return err
		}
		insert(out, strings.Split(path, "."), value)
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(out); err != nil {
		return err
	}
	return enc.Close()
}

// Key is one leaf of the tree.
type Key struct{ Path, Default string }

// Describe lists the leaves in the order of the tree, with what they hold now;
// lists are joined by commas, secrets masked.
func Describe(root any) ([]Key, error) {
	t, err := leaves(root)
	if err != nil {
		return nil, err
	}
	out := make([]Key, 0, len(t.order))
	for _, path := range t.order {
		value := show(t.leaf[path])
		if list, ok := value.([]string); ok {
			value = strings.Join(list, ",")
		}
		out = append(out, Key{path, fmt.Sprint(value)})
	}
	return out, nil
}

func insert(at *yaml.Node, path []string, value *yaml.Node) {
	for i := 0; i+1 < len(at.Content); i += 2 {
		if at.Content[i].Value == path[0] {
			insert(at.Content[i+1], path[1:], value)
			return
		}
	}
	key := &yaml.Node{Kind: yaml.ScalarNode, Value: path[0]}
	if len(path) > 1 {
		section := &yaml.Node{Kind: yaml.MappingNode}
		insert(section, path[1:], value)
		value = section
	}
	at.Content = append(at.Content, key, value)
}
