package staff

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

const maxFile = 4 << 20

// reader reads a plan from a file. It remembers the line of each key, and
// collects every mistake.
type reader struct {
	name  string
	lines map[string]int
	errs  []located
}

type located struct {
	line int
	text string
}

func (r *reader) fail(line int, key, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if key != "" {
		text = key + ": " + text
	}
	r.errs = append(r.errs, located{line, text})
}

// lineOf returns the line of a key, or of the nearest one above it.
func (r *reader) lineOf(key string) int {
	for key != "" {
		if line, ok := r.lines[key]; ok {
			return line
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return 1
}

// finish adds what is wrong with the plan itself, unless its line could not be
// read, and returns all mistakes in the order of lines.
func (r *reader) finish(p Plan, override func(*Plan)) (Plan, error) {
	override(&p)
	unread := map[int]bool{}
	for _, e := range r.errs {
		unread[e.line] = true
	}
	if joined, ok := p.Validate().(interface{ Unwrap() []error }); ok { //nolint:errorlint // taken apart, not matched
		for _, err := range joined.Unwrap() {
			if e, ok := errors.AsType[*KeyError](err); ok && !unread[r.lineOf(e.Key)] {
				r.fail(r.lineOf(e.Key), e.Key, "%s", e.Text)
			}
		}
	}
	slices.SortStableFunc(r.errs, func(a, b located) int { return cmp.Compare(a.line, b.line) })
	r.errs = slices.Compact(r.errs)
	errs := make([]error, len(r.errs))
	for i, e := range r.errs {
		errs[i] = fmt.Errorf("%w: %s:%d: %s", errPlan, r.name, e.line, e.text)
	}
	return p, errors.Join(errs...)
}

// Read reads a plan: CSV when the name ends in .csv, else YAML. The override
// changes it before it is checked, for flags that stand above the file. Every
// mistake is reported with its line and key.
func Read(name string, data []byte, override func(*Plan)) (Plan, error) {
	if len(data) > maxFile {
		return Plan{}, fmt.Errorf("%w: %s is larger than %d bytes", errPlan, name, maxFile)
	}
	r := &reader{name: name, lines: map[string]int{}}
	if strings.HasSuffix(strings.ToLower(name), ".csv") {
		return r.finish(r.csv(data), override)
	}
	var doc yaml.Node
	if err := yaml.Load(data, &doc); err != nil {
		if one, ok := errors.AsType[*yaml.LoadError](err); ok {
			return Plan{}, fmt.Errorf("%w: %s:%d: %s", errPlan, name, max(one.Mark.Line, 1), one.Message)
		}
		return Plan{}, fmt.Errorf("%s: %w", name, err)
	}
	root := &doc
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		root = doc.Content[0]
	}
	return r.finish(r.yaml(root), override)
}

// fields reads a mapping with known keys, each of which may stand once.
func (r *reader) fields(n *yaml.Node, path string, known map[string]func(n *yaml.Node, key string)) {
	r.each(n, path, func(name string, value *yaml.Node, key string) {
		if read := known[name]; read != nil {
			read(value, key)
			return
		}
		keys := make([]string, 0, len(known))
		for k := range known {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		r.fail(value.Line, key, "unknown key; there are %s", strings.Join(keys, ", "))
	})
}

func (r *reader) each(n *yaml.Node, path string, read func(name string, value *yaml.Node, key string)) {
	if n.Kind != yaml.MappingNode {
		r.fail(n.Line, path, "should be keys and values")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		key := strings.TrimPrefix(path+"."+name.Value, ".")
		if _, twice := r.lines[key]; twice {
			r.fail(name.Line, key, "the key is there twice")
			continue
		}
		r.lines[key] = name.Line
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		read(name.Value, value, key)
	}
}

// scalar returns a reader of one word by parse.
func scalar[T any](r *reader, to *T, parse func(string) (T, error)) func(*yaml.Node, string) {
	return func(n *yaml.Node, key string) {
		if n.Kind != yaml.ScalarNode {
			r.fail(n.Line, key, "should be one word or number")
			return
		}
		x, err := parse(n.Value)
		if err != nil {
			r.fail(n.Line, key, "%v", err)
			return
		}
		*to = x
	}
}

type level struct {
	share  float64
	within time.Duration
}

func parseLevel(s string) (level, error) {
	share, within, err := ParseLevel(s)
	return level{share, within}, err
}

func (r *reader) yaml(root *yaml.Node) (p Plan) {
	var (
		defaults  Interval
		intervals *yaml.Node
		own       level
	)
	r.fields(root, "", map[string]func(*yaml.Node, string){
		"target": func(n *yaml.Node, key string) {
			r.fields(n, key, map[string]func(*yaml.Node, string){
				"service_level": scalar(r, &own, parseLevel),
				"asa":           scalar(r, &p.Target.ASA, parseDuration),
				"abandon":       scalar(r, &p.Target.Abandon, ParseShare),
				"occupancy":     scalar(r, &p.Target.Occupancy, ParseShare),
			})
		},
		"defaults": func(n *yaml.Node, key string) { r.fields(n, key, r.intervalKeys(&defaults)) },
		"backlog": func(n *yaml.Node, key string) {
			r.each(n, key, func(name string, n *yaml.Node, key string) { p.Streams = append(p.Streams, r.stream(name, n, key)) })
		},
		"intervals": func(n *yaml.Node, _ string) { intervals = n },
	})
	p.Target.Level, p.Target.Within = own.share, own.within
	if intervals != nil {
		p.Intervals = r.intervals(intervals, defaults, p.Streams)
	}
	return p
}

// intervalKeys are those that defaults have as well.
func (r *reader) intervalKeys(iv *Interval) map[string]func(*yaml.Node, string) {
	return map[string]func(*yaml.Node, string){
		"length":    scalar(r, &iv.Length, parseDuration),
		"contacts":  scalar(r, &iv.Contacts, parseContacts),
		"handle":    scalar(r, &iv.Handle, parseDuration),
		"patience":  scalar(r, &iv.Patience, parseDuration),
		"shrinkage": scalar(r, &iv.Shrinkage, ParseShare),
	}
}

func (r *reader) intervals(n *yaml.Node, defaults Interval, streams []Stream) (list []Interval) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n.Line, "intervals", "should be a list")
		return nil
	}
	for i, item := range n.Content {
		key := fmt.Sprintf("intervals[%d]", i)
		r.lines[key] = item.Line
		iv := defaults
		iv.Start = next(list)
		iv.Backlog = make([]float64, len(streams))
		keys := r.intervalKeys(&iv)
		keys["start"] = scalar(r, &iv.Start, parseStart)
		keys["backlog"] = func(n *yaml.Node, key string) {
			r.each(n, key, func(name string, n *yaml.Node, key string) {
				k := slices.IndexFunc(streams, func(s Stream) bool { return s.Name == name })
				if k < 0 {
					r.fail(n.Line, key, "no such stream in backlog")
					return
				}
				scalar(r, &iv.Backlog[k], parseContacts)(n, key)
			})
		}
		r.fields(item, key, keys)
		list = append(list, iv)
	}
	return list
}

