package archtest

import (
	"go/ast"
	"maps"
	"path"
	"slices"
	"strings"
)

// Imports reports imports between our packages that the table does not allow.
func (t *Tree) Imports() (found []string) {
	for _, p := range t.packages {
		if _, ok := imports[p.Path]; !ok && !p.testsOnly() {
			found = append(found, p.Path+": is not in the table of imports; say there what it may import")
		}
	}
	t.each(func(p *Package, f *File) {
		for imported, pos := range f.imports() {
			if other, ok := ours(imported); ok && !slices.Contains(imports[p.Path], other) && !slices.Contains(imports[p.Path], "...") {
				found = append(found, t.report(pos, "%s must not import %s", p.Path, other))
			}
		}
	})
	return sorted(found)
}

func (p *Package) testsOnly() bool {
	return !slices.ContainsFunc(p.Files, func(f *File) bool { return !f.Test })
}

// Unused reports lines of the table that stand for no package any more.
func (t *Tree) Unused() (found []string) {
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		if !slices.ContainsFunc(t.packages, func(p *Package) bool { return p.Path == name }) {
			found = append(found, name+": is in the table of imports but not in the tree")
		}
	}
	return found
}

// Owners reports outside modules in packages that do not own them.
func (t *Tree) Owners() (found []string) {
	t.each(func(p *Package, f *File) {
		for imported, pos := range f.imports() {
			for prefix, owner := range owners {
				if within(imported, prefix) && !within(p.Path, owner) && !strings.HasPrefix(p.Path, "test/") {
					found = append(found, t.report(pos, "%s imports %s, whose owner is %s", p.Path, imported, owner))
				}
			}
		}
	})
	return sorted(found)
}

// TestLibraries reports test libraries in what is shipped.
func (t *Tree) TestLibraries() (found []string) {
	t.each(func(p *Package, f *File) {
		if strings.HasSuffix(p.Path, "test") || strings.HasPrefix(p.Path, "test/") {
			return
		}
		for imported, pos := range f.imports() {
			if slices.ContainsFunc(testOnly, func(prefix string) bool { return within(imported, prefix) }) {
				found = append(found, t.report(pos, "%s imports %s, which is for tests", p.Path, imported))
			}
		}
	})
	return sorted(found)
}

// within reports whether imported is prefix, below it, or a version of it.
func within(imported, prefix string) bool {
	return imported == prefix || strings.HasPrefix(imported, prefix+"/")
}

// StandardOnly reports imports beyond the standard library, or beyond a
// package's list, in the packages that promise to have none.
func (t *Tree) StandardOnly() (found []string) {
	t.each(func(p *Package, f *File) {
		allowed, promised := stdlibOnly[p.Path]
		if !promised {
			return
		}
		for imported, pos := range f.imports() {
			_, mine := ours(imported)
			if mine || standard(imported) && (allowed == nil || slices.Contains(allowed, imported)) {
				continue
			}
			found = append(found, t.report(pos, "%s must not import %s", p.Path, imported))
		}
		if allowed != nil {
			found = append(found, t.impureCalls(p, f)...)
		}
	})
	return sorted(found)
}

// impureCalls reports uses of the clock and of I/O.
func (t *Tree) impureCalls(p *Package, f *File) (found []string) {
	ast.Inspect(f.AST, func(n ast.Node) bool {
		pkg, name := selector(n)
		if slices.Contains(impure[pkg], name) {
			found = append(found, t.report(n.Pos(), "%s is pure and must not use %s.%s", p.Path, pkg, name))
		}
		return true
	})
	return found
}

func selector(n ast.Node) (pkg, name string) {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	x, ok := s.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	return x.Name, s.Sel.Name
}

// Docs reports packages without a doc.go that states their promise; a command
// may state it in main.go.
func (t *Tree) Docs() (found []string) {
	for _, p := range t.packages {
		if p.testsOnly() {
			continue
		}
		i := slices.IndexFunc(p.Files, func(f *File) bool {
			name := path.Base(f.Path)
			return name == "doc.go" || name == "main.go" && f.AST.Name.Name == "main" && f.AST.Doc != nil
		})
		switch {
		case i < 0:
			found = append(found, p.Path+": has no doc.go")
		case !strings.HasPrefix(p.Files[i].AST.Doc.Text(), docStart(p)):
			found = append(found, p.Files[i].Path+": should begin with \""+docStart(p)+"\" and say what the package promises")
		}
	}
	return found
}

func docStart(p *Package) string {
	name := p.Files[0].AST.Name.Name
	if name == "main" {
		return "Command " + path.Base(p.Path) + " "
	}
	return "Package " + strings.TrimSuffix(name, "_test") + " "
}

// Names reports packages whose name says nothing.
func (t *Tree) Names() (found []string) {
	for _, p := range t.packages {
		if slices.Contains(badNames, path.Base(p.Path)) || slices.Contains(badNames, p.Files[0].AST.Name.Name) {
			found = append(found, p.Path+": the name says nothing")
		}
	}
	return found
}

// Mains reports commands whose main.go does more than start something.
func (t *Tree) Mains() (found []string) {
	t.each(func(p *Package, f *File) {
		if strings.HasPrefix(p.Path, "cmd/") && f.Lines > maxMain {
			found = append(found, t.report(f.AST.Pos(), "%d lines; a command has at most %d", f.Lines, maxMain))
		}
	})
	return found
}

// Goroutines reports bare go statements: nobody waits for those.
func (t *Tree) Goroutines() (found []string) {
	t.each(func(p *Package, f *File) {
		if slices.Contains(mayStart, p.Path) || strings.HasPrefix(p.Path, "cmd/") {
			return
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				found = append(found, t.report(g.Pos(), "bare go statement; use sync.WaitGroup.Go or errgroup, and wait"))
			}
			return true
		})
	})
	return found
}

// Contexts reports contexts made out of nothing.
func (t *Tree) Contexts() (found []string) {
	t.each(func(p *Package, f *File) {
		if slices.ContainsFunc(mayBegin, func(prefix string) bool { return strings.HasPrefix(f.Path, prefix) }) {
			return
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if pkg, name := selector(n); pkg == "context" && (name == "Background" || name == "TODO") {
				found = append(found, t.report(n.Pos(), "context.%s belongs in main, internal/app and tests", name))
			}
			return true
		})
	})
	return found
}

func sorted(found []string) []string {
	slices.Sort(found)
	return found
}
