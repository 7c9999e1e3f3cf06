package openapi

import "encoding/json"

// Parsed is a YAML mapping as JSON, for tests.
func Parsed(source string) (string, error) {
	tree, err := parse([]byte(source))
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(tree)
	return string(b), err
}

// Prose is a description as HTML, for tests.
func Prose(s string) string { return string(prose(s)) }
