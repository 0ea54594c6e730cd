package ivr

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"filo/contact"
)

// Budgets of one expression. Nothing in an expression can loop (no
// predicates, no ranges, no functions beside a few on one string), so that
// the number of its nodes bounds its steps and, with the bounded variables,
// its time.
const (
	maxExprLength = 1024
	maxExprNodes  = 100
	exprMemory    = 1000 // elements that one evaluation may create
	maxVarLength  = 1024 // bytes of a text in a variable
)

// functions that expressions may call.
var allowedFunctions = []string{"len", "lower", "upper", "trim", "int", "float", "string", "abs", "min", "max", "hasPrefix", "hasSuffix"}

// scope is what expressions see.
type scope struct {
	Caller  Caller         `expr:"caller"`
	Context contextScope   `expr:"context"`
	Time    timeScope      `expr:"time"`
	Vars    map[string]any `expr:"vars"`
	Lang    string         `expr:"lang"`
}

// contextScope is contact.Context with the names of flows.
type contextScope struct {
	Known      bool              `expr:"known"` // somebody matched
	Lang       string            `expr:"lang"`
	Tier       int               `expr:"tier"` // 0 to 3
	Confidence float64           `expr:"confidence"`
	Status     string            `expr:"status"`
	Action     string            `expr:"action"` // the journey's advice: skip, ask, menu
	Rule       string            `expr:"rule"`
	Reason     string            `expr:"reason"`
	Preferred  string            `expr:"preferred"` // the agent the journey would ask first
	Attributes map[string]string `expr:"attributes"`
}

// timeScope is the time of the call in the flow's time zone.
type timeScope struct {
	Hour    int    `expr:"hour"`
	Minute  int    `expr:"minute"`
	Weekday string `expr:"weekday"` // "monday"
	Date    string `expr:"date"`    // "2026-01-31"
	Clock   string `expr:"clock"`   // "09:05": compares as text
}

func contextOf(c contact.Context) contextScope {
	return contextScope{
		Known: c.Customer != "", Lang: c.Lang, Tier: int(c.Tier), Confidence: c.Confidence,
		Status: string(c.Status), Action: string(c.Decision.Action), Rule: c.Decision.Rule,
		Reason: c.Decision.Reason, Preferred: string(c.Decision.Target.Preferred), Attributes: c.Attributes,
	}
}

func timeOf(t time.Time) timeScope {
	return timeScope{
		Hour: t.Hour(), Minute: t.Minute(), Weekday: strings.ToLower(t.Weekday().String()),
		Date: t.Format(time.DateOnly), Clock: t.Format("15:04"),
	}
}

// expression is a compiled expression and the line it was written on.
type expression struct {
	source  string
	line    int
	program *vm.Program
}

// eval runs e. A failure wraps ErrExpression.
func (e *expression) eval(s scope) (any, error) {
	machine := vm.VM{MemoryBudget: exprMemory}
	v, err := machine.Run(e.program, s)
	if err != nil {
		return nil, fmt.Errorf("line %d: %q: %w: %s", e.line, e.source, ErrExpression, exprMessage(err))
	}
	return v, nil
}

// compile checks source against the budgets and compiles it. Vars are the
// names that the flow sets somewhere.
func compile(source string, line int, vars []string, options ...expr.Option) (*expression, error) {
	if len(source) > maxExprLength {
		return nil, fmt.Errorf("expression is longer than %d bytes", maxExprLength)
	}
	tree, err := parser.Parse(source)
	if err != nil {
		return nil, errors.New(exprMessage(err))
	}
	guard := &guard{vars: vars}
	ast.Walk(&tree.Node, guard)
	if guard.err != nil {
		return nil, guard.err
	}
	options = append([]expr.Option{
		expr.Env(scope{}), expr.MaxNodes(maxExprNodes), expr.DisableAllBuiltins(),
	}, options...)
	for _, name := range allowedFunctions {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(source, options...)
	if err != nil {
		return nil, errors.New(exprMessage(err))
	}
	return &expression{source: source, line: line, program: program}, nil
}

// scopeNames puts the names of flows for those of Go.
var scopeNames = strings.NewReplacer("type ivr.Caller", "caller", "type ivr.contextScope", "context", "type ivr.timeScope", "time")

// exprMessage is the first line of an expression's error, without the drawing.
func exprMessage(err error) string {
	if at, ok := errors.AsType[*file.Error](err); ok {
		return fmt.Sprintf("%s at character %d", scopeNames.Replace(at.Message), at.Column+1)
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// guard walks an expression and refuses what could loop or is misspelt.
type guard struct {
	vars []string
	err  error
}

// Visit implements ast.Visitor.
func (g *guard) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.BuiltinNode:
		g.allow(n.Name)
	case *ast.PredicateNode:
		g.fail("loops over lists are not allowed")
	case *ast.CallNode:
		if name, ok := n.Callee.(*ast.IdentifierNode); ok {
			g.allow(name.Value)
		} else {
			g.fail("only functions can be called")
		}
	case *ast.BinaryNode:
		if n.Operator == ".." {
			g.fail("ranges are not allowed")
		}
	case *ast.MemberNode:
		g.member(n)
	}
}

func (g *guard) allow(function string) {
	if !slices.Contains(allowedFunctions, function) {
		g.fail("function %q is not allowed: only %s", function, strings.Join(allowedFunctions, ", "))
	}
}

// member checks that a variable is set somewhere in the flow.
func (g *guard) member(n *ast.MemberNode) {
	base, ok := n.Node.(*ast.IdentifierNode)
	if !ok || base.Value != "vars" {
		return
	}
	if name, ok := n.Property.(*ast.StringNode); ok && !slices.Contains(g.vars, name.Value) {
		g.fail("variable %q is set nowhere", name.Value)
	}
}

func (g *guard) fail(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf(format, args...)
	}
}
