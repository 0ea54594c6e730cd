package ivr

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"go.yaml.in/yaml/v4"
)

// Bounds of a flow file.
const (
	maxFlowSize  = 1 << 20
	maxSteps     = 500 // in the file
	maxLanguages = 16
)

var (
	namePattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)
	langPattern = regexp.MustCompile(`^[a-z]{2,3}$`)
)

// Parse reads a flow. Name stands before the line in messages: the file's
// name. The error joins every mistake of the file, in the order of lines.
func Parse(name string, data []byte) (*Flow, error) {
	if len(data) > maxFlowSize {
		return nil, fmt.Errorf("%s: flow is larger than %d bytes", name, maxFlowSize)
	}
	var document yaml.Node
	if err := yaml.Load(data, &document); err != nil {
		return nil, yamlError(name, err)
	}
	p := &flowParser{
		faults: faults{file: name},
		flow: &Flow{
			name: name, location: time.Local, phrases: map[string]phrase{},
			vars: map[string]any{}, steps: map[string]*step{},
		},
		names: map[string]bool{},
	}
	root := &document
	if document.Kind == yaml.DocumentNode && len(document.Content) == 1 {
		root = document.Content[0]
	}
	p.read(node{root, "", &p.faults})
	if len(p.faults.list) == 0 {
		p.check()
	}
	if err := p.faults.err(); err != nil {
		return nil, err
	}
	return p.flow, nil
}

// yamlError gives an error of the YAML reader the form of ours.
func yamlError(name string, err error) error {
	if at, ok := errors.AsType[*yaml.LoadError](err); ok {
		return fmt.Errorf("%s:%d: %s", name, at.Mark.Line, at.Message)
	}
	return fmt.Errorf("%s: %w", name, err)
}

type flowParser struct {
	faults faults
	flow   *Flow
	names  map[string]bool // variables that are set somewhere
	later  []func()        // what needs all prompts and variables to be known
}

func (p *flowParser) read(root node) {
	top := root.fields("languages", "timezone", "start", "on_error", "answer", "prompts", "vars", "steps")
	p.languages(top)
	if n, ok := top["timezone"]; ok {
		location, err := time.LoadLocation(n.text())
		if err != nil {
			n.fail("unknown time zone %q", n.Value)
		} else {
			p.flow.location = location
		}
	}
	if n, ok := top["answer"]; ok {
		p.answer(n)
	}
	if n, ok := top["prompts"]; ok {
		p.prompts(n)
	}
	if n, ok := top["vars"]; ok {
		for _, e := range n.entries() {
			p.variable(e.value, e.key)
			p.flow.vars[e.key] = e.value.literal()
		}
	}
	if n, ok := top["steps"]; ok {
		p.steps(n)
	} else {
		root.fail(`key "steps" is missing`)
	}
	p.entry(top)
	for _, do := range p.later {
		do()
	}
}

// answer reads when the call is answered.
func (p *flowParser) answer(n node) {
	switch n.text() {
	case "now":
	case "early":
		p.flow.early = true
	default:
		n.fail("should be now or early")
	}
}

func (p *flowParser) languages(top map[string]node) {
	p.flow.langs = []string{"en"}
	n, ok := top["languages"]
	if !ok {
		return
	}
	var langs []string
	for _, item := range n.items() {
		lang := item.text()
		switch {
		case !langPattern.MatchString(lang):
			item.fail("should be a language tag such as en or it")
		case slices.Contains(langs, lang):
			item.fail("language %q stands twice", lang)
		default:
			langs = append(langs, lang)
		}
	}
	if len(langs) == 0 || len(langs) > maxLanguages {
		n.fail("should name 1 to %d languages", maxLanguages)
		return
	}
	p.flow.langs = langs
}

func (p *flowParser) prompts(n node) {
	for _, e := range n.entries() {
		if !namePattern.MatchString(e.key) {
			p.faults.add(e.line, n.path, "bad prompt name %q", e.key)
			continue
		}
		p.flow.phrases[e.key] = p.phrase(e.key, e.value)
	}
}

// phrase reads the texts of one prompt; the word "file" stands for a sound
// file without text.
func (p *flowParser) phrase(id string, n node) phrase {
	ph := phrase{id: id, line: n.Line}
	if n.is(yaml.ScalarNode) {
		if id == "" || n.Value != "file" {
			n.fail(`should be a text for each language, or "file"`)
		}
		return ph
	}
	ph.text = make(map[string]string)
	texts := n.fields(p.flow.langs...)
	for _, lang := range p.flow.langs {
		if text, ok := texts[lang]; ok {
			ph.text[lang] = strings.Join(strings.Fields(text.text()), " ")
		} else {
			n.fail("text in language %q is missing", lang)
		}
	}
	return ph
}

func (p *flowParser) entry(top map[string]node) {
	if n, ok := top["start"]; ok {
		p.flow.start = n.text()
		p.target(n)
	} else if len(p.flow.order) > 0 {
		p.flow.start = p.flow.order[0]
	}
	if n, ok := top["on_error"]; ok {
		p.flow.onError = p.target(n)
		p.later = append(p.later, func() {
			if s := p.flow.steps[n.Value]; s != nil && s.next != "" {
				n.fail("step %q does not end the flow", n.Value)
			}
		})
	}
}

// target reads the id of a step.
func (p *flowParser) target(n node) string {
	id := n.text()
	p.later = append(p.later, func() {
		if id != "" && p.flow.steps[id] == nil {
			n.fail("no such step: %q", id)
		}
	})
	return id
}

func (p *flowParser) exit(n node) exit { return exit{p.target(n), n.Line} }

// speech reads what to say: a prompt, a list of prompts, or texts by language.
func (p *flowParser) speech(n node, into *speech) {
	switch {
	case n.is(yaml.SequenceNode):
		for _, item := range n.items() {
			p.speech(item, into)
		}
	case n.is(yaml.MappingNode):
		*into = append(*into, p.phrase("", n))
	default:
		id := n.text()
		at := len(*into)
		*into = append(*into, phrase{id: id})
		p.later = append(p.later, func() {
			if ph, ok := p.flow.phrases[id]; ok {
				(*into)[at] = ph
			} else if id != "" {
				n.fail("prompt %q is not among the flow's prompts", id)
			}
		})
	}
}

// variable notes that the flow sets a variable.
func (p *flowParser) variable(n node, name string) string {
	if !namePattern.MatchString(name) || strings.Contains(name, "-") {
		n.fail("bad variable name %q", name)
	}
	p.names[name] = true
	return name
}

// expression compiles the expression in n once all variables are known.
func (p *flowParser) expression(n node, source string, into **expression, options ...expr.Option) {
	p.later = append(p.later, func() {
		e, err := compile(source, n.Line, slices.Sorted(maps.Keys(p.names)), options...)
		if err != nil {
			n.fail("%v", err)
			return
		}
		*into = e
	})
}

// value is a literal, or an expression when it is a text that begins with "=".
type value struct {
	literal any
	expr    *expression
}

func (p *flowParser) value(n node, into *value) {
	v := n.literal()
	if text, ok := v.(string); ok && strings.HasPrefix(text, "=") {
		p.expression(n, strings.TrimSpace(text[1:]), &into.expr)
		return
	}
	into.literal = v
}
