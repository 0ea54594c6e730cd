package ivr

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// faults collects every mistake of one file.
type faults struct {
	file string
	list []fault
}

type fault struct {
	line int
	text string
}

func (f *faults) add(line int, path, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if path != "" {
		text = path + ": " + text
	}
	f.list = append(f.list, fault{line, text})
}

// err joins the faults in the order of their lines; nil when there is none.
func (f *faults) err() error {
	slices.SortStableFunc(f.list, func(a, b fault) int { return a.line - b.line })
	errs := make([]error, len(f.list))
	for i, one := range f.list {
		errs[i] = fmt.Errorf("%s:%d: %s", f.file, one.line, one.text)
	}
	return errors.Join(errs...)
}

// node is a YAML node that knows where it stands. Its methods read one kind
// of value each; a value of another kind is a fault and reads as zero.
type node struct {
	*yaml.Node
	path   string
	faults *faults
}

func (n node) fail(format string, args ...any) { n.faults.add(n.Line, n.path, format, args...) }

func (n node) is(kind yaml.Kind) bool { return n.Node != nil && n.Kind == kind }

// entry is one key of a mapping with its value.
type entry struct {
	key   string
	line  int
	value node
}

// entries reads a mapping in the order of the file.
func (n node) entries() []entry {
	if !n.is(yaml.MappingNode) {
		n.fail("should be a list of keys and values")
		return nil
	}
	var all []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			n.faults.add(key.Line, n.path, "a key should be a plain word")
			continue
		}
		if slices.ContainsFunc(all, func(e entry) bool { return e.key == key.Value }) {
			n.faults.add(key.Line, n.path, "key %q stands twice", key.Value)
			continue
		}
		path := key.Value
		if n.path != "" {
			path = n.path + "." + key.Value
		}
		if value.Kind == yaml.AliasNode {
			n.faults.add(value.Line, path, "aliases are not supported")
			continue
		}
		all = append(all, entry{key.Value, key.Line, node{value, path, n.faults}})
	}
	return all
}

// fields reads a mapping whose keys must be among known.
func (n node) fields(known ...string) map[string]node {
	fields := make(map[string]node)
	for _, e := range n.entries() {
		if !slices.Contains(known, e.key) {
			n.faults.add(e.line, n.path, "unknown key %q, expected %s", e.key, strings.Join(known, ", "))
			continue
		}
		fields[e.key] = e.value
	}
	return fields
}

// items reads a sequence.
func (n node) items() []node {
	if !n.is(yaml.SequenceNode) {
		n.fail("should be a list")
		return nil
	}
	all := make([]node, 0, len(n.Content))
	for i, item := range n.Content {
		one := node{item, fmt.Sprintf("%s[%d]", n.path, i), n.faults}
		if item.Kind == yaml.AliasNode {
			one.fail("aliases are not supported")
			continue
		}
		all = append(all, one)
	}
	return all
}

// text reads a scalar that is not empty.
func (n node) text() string {
	if !n.is(yaml.ScalarNode) || n.Value == "" || n.Tag == "!!null" {
		n.fail("should be a text that is not empty")
		return ""
	}
	return n.Value
}

// number reads a whole number of a range.
func (n node) number(low, high int) int {
	v, err := strconv.Atoi(n.scalar())
	if err != nil || v < low || v > high {
		n.fail("should be a whole number from %d to %d", low, high)
		return low
	}
	return v
}

// duration reads a duration of a range, written as Go does: 1m30s.
func (n node) duration(low, high time.Duration) time.Duration {
	d, err := time.ParseDuration(n.scalar())
	if err != nil || d < low || d > high {
		n.fail("should be a duration from %s to %s, as in 1m30s", low, high)
		return low
	}
	return d
}

// flag reads true or false.
func (n node) flag() bool {
	switch n.scalar() {
	case "true":
		return true
	case "false":
	default:
		n.fail("should be true or false")
	}
	return false
}

func (n node) scalar() string {
	if !n.is(yaml.ScalarNode) {
		return ""
	}
	return n.Value
}

// literal reads a text, number or truth value as Go has it.
func (n node) literal() any {
	var v any
	if !n.is(yaml.ScalarNode) || n.Decode(&v) != nil {
		n.fail("should be a text, a number, true or false")
		return nil
	}
	switch v.(type) {
	case string, int, float64, bool, nil:
		return v
	}
	n.fail("should be a text, a number, true or false")
	return nil
}
