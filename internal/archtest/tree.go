package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "filo"

// Tree is the parsed source of the module.
type Tree struct {
	fset     *token.FileSet
	packages []*Package // by path
}

// Package is one directory with Go files.
type Package struct {
	Path  string // below the module: "router/core"
	Files []*File
}

// File is one Go file.
type File struct {
	Path  string
	Test  bool
	Lines int
	AST   *ast.File
}

// Load parses every Go file below root, apart from what the go command
// ignores too, node_modules and dist.
func Load(root fs.FS) (*Tree, error) {
	t := &Tree{fset: token.NewFileSet()}
	packages := make(map[string]*Package)
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && ignored(entry.Name()) && name != ".":
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		file, err := t.parse(root, name)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		if packages[dir] == nil {
			packages[dir] = &Package{Path: dir}
		}
		packages[dir].Files = append(packages[dir].Files, file)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load source: %w", err)
	}
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		t.packages = append(t.packages, packages[dir])
	}
	return t, nil
}

func ignored(dir string) bool {
	return strings.HasPrefix(dir, ".") || strings.HasPrefix(dir, "_") ||
		slices.Contains([]string{"testdata", "node_modules", "dist"}, dir)
}

func (t *Tree) parse(root fs.FS, name string) (*File, error) {
	source, err := fs.ReadFile(root, name)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.ParseFile(t.fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &File{
		Path: name, Test: strings.HasSuffix(name, "_test.go"), AST: parsed,
		Lines: t.fset.File(parsed.Pos()).LineCount(),
	}, nil
}

// imports lists what a file imports, with positions.
func (f *File) imports() map[string]token.Pos {
	all := make(map[string]token.Pos)
	for _, spec := range f.AST.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			all[p] = spec.Pos()
		}
	}
	return all
}

// report prints a finding as "file:line: text".
func (t *Tree) report(pos token.Pos, format string, args ...any) string {
	at := t.fset.Position(pos)
	return fmt.Sprintf("%s:%d: %s", at.Filename, at.Line, fmt.Sprintf(format, args...))
}

// each calls do for every file that is not a test, with its package.
func (t *Tree) each(do func(p *Package, f *File)) {
	for _, p := range t.packages {
		for _, f := range p.Files {
			if !f.Test {
				do(p, f)
			}
		}
	}
}

// ours returns the path of a package of this module, below it.
func ours(imported string) (string, bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// standard reports whether a package is of the standard library.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	_, mine := ours(imported)
	return !mine && !strings.Contains(first, ".")
}
