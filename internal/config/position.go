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

// pathAt returns the path of the node that stands at line and column.
func pathAt(n *yaml.Node, line, column int, path string) string {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			below := key.Value
			if path != "" {
				below = path + "." + key.Value
			}
			if at(key, line, column) {
				return path
			}
			if at(value, line, column) && value.Kind == yaml.ScalarNode {
				return below
			}
			if found := pathAt(value, line, column, below); found != "" {
				return found
			}
			if at(value, line, column) {
				return below
			}
		}
	case yaml.SequenceNode:
		for i, value := range n.Content {
			below := fmt.Sprintf("%s[%d]", path, i)
			if found := pathAt(value, line, column, below); found != "" {
				return found
			}
			if at(value, line, column) {
				return below
			}
		}
	}
	return ""
}

func at(n *yaml.Node, line, column int) bool { return n.Line == line && n.Column == column }
