package config

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// merge prepares n, the file's value for v, so that decoding it over v does
// what the package promises: an empty section keeps its defaults; the entries
// of a map begin as the default entries of their name; null removes one.
func (d *document) merge(v reflect.Value, n *yaml.Node, path string) error {
	switch {
	case n.Kind != yaml.MappingNode:
		return nil
	case v.Kind() == reflect.Struct:
		return d.mergeStruct(v, n, path)
	case v.Kind() == reflect.Map && v.Type().Elem().Kind() == reflect.Struct:
		return d.mergeMap(v, n, path)
	}
	return nil
}

func (d *document) mergeStruct(v reflect.Value, n *yaml.Node, path string) error {
	fields := fieldsOf(v)
	kept := n.Content[:0:0]
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field, known := fields[key.Value]
		if known && isNull(value) {
			continue
		}
		kept = append(kept, key, value)
		if known {
			if err := d.merge(field, value, join(path, key.Value)); err != nil {
				return err
			}
		}
	}
	n.Content = kept
	return nil
}

func (d *document) mergeMap(v reflect.Value, n *yaml.Node, path string) error {
	kept := n.Content[:0:0]
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := reflect.ValueOf(key.Value).Convert(v.Type().Key())
		if isNull(value) {
			v.SetMapIndex(name, reflect.Value{})
			continue
		}
		if old := v.MapIndex(name); old.IsValid() && value.Kind == yaml.MappingNode {
			merged, err := over(old, value)
			if err != nil {
				return fmt.Errorf("%s:%d: %s: %w", d.name, key.Line, join(path, key.Value), err)
			}
			value = merged
		}
		kept = append(kept, key, value)
	}
	n.Content = kept
	return nil
}

// over returns value with the fields of old that it does not set.
func over(old reflect.Value, value *yaml.Node) (*yaml.Node, error) {
	var base yaml.Node
	if err := base.Dump(old.Interface()); err != nil {
		return nil, fmt.Errorf("write default: %w", err)
	}
	root := &base
	if root.Kind == yaml.DocumentNode {
		root = root.Content[0]
	}
	merged := *value
	merged.Content = append([]*yaml.Node(nil), value.Content...)
	for i := 0; i+1 < len(root.Content); i += 2 {
		if !hasKey(value, root.Content[i].Value) {
			merged.Content = append(merged.Content, root.Content[i], root.Content[i+1])
		}
	}
	return &merged, nil
}

func hasKey(mapping *yaml.Node, key string) bool {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return true
		}
	}
	return false
}

// fieldsOf returns the fields of a struct by their keys in YAML.
func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields := make(map[string]reflect.Value)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		key, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case !field.IsExported() || key == "-":
		case strings.Contains(options, "inline"):
			for k, f := range fieldsOf(v.Field(i)) {
				fields[k] = f
			}
		case key != "":
			fields[key] = v.Field(i)
		}
	}
	return fields
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
