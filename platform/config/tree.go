package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// tree is the flattened view of the caller's structs: every leaf by its path, and
// every inner path.
type tree struct {
	order  []string
	leaf   map[string]reflect.Value
	branch map[string]bool
}

func leaves(root any) (*tree, error) {
	v := reflect.ValueOf(root)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("config: want a pointer to a struct, got %T", root)
	}
	t := &tree{leaf: map[string]reflect.Value{}, branch: map[string]bool{}}
	return t, t.walk("", v.Elem())
}

func (t *tree) walk(prefix string, v reflect.Value) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if option == "inline" { // the keys of the inner struct stand among ours
			if err := t.walk(prefix, v.Field(i)); err != nil {
				return err
			}
			continue
		}
		if !f.IsExported() || name == "" || name == "-" {
			continue
		}
		path := join(prefix, name)
		if f.Type.Kind() == reflect.Struct {
			t.branch[path] = true
			if err := t.walk(path, v.Field(i)); err != nil {
				return err
			}
			continue
		}
		if expected(f.Type) == "" {
			return fmt.Errorf("config: %s has type %s, which cannot be configured", path, f.Type)
		}
		t.leaf[path] = v.Field(i)
		t.order = append(t.order, path)
	}
	return nil
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[Secret]()
	listType     = reflect.TypeFor[[]string]()
)

// expected says in words what a leaf of the type accepts; "" = not a leaf.
func expected(t reflect.Type) string {
	switch t {
	case durationType:
		return "a duration like 30s, 5m or 24h"
	case listType:
		return "a list"
	}
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	default:
		return ""
	}
}

// set parses text into a leaf.
func set(v reflect.Value, text string) error {
	if v.Type() == durationType {
		d, err := time.ParseDuration(text)
		if err != nil {
			return err
		}
		v.SetInt(int64(d))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return nil
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		v.SetBool(b)
		return err
	case reflect.Int:
		n, err := strconv.Atoi(text)
		v.SetInt(int64(n))
		return err
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		v.SetFloat(f)
		return err
	default: // a list
		v.Set(reflect.ValueOf(splitList(text)))
		return nil
	}
}

func splitList(text string) []string {
	out := []string{}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// show is a leaf as config print shows it.
func show(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case Secret:
		return x.String()
	case time.Duration:
		return x.String()
	default:
		return x
	}
}

// isSecret tells whether a bad value of the leaf must not be repeated in an error.
func isSecret(v reflect.Value) bool { return v.Type() == secretType }
