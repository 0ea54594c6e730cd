package archtest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/internal/archtest"
)

func TestArchitecture(t *testing.T) {
	tree, err := archtest.Load(os.DirFS("../.."))
	require.NoError(t, err)
	for name, rule := range map[string]func() []string{
		"imports":        tree.Imports,
		"table":          tree.Unused,
		"owners":         tree.Owners,
		"standard only":  tree.StandardOnly,
		"test libraries": tree.TestLibraries,
		"docs":           tree.Docs,
		"names":          tree.Names,
		"mains":          tree.Mains,
		"goroutines":     tree.Goroutines,
		"contexts":       tree.Contexts,
	} {
		t.Run(name, func(t *testing.T) {
			found := rule()
			require.Empty(t, found, "%s", strings.Join(found, "\n"))
		})
	}
}