// next is where an interval without a start begins.
func next(list []Interval) time.Time {
	if len(list) == 0 {
		at, _ := parseStart("00:00") // midnight it is
		return at
	}
	last := list[len(list)-1]
	return last.Start.Add(last.Length)
}

func (r *reader) stream(name string, n *yaml.Node, key string) Stream {
	s := Stream{Name: name, Share: 1}
	r.fields(n, key, map[string]func(*yaml.Node, string){
		"handle":   scalar(r, &s.Handle, parseDuration),
		"deadline": scalar(r, &s.Deadline, parseDuration),
		"share":    scalar(r, &s.Share, ParseShare),
		"waiting":  scalar(r, &s.Waiting, parseContacts),
		"left":     scalar(r, &s.Left, parseContacts),
		"idle":     scalar(r, &s.Idle, strconv.ParseBool),
	})
	return s
}

// csv reads intervals whose columns are named in the first line.
func (r *reader) csv(data []byte) (p Plan) {
	in := csv.NewReader(bytes.NewReader(data))
	in.TrimLeadingSpace, in.Comment = true, '#'
	columns, err := in.Read()
	if err != nil {
		r.fail(1, "", "should begin with the names of the columns: %v", err)
		return p
	}
	for {
		row, err := in.Read()
		if row == nil {
			if e, ok := errors.AsType[*csv.ParseError](err); ok {
				r.fail(e.Line, "", "%v", e.Err)
			}
			return p
		}
		if err != nil {
			e, _ := errors.AsType[*csv.ParseError](err)
			r.fail(e.Line, "", "%v", e.Err)
			continue
		}
		line, _ := in.FieldPos(0)
		iv := Interval{Start: next(p.Intervals)}
		key := fmt.Sprintf("intervals[%d]", len(p.Intervals))
		r.lines[key] = line
		keys := r.intervalKeys(&iv)
		keys["start"] = scalar(r, &iv.Start, parseStart)
		for i, name := range columns {
			cell := &yaml.Node{Kind: yaml.ScalarNode, Value: strings.TrimSpace(row[i]), Line: line}
			if read := keys[strings.TrimSpace(name)]; read == nil {
				r.fail(1, strings.TrimSpace(name), "unknown column; there are start, length, contacts, handle, patience, shrinkage")
			} else if cell.Value != "" {
				read(cell, key+"."+strings.TrimSpace(name))
			}
		}
		p.Intervals = append(p.Intervals, iv)
	}
}
