package config

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// lineOf returns the line of the key that a message begins with, or of the
// nearest key above it that the file has; 0 when it has none.
func (d *document) lineOf(message string) int {
	if d.root == nil {
		return 0
	}
	line, n, rest := 0, d.root, message
	for n != nil && rest != "" {
		var at int
		switch n.Kind {
		case yaml.MappingNode:
			n, at, rest = child(n, rest)
		case yaml.SequenceNode:
			n, at, rest = item(n, rest)
		default:
			return line
		}
		if at > 0 {
			line = at
		}
	}
	return line
}

// has reports whether the file sets the key.
func (d *document) has(path ...string) bool {
	n := d.root
	for _, key := range path {
		if n == nil || n.Kind != yaml.MappingNode {
			return false
		}
		at := -1
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				at = i + 1
			}
		}
		if at < 0 {
			return false
		}
		n = n.Content[at]
	}
	return true
}

// child finds the key of a mapping that path begins with: the longest one,
// as names may hold dots and colons themselves.
func child(mapping *yaml.Node, path string) (value *yaml.Node, line int, rest string) {
	best := -1
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key := mapping.Content[i].Value
		after, ok := strings.CutPrefix(path, key)
		if ok && (after == "" || strings.ContainsRune(".[:", rune(after[0]))) && len(key) > best {
			best, value, line = len(key), mapping.Content[i+1], mapping.Content[i].Line
			rest = strings.TrimPrefix(after, ".")
		}
	}
	if strings.HasPrefix(rest, ":") {
		return nil, line, "" // the message begins here
	}
	return value, line, rest
}

// item finds the element that a path such as "[2].name: ..." begins with.
func item(sequence *yaml.Node, path string) (value *yaml.Node, line int, rest string) {
	index, after, ok := strings.Cut(strings.TrimPrefix(path, "["), "]")
	i, err := strconv.Atoi(index)
	if !ok || err != nil || i < 0 || i >= len(sequence.Content) {
		return nil, 0, ""
	}
	value = sequence.Content[i]
	if strings.HasPrefix(after, ":") {
		return nil, value.Line, ""
	}
	return value, value.Line, strings.TrimPrefix(after, ".")
}

// pathAt returns the path of the node that stands at line and column; for a
// key, that of the mapping it is in.
func pathAt(n *yaml.Node, line, column int, path string) string {
	if n.Line == line && n.Column == column {
		return path
	}
	for i, below := range n.Content {
		name := path
		switch {
		case n.Kind == yaml.SequenceNode:
			name = fmt.Sprintf("%s[%d]", path, i)
		case n.Kind == yaml.MappingNode && i%2 == 1:
			name = join(path, n.Content[i-1].Value)
		}
		if found := pathAt(below, line, column, name); found != "" {
			return found
		}
	}
	return ""
}
