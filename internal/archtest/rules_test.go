package archtest_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"filo/internal/archtest"
)

// TestRules shows each rule finding what it is for.
func TestRules(t *testing.T) {
	files := func(pairs ...string) fstest.MapFS {
		tree := fstest.MapFS{}
		for i := 0; i < len(pairs); i += 2 {
			tree[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
		}
		return tree
	}
	tests := []struct {
		name string
		tree fstest.MapFS
		rule func(*archtest.Tree) []string
		want []string
	}{
		{
			"import against the table", files("sip/leg.go", "package sip\n\nimport _ \"filo/contact\"\n"),
			(*archtest.Tree).Imports,
			[]string{"sip/leg.go:3: sip must not import contact"},
		},
		{
			"import of the table, and anything in a test",
			files("ivr/a.go", "package ivr\nimport _ \"filo/contact\"\n", "ivr/a_test.go", "package ivr\nimport _ \"filo/media\"\n"),
			(*archtest.Tree).Imports, nil,
		},
		{
			"package without a place", files("extra/a.go", "package extra\n"),
			(*archtest.Tree).Imports,
			[]string{"extra: is not in the table of imports; say there what it may import"},
		},
		{
			"foreign module", files("desk/a.go", "package desk\nimport _ \"github.com/pion/webrtc/v4\"\n"),
			(*archtest.Tree).Owners,
			[]string{"desk/a.go:2: desk imports github.com/pion/webrtc/v4, whose owner is media"},
		},
		{
			"owned module, and in a test",
			files("media/a.go", "package media\nimport _ \"github.com/pion/rtp\"\n", "desk/a_test.go", "package desk\nimport _ \"github.com/pion/rtp\"\n"),
			(*archtest.Tree).Owners, nil,
		},
		{
			"core reads the clock and the network",
			files("router/core/a.go", "package core\nimport (\n\"net\"\n\"time\"\n)\nvar _ = time.Now\nvar _ net.IP\n"),
			(*archtest.Tree).StandardOnly,
			[]string{
				"router/core/a.go:3: router/core must not import net",
				"router/core/a.go:6: router/core is pure and must not use time.Now",
			},
		},
		{
			"no doc.go, and an empty one",
			files("ivr/a.go", "package ivr\n", "sip/doc.go", "package sip\n"),
			(*archtest.Tree).Docs,
			[]string{"ivr: has no doc.go", `sip/doc.go: should begin with "Package sip " and say what the package promises`},
		},
		{
			"bare go", files("sip/a.go", "package sip\nfunc a() {\n\tgo a()\n}\n"),
			(*archtest.Tree).Goroutines,
			[]string{"sip/a.go:3: bare go statement; use sync.WaitGroup.Go or errgroup, and wait"},
		},
		{
			"context out of nothing",
			files("sip/a.go", "package sip\nimport \"context\"\nvar _ = context.TODO\n", "cmd/filo/main.go", "package main\nimport \"context\"\nvar _ = context.Background\n"),
			(*archtest.Tree).Contexts,
			[]string{"sip/a.go:3: context.TODO belongs in main, internal/app and tests"},
		},
		{
			"name that says nothing", files("sip/util/a.go", "package util\n"),
			(*archtest.Tree).Names,
			[]string{"sip/util: the name says nothing"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree, err := archtest.Load(tt.tree)
			require.NoError(t, err)
			require.Equal(t, tt.want, tt.rule(tree))
		})
	}
}
