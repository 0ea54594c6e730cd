package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// document is a YAML file whose keys know their lines.
type document struct {
	name string
	root *yaml.Node // a mapping, or nil when the file is empty
}

func parseDocument(name string, data []byte) (*document, error) {
	doc := &document{name: name}
	if blank(string(data)) {
		return doc, nil // the reader has no word for it
	}
	var node yaml.Node
	if err := yaml.Load(data, &node); err != nil {
		return nil, doc.yamlError(err)
	}
	root := &node
	if node.Kind == yaml.DocumentNode {
		if len(node.Content) == 0 {
			return doc, nil
		}
		root = node.Content[0]
	}
	switch {
	case isNull(root):
	case root.Kind == yaml.MappingNode:
		doc.root = root
	default:
		return nil, fmt.Errorf("%s:%d: should be a list of keys and values", name, root.Line)
	}
	return doc, nil
}

// blank reports whether text holds nothing but comments.
func blank(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return false
		}
	}
	return true
}

// decode reads the document over the defaults in cfg, a pointer to a struct.
func (d *document) decode(cfg any) error {
	if d.root == nil {
		return nil
	}
	if err := d.merge(reflect.ValueOf(cfg).Elem(), d.root, ""); err != nil {
		return err
	}
	if err := d.root.Load(cfg, yaml.WithKnownFields()); err != nil {
		return d.yamlError(err)
	}
	return nil
}

// yamlError gives the errors of the YAML reader the form of ours, with the
// path of the key where one is known.
func (d *document) yamlError(err error) error {
	var many []*yaml.LoadError
	if all, ok := errors.AsType[*yaml.LoadErrors](err); ok {
		many = all.Errors
	} else if one, ok := errors.AsType[*yaml.LoadError](err); ok {
		many = []*yaml.LoadError{one}
	} else {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	slices.SortStableFunc(many, func(a, b *yaml.LoadError) int { return cmp.Compare(a.Mark.Line, b.Mark.Line) })
	errs := make([]error, len(many))
	for i, one := range many {
		path := ""
		if d.root != nil {
			path = pathAt(d.root, one.Mark.Line, one.Mark.Column, "")
		}
		if path != "" {
			path += ": "
		}
		errs[i] = fmt.Errorf("%s:%d: %s%s", d.name, one.Mark.Line, path, plain(one.Message))
	}
	return errors.Join(errs...)
}

var words = strings.NewReplacer(
	"cannot construct !!str ", "cannot use ", "cannot construct !!seq ", "cannot use a list ",
	"cannot construct !!map ", "cannot use keys and values ", "cannot construct !!", "cannot use ",
	"time.Duration", "a duration such as 20s",
)

// plain takes Go's words out of a message of the YAML reader.
func plain(message string) string {
	if field, rest, ok := strings.Cut(message, " not found in type "); ok && rest != "" {
		return "unknown key " + strings.TrimPrefix(field, "field ")
	}
	return words.Replace(message)
}

// locate puts file and line before each error of a Validate.
func (d *document) locate(err error) error {
	type located struct {
		line int
		err  error
	}
	var all []located
	for _, one := range flatten(err) {
		line := d.lineOf(one.Error())
		if line == 0 {
			all = append(all, located{line, fmt.Errorf("%s: %w", d.name, one)})
			continue
		}
		all = append(all, located{line, fmt.Errorf("%s:%d: %w", d.name, line, one)})
	}
	slices.SortStableFunc(all, func(a, b located) int { return cmp.Compare(a.line, b.line) })
	errs := make([]error, len(all))
	for i, one := range all {
		errs[i] = one.err
	}
	return errors.Join(errs...)
}

// both joins what could not be read with what was found wrong in the values. A
// value on a line that could not be read is the default, and says nothing.
func (d *document) both(unread, wrong error) error {
	place := func(err error) string {
		parts := strings.SplitN(err.Error(), ":", 3)
		return strings.Join(parts[:min(2, len(parts))], ":")
	}
	seen := map[string]bool{}
	errs := flatten(unread)
	for _, err := range errs {
		seen[place(err)] = true
	}
	for _, err := range flatten(wrong) {
		if !seen[place(err)] {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// flatten takes joined errors apart, however deep.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	many, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // taken apart, not matched
	if !ok {
		return []error{err}
	}
	// An error that wraps two others by one Errorf is one error.
	if reflect.TypeOf(err) != reflect.TypeOf(errors.Join(err)) {
		return []error{err}
	}
	var all []error
	for _, one := range many.Unwrap() {
		all = append(all, flatten(one)...)
	}
	return all
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("larger than %d bytes", limit)
	}
	return data, nil
}
