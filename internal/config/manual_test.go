package config_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"filo/configs"
	"filo/contact"
	"filo/internal/config"
)

// TestManual: filo.yaml is the defaults, written down.
func TestManual(t *testing.T) {
	cfg, err := config.Parse("filo.yaml", configs.Manual())
	require.NoError(t, err)
	want, got := leaves(t, config.Default()), leaves(t, cfg)
	var wrong []string
	for key, value := range want {
		if got[key] != value {
			wrong = append(wrong, fmt.Sprintf("%s: %q, but the default is %q", key, got[key], value))
		}
	}
	for key, value := range got {
		if _, ok := want[key]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s: %q, but there is no such default", key, value))
		}
	}
	slices.Sort(wrong)
	require.Empty(t, wrong, "filo.yaml says:\n%s", strings.Join(wrong, "\n"))
}

// leaves writes a configuration as values by their paths. An empty list and
// no list are the same there.
func leaves(t *testing.T, cfg config.Config) map[string]string {
	t.Helper()
	var root yaml.Node
	require.NoError(t, root.Dump(cfg))
	all := make(map[string]string)
	var walk func(n *yaml.Node, path string)
	walk = func(n *yaml.Node, path string) {
		if n.Kind == yaml.ScalarNode {
			all[path] = n.Value
		}
		for i, below := range n.Content {
			switch {
			case n.Kind != yaml.MappingNode:
				walk(below, fmt.Sprintf("%s[%d]", path, i))
			case i%2 == 1:
				walk(below, path+"."+n.Content[i-1].Value)
			}
		}
	}
	walk(&root, "")
	return all
}

// exampleBlock is a key with an empty value and the "#:" lines that show one.
var exampleBlock = regexp.MustCompile(`(?m)^( *)([a-z_]+): (?:\[\]|\{\}).*\n((?: *#:.*\n)+)`)

// withExamples puts the examples of the manual in force.
func withExamples(manual []byte) []byte {
	return exampleBlock.ReplaceAllFunc(manual, func(block []byte) []byte {
		part := exampleBlock.FindSubmatch(block)
		lines := strings.ReplaceAll(string(part[3]), "#:", "")
		return fmt.Appendf(nil, "%s%s:\n%s", part[1], part[2], lines)
	})
}

// TestManualExamples: the examples are right, and with them no key of any
// Config is missing from the manual.
func TestManualExamples(t *testing.T) {
	text := withExamples(configs.Manual())
	var root yaml.Node
	require.NoError(t, yaml.Load(text, &root))
	missing := missingKeys(reflect.TypeFor[config.Config](), root.Content[0], "")
	require.Empty(t, missing, "keys that filo.yaml does not tell of:\n%s", strings.Join(missing, "\n"))

	cfg := string(text)
	for key, value := range map[string]string{
		"account_sid": "AC1", "auth_token_file": "token", "public_url": "https://contact.example.com/hooks/sms",
	} {
		at := strings.Index(cfg, "\nsms:")
		cfg = cfg[:at] + strings.Replace(cfg[at:], key+`: ""`, key+": "+value, 1)
	}
	_, err := config.Parse("filo.yaml", []byte(cfg))
	require.NoError(t, err)
}

// missingKeys lists the keys of t that n does not have. Of several elements,
// one has to have them all.
func missingKeys(t reflect.Type, n *yaml.Node, path string) []string {
	switch t.Kind() {
	case reflect.Pointer:
		return missingKeys(t.Elem(), n, path)
	case reflect.Struct:
		return missingFields(t, n, path)
	case reflect.Slice, reflect.Map:
		return missingElements(t.Elem(), n, path)
	}
	return nil
}

func missingFields(t reflect.Type, n *yaml.Node, path string) (missing []string) {
	for i := range t.NumField() {
		key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if !t.Field(i).IsExported() || key == "-" {
			continue
		}
		if key == "" {
			missing = append(missing, path+"."+t.Field(i).Name+" has no yaml tag")
			continue
		}
		at := -1
		for k := 0; k+1 < len(n.Content); k += 2 {
			if n.Content[k].Value == key {
				at = k + 1
			}
		}
		if at < 0 {
			missing = append(missing, path+"."+key)
			continue
		}
		missing = append(missing, missingKeys(t.Field(i).Type, n.Content[at], path+"."+key)...)
	}
	return missing
}

func missingElements(t reflect.Type, n *yaml.Node, path string) []string {
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[contact.Skill]() { // no skill has all its keys
		return nil
	}
	elements := n.Content
	if n.Kind == yaml.MappingNode {
		elements = nil
		for k := 1; k < len(n.Content); k += 2 {
			elements = append(elements, n.Content[k])
		}
	}
	var lists [][]string
	for _, one := range elements {
		lists = append(lists, missingKeys(t, one, path+"[]"))
	}
	if len(lists) == 0 {
		return []string{path + ": has no example"}
	}
	return slices.MinFunc(lists, func(a, b []string) int { return len(a) - len(b) })
}
